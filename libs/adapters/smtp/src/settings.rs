//! Where the mail server is and how it is reached, read from a URL.
//!
//! | URL | means |
//! |---|---|
//! | `smtp://user:password@host:587` | STARTTLS, which the server must offer; 587 is the default port |
//! | `smtps://user:password@host:465` | TLS from the first byte; 465 is the default port |
//! | `smtp://host:25?tls=none` | no encryption: for a relay on a private network, and without a password |
//! | `…?ca=/path/ca.pem` | also trusts this certificate authority |
//!
//! A password never goes over an unencrypted connection, except to this machine.

use percent_encoding::percent_decode_str;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use url::Url;

/// Port of message submission (RFC 6409).
const SUBMISSION: u16 = 587;
/// Port of message submission over TLS (RFC 8314).
const SUBMISSIONS: u16 = 465;

/// Why a URL cannot be used. It does not repeat the URL, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableUrl {
    /// It is not of one of the forms of the table above.
    #[error("must be smtp://user:password@host:port or smtps://user:password@host:port")]
    Form,
    /// It has a parameter that does not exist, or a value that a parameter does not have.
    #[error("has an unknown parameter: there are tls=none and ca=/path/to/file.pem")]
    Parameter,
    /// User or password has a percent sign that begins no escape: what is meant is unclear.
    #[error(
        "has a % in user or password without two hexadecimal digits behind it: write %25 for a percent sign"
    )]
    Percent,
    /// A password would be readable for everybody on the way.
    #[error("would send the password without encryption: leave out tls=none")]
    OpenPassword,
}

/// How the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// By STARTTLS, or not at all.
    StartTls,
    /// From the first byte.
    Tls,
    /// None.
    None,
}

/// Settings of the mailer.
#[derive(Clone)]
pub struct SmtpSettings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) encryption: Encryption,
    pub(crate) credentials: Option<(String, String)>,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) provider: &'static str,
    /// Headers that the provider wants in every mail.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl SmtpSettings {
    /// The settings of a mail server of the operator's own.
    pub fn from_url(url: &str) -> Result<Self, UnusableUrl> {
        let url = Url::parse(url).map_err(|_| UnusableUrl::Form)?;
        let (mut encryption, default_port) = match url.scheme() {
            "smtp" => (Encryption::StartTls, SUBMISSION),
            "smtps" => (Encryption::Tls, SUBMISSIONS),
            _ => return Err(UnusableUrl::Form),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(UnusableUrl::Form)?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(UnusableUrl::Form);
        }
        let mut ca = None;
        for (name, value) in url.query_pairs() {
            match (name.as_ref(), value.as_ref()) {
                ("tls", "none") if encryption == Encryption::StartTls => encryption = Encryption::None,
                ("ca", path) if !path.is_empty() => ca = Some(PathBuf::from(path)),
                _ => return Err(UnusableUrl::Parameter),
            }
        }
        let settings = Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(default_port),
            encryption,
            credentials: credentials(&url)?,
            ca,
            provider: "smtp",
            headers: Vec::new(),
        };
        settings.without_open_password()
    }

    /// The settings of Postmark's mail server at `url`, for a server token and a message stream. Postmark
    /// takes the token as user and password, and keeps a `Message-ID` only if it is asked to.
    pub fn postmark(url: &str, token: &str, stream: &str) -> Result<Self, UnusableUrl> {
        let settings = Self {
            credentials: Some((token.to_owned(), token.to_owned())),
            provider: "postmark",
            headers: vec![("X-PM-Message-Stream", stream.to_owned()), ("X-PM-KeepID", "true".to_owned())],
            ..Self::from_url(url)?
        };
        settings.without_open_password()
    }

    /// Where the mail server is, as `host:port`.
    pub fn server(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    fn without_open_password(self) -> Result<Self, UnusableUrl> {
        let is_open = self.credentials.is_some() && self.encryption == Encryption::None;
        if is_open && !is_this_machine(&self.host) { Err(UnusableUrl::OpenPassword) } else { Ok(self) }
    }
}

/// Host and port only.
impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.server())
    }
}

fn credentials(url: &Url) -> Result<Option<(String, String)>, UnusableUrl> {
    let is_escape = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    let decoded = |text: &str| {
        if !text.split('%').skip(1).all(is_escape) {
            return Err(UnusableUrl::Percent);
        }
        let text = percent_decode_str(text).decode_utf8().map_err(|_| UnusableUrl::Form)?;
        Ok(text.into_owned())
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err(UnusableUrl::Form),
        (user, Some(password)) => Ok(Some((decoded(user)?, decoded(password)?))),
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_how_the_server_is_reached() {
        let of = |url| SmtpSettings::from_url(url).unwrap();
        let plain = of("smtp://user%40x:p%3Ass@mail.example.com");
        assert_eq!(
            (plain.host.as_str(), plain.port, plain.encryption),
            ("mail.example.com", 587, Encryption::StartTls)
        );
        assert_eq!(plain.credentials, Some(("user@x".to_owned(), "p:ss".to_owned())));
        assert_eq!((of("smtps://mail/").port, of("smtps://mail").encryption), (465, Encryption::Tls));
        assert_eq!(of("smtp://[::1]:25?tls=none").host, "::1");
        assert_eq!(of("smtp://mail:25?ca=%2Fetc%2Fca.pem").ca, Some(PathBuf::from("/etc/ca.pem")));
        assert_eq!(format!("{plain:?}"), "mail.example.com:587");
    }

    #[test]
    fn a_url_that_says_something_else_is_refused() {
        for url in [
            "",
            "mail.example.com",
            "http://mail",
            "smtp://",
            "smtp:mail",
            "smtp://mail/x",
            "smtp://user@mail",
            "smtp://:p@mail",
        ] {
            assert_eq!(SmtpSettings::from_url(url).unwrap_err(), UnusableUrl::Form, "{url}");
        }
        for url in ["smtp://mail?tls=maybe", "smtp://mail?x=1", "smtps://mail?tls=none", "smtp://mail?ca="] {
            assert_eq!(SmtpSettings::from_url(url).unwrap_err(), UnusableUrl::Parameter, "{url}");
        }
        for url in ["smtp://u:p%zz@mail", "smtp://u:p%@mail", "smtp://u:p%2@mail", "smtp://u%zz:p@mail"] {
            assert_eq!(SmtpSettings::from_url(url).unwrap_err(), UnusableUrl::Percent, "{url}");
        }
        let open = SmtpSettings::from_url("smtp://u:p@mail?tls=none").unwrap_err();
        assert_eq!(open, UnusableUrl::OpenPassword);
        assert!(SmtpSettings::from_url("smtp://u:p@127.0.0.1?tls=none").is_ok());
        assert_eq!(
            SmtpSettings::postmark("smtp://mail?tls=none", "t", "s").unwrap_err(),
            UnusableUrl::OpenPassword
        );
    }
}

//! What is known of people: names, addresses, logins.

use crate::MailAddress;
use crate::client::values::unfit::Unfit;
use crate::content::{is_blank, line_within};
use crate::group::GROUP_NAME_MAX_CHARS;
use crate::person::NAME_MAX_CHARS;
use http::Uri;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::Deserialize;

/// Longest address in bytes: what every browser and proxy takes.
pub(super) const LINK_MAX_BYTES: usize = 2_048;
/// Longest e-mail address in bytes (RFC 5321, section 4.5.3.1.3).
const EMAIL_MAX_BYTES: usize = 254;
/// A login is a SHA-256 in hexadecimal digits.
const LOGIN_DIGITS: usize = 64;
/// Longest role in bytes: a word.
const ROLE_MAX_BYTES: usize = 64;
/// Longest name of a template in bytes: a word.
const TEMPLATE_NAME_MAX_BYTES: usize = 64;

/// What a person is called: one clean line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct PersonName(String);

impl PersonName {
    /// The name.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for PersonName {
    type Error = Unfit;

    fn try_from(raw: String) -> Result<Self, Unfit> {
        let name = line_within(&raw, NAME_MAX_CHARS).map(Self);
        name.ok_or_else(|| Unfit::field(format_args!("must have 1 to {NAME_MAX_CHARS} characters")))
    }
}

/// What a group is called: one clean line, or an empty text for no name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct GroupName(String);

impl GroupName {
    /// The name; empty for none.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for GroupName {
    type Error = Unfit;

    fn try_from(raw: String) -> Result<Self, Unfit> {
        if raw.is_empty() {
            return Ok(Self(raw));
        }
        let name = line_within(&raw, GROUP_NAME_MAX_CHARS).map(Self);
        name.ok_or_else(|| {
            Unfit::field(format_args!("must have 1 to {GROUP_NAME_MAX_CHARS} characters, or none at all"))
        })
    }
}

/// What somebody is to the host application: a short, plain word.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("pattern" = "^[A-Za-z0-9_.:-]{1,64}$"))]
pub struct RoleName(String);

impl RoleName {
    /// The word.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for RoleName {
    type Error = Unfit;

    fn try_from(role: String) -> Result<Self, Unfit> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
        if (1..=ROLE_MAX_BYTES).contains(&role.len()) && role.bytes().all(is_allowed) {
            return Ok(Self(role));
        }
        Err(Unfit::field(format_args!("must match [A-Za-z0-9_.:-]{{1,{ROLE_MAX_BYTES}}}")))
    }
}

/// The name of a template: a word that can be the name of a file everywhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("pattern" = "^[A-Za-z0-9_-]{1,64}$"))]
pub struct TemplateName(String);

impl TemplateName {
    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The word.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for TemplateName {
    type Error = Unfit;

    fn try_from(name: String) -> Result<Self, Unfit> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if (1..=TEMPLATE_NAME_MAX_BYTES).contains(&name.len()) && name.bytes().all(is_allowed) {
            return Ok(Self(name));
        }
        Err(Unfit::field(format_args!("must match [A-Za-z0-9_-]{{1,{TEMPLATE_NAME_MAX_BYTES}}}")))
    }
}

/// Where a browser may be sent: `https://host…`, or `/path` on the same site.
///
/// Everything else can run script (`javascript:`, `data:`), leave the encryption (`http:`), or mean another
/// host than it seems (`//host`, `\`, user names before `@`). Apostrophes, inner spaces and letters that are
/// no ASCII, as people write and browsers show them, become `%27`, `%20` and so on: the same address, in the
/// form in which a browser asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("pattern" = "^([Hh][Tt][Tt][Pp][Ss]://|/(?!/))", "maxLength" = LINK_MAX_BYTES))]
pub struct Link(String);

impl Link {
    /// The address.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for Link {
    type Error = Unfit;

    fn try_from(url: String) -> Result<Self, Unfit> {
        let url = encoded(&url);
        if is_safe(&url) {
            return Ok(Self(url));
        }
        Err(Unfit::must_be("an https address or a path on this site"))
    }
}

/// Address of a picture, or an empty text for none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("pattern" = "^$|^([Hh][Tt][Tt][Pp][Ss]://|/(?!/))", "maxLength" = LINK_MAX_BYTES), with = "String")]
pub struct PictureChoice(Option<Link>);

impl PictureChoice {
    /// The address; empty for none.
    pub fn into_string(self) -> String {
        self.0.map(Link::into_string).unwrap_or_default()
    }
}

impl TryFrom<String> for PictureChoice {
    type Error = Unfit;

    fn try_from(url: String) -> Result<Self, Unfit> {
        if url.is_empty() { Ok(Self(None)) } else { Link::try_from(url).map(|link| Self(Some(link))) }
    }
}

/// The address with what an address may not hold percent-encoded (RFC 3987, 3.1), behind its host. What would
/// only deceive is left, and refused then.
fn encoded(url: &str) -> String {
    let host_ends = url.find("://").map_or(0, |at| {
        let host = at + "://".len();
        url[host..].find(['/', '?', '#']).map_or(url.len(), |path| host + path)
    });
    let (host, path) = url.split_at(host_ends);
    let is_text = |c: char| {
        c == '\'' || c == ' ' || !c.is_ascii() && !c.is_control() && !is_blank(c.encode_utf8(&mut [0; 4]))
    };
    let mut encoded = host.to_owned();
    for c in path.trim_end_matches(' ').chars() {
        if is_text(c) {
            encoded.extend(utf8_percent_encode(c.encode_utf8(&mut [0; 4]), NON_ALPHANUMERIC));
        } else {
            encoded.push(c);
        }
    }
    encoded
}

fn is_safe(url: &str) -> bool {
    let is_plain = url.len() <= LINK_MAX_BYTES
        && url.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\<>\"'`".contains(&byte));
    let Some(uri) = is_plain.then(|| url.parse::<Uri>().ok()).flatten() else { return false };
    match uri.scheme_str() {
        Some("https") => uri
            .authority()
            .is_some_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@')),
        Some(_) => false,
        None => url.starts_with('/') && !url.starts_with("//"),
    }
}

/// One address to which mails can be sent, without a display name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("format" = "idn-email", "maxLength" = EMAIL_MAX_BYTES))]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The address.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = Unfit;

    fn try_from(text: String) -> Result<Self, Unfit> {
        let is_address = text.len() <= EMAIL_MAX_BYTES && text.parse::<MailAddress>().is_ok();
        if is_address { Ok(Self(text)) } else { Err(Unfit::must_be("an address like name@example.com")) }
    }
}

/// One login of a person: 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("pattern" = "^[0-9A-Fa-f]{64}$"))]
pub struct LoginId(String);

impl LoginId {
    /// The digits, in lower case.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for LoginId {
    type Error = Unfit;

    fn try_from(text: String) -> Result<Self, Unfit> {
        if text.len() == LOGIN_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        Err(Unfit::must_be(format_args!("{LOGIN_DIGITS} hexadecimal digits")))
    }
}

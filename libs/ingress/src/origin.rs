//! Origins: which pages may talk to us, by an allow-list for the WebSocket upgrade, long-polling and REST.
//!
//! A browser attaches cookies to a WebSocket handshake of any page (cross-site WebSocket hijacking), so the
//! `Origin` header decides. Pages of the server itself are always let in, and those of the list. An app in a
//! web view has an origin too (`capacitor://localhost`), so an entry may have any scheme. A request without
//! `Origin` comes from a program, or from a same-origin read; whether its cookie may count is decided by
//! [`OriginPolicy::allows_cookie_auth`].

use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use std::fmt;

/// The header in which a browser says how the asking page and the server are related (W3C Fetch Metadata).
const SEC_FETCH_SITE: &str = "sec-fetch-site";
/// What an entry of the list may be.
const EXPECTED: &str = "expected scheme://host[:port] without a path, such as https://chat.example.com, \
     capacitor://localhost, or https://*.example.com for every name one level below example.com";
/// What an entry of the list of framing origins may be.
const FRAMING_EXPECTED: &str = "expected http:// or https:// and a host, with a port or without, and nothing \
     behind it, such as https://app.example.com; a wildcard and an IPv6 address are none";

/// The origins whose pages may talk to us.
#[derive(Clone, Debug)]
pub struct OriginPolicy {
    allowed: Vec<AllowedOrigin>,
}

/// An entry of the list.
#[derive(Clone, Debug)]
enum AllowedOrigin {
    /// This origin.
    Exactly(Origin),
    /// The origins that have one more label in front of this host.
    OneLevelBelow(Origin),
}

/// Scheme, host and port, in a form that can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    /// The default port of the web's own schemes, if the text names none.
    port: Option<u16>,
}

/// An entry of the allow-list, or the base URL, is not what it has to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("configuration key `{key}`: `{text}` is no origin; {expected}")]
pub struct NotAnOrigin {
    /// The key of the setting.
    pub key: &'static str,
    /// The entry.
    pub text: String,
    /// What it may be.
    pub expected: &'static str,
}

/// The origins of `server.embed_origins`, as the directive `frame-ancestors` of a content security policy
/// names them. Only exact origins of the web are, since whoever frames the page is given its users' clicks.
pub fn framing_origins(list: &[String]) -> Result<Vec<String>, NotAnOrigin> {
    let entry = |text: &String| {
        let wrong =
            || NotAnOrigin { key: "server.embed_origins", text: text.clone(), expected: FRAMING_EXPECTED };
        Origin::parse(text).filter(Origin::can_frame).map(|origin| origin.to_string()).ok_or_else(wrong)
    };
    list.iter().map(entry).collect()
}

impl OriginPolicy {
    /// Lets in the pages of `list`, those of `base_url`, and those of the host that was asked (`Host`).
    pub fn new(list: &[String], base_url: Option<&str>) -> Result<Self, NotAnOrigin> {
        let entry = |text: &String| {
            let wrong =
                || NotAnOrigin { key: "server.allowed_origins", text: text.clone(), expected: EXPECTED };
            AllowedOrigin::parse(text).ok_or_else(wrong)
        };
        let mut allowed = list.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        if let Some(base) = base_url {
            let wrong = || NotAnOrigin { key: "server.base_url", text: base.to_owned(), expected: EXPECTED };
            allowed.push(AllowedOrigin::Exactly(Origin::of_page(base).ok_or_else(wrong)?));
        }
        Ok(Self { allowed })
    }

    /// Whether the request may go on. One without `Origin` may; `null`, foreign, doubled and unreadable ones
    /// may not.
    pub fn admits(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(ORIGIN).into_iter();
        let Some(first) = origins.next() else { return true };
        let origin = first.to_str().ok().and_then(Origin::parse);
        origins.next().is_none() && origin.is_some_and(|origin| self.allows(&origin, headers))
    }

    /// Whether a cookie may prove who asks for a change: the browser must say that the page is one of ours.
    ///
    /// `Origin` does where it is sent (every WebSocket handshake and every write of a page); `Sec-Fetch-Site:
    /// same-origin` does for same-origin reads such as the long-polling handshake. Scripts can set neither.
    /// Who sends neither uses a bearer token.
    pub fn allows_cookie_auth(&self, headers: &HeaderMap) -> bool {
        let site = headers.get(SEC_FETCH_SITE).map(http::HeaderValue::as_bytes);
        match (headers.contains_key(ORIGIN), site) {
            (true, _) => self.admits(headers),
            (false, site) => site == Some(b"same-origin"),
        }
    }

    fn allows(&self, origin: &Origin, headers: &HeaderMap) -> bool {
        origin.is_host(headers) || self.allowed.iter().any(|allowed| allowed.includes(origin))
    }
}

impl AllowedOrigin {
    fn parse(text: &str) -> Option<Self> {
        let Some((scheme, below)) = text.split_once("://*.") else {
            return Origin::parse(text).map(Self::Exactly);
        };
        let base = Origin::parse(&format!("{scheme}://{below}"))?;
        base.can_be_below().then_some(Self::OneLevelBelow(base))
    }

    fn includes(&self, origin: &Origin) -> bool {
        match self {
            Self::Exactly(allowed) => allowed == origin,
            Self::OneLevelBelow(base) => {
                let label = origin.host.strip_suffix(&base.host).and_then(|rest| rest.strip_suffix('.'));
                label.is_some_and(|label| !label.is_empty() && !label.contains('.'))
                    && (&origin.scheme, origin.port) == (&base.scheme, base.port)
            }
        }
    }
}

impl Origin {
    /// An `Origin` header or list entry: exactly `scheme://host[:port]` (RFC 6454, section 6.2).
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://").filter(|(scheme, _)| is_scheme(scheme))?;
        let authority: Authority = authority.parse().ok().filter(|_| !authority.contains(['@', '*']))?;
        let host = authority.host();
        let port = match &authority.as_str()[host.len()..] {
            "" => default_port(scheme),
            named => Some(named.strip_prefix(':')?.parse().ok()?),
        };
        let is_named = !host.is_empty();
        let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
        is_named.then_some(Self { scheme, host, port })
    }

    /// The origin of the page at an address of the web.
    fn of_page(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        Self::parse(&format!("{scheme}://{authority}")).filter(Self::is_of_the_web)
    }

    fn is_of_the_web(&self) -> bool {
        default_port(&self.scheme).is_some()
    }

    /// Whether a content security policy can name this origin (CSP Level 3, `host-source`). It cannot name
    /// IPv6 addresses, and a character such as `;` would end the directive.
    fn can_frame(&self) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        self.is_of_the_web() && self.host.bytes().all(is_plain)
    }

    /// Whether a wildcard may stand before this host: not before an address, nor before a top-level domain,
    /// below which everybody may have a name.
    fn can_be_below(&self) -> bool {
        let last = self.host.rsplit('.').next().unwrap_or_default();
        let is_name = !self.host.starts_with('[') && !last.bytes().all(|byte| byte.is_ascii_digit());
        is_name && !self.host.starts_with('.') && (self.host.contains('.') || self.host == "localhost")
    }

    /// Whether this is the host that was asked. The scheme is not compared: behind a TLS proxy it is not
    /// known here. The page of an app is not ours, whatever it calls its host.
    fn is_host(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        self.is_of_the_web()
            && host
                .and_then(|host| Self::parse(&format!("{}://{host}", self.scheme)))
                .is_some_and(|asked| asked == *self)
    }
}

/// As browsers write it: without the scheme's own port.
impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}://{}", self.scheme, self.host)?;
        match self.port.filter(|_| self.port != default_port(&self.scheme)) {
            Some(port) => write!(out, ":{port}"),
            None => Ok(()),
        }
    }
}

/// Whether this is the name of a scheme (RFC 3986, section 3.1).
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme.to_ascii_lowercase().as_str() {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn listed() -> OriginPolicy {
        OriginPolicy::new(&["https://example.com".into(), "http://localhost:3000".into()], None).unwrap()
    }

    #[test]
    fn only_listed_origins_are_admitted() {
        for (origin, admitted) in [
            ("https://example.com", true),
            ("https://EXAMPLE.com:443", true),
            ("http://localhost:3000", true),
            ("http://example.com", false),
            ("https://example.com:8443", false),
            ("https://example.com.evil.net", false),
            ("https://evil-example.com", false),
            ("https://sub.example.com", false),
            ("https://example.com@evil.net", false),
            ("https://evil.net/https://example.com", false),
            ("https://example.com/", false),
            ("https://example.com, https://evil.net", false),
            ("null", false),
            ("", false),
            ("file://", false),
            ("chrome-extension://abc", false),
        ] {
            assert_eq!(
                listed().admits(&headers(&[("origin", origin), ("host", "evil.net")])),
                admitted,
                "{origin}"
            );
        }
    }

    #[test]
    fn a_list_shuts_the_own_page_out_of_nothing_and_two_origins_are_none() {
        assert!(listed().admits(&headers(&[("origin", "https://chat.test"), ("host", "chat.test")])));
        assert!(!listed().admits(&headers(&[("origin", "app://chat.test"), ("host", "chat.test")])));
        let twice = headers(&[("origin", "https://example.com"), ("origin", "https://evil.net")]);
        assert!(!listed().admits(&twice));
    }

    #[test]
    fn without_a_list_the_asked_host_and_the_base_url_are_admitted() {
        let policy = OriginPolicy::new(&[], Some("https://app.test/chat")).unwrap();
        for (origin, host, admitted) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080", true),
            ("https://chat.test", "chat.test", true),
            ("http://[::1]:8080", "[::1]:8080", true),
            ("https://app.test", "other.test", true),
            ("https://chat.test", "chat.test:8443", false),
            ("https://chat.test.evil.net", "chat.test", false),
            ("https://evil.net", "chat.test", false),
            ("null", "null", false),
        ] {
            assert_eq!(
                policy.admits(&headers(&[("origin", origin), ("host", host)])),
                admitted,
                "{origin} at {host}"
            );
        }
        assert!(policy.admits(&headers(&[("host", "chat.test")])));
    }

    #[test]
    fn a_cookie_acts_only_for_a_page_of_ours() {
        for (pairs, acts) in [
            (vec![("origin", "https://example.com")], true),
            (vec![("origin", "https://evil.net")], false),
            (vec![("origin", "https://evil.net"), ("sec-fetch-site", "same-origin")], false),
            (vec![("sec-fetch-site", "same-origin")], true),
            (vec![("sec-fetch-site", "same-site")], false),
            (vec![("sec-fetch-site", "cross-site")], false),
            (vec![("sec-fetch-site", "none")], false),
            (vec![], false),
        ] {
            assert_eq!(listed().allows_cookie_auth(&headers(&pairs)), acts, "{pairs:?}");
        }
    }

    #[test]
    fn the_pages_of_apps_can_be_listed_whatever_their_scheme() {
        for app in [
            "capacitor://localhost",
            "ionic://localhost",
            "tauri://localhost",
            "app://.",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
            "moz-extension://0f3c2f3a-9d1e-4b6a-8f0e-0a6d4f4a7a11",
            "http://tauri.localhost",
            "vscode-webview://panel:4000",
        ] {
            let policy = OriginPolicy::new(&[app.into()], None).unwrap();
            let admits = |origin: &str| policy.admits(&headers(&[("origin", origin), ("host", "chat.test")]));
            assert!(admits(app), "{app}");
            assert!(!admits(&format!("{app}.evil.net")), "{app}");
            assert!(!admits("https://localhost"), "{app}");
        }
    }

    #[test]
    fn a_wildcard_stands_for_one_label() {
        let policy = OriginPolicy::new(&["https://*.example.com".into()], None).unwrap();
        for (origin, admitted) in [
            ("https://a.example.com", true),
            ("https://A.EXAMPLE.com:443", true),
            ("https://example.com", false),
            ("https://.example.com", false),
            ("https://a.b.example.com", false),
            ("https://*.example.com", false),
            ("https://evilexample.com", false),
            ("https://a.example.com.evil.net", false),
            ("http://a.example.com", false),
            ("https://a.example.com:8443", false),
        ] {
            let asked = headers(&[("origin", origin), ("host", "chat.test")]);
            assert_eq!(policy.admits(&asked), admitted, "{origin}");
        }
        let development = OriginPolicy::new(&["http://*.localhost:3000".into()], None).unwrap();
        assert!(development.admits(&headers(&[("origin", "http://a.localhost:3000")])));
    }

    #[test]
    fn a_list_entry_must_be_an_origin_that_can_match() {
        for bad in [
            "example.com",
            "https://example.com/chat",
            "https://example.com/",
            "https://user@example.com",
            "https://example.com:99999",
            "https://example.com:*",
            "*",
            "https://*",
            "https://*.com",
            "https://*.0.0.1",
            "https://*.[::1]",
            "https://a.*.example.com",
            "https://*.*.example.com",
            "https://m\u{fc}nchen.example",
            "file://",
            "null",
            "",
        ] {
            let error = OriginPolicy::new(&[bad.into()], None).expect_err(bad);
            assert_eq!(
                error,
                NotAnOrigin { key: "server.allowed_origins", text: bad.into(), expected: EXPECTED }
            );
        }
        let error = OriginPolicy::new(&[], Some("chat.example.com")).expect_err("no scheme");
        assert!(error.to_string().contains("`server.base_url`: `chat.example.com`"), "{error}");
    }
    #[test]
    fn framing_origins_are_exact_and_written_as_browsers_write_them() {
        for (entry, written) in [
            ("https://app.example.com", "https://app.example.com"),
            ("HTTPS://App.Example.com:443", "https://app.example.com"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
        ] {
            assert_eq!(framing_origins(&[entry.into()]), Ok(vec![written.into()]), "{entry}");
        }
        assert_eq!(framing_origins(&[]), Ok(Vec::new()));
    }

    #[test]
    fn a_framing_origin_that_is_not_exact_or_cannot_be_named_is_refused() {
        for bad in [
            "app.example.com",
            "https://app.example.com/",
            "https://app.example.com/chat",
            "https://*.example.com",
            "*",
            "https:",
            "'self'",
            "'none'",
            "capacitor://localhost",
            "https://user@app.example.com",
            "https://app.example.com:*",
            "https://[::1]:3000",
            "https://app.example.com;script-src",
            "https://a.example https://b.example",
            "null",
            "",
        ] {
            let error = framing_origins(&["https://good.example".into(), bad.into()]).expect_err(bad);
            let said = error.to_string();
            assert!(said.contains("`server.embed_origins`") && said.contains(bad), "{said}");
            assert!(!said.contains("capacitor://localhost,"), "what it may be is its own: {said}");
        }
    }
}

//! Origins: which web pages may talk to us, by an allow-list for the WebSocket upgrade, long-polling and
//! REST.
//!
//! A browser attaches cookies to a WebSocket handshake of any page (cross-site WebSocket hijacking), so the
//! `Origin` header decides. Without a list, only pages of the server itself are let in. A request without
//! `Origin` comes from a program, or from a same-origin read; whether its cookie may count is decided by
//! [`OriginPolicy::allows_cookie_auth`].

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Uri};

/// The header in which a browser says how the asking page and the server are related (W3C Fetch Metadata).
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// The origins whose pages may talk to us.
#[derive(Clone, Debug)]
pub struct OriginPolicy {
    allowed: Vec<Origin>,
    same_host: bool,
}

/// Scheme, host and port, in a form that can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    https: bool,
    host: String,
    port: u16,
}

/// An entry of the allow-list is not `scheme://host[:port]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read allowed origin {0:?}: expected http(s)://host[:port]")]
pub struct NotAnOrigin(pub String);

impl OriginPolicy {
    /// Lets in the pages of `list` and of `base_url`; with an empty list also those of the host that was
    /// asked (`Host`).
    pub fn new(list: &[String], base_url: Option<&str>) -> Result<Self, NotAnOrigin> {
        let listed = list.iter().map(|text| Origin::parse(text).ok_or_else(|| NotAnOrigin(text.clone())));
        let mut allowed = listed.collect::<Result<Vec<_>, _>>()?;
        if let Some(base) = base_url {
            allowed.push(Origin::of_url(base).ok_or_else(|| NotAnOrigin(base.to_owned()))?);
        }
        Ok(Self { allowed, same_host: list.is_empty() })
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
        self.allowed.contains(origin) || (self.same_host && origin.is_host(headers))
    }
}

impl Origin {
    /// An `Origin` header or list entry: exactly `scheme://host[:port]` (RFC 6454, section 6.2).
    fn parse(text: &str) -> Option<Self> {
        let authority = text.split_once("://")?.1;
        let bare = !authority.contains(['/', '?', '#', '@', '\\']);
        bare.then(|| Self::of_url(text)).flatten()
    }

    fn of_url(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let https = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let host = uri.host().filter(|host| !host.is_empty())?.to_ascii_lowercase();
        Some(Self { https, host, port })
    }

    /// Whether this is the host that was asked. The scheme is not compared: behind a TLS proxy it is not
    /// known here.
    fn is_host(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let scheme = if self.https { "https" } else { "http" };
        host.and_then(|host| Self::parse(&format!("{scheme}://{host}"))).is_some_and(|asked| asked == *self)
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
    fn a_list_replaces_the_same_host_rule_and_two_origins_are_none() {
        assert!(!listed().admits(&headers(&[("origin", "https://chat.test"), ("host", "chat.test")])));
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
    fn a_list_entry_must_be_an_origin() {
        for bad in ["example.com", "https://example.com/chat", "*", "ftp://example.com", ""] {
            assert_eq!(OriginPolicy::new(&[bad.into()], None).err(), Some(NotAnOrigin(bad.into())));
        }
    }
}

//! The token that a request carries, by header or by cookie.
//!
//! Both are read by hand, without copying: a line of code each. The `cookie` crate would bring a calendar for
//! attributes that no request has, and reads `token = x` (with spaces in the name) as our cookie too. A token
//! is understood with the word `Bearer` in front and without it, wherever a client writes it.

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, Uri};

/// Longest token in bytes: the size of all headers that common proxies accept.
pub const TOKEN_MAX_BYTES: usize = 8 * 1024;
/// The cookie that carries the token.
pub const COOKIE_NAME: &str = "token";
/// Cookies that are tried: an application sets one or two, and each one costs a signature.
const COOKIES_MAX: usize = 4;

/// The word in front of a token (RFC 6750).
const SCHEME: &str = "bearer";
/// Parameters by which clients try to send a token in a URL.
const URL_PARAMETERS: [&str; 2] = ["token", "access_token"];

/// The token of an `Authorization` header; `None` for another scheme.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let token = bare(headers.get(AUTHORIZATION)?.to_str().ok()?);
    // No token has a space, so what is in front of one is another scheme.
    (!token.is_empty() && !token.contains(' ')).then_some(token)
}

/// A token as a client presents it, without the word `Bearer` in front.
pub fn bare(presented: &str) -> &str {
    let presented = presented.trim();
    match presented.split_at_checked(SCHEME.len()) {
        Some((scheme, "")) if scheme.eq_ignore_ascii_case(SCHEME) => "",
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(SCHEME) && token.starts_with(' ') => {
            token.trim()
        }
        _ => presented,
    }
}

/// Whether a URL carries a token. It is never read: addresses get into logs, histories and `Referer` headers.
pub fn has_token_in_url(uri: &Uri) -> bool {
    let pairs = uri.query().into_iter().flat_map(|query| query.split('&'));
    let mut named = pairs.filter_map(|pair| pair.split_once('=')).filter(|(_, value)| !value.is_empty());
    named.any(|(name, _)| URL_PARAMETERS.contains(&name))
}

/// The tokens of the cookies [`COOKIE_NAME`] that are not empty, at most [`COOKIES_MAX`]. A browser sends
/// several when the host application has set the cookie for several paths or domains; one of them may be
/// stale.
pub fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs
        .filter(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value.trim_matches('"'))
        .filter(|value| !value.is_empty())
        .take(COOKIES_MAX)
}

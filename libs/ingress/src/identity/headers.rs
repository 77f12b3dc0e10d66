//! The token that a request carries, by header or by cookie.
//!
//! Both are read by hand, without copying: a line of code each. The `cookie` crate would bring a calendar for
//! attributes that no request has, and reads `token = x` (with spaces in the name) as our cookie too.

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};

/// The cookie that carries the token.
pub const COOKIE_NAME: &str = "token";

/// The token of an `Authorization: Bearer` header (RFC 6750).
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The token of the cookie [`COOKIE_NAME`]; of several, the first that is not empty.
pub fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs
        .filter(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value.trim_matches('"'))
        .find(|value| !value.is_empty())
}

//! The claims of a token: those that are read, those that are minted, and those that the settings expect.

use eventflow_protocol::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use std::sync::Arc;

/// The issuer and the audience that a token must name (RFC 7519, sections 4.1.1 and 4.1.3). With `None` the
/// claim is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpectedClaims {
    /// The exact `iss`.
    pub issuer: Option<Arc<str>>,
    /// The exact `aud`, or one of the list that the token has there.
    pub audience: Option<Arc<str>>,
}

/// The claims that a token makes. A claim that comes twice or has the wrong type fails the token. Of `iss`
/// and `aud`, only the number is checked unless the settings expect something of them.
#[derive(Deserialize)]
pub(super) struct Claims {
    pub(super) id: Option<String>,
    pub(super) sub: Option<String>,
    pub(super) role: Option<String>,
    pub(super) name: Option<String>,
    pub(super) exp: Number,
    pub(super) nbf: Option<Number>,
    pub(super) iat: Option<Number>,
    pub(super) jti: Option<String>,
    #[serde(default)]
    pub(super) iss: Value,
    #[serde(default)]
    pub(super) aud: Value,
}

/// The claims of a token that this system issues itself.
#[derive(Serialize)]
pub(super) struct MintedClaims<'a> {
    pub(super) id: &'a UserId,
    pub(super) sub: &'a UserId,
    pub(super) role: &'a str,
    pub(super) name: &'a str,
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) aud: Option<&'a str>,
}

impl Claims {
    /// The user that `id` or `sub` names; if both are there they must agree.
    pub(super) fn user(&self) -> Option<UserId> {
        let user = self.id.as_ref().or(self.sub.as_ref())?;
        let agree = self.sub.as_ref().is_none_or(|sub| sub == user);
        if agree { user.parse().ok() } else { None }
    }
}

impl ExpectedClaims {
    pub(super) fn are_met_by(&self, claims: &Claims) -> bool {
        let issuer = self.issuer.as_deref();
        let audience = self.audience.as_deref();
        issuer.is_none_or(|issuer| is_text(&claims.iss, issuer))
            && audience.is_none_or(|audience| match &claims.aud {
                Value::Array(several) => several.iter().any(|one| is_text(one, audience)),
                one => is_text(one, audience),
            })
    }
}

fn is_text(claim: &Value, expected: &str) -> bool {
    claim.as_str() == Some(expected)
}

/// The time that a `NumericDate` claim means (RFC 7519, section 2: seconds, fractions allowed); `None` if it
/// is out of any sensible range.
pub(super) fn timestamp(seconds: &Number) -> Option<Timestamp> {
    const LATEST_S: f64 = 1e12;
    let seconds = seconds.as_f64().filter(|seconds| (0.0..LATEST_S).contains(seconds))?;
    #[allow(clippy::cast_possible_truncation, reason = "the range was checked: at most 10^15 milliseconds")]
    Some(Timestamp((seconds * 1_000.0) as i64))
}

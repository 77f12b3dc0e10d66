//! The claims of a token: those that are read, those that are minted, and those that the settings expect.

use super::fault::TokenFault;
use eventflow_protocol::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use std::sync::Arc;

/// The latest time in seconds: the year 33,658. A number of today's milliseconds is larger.
const LATEST_S: f64 = 1e12;

/// The issuer and the audience that a token must name (RFC 7519, sections 4.1.1 and 4.1.3). With `None` the
/// claim is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpectedClaims {
    /// The exact `iss`.
    pub issuer: Option<Arc<str>>,
    /// The exact `aud`, or one of the list that the token has there.
    pub audience: Option<Arc<str>>,
}

/// The claims that a token makes, as they are. A claim that comes twice fails the token. `null` counts as not
/// there.
#[derive(Deserialize)]
pub(super) struct Claims {
    id: Option<Value>,
    sub: Option<Value>,
    role: Option<Value>,
    name: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
    jti: Option<Value>,
    #[serde(default)]
    iss: Value,
    #[serde(default)]
    aud: Value,
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
    pub(super) fn user(&self) -> Result<UserId, TokenFault> {
        let (id, sub) = (text("id", self.id.as_ref())?, text("sub", self.sub.as_ref())?);
        let user = id.or(sub).ok_or(TokenFault::NobodyNamed)?;
        if sub.is_some_and(|sub| sub != user) {
            return Err(TokenFault::TwoNamed);
        }
        user.parse().map_err(|_| TokenFault::UserId)
    }

    /// The role, if the token names one.
    pub(super) fn role(&self) -> Result<Option<&str>, TokenFault> {
        text("role", self.role.as_ref())
    }

    /// What the user is called, if the token says it.
    pub(super) fn name(&self) -> Result<Option<&str>, TokenFault> {
        text("name", self.name.as_ref())
    }

    /// The name of the login, if it has one.
    pub(super) fn login(&self) -> Result<Option<&str>, TokenFault> {
        text("jti", self.jti.as_ref())
    }

    /// When the token ends.
    pub(super) fn expires(&self) -> Result<Timestamp, TokenFault> {
        moment("exp", self.exp.as_ref())?.ok_or(TokenFault::ExpMissing)
    }

    /// When the token begins, if it says so.
    pub(super) fn begins(&self) -> Result<Option<Timestamp>, TokenFault> {
        moment("nbf", self.nbf.as_ref())
    }

    /// When the token was issued; `None` if it does not say, or says something out of any sensible range.
    pub(super) fn issued_at(&self) -> Result<Option<Timestamp>, TokenFault> {
        Ok(number("iat", self.iat.as_ref())?.and_then(timestamp))
    }
}

impl ExpectedClaims {
    /// Checks the issuer and the audience that a token names.
    pub(super) fn check(&self, claims: &Claims) -> Result<(), TokenFault> {
        if self.issuer.as_deref().is_some_and(|issuer| !is_text(&claims.iss, issuer)) {
            return Err(TokenFault::Issuer);
        }
        let names = |audience: &str| match &claims.aud {
            Value::Array(several) => several.iter().any(|one| is_text(one, audience)),
            one => is_text(one, audience),
        };
        if self.audience.as_deref().is_some_and(|audience| !names(audience)) {
            return Err(TokenFault::Audience);
        }
        Ok(())
    }
}

fn is_text(claim: &Value, expected: &str) -> bool {
    claim.as_str() == Some(expected)
}

fn text<'a>(claim: &'static str, value: Option<&'a Value>) -> Result<Option<&'a str>, TokenFault> {
    match value {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or(TokenFault::NoText(claim)),
    }
}

fn number<'a>(claim: &'static str, value: Option<&'a Value>) -> Result<Option<&'a Number>, TokenFault> {
    match value {
        None => Ok(None),
        Some(Value::Number(number)) => Ok(Some(number)),
        Some(_) => Err(TokenFault::NoNumber(claim)),
    }
}

/// The time of a claim that decides whether the token holds: one out of range fails the token.
fn moment(claim: &'static str, value: Option<&Value>) -> Result<Option<Timestamp>, TokenFault> {
    let Some(number) = number(claim, value)? else { return Ok(None) };
    let in_milliseconds = number.as_f64().is_some_and(|value| (LATEST_S..LATEST_S * 1e3).contains(&value));
    let wrong = if in_milliseconds { TokenFault::Milliseconds(claim) } else { TokenFault::NoNumber(claim) };
    timestamp(number).map(Some).ok_or(wrong)
}

/// The time that a `NumericDate` claim means (RFC 7519, section 2: seconds, fractions allowed); `None` if it
/// is out of any sensible range.
fn timestamp(seconds: &Number) -> Option<Timestamp> {
    let seconds = seconds.as_f64().filter(|seconds| (0.0..LATEST_S).contains(seconds))?;
    #[allow(clippy::cast_possible_truncation, reason = "the range was checked: at most 10^15 milliseconds")]
    Some(Timestamp((seconds * 1_000.0) as i64))
}

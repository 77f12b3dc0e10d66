//! Who is this: a JWT in, an [`Identity`] out, or the code that tells a client whether a new token would help.
//!
//! One pinned algorithm (HS256) and the keys of [`keys`]: what a token's header says about algorithms and keys (`alg`, `jwk`,
//! `jku`, `x5u`) is never followed (RFC 8725, sections 3.1 and 3.10). Times are checked here, against the `Clock`, and must be JSON
//! numbers: a library that skips an `exp` of the wrong type lets tokens live for ever (CVE-2026-25537).
//! Whether a credential that holds was revoked is asked in [`crate::revocation`].

mod keys;

use crate::hs256;
use crate::refusal::Refusal;
use eventflow_ports::Clock;
use eventflow_protocol::{ErrorCode, Timestamp, UserId};
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use jsonwebtoken::{Algorithm, Header, Validation};
use keys::{Key, KeyRing};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

/// Shortest secret in bytes: the output size of HMAC-SHA-256 (RFC 7518, section 3.2).
pub const SECRET_MIN_BYTES: usize = 32;
/// Longest token in bytes: the size of all headers that common proxies accept.
pub const TOKEN_MAX_BYTES: usize = 8 * 1024;
/// Clocks of issuer and server may differ by this many seconds.
pub const LEEWAY_S: i64 = 60;
/// The cookie that carries the token.
pub const COOKIE_NAME: &str = "token";
/// The role of a token that names none.
const DEFAULT_ROLE: &str = "user";
/// The role that may do what concerns everybody.
pub const ADMIN_ROLE: &str = "admin";

/// Who must have issued a token and whom it must be meant for (RFC 7519, sections 4.1.1 and 4.1.3). `None`: the claim is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The exact `iss`.
    pub issuer: Option<Arc<str>>,
    /// The exact `aud`, or one of the list that the token has there.
    pub audience: Option<Arc<str>>,
}

/// A secret, current or previous, cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a token secret has {0} bytes, at least {SECRET_MIN_BYTES} are needed")]
pub struct WeakSecret(pub usize);

/// Somebody whose credential holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who.
    pub user: UserId,
    /// What they are to the host application; `user` if the token says nothing.
    pub role: String,
    /// What they are called; the user id if the token says nothing.
    pub name: String,
    /// Which login this is.
    pub session: Session,
    /// When the credential ends, without leeway.
    pub expires: Timestamp,
    /// When it was issued; `None` if the token does not say, or says something out of any sensible range.
    pub issued_at: Option<Timestamp>,
}

/// One login: a hash over the token's `jti`, or over the token if it has none. Shown as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Session(pub [u8; 32]);

/// Checks tokens and mints development ones.
#[derive(Clone)]
pub struct Tokens {
    keys: KeyRing,
    validation: Validation,
    expected: Expected,
    clock: Arc<dyn Clock>,
}

/// What a token says. A claim that comes twice or has the wrong type fails the token; of `iss` and `aud`, which may be of no concern
/// here, only the number is looked at unless something is expected of them.
#[derive(Deserialize)]
struct Claims {
    id: Option<String>,
    sub: Option<String>,
    role: Option<String>,
    name: Option<String>,
    exp: serde_json::Number,
    nbf: Option<serde_json::Number>,
    iat: Option<serde_json::Number>,
    jti: Option<String>,
    #[serde(default)]
    iss: Value,
    #[serde(default)]
    aud: Value,
}

#[derive(Serialize)]
struct Minted<'a> {
    id: &'a UserId,
    sub: &'a UserId,
    role: &'a str,
    name: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
}

impl Tokens {
    /// With the shared secret.
    pub fn new(secret: &[u8], clock: Arc<dyn Clock>) -> Result<Self, WeakSecret> {
        let keys = KeyRing::new(Key::new(secret)?);
        hs256::install();
        let mut validation = Validation::new(Algorithm::HS256);
        // Times and addressees are checked below: with our clock, and with strict types.
        validation.validate_exp = false;
        validation.validate_aud = false;
        Ok(Self { keys, validation, expected: Expected::default(), clock })
    }

    /// Accepts tokens of this issuer and for this audience only, and mints such.
    #[must_use]
    pub fn expecting(self, expected: Expected) -> Self {
        Self { expected, ..self }
    }

    /// Accepts tokens signed with the secret before this one too, so that a new secret signs nobody out. None are minted with it.
    pub fn with_previous(mut self, secret: &[u8]) -> Result<Self, WeakSecret> {
        self.keys.accept(Key::new(secret)?);
        Ok(self)
    }

    /// Who presents this token. Refuses with [`ErrorCode::TokenExpired`] if it was good once, else with
    /// [`ErrorCode::Unauthenticated`].
    pub fn verify(&self, token: &str) -> Result<Identity, Refusal> {
        let claims = self.claims(token).ok_or_else(invalid_token)?;
        let user = user_of(&claims).filter(|_| self.expected.is_met_by(&claims)).ok_or_else(invalid_token)?;
        let expires = self.check_times(&claims)?;
        Ok(Identity {
            issued_at: claims.iat.as_ref().and_then(moment),
            role: claims.role.unwrap_or_else(|| DEFAULT_ROLE.to_owned()),
            name: claims.name.unwrap_or_else(|| user.to_string()),
            session: Session::of(&user, claims.jti.as_deref(), token),
            user,
            expires,
        })
    }

    /// A token for `user`, valid from now for `lifetime_s` seconds. For development and the demonstration page: in
    /// production the host application issues tokens.
    pub fn mint(&self, user: &UserId, name: &str, lifetime_s: i64) -> String {
        self.mint_as(user, name, DEFAULT_ROLE, lifetime_s)
    }

    /// As [`Tokens::mint`], for somebody of this role.
    pub fn mint_as(&self, user: &UserId, name: &str, role: &str, lifetime_s: i64) -> String {
        let iat = self.now_s();
        let jti = uuid::Uuid::now_v7().simple().to_string();
        let (iss, aud) = (self.expected.issuer.as_deref(), self.expected.audience.as_deref());
        let claims = Minted { id: user, sub: user, role, name, iat, exp: iat + lifetime_s, jti, iss, aud };
        let key = self.keys.current();
        let header = Header { kid: Some(key.id().to_owned()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims, key.encoding())
            .expect("an HMAC key signs any claims that have a JSON form")
    }

    /// Whether a credential that ends at `expires` has ended by now, leeway included.
    pub fn has_expired(&self, expires: Timestamp) -> bool {
        self.clock.now().0 >= expires.0.saturating_add(LEEWAY_S * 1_000)
    }

    fn claims(&self, token: &str) -> Option<Claims> {
        if token.len() > TOKEN_MAX_BYTES {
            return None;
        }
        let header = jsonwebtoken::decode_header(token).ok()?;
        // What an issuer calls critical must be understood (RFC 7515, section 4.1.11), and there is no such thing here.
        if header.crit.is_some() {
            return None;
        }
        let mut keys = self.keys.candidates(header.kid.as_deref());
        keys.find_map(|key| {
            Some(jsonwebtoken::decode::<Claims>(token, key.decoding(), &self.validation).ok()?.claims)
        })
    }

    fn check_times(&self, claims: &Claims) -> Result<Timestamp, Refusal> {
        let expires = moment(&claims.exp).ok_or_else(invalid_token)?;
        if self.has_expired(expires) {
            return Err(Refusal::new(ErrorCode::TokenExpired, "the token has expired"));
        }
        let starts = claims.nbf.as_ref().map(|nbf| moment(nbf).ok_or_else(invalid_token)).transpose()?;
        let latest = self.clock.now().0.saturating_add(LEEWAY_S * 1_000);
        if starts.is_some_and(|starts| starts.0 > latest) { Err(invalid_token()) } else { Ok(expires) }
    }

    fn now_s(&self) -> i64 {
        self.clock.now().0.div_euclid(1_000)
    }
}

impl Expected {
    fn is_met_by(&self, claims: &Claims) -> bool {
        let is = |said: &Value, expected: &str| said.as_str() == Some(expected);
        let issued = self.issuer.as_deref().is_none_or(|issuer| is(&claims.iss, issuer));
        issued
            && self.audience.as_deref().is_none_or(|audience| match &claims.aud {
                Value::Array(several) => several.iter().any(|one| is(one, audience)),
                one => is(one, audience),
            })
    }
}

impl Identity {
    /// Whether they may do what concerns everybody: the token says the role [`ADMIN_ROLE`].
    pub fn is_admin(&self) -> bool {
        self.role == ADMIN_ROLE
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Session {
    fn of(user: &UserId, jti: Option<&str>, token: &str) -> Self {
        let hash = Sha256::new_with_prefix(user.as_str()).chain_update([0, u8::from(jti.is_some())]);
        Self(hash.chain_update(jti.unwrap_or(token)).finalize().into())
    }
}

/// `id` or `sub`; if both are there they must agree.
fn user_of(claims: &Claims) -> Option<UserId> {
    let user = claims.id.as_ref().or(claims.sub.as_ref())?;
    let agree = claims.sub.as_ref().is_none_or(|sub| sub == user);
    if agree { user.parse().ok() } else { None }
}

/// A `NumericDate` (RFC 7519, section 2: seconds, fractions allowed); `None` if it is out of any sensible range.
fn moment(seconds: &serde_json::Number) -> Option<Timestamp> {
    const LATEST_S: f64 = 1e12;
    let seconds = seconds.as_f64().filter(|seconds| (0.0..LATEST_S).contains(seconds))?;
    #[allow(clippy::cast_possible_truncation, reason = "the range was checked: at most 10^15 milliseconds")]
    Some(Timestamp((seconds * 1_000.0) as i64))
}

fn invalid_token() -> Refusal {
    Refusal::new(ErrorCode::Unauthenticated, "the token is not valid")
}

/// The token of an `Authorization: Bearer` header (RFC 6750).
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The token of the cookie [`COOKIE_NAME`].
pub fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs
        .filter(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value.trim_matches('"'))
        .find(|value| !value.is_empty())
}

#[cfg(test)]
mod tests;

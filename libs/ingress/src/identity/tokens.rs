//! Tokens: a JWT in, an [`Identity`] out, or the code that tells a client whether a new token would help.
//!
//! One pinned algorithm (HS256) and the keys of [`super::keys`]: what a token's header says about algorithms
//! and keys (`alg`, `jwk`, `jku`, `x5u`) is never followed (RFC 8725, sections 3.1 and 3.10). Times are
//! checked here, against the `Clock`, and must be JSON numbers: a library that skips an `exp` of the wrong
//! type lets tokens live for ever (CVE-2026-25537).

use super::claims::{self, Claims, ExpectedClaims, MintedClaims};
use super::hs256;
use super::keys::{Key, KeyRing, WeakSecret};
use super::session::{Identity, Session};
use crate::refusal::Refusal;
use eventflow_ports::Clock;
use eventflow_protocol::{ErrorCode, Timestamp, UserId};
use jsonwebtoken::{Algorithm, Header, Validation};
use std::sync::Arc;
use std::time::Duration;

/// Longest token in bytes: the size of all headers that common proxies accept.
pub const TOKEN_MAX_BYTES: usize = 8 * 1024;
/// Clocks of issuer and server may differ by this much.
pub const LEEWAY: Duration = Duration::from_mins(1);
/// The role of a token that names none.
const DEFAULT_ROLE: &str = "user";

/// Verifies tokens and mints development ones.
#[derive(Clone)]
pub struct Tokens {
    keys: KeyRing,
    validation: Validation,
    expected: ExpectedClaims,
    clock: Arc<dyn Clock>,
}

impl Tokens {
    /// Verifies and mints with the shared secret.
    pub fn new(secret: &[u8], clock: Arc<dyn Clock>) -> Result<Self, WeakSecret> {
        let keys = KeyRing::new(Key::new(secret)?);
        hs256::install();
        let mut validation = Validation::new(Algorithm::HS256);
        // Times and addressees are checked below: with our clock, and with strict types.
        validation.validate_exp = false;
        validation.validate_aud = false;
        Ok(Self { keys, validation, expected: ExpectedClaims::default(), clock })
    }

    /// Accepts only tokens of this issuer and for this audience, and mints such tokens.
    #[must_use]
    pub fn expecting(self, expected: ExpectedClaims) -> Self {
        Self { expected, ..self }
    }

    /// Accepts tokens signed with the previous secret too, so that a new secret signs nobody out. None are
    /// minted with it.
    pub fn with_previous(mut self, secret: &[u8]) -> Result<Self, WeakSecret> {
        self.keys.accept(Key::new(secret)?);
        Ok(self)
    }

    /// The identity that this token proves. Refuses with [`ErrorCode::TokenExpired`] if the token was good
    /// once, else with [`ErrorCode::Unauthenticated`].
    pub fn verify(&self, token: &str) -> Result<Identity, Refusal> {
        let claims = self.signed_claims(token).ok_or_else(invalid_token)?;
        let user = claims.user().filter(|_| self.expected.are_met_by(&claims)).ok_or_else(invalid_token)?;
        let expires = self.check_times(&claims)?;
        Ok(Identity {
            issued_at: claims.iat.as_ref().and_then(claims::timestamp),
            role: claims.role.unwrap_or_else(|| DEFAULT_ROLE.to_owned()),
            name: claims.name.unwrap_or_else(|| user.to_string()),
            session: Session::of(&user, claims.jti.as_deref(), token),
            user,
            expires,
        })
    }

    /// A token for `user`, valid from now for `lifetime_s` seconds. For development and the demonstration
    /// page: in production the host application issues tokens.
    pub fn mint(&self, user: &UserId, name: &str, lifetime_s: i64) -> String {
        self.mint_as(user, name, DEFAULT_ROLE, lifetime_s)
    }

    /// As [`Tokens::mint`], for somebody of this role.
    pub fn mint_as(&self, user: &UserId, name: &str, role: &str, lifetime_s: i64) -> String {
        let now_s = self.clock.now().0.div_euclid(1_000);
        let claims = MintedClaims {
            id: user,
            sub: user,
            role,
            name,
            iat: now_s,
            exp: now_s + lifetime_s,
            jti: uuid::Uuid::now_v7().simple().to_string(),
            iss: self.expected.issuer.as_deref(),
            aud: self.expected.audience.as_deref(),
        };
        let key = self.keys.current();
        let header = Header { kid: Some(key.id().to_owned()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims, key.encoding())
            .expect("an HMAC key signs any claims that have a JSON form")
    }

    /// Whether a credential that ends at `expires` has ended by now, leeway included.
    pub fn has_expired(&self, expires: Timestamp) -> bool {
        self.clock.now() >= expires.plus(LEEWAY)
    }

    /// The claims of a token that one of our keys has signed.
    fn signed_claims(&self, token: &str) -> Option<Claims> {
        if token.len() > TOKEN_MAX_BYTES {
            return None;
        }
        let header = jsonwebtoken::decode_header(token).ok()?;
        // The issuer may mark header fields as critical, which a reader must understand (RFC 7515, section
        // 4.1.11). This one understands none.
        if header.crit.is_some() {
            return None;
        }
        let mut keys = self.keys.candidates(header.kid.as_deref());
        keys.find_map(|key| {
            Some(jsonwebtoken::decode::<Claims>(token, key.decoding(), &self.validation).ok()?.claims)
        })
    }

    /// When the token expires, if it has begun and has not expired.
    fn check_times(&self, claims: &Claims) -> Result<Timestamp, Refusal> {
        let expires = claims::timestamp(&claims.exp).ok_or_else(invalid_token)?;
        if self.has_expired(expires) {
            return Err(Refusal::new(ErrorCode::TokenExpired, "the token has expired"));
        }
        if let Some(not_before) = &claims.nbf {
            let starts = claims::timestamp(not_before).ok_or_else(invalid_token)?;
            if starts > self.clock.now().plus(LEEWAY) {
                return Err(invalid_token());
            }
        }
        Ok(expires)
    }
}

fn invalid_token() -> Refusal {
    Refusal::new(ErrorCode::Unauthenticated, "the token is not valid")
}

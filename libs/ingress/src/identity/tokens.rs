//! Tokens: a JWT in, an [`Identity`] out, or the rule that the token breaks.
//!
//! One pinned algorithm (HS256) and the keys of [`super::keys`]: what a token's header says about algorithms
//! and keys (`alg`, `jwk`, `jku`, `x5u`) is never followed (RFC 8725, sections 3.1 and 3.10). The claims are
//! read only once the signature holds. Times are checked here, against the `Clock`, and must be JSON numbers:
//! a library that skips an `exp` of the wrong type lets tokens live for ever (CVE-2026-25537).

use super::claims::{Claims, ExpectedClaims, MintedClaims};
use super::fault::TokenFault;
use super::headers::TOKEN_MAX_BYTES;
use super::hs256;
use super::keys::{Key, KeyRing, WeakSecret};
use super::session::{Identity, Session};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use eventflow_ports::Clock;
use eventflow_protocol::{Timestamp, UserId};
use jsonwebtoken::{Algorithm, Header};
use std::sync::Arc;
use std::time::Duration;

/// Clocks of issuer and server may differ by this much.
pub const LEEWAY: Duration = Duration::from_mins(1);
/// The role of a token that names none.
const DEFAULT_ROLE: &str = "user";

/// Verifies tokens and mints development ones.
#[derive(Clone)]
pub struct Tokens {
    keys: KeyRing,
    expected: ExpectedClaims,
    clock: Arc<dyn Clock>,
}

impl Tokens {
    /// Verifies and mints with the shared secret.
    pub fn new(secret: &[u8], clock: Arc<dyn Clock>) -> Result<Self, WeakSecret> {
        let keys = KeyRing::new(Key::new(secret)?);
        hs256::install();
        Ok(Self { keys, expected: ExpectedClaims::default(), clock })
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

    /// The identity that this token proves, or the rule that it breaks. Of several rules, one that a newer
    /// token would break too is named before its expiry.
    pub fn verify(&self, token: &str) -> Result<Identity, TokenFault> {
        let claims = self.signed_claims(token)?;
        let user = claims.user()?;
        self.expected.check(&claims)?;
        let session = Session::of(&user, claims.login()?, token);
        let (role, name) = (claims.role()?.unwrap_or(DEFAULT_ROLE), claims.name()?.unwrap_or(user.as_str()));
        Ok(Identity {
            issued_at: claims.issued_at()?,
            role: role.to_owned(),
            name: name.to_owned(),
            session,
            expires: self.check_times(&claims)?,
            user,
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
    fn signed_claims(&self, token: &str) -> Result<Claims, TokenFault> {
        if token.len() > TOKEN_MAX_BYTES {
            return Err(TokenFault::TooLong);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|error| TokenFault::of_header(&error))?;
        if header.alg != Algorithm::HS256 {
            return Err(TokenFault::Algorithm(header.alg));
        }
        // The issuer may mark header fields as critical, which a reader must understand (RFC 7515, section
        // 4.1.11). This one understands none.
        if header.crit.is_some() {
            return Err(TokenFault::Critical);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(TokenFault::NoJwt)?;
        let mut keys = self.keys.candidates(header.kid.as_deref());
        let is_signed = keys.try_fold(false, |is_signed, key| {
            let holds =
                || jsonwebtoken::crypto::verify(signature, message.as_bytes(), key.decoding(), header.alg);
            if is_signed { Ok(true) } else { holds() }
        });
        if !is_signed.map_err(|_| TokenFault::NoJwt)? {
            return Err(TokenFault::Signature);
        }
        let payload = message.rsplit('.').next().unwrap_or_default();
        let claims = BASE64.decode(payload).map_err(|_| TokenFault::NoJwt)?;
        serde_json::from_slice(&claims).map_err(|_| TokenFault::Claims)
    }

    /// When the token expires, if it has begun and has not expired.
    fn check_times(&self, claims: &Claims) -> Result<Timestamp, TokenFault> {
        let (expires, begins) = (claims.expires()?, claims.begins()?);
        if self.has_expired(expires) {
            return Err(TokenFault::Expired);
        }
        if begins.is_some_and(|begins| begins > self.clock.now().plus(LEEWAY)) {
            return Err(TokenFault::NotYet);
        }
        Ok(expires)
    }
}

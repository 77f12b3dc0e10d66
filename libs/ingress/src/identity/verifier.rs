//! Verification: a JWT in, an [`Identity`] out, or the rule that the token breaks.
//!
//! Secrets check HS256 ([`super::keys`]), public keys RS256, ES256 and `EdDSA` ([`super::jwks`]). The
//! algorithm belongs to the key: what a token's header says of it only decides which keys are tried, so a
//! public key is never used as a secret (RFC 8725, section 3.1). Keys and addresses in a header (`jwk`,
//! `jku`, `x5c`, `x5u`) are never followed (section 3.10). The claims are read only once the signature holds.
//! Times are checked here, against the `Clock`, and must be JSON numbers: a library that skips an `exp` of
//! the wrong type lets tokens live for ever (CVE-2026-25537).

use super::claims::{Claims, ExpectedClaims};
use super::fault::TokenFault;
use super::headers::TOKEN_MAX_BYTES;
use super::keys::{Key, KeyRing, WeakSecret};
use super::public_keys::PublicKeys;
use super::session::{Identity, Session};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use eventflow_ports::Clock;
use eventflow_protocol::Timestamp;
use jsonwebtoken::{Algorithm, Header};
use std::sync::Arc;
use std::time::Duration;

/// Clocks of issuer and server may differ by this much.
pub const LEEWAY: Duration = Duration::from_mins(1);
/// The role of a token that names none.
pub(super) const DEFAULT_ROLE: &str = "user";

/// Verifies tokens.
#[derive(Clone)]
pub struct Verifier {
    secrets: KeyRing,
    public: Option<PublicKeys>,
    expected: ExpectedClaims,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// Accepts no token, until it has a secret or public keys.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { secrets: KeyRing::default(), public: None, expected: ExpectedClaims::default(), clock }
    }

    /// Accepts HS256 tokens signed with this secret too.
    pub fn with_secret(mut self, secret: &[u8]) -> Result<Self, WeakSecret> {
        self.secrets.accept(Key::new(secret)?);
        Ok(self)
    }

    /// Accepts RS256, ES256 and `EdDSA` tokens of these keys too.
    #[must_use]
    pub fn with_public_keys(self, keys: PublicKeys) -> Self {
        Self { public: Some(keys), ..self }
    }

    /// Accepts only tokens of this issuer and for this audience.
    #[must_use]
    pub fn expecting(self, expected: ExpectedClaims) -> Self {
        Self { expected, ..self }
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

    /// As [`Verifier::verify`]. A token of a key that is not known waits for one look at the provider, if one
    /// is allowed now: keys are replaced there before tokens of the new key come here.
    pub(crate) async fn verify_with_newest(&self, token: &str) -> Result<Identity, TokenFault> {
        match (self.verify(token), &self.public) {
            (Err(TokenFault::UnknownKey | TokenFault::NoKeys), Some(keys)) => {
                keys.look_again().await;
                self.verify(token)
            }
            (verified, _) => verified,
        }
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
        // The issuer may mark header fields as critical, which a reader must understand (RFC 7515, section
        // 4.1.11). This one understands none.
        if header.crit.is_some() {
            return Err(TokenFault::Critical);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(TokenFault::NoJwt)?;
        self.check_signature(&header, message, signature)?;
        let payload = message.rsplit('.').next().unwrap_or_default();
        let claims = BASE64.decode(payload).map_err(|_| TokenFault::NoJwt)?;
        serde_json::from_slice(&claims).map_err(|_| TokenFault::Claims)
    }

    /// Whether one of the keys that the header's algorithm belongs to has signed.
    fn check_signature(&self, header: &Header, message: &str, signature: &str) -> Result<(), TokenFault> {
        let signature = BASE64.decode(signature).map_err(|_| TokenFault::NoJwt)?;
        let (message, named) = (message.as_bytes(), header.kid.as_deref());
        let is_signed = match (header.alg, &self.public) {
            (Algorithm::HS256, _) if !self.secrets.is_empty() => {
                self.secrets.candidates(named).any(|key| key.has_signed(message, &signature))
            }
            (algorithm @ (Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA), Some(keys)) => {
                let known = keys.known();
                if known.is_empty() {
                    return Err(TokenFault::NoKeys);
                }
                let candidates = known.candidates(algorithm, named);
                if candidates.is_empty() {
                    return Err(TokenFault::UnknownKey);
                }
                candidates.iter().any(|key| key.has_signed(message, &signature))
            }
            (algorithm, _) => return Err(TokenFault::Algorithm(algorithm)),
        };
        if is_signed { Ok(()) } else { Err(TokenFault::Signature) }
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

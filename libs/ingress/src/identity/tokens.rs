//! Tokens that this system issues itself: for the demonstration page, operators' commands, and tests. In
//! production the host application or its identity provider issues the tokens of people.

use super::claims::{ExpectedClaims, MintedClaims};
use super::fault::TokenFault;
use super::hs256;
use super::keys::{Key, WeakSecret};
use super::session::Identity;
use super::verifier::{DEFAULT_ROLE, Verifier};
use eventflow_ports::Clock;
use eventflow_protocol::UserId;
use jsonwebtoken::{Algorithm, Header};
use std::sync::Arc;

/// Mints tokens with the shared secret, and verifies them.
#[derive(Clone)]
pub struct Tokens {
    key: Key,
    verifier: Verifier,
    expected: ExpectedClaims,
    clock: Arc<dyn Clock>,
}

impl Tokens {
    /// Verifies and mints with the shared secret.
    pub fn new(secret: &[u8], clock: Arc<dyn Clock>) -> Result<Self, WeakSecret> {
        hs256::install();
        let verifier = Verifier::new(Arc::clone(&clock)).with_secret(secret)?;
        Ok(Self { key: Key::new(secret)?, verifier, expected: ExpectedClaims::default(), clock })
    }

    /// Accepts only tokens of this issuer and for this audience, and mints such tokens.
    #[must_use]
    pub fn expecting(self, expected: ExpectedClaims) -> Self {
        Self { verifier: self.verifier.expecting(expected.clone()), expected, ..self }
    }

    /// Accepts tokens signed with the previous secret too, so that a new secret signs nobody out. None are
    /// minted with it.
    pub fn with_previous(self, secret: &[u8]) -> Result<Self, WeakSecret> {
        Ok(Self { verifier: self.verifier.with_secret(secret)?, ..self })
    }

    /// As [`Verifier::verify`].
    pub fn verify(&self, token: &str) -> Result<Identity, TokenFault> {
        self.verifier.verify(token)
    }

    /// A token for `user`, valid from now for `lifetime_s` seconds.
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
        let header = Header { kid: Some(self.key.id().to_owned()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims, self.key.encoding())
            .expect("an HMAC key signs any claims that have a JSON form")
    }
}

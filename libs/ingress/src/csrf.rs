//! CSRF tokens: they prove that a page of ours sent a write, when only a cookie proves who the user is.
//!
//! A token is `base64url(random ‖ HMAC-SHA-256(key, session ‖ random))` (OWASP CSRF cheat sheet, "signed
//! double submit"). It is good for the login it was made for and for no other, and the server stores nothing.
//! Where the request came from (`Sec-Fetch-Site`, `Origin`) is checked besides, in [`crate::origin`]. A
//! request with a bearer token needs no CSRF token, because no browser sends a bearer token by itself.

use crate::derived_key::derived_key;
use crate::identity::Session;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The header that carries the token.
pub const HEADER: &str = "x-csrf-token";
/// Makes two tokens of one session differ, so that compression of an answer reveals nothing (BREACH).
const RANDOM_BYTES: usize = 16;
/// Separates this key from the one that signs JWTs with the same secret.
const KEY_LABEL: &[u8] = b"eventflow csrf 1";

/// Issues and checks CSRF tokens.
#[derive(Clone)]
pub struct Csrf {
    key: Hmac<Sha256>,
    previous: Option<Hmac<Sha256>>,
}

impl Csrf {
    /// Issues and checks tokens with a key derived from the shared secret.
    pub fn new(secret: &[u8]) -> Self {
        Self { key: derived(secret), previous: None }
    }

    /// Accepts tokens made with the previous secret too, so that a new secret fails no open page.
    #[must_use]
    pub fn with_previous(self, secret: &[u8]) -> Self {
        Self { previous: Some(derived(secret)), ..self }
    }

    /// A fresh token for this login.
    pub fn issue(&self, session: Session) -> String {
        let random: [u8; RANDOM_BYTES] = rand::random();
        let tag = tag(&self.key, session, &random).finalize().into_bytes();
        BASE64.encode([random.as_slice(), tag.as_slice()].concat())
    }

    /// Whether `token` was made for this login. Constant-time in the secret part.
    pub fn accepts(&self, session: Session, token: &str) -> bool {
        let Ok(bytes) = BASE64.decode(token) else { return false };
        let Some((random, found)) = bytes.split_at_checked(RANDOM_BYTES) else { return false };
        let mut keys = std::iter::once(&self.key).chain(&self.previous);
        keys.any(|key| tag(key, session, random).verify_slice(found).is_ok())
    }
}

fn derived(secret: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(&derived_key(secret, KEY_LABEL)).expect("HMAC takes keys of any length")
}

fn tag(key: &Hmac<Sha256>, session: Session, random: &[u8]) -> Hmac<Sha256> {
    key.clone().chain_update(session.0).chain_update(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

    #[test]
    fn a_token_is_good_for_its_own_session_and_secret_only() {
        let csrf = Csrf::new(SECRET);
        let mine = Session([1; 32]);
        let other = Session([2; 32]);
        let token = csrf.issue(mine);
        assert!(csrf.accepts(mine, &token));
        assert!(!csrf.accepts(other, &token));
        assert!(!Csrf::new(b"another secret").accepts(mine, &token));
        assert_ne!(csrf.issue(mine), token);
    }

    #[test]
    fn a_token_made_before_a_rotation_is_good_until_the_next_one() {
        let session = Session([1; 32]);
        let before = Csrf::new(SECRET).issue(session);
        let after = Csrf::new(b"the next secret").with_previous(SECRET);
        assert!(after.accepts(session, &before));
        assert!(after.accepts(session, &after.issue(session)));
        assert!(
            !Csrf::new(SECRET).accepts(session, &after.issue(session)),
            "new ones are made with the new secret"
        );
        assert!(!Csrf::new(b"the one after it").with_previous(b"the next secret").accepts(session, &before));
    }

    #[test]
    fn a_changed_shortened_or_invented_token_is_refused() {
        let csrf = Csrf::new(SECRET);
        let session = Session([1; 32]);
        let token = csrf.issue(session);
        let flipped: String = token.chars().rev().collect();
        for bad in [
            "",
            "x",
            "====",
            &token[..token.len() - 2],
            &flipped,
            &format!("{token}AA"),
            &BASE64.encode([0; 48]),
        ] {
            assert!(!csrf.accepts(session, bad), "{bad}");
        }
    }
}

//! Did this page's own script ask: the signed, session-bound token of cookie-authenticated writes.
//!
//! A token is `base64url(random ‖ HMAC-SHA-256(key, session ‖ random))` (OWASP CSRF cheat sheet, "signed double submit"): it
//! is good for the login it was made for and for no other, and nothing is stored. Where the request came from
//! (`Sec-Fetch-Site`, `Origin`) is checked besides, in [`crate::origin`]. A bearer token is never sent by itself: exempt.

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

/// Makes and checks tokens.
#[derive(Clone)]
pub struct Csrf {
    key: Hmac<Sha256>,
}

impl Csrf {
    /// With a key derived from the shared secret.
    pub fn new(secret: &[u8]) -> Self {
        let derived = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length").chain_update(KEY_LABEL);
        let key = Hmac::new_from_slice(&derived.finalize().into_bytes()).expect("HMAC takes keys of any length");
        Self { key }
    }

    /// A fresh token for this login.
    pub fn issue(&self, session: Session) -> String {
        let random: [u8; RANDOM_BYTES] = rand::random();
        let tag = self.tag(session, &random).finalize().into_bytes();
        BASE64.encode([random.as_slice(), tag.as_slice()].concat())
    }

    /// Whether `token` was made for this login. Constant-time in the secret part.
    pub fn accepts(&self, session: Session, token: &str) -> bool {
        let Ok(bytes) = BASE64.decode(token) else { return false };
        let Some((random, tag)) = bytes.split_at_checked(RANDOM_BYTES) else { return false };
        self.tag(session, random).verify_slice(tag).is_ok()
    }

    fn tag(&self, session: Session, random: &[u8]) -> Hmac<Sha256> {
        self.key.clone().chain_update(session.0).chain_update(random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

    #[test]
    fn a_token_is_good_for_its_own_session_and_secret_only() {
        let csrf = Csrf::new(SECRET);
        let (mine, other) = (Session([1; 32]), Session([2; 32]));
        let token = csrf.issue(mine);
        assert!(csrf.accepts(mine, &token));
        assert!(!csrf.accepts(other, &token));
        assert!(!Csrf::new(b"another secret").accepts(mine, &token));
        assert_ne!(csrf.issue(mine), token);
    }

    #[test]
    fn a_changed_shortened_or_invented_token_is_refused() {
        let csrf = Csrf::new(SECRET);
        let session = Session([1; 32]);
        let token = csrf.issue(session);
        let flipped: String = token.chars().rev().collect();
        for bad in ["", "x", "====", &token[..token.len() - 2], &flipped, &format!("{token}AA"), &BASE64.encode([0; 48])] {
            assert!(!csrf.accepts(session, bad), "{bad}");
        }
    }
}

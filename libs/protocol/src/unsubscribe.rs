//! Unsubscribe tokens: they let whoever got a mail stop further mail, without a login (RFC 8058).
//!
//! A token is `base64url(version ‖ time ‖ user ‖ HMAC-SHA-256(key, version ‖ time ‖ user))`. The worker that
//! sends a mail makes it, a gateway checks it, and nobody stores it. It does one thing only, to one person,
//! and using it twice changes nothing, so that it may be used again. The key is derived from a secret of its
//! own or from the one that signs logins; neither token is good for the other purpose.

use crate::{Timestamp, UserId};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::time::Duration;

/// Separates this key from others that are derived from the same secret.
const KEY_LABEL: &[u8] = b"eventflow unsubscribe 1";
/// The layout of a token.
const VERSION: u8 = 1;
/// Bytes of the version and the time.
const HEAD_BYTES: usize = 1 + 8;
/// Bytes of the HMAC.
const TAG_BYTES: usize = 32;
/// Validity: people look for the link in mails that are months old. After this a token would be a secret in
/// old mailboxes without use.
pub const VALIDITY: Duration = Duration::from_hours(180 * 24);

/// Makes and checks unsubscribe tokens.
#[derive(Clone)]
pub struct Unsubscribe {
    key: Hmac<Sha256>,
    /// Keys that made tokens before.
    others: Vec<Hmac<Sha256>>,
}

/// Why a token does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// It was not made with our key, or was changed.
    #[error("the link is not one of ours")]
    Forged,
    /// It was made too long ago.
    #[error("the link is too old")]
    Expired,
}

impl Unsubscribe {
    /// Makes and checks tokens with a key derived from `secret`.
    pub fn new(secret: &[u8]) -> Self {
        Self { key: derived(secret), others: Vec::new() }
    }

    /// Makes tokens with `own`, if there is such a secret, else with the current secret of logins. Accepts
    /// those made with the current and the previous secret of logins too.
    pub fn of_secrets(own: Option<&[u8]>, current: &[u8], previous: Option<&[u8]>) -> Self {
        let made = Self::new(own.unwrap_or(current));
        let others = own.is_some().then_some(current).into_iter().chain(previous);
        others.fold(made, Self::with_previous)
    }

    /// Accepts tokens made with this secret too: mails that were sent before a rotation keep their link.
    #[must_use]
    pub fn with_previous(mut self, secret: &[u8]) -> Self {
        self.others.push(derived(secret));
        self
    }

    /// The token for a mail to this person at this time.
    pub fn token(&self, user: &UserId, at: Timestamp) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(at.0.to_be_bytes());
        bytes.extend(user.as_str().as_bytes());
        let tag = self.key.clone().chain_update(&bytes).finalize().into_bytes();
        bytes.extend(tag);
        BASE64.encode(bytes)
    }

    /// The person whose mail the token was in. Constant-time in the secret part.
    pub fn user(&self, token: &str, now: Timestamp) -> Result<UserId, BadToken> {
        let bytes = BASE64.decode(token).map_err(|_| BadToken::Forged)?;
        let split = bytes.len().checked_sub(TAG_BYTES).ok_or(BadToken::Forged)?;
        let (signed, tag) = bytes.split_at(split);
        let mut keys = std::iter::once(&self.key).chain(&self.others);
        if !keys.any(|key| key.clone().chain_update(signed).verify_slice(tag).is_ok()) {
            return Err(BadToken::Forged);
        }
        let (head, user) = signed.split_at_checked(HEAD_BYTES).ok_or(BadToken::Forged)?;
        let (version, at) = head.split_first().ok_or(BadToken::Forged)?;
        let at = at.try_into().map(i64::from_be_bytes).map_err(|_| BadToken::Forged)?;
        if *version != VERSION {
            return Err(BadToken::Forged);
        }
        if Timestamp(at).age_at(now) > VALIDITY {
            return Err(BadToken::Expired);
        }
        std::str::from_utf8(user).ok().and_then(|user| user.parse().ok()).ok_or(BadToken::Forged)
    }
}

fn derived(secret: &[u8]) -> Hmac<Sha256> {
    let label = Hmac::<Sha256>::new_from_slice(secret)
        .expect("HMAC takes keys of any length")
        .chain_update(KEY_LABEL);
    Hmac::new_from_slice(&label.finalize().into_bytes()).expect("HMAC takes keys of any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    #[test]
    fn a_token_names_its_person_for_half_a_year_and_after_a_rotation() {
        let ann: UserId = "ann".parse().unwrap();
        let made = Unsubscribe::new(SECRET);
        let token = made.token(&ann, NOW);
        assert_eq!(made.user(&token, NOW), Ok(ann.clone()));
        assert_eq!(made.user(&token, NOW.plus(VALIDITY)), Ok(ann.clone()));
        let late = NOW.plus(VALIDITY).plus(Duration::from_millis(1));
        assert_eq!(made.user(&token, late), Err(BadToken::Expired));
        let rotated = Unsubscribe::new(b"another secret of thirty-two bytes").with_previous(SECRET);
        assert_eq!(rotated.user(&token, NOW), Ok(ann));
        let longest: UserId = "x".repeat(128).parse().unwrap();
        assert!(made.token(&longest, NOW).len() < 256, "it fits a line of a mail");
    }

    #[test]
    fn links_outlive_the_secrets_of_logins() {
        let ann: UserId = "ann".parse().unwrap();
        let [second, third] = [b"the second secret of the logins!", b"the third secret of the logins!!"];
        let token = Unsubscribe::of_secrets(None, SECRET, None).token(&ann, NOW);
        for (own, current, previous) in [
            (None, second, Some(SECRET)),
            (Some(SECRET), second, None),
            (Some(SECRET), third, Some(second.as_slice())),
        ] {
            let rotated = Unsubscribe::of_secrets(own, current, previous);
            assert_eq!(rotated.user(&token, NOW), Ok(ann.clone()), "made with the first secret");
        }
        assert_eq!(
            Unsubscribe::of_secrets(None, third, Some(second)).user(&token, NOW),
            Err(BadToken::Forged)
        );
        let own = Unsubscribe::of_secrets(Some(SECRET), second, None);
        assert_eq!(
            Unsubscribe::of_secrets(Some(SECRET), third, None).user(&own.token(&ann, NOW), NOW),
            Ok(ann)
        );
    }

    #[test]
    fn a_token_that_was_changed_or_made_elsewhere_is_forged() {
        let made = Unsubscribe::new(SECRET);
        let token = made.token(&"ann".parse().unwrap(), NOW);
        let other = Unsubscribe::new(b"another secret of thirty-two bytes");
        assert_eq!(other.user(&token, NOW), Err(BadToken::Forged));
        let bytes = BASE64.decode(&token).unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert_eq!(made.user(&BASE64.encode(changed), NOW), Err(BadToken::Forged), "byte {place}");
        }
        for text in ["", "a", "%00", "é", &token[1..], &token[..token.len() - 2], &format!("{token}AA")] {
            assert_eq!(made.user(text, NOW), Err(BadToken::Forged), "{text}");
        }
    }
}

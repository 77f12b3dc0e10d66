//! Session ids: 20 characters of URL-safe base64 over 15 random bytes (120 bits).
//!
//! Socket ids, Engine.IO session ids and the private recovery ids (`pid`) have this form. They are kept
//! inline instead of as strings, because each connection has three of them. The generator is cryptographic: a
//! `pid` is half of what recovering a session takes (the other half is the same identity).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore as _;

/// Random bytes behind an id: a multiple of three, so that base64 needs no padding, and too many to guess.
const RANDOM_BYTES: usize = 15;
/// Characters of an id.
const LENGTH: usize = 20;

/// An unguessable id of 20 URL-safe ASCII characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id([u8; LENGTH]);

impl Id {
    /// A new id from the thread's cryptographic generator.
    pub(crate) fn random() -> Self {
        let mut random = [0_u8; RANDOM_BYTES];
        rand::rng().fill_bytes(&mut random);
        let mut id = [0_u8; LENGTH];
        URL_SAFE_NO_PAD.encode_slice(random, &mut id).expect("15 bytes are exactly 20 base64 characters");
        Self(id)
    }

    /// Reads an id as a client sent it; `None` if it cannot be one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; LENGTH] = text.as_bytes().try_into().ok()?;
        let valid = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        bytes.iter().all(valid).then_some(Self(bytes))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("ids are ASCII by construction")
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_itself() {
        let id = Id::random();
        assert_eq!(Id::parse(id.as_str()), Some(id));
        assert_ne!(Id::random(), id);
    }

    #[test]
    fn what_cannot_be_an_id_is_refused() {
        for text in ["", "short", "aaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaa\"", "äaaaaaaaaaaaaaaaaaa"] {
            assert_eq!(Id::parse(text), None, "{text}");
        }
    }
}

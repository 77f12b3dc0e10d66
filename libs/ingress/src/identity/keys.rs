//! The keys that tokens are checked with: the current secret's, and during a rotation the previous one's.
//!
//! A key's id (`kid`) is derived from its secret. It only decides which of our own keys is tried: a token
//! that names one of them is checked with that one. A token that names none, or a key of the host
//! application's own, is checked with each. Nothing is fetched or looked up by it (RFC 8725, section 3.10).

use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::EncodingKey;
use sha2::{Digest, Sha256};

/// Shortest secret in bytes: the output size of HMAC-SHA-256 (RFC 7518, section 3.2).
pub const SECRET_MIN_BYTES: usize = 32;
/// Bytes of the secret's hash that make a key's id: enough to tell two keys apart, too few to guess a secret
/// by.
const ID_BYTES: usize = 4;

/// The current or the previous secret is too short.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a token secret has {0} bytes, at least {SECRET_MIN_BYTES} are needed")]
pub struct WeakSecret(pub usize);

/// One secret, ready to sign and to check.
#[derive(Clone)]
pub(super) struct Key {
    id: String,
    mac: Hmac<Sha256>,
    encoding: EncodingKey,
}

/// The keys that are accepted, the current one first. Without a secret there is none.
#[derive(Clone, Default)]
pub(super) struct KeyRing(Vec<Key>);

impl Key {
    /// The key of a secret of at least [`SECRET_MIN_BYTES`].
    pub(super) fn new(secret: &[u8]) -> Result<Self, WeakSecret> {
        if secret.len() < SECRET_MIN_BYTES {
            return Err(WeakSecret(secret.len()));
        }
        let id = hex::encode(&Sha256::digest(secret)[..ID_BYTES]);
        let mac = Hmac::new_from_slice(secret).expect("HMAC takes keys of any length");
        Ok(Self { id, mac, encoding: EncodingKey::from_secret(secret) })
    }

    /// The name that tokens have for it: 8 hexadecimal digits.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Whether an owner of this secret has signed the message. Constant-time.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.mac.clone().chain_update(message).verify_slice(signature).is_ok()
    }

    pub(super) fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }
}

impl KeyRing {
    /// Accepts tokens of this key too.
    pub(super) fn accept(&mut self, key: Key) {
        self.0.push(key);
    }

    /// Whether no key is accepted.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys that a token of this `kid` may be signed with, the current one first.
    pub(super) fn candidates<'a>(&'a self, named: Option<&'a str>) -> impl Iterator<Item = &'a Key> {
        let is_named = move |key: &Key| named == Some(key.id());
        let is_ours = self.0.iter().any(is_named);
        self.0.iter().filter(move |key| !is_ours || is_named(key))
    }
}

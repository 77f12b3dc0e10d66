//! Seals: bytes that this server gives out and takes back, and that nobody else can read or make.
//!
//! A seal is `nonce ‖ AES-256-GCM(key, nonce, bytes)`, bound to what it was given out for. The key is derived
//! from the secret that the gateways share.

use crate::derived_key::derived_key;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Separates this key from others that are derived from the same secret.
const KEY_LABEL: &[u8] = b"eventflow seal 1";
/// Closes and opens seals.
#[derive(Clone)]
pub(crate) struct Seal {
    key: LessSafeKey,
    previous: Option<LessSafeKey>,
}

impl Seal {
    /// With a key derived from the shared secret.
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self { key: derived(secret), previous: None }
    }

    /// Opens what was closed under the previous secret too, so that a new secret breaks off no listing.
    #[must_use]
    pub(crate) fn with_previous(self, secret: &[u8]) -> Self {
        Self { previous: Some(derived(secret)), ..self }
    }

    /// Seals these bytes for one purpose. The nonce is random: of 2³² seals under one key, two have the same
    /// with a chance of 2⁻³² (NIST SP 800-38D, 8.3).
    pub(crate) fn close(&self, bytes: &[u8], purpose: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = bytes.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose), &mut sealed)
            .expect("AES-GCM takes texts of up to 64 GB");
        [nonce.as_slice(), &sealed].concat()
    }

    /// What was sealed for this purpose; none if it was not, or not here.
    pub(crate) fn open(&self, sealed: &[u8], purpose: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        std::iter::once(&self.key).chain(&self.previous).find_map(|key| {
            let mut bytes = sealed.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            Some(key.open_in_place(nonce, Aad::from(purpose), &mut bytes).ok()?.to_vec())
        })
    }
}

fn derived(secret: &[u8]) -> LessSafeKey {
    let key = derived_key(secret, KEY_LABEL);
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("a SHA-256 is as long as the key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_hides_its_bytes_and_opens_for_its_purpose_only() {
        let seal = Seal::new(b"one secret");
        let sealed = seal.close(b"hidden", b"list of ann");
        assert!(!sealed.windows(6).any(|bytes| bytes == b"hidden"));
        assert_ne!(sealed, seal.close(b"hidden", b"list of ann"));
        assert_eq!(seal.open(&sealed, b"list of ann").as_deref(), Some(b"hidden".as_slice()));
        assert_eq!(seal.open(&sealed, b"list of ben"), None);
        assert_eq!(Seal::new(b"another").open(&sealed, b"list of ann"), None);
        for at in 0..sealed.len() {
            let mut forged = sealed.clone();
            forged[at] ^= 1;
            assert_eq!(seal.open(&forged, b"list of ann"), None);
            assert_eq!(seal.open(&sealed[..at], b"list of ann"), None);
        }
    }

    #[test]
    fn what_was_sealed_before_the_secret_changed_opens_after_it() {
        let sealed = Seal::new(b"old").close(b"place", b"");
        assert_eq!(Seal::new(b"new").open(&sealed, b""), None);
        assert_eq!(
            Seal::new(b"new").with_previous(b"old").open(&sealed, b"").as_deref(),
            Some(b"place".as_slice())
        );
    }
}

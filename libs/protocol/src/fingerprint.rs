//! Fingerprints: what something says, in 16 bytes, so that two bodies that came under one key can be told
//! apart without keeping them.

use crate::document::Attachment;
use sha2::{Digest, Sha256};

/// The first 16 bytes of a SHA-256.
pub type Fingerprint = [u8; 16];

/// The fingerprint of what a message says.
pub fn fingerprint(content: &str, attachments: &[Attachment]) -> Fingerprint {
    let files = serde_json::to_vec(attachments).unwrap_or_default();
    let hash = Sha256::new_with_prefix((content.len() as u64).to_be_bytes())
        .chain_update(content)
        .chain_update(files);
    shorten(&hash.finalize())
}

/// As much of a hash as a [`Fingerprint`] keeps.
pub(crate) fn shorten(hash: &[u8]) -> Fingerprint {
    std::array::from_fn(|i| hash[i])
}

//! Fingerprints: what something says, in 16 bytes, so that two bodies that came under one key can be told
//! apart without keeping them.

use crate::content::typed;
use crate::document::Attachment;
use crate::quote::ReplyTo;
use sha2::{Digest, Sha256};

/// The first 16 bytes of a SHA-256.
pub type Fingerprint = [u8; 16];

/// The fingerprint of what a message says, as it was typed: a text has one fingerprint in each form of
/// [`crate::content::Markup`] from which it can be read back.
pub fn fingerprint(content: &str, attachments: &[Attachment], reply_to: Option<&ReplyTo>) -> Fingerprint {
    let files = serde_json::to_string(attachments).unwrap_or_default();
    hashed(&typed(content), &typed(&files), reply_to)
}

/// As [`fingerprint`], of a message that is not yet in the form in which it is kept.
pub(crate) fn fingerprint_as_typed(
    content: &str,
    attachments: &[Attachment],
    reply_to: Option<&ReplyTo>,
) -> Fingerprint {
    hashed(content, &serde_json::to_string(attachments).unwrap_or_default(), reply_to)
}

/// A message that is no reply has the fingerprint that it had before there were replies: stores keep them.
fn hashed(content: &str, files: &str, reply_to: Option<&ReplyTo>) -> Fingerprint {
    let mut hash = Sha256::new_with_prefix((content.len() as u64).to_be_bytes())
        .chain_update(content)
        .chain_update(files);
    if let Some(reply) = reply_to {
        hash.update(reply.message_id.bytes());
    }
    shorten(&hash.finalize())
}

/// As much of a hash as a [`Fingerprint`] keeps.
pub(crate) fn shorten(hash: &[u8]) -> Fingerprint {
    std::array::from_fn(|i| hash[i])
}

//! Keys that follow from the secret that the gateways share: one for each purpose, so that what is made with
//! one is good for nothing else.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The key for the purpose that the label names: HMAC-SHA-256(secret, label).
pub(crate) fn derived_key(secret: &[u8], label: &[u8]) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.chain_update(label).finalize().into_bytes().into()
}

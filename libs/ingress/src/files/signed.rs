//! Addresses on the origin of files: they hold for a short time and need no login, since no cookie goes
//! there.
//!
//! An address names the file, what of it, until when, and is signed with a key of its own that follows from
//! the secret of the gateways. Whoever has it gets the file until then, if the file is still there.

use crate::derived_key::derived_key;
use eventflow_protocol::{AttachmentId, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::time::Duration;

/// Separates this key from others that are derived from the same secret.
const KEY_LABEL: &[u8] = b"eventflow file address 1";
/// How long an address holds: a page loads its pictures in that time, and a film begins again from the
/// address here.
pub(crate) const LIFE: Duration = Duration::from_mins(5);
/// Where the addresses lead, below the origin.
pub(crate) const PATH: &str = "/api/v2/files/";

/// Signs addresses of files.
#[derive(Clone)]
pub(crate) struct FileSigner {
    key: [u8; 32],
    previous: Option<[u8; 32]>,
}

/// What an address leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) id: AttachmentId,
    pub(crate) is_thumbnail: bool,
    /// Milliseconds since 1970.
    pub(crate) until: i64,
}

impl FileSigner {
    /// With a key derived from the shared secret.
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self { key: derived_key(secret, KEY_LABEL), previous: None }
    }

    /// Takes addresses that were signed under the previous secret too.
    #[must_use]
    pub(crate) fn with_previous(self, secret: &[u8]) -> Self {
        Self { previous: Some(derived_key(secret, KEY_LABEL)), ..self }
    }

    /// The path of an address that holds from now on.
    pub(crate) fn path(&self, id: AttachmentId, is_thumbnail: bool, now: Timestamp) -> String {
        let signed = Signed { id, is_thumbnail, until: now.plus(LIFE).0 };
        let signature = hex::encode(mac(&self.key, &signed).finalize().into_bytes());
        let what = if is_thumbnail { "thumbnail" } else { "file" };
        format!("{PATH}{id}?what={what}&until={}&signature={signature}", signed.until)
    }

    /// Whether this signature is good for this file now.
    pub(crate) fn accepts(&self, signed: &Signed, signature: &str, now: Timestamp) -> bool {
        let Ok(signature) = hex::decode(signature) else { return false };
        let mut keys = std::iter::once(&self.key).chain(&self.previous);
        signed.until > now.0 && keys.any(|key| mac(key, signed).verify_slice(&signature).is_ok())
    }
}

fn mac(key: &[u8; 32], signed: &Signed) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.chain_update(signed.id.bytes())
        .chain_update([u8::from(signed.is_thumbnail)])
        .chain_update(signed.until.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_good_for_one_file_and_a_short_time() {
        let signer = FileSigner::new(b"secret");
        let (id, now) = (AttachmentId::fresh(), Timestamp(1_000));
        let path = signer.path(id, false, now);
        let until = now.plus(LIFE).0;
        let signature = path.rsplit('=').next().unwrap();
        assert!(path.starts_with(&format!("/api/v2/files/{id}?what=file&until={until}&")));
        let good = Signed { id, is_thumbnail: false, until };
        assert!(signer.accepts(&good, signature, now));
        assert!(!signer.accepts(&good, signature, Timestamp(until)));
        assert!(!signer.accepts(&good, "zz", now) && !signer.accepts(&good, "", now));
        for other in [
            Signed { id: AttachmentId::fresh(), ..good },
            Signed { is_thumbnail: true, ..good },
            Signed { until: until + 1, ..good },
        ] {
            assert!(!signer.accepts(&other, signature, now), "{other:?}");
        }
        let rotated = FileSigner::new(b"new").with_previous(b"secret");
        assert!(rotated.accepts(&good, signature, now));
        assert!(!FileSigner::new(b"new").accepts(&good, signature, now));
    }
}

//! Fingerprints of what was sent under a key, as the database keeps them: sixteen bytes.

use eventflow_protocol::fingerprint::Fingerprint;
use mongodb::bson::Binary;
use mongodb::bson::spec::BinarySubtype;

/// A fingerprint as the database's own type.
pub(crate) fn binary(fingerprint: Fingerprint) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: fingerprint.to_vec() }
}

/// The inverse of [`binary`]. None if the length is not sixteen.
pub(crate) fn fingerprint(binary: &Binary) -> Option<Fingerprint> {
    binary.bytes.as_slice().try_into().ok()
}

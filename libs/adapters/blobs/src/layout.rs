//! Where each blob is, under the prefix of its bucket or folder.
//!
//! Two digits of the random id spread files over 256 folders, because some file systems are slow with very
//! many files in one.

use eventflow_ports::BlobKey;
use eventflow_protocol::AttachmentId;
use object_store::path::Path;

/// Where bytes wait that are not a file yet.
pub(crate) const INCOMING: &str = "incoming";

/// The place of a blob.
pub(crate) fn place(prefix: &str, key: BlobKey) -> Path {
    let (BlobKey::File(id) | BlobKey::Thumbnail(id)) = key;
    let id = id.to_string();
    let name = match key {
        BlobKey::File(_) => id.clone(),
        BlobKey::Thumbnail(_) => format!("{id}.thumbnail"),
    };
    [prefix, &id[..2], &name].into_iter().filter(|part| !part.is_empty()).collect()
}

/// The place of bytes that are not a file yet.
pub(crate) fn incoming(prefix: &str, id: AttachmentId) -> Path {
    [prefix, INCOMING, &id.to_string()].into_iter().filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_plain_names() {
        let id: AttachmentId = "0a23456789abcdef01234567".parse().unwrap();
        assert_eq!(place("", BlobKey::File(id)).as_ref(), "0a/0a23456789abcdef01234567");
        assert_eq!(
            place("chat", BlobKey::Thumbnail(id)).as_ref(),
            "chat/0a/0a23456789abcdef01234567.thumbnail"
        );
        assert_eq!(incoming("chat", id).as_ref(), "chat/incoming/0a23456789abcdef01234567");
    }
}

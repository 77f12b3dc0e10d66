//! The `cursor` of a search: where its next page begins, bound to the query that it goes on with.
//!
//! It is 28 bytes in base64: the time and the id of the last hit, and the beginning of a hash of who asked
//! and what for. Not a secret and not signed, since it opens nothing: a made up one is another place in what
//! the caller may see anyway. The hash is there because a place of one query means nothing to another.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eventflow_ports::search::SearchQuery;
use eventflow_protocol::{MessageId, Timestamp};
use sha2::{Digest, Sha256};

/// Bytes of a cursor: eight of the time, twelve of the id, eight of the hash.
const BYTES: usize = 28;

/// Why a cursor cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidCursor {
    /// It was not made here.
    #[error("cursor is not one of ours")]
    Foreign,
    /// It was made for other words, other filters or another person.
    #[error("cursor belongs to another query: it goes on with the query that it was given for")]
    OtherQuery,
}

/// The cursor that goes on with this query after a place.
pub(crate) fn written(query: &SearchQuery, (at, id): (Timestamp, MessageId)) -> String {
    let bytes = [&at.0.to_be_bytes()[..], &id.bytes(), &hash(query)].concat();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The place that a cursor of this query names.
pub(crate) fn read(query: &SearchQuery, cursor: &str) -> Result<(Timestamp, MessageId), InvalidCursor> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| InvalidCursor::Foreign)?;
    let bytes: [u8; BYTES] = bytes.try_into().map_err(|_| InvalidCursor::Foreign)?;
    if bytes[20..] != hash(query) {
        return Err(InvalidCursor::OtherQuery);
    }
    let at = i64::from_be_bytes(std::array::from_fn(|i| bytes[i]));
    Ok((Timestamp(at), MessageId::from_bytes(std::array::from_fn(|i| bytes[8 + i]))))
}

/// What tells queries apart: all but the place and the size of the page.
fn hash(query: &SearchQuery) -> [u8; 8] {
    let SearchQuery { user, terms, thread, sender, from, to, has_attachment, after: _, limit: _ } = query;
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(user.as_str().as_bytes());
    part(&thread.map(|thread| thread.bytes().to_vec()).unwrap_or_default());
    part(sender.as_ref().map_or("", |sender| sender.as_str()).as_bytes());
    for time in [from, to] {
        part(&time.map(|time| time.0.to_be_bytes().to_vec()).unwrap_or_default());
    }
    part(&[u8::from(*has_attachment)]);
    terms.folded().for_each(|term| part(term.as_bytes()));
    let hash = hash.finalize();
    std::array::from_fn(|i| hash[i])
}

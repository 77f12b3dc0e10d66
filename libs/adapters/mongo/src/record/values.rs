//! Ids, times and numbers as the database keeps them.

use eventflow_protocol::Timestamp;
use eventflow_protocol::id::DocumentId;
use mongodb::bson::DateTime;
use mongodb::bson::oid::ObjectId;

/// A document id as the database's own type.
#[allow(
    clippy::needless_pass_by_value,
    reason = "the id is `Copy`, which the lint does not see for a generic kind"
)]
pub(crate) fn object_id<Kind>(id: DocumentId<Kind>) -> ObjectId {
    ObjectId::from_bytes(id.bytes())
}

/// A time as the database's own type.
pub(crate) fn date(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.0)
}

/// A place or size as the database's integer. No real one is beyond its range; one that is sorts last.
pub(crate) fn place(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The database's integer as a place or count; the database holds no negative ones.
pub(crate) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The database's own type as a time.
pub(crate) fn moment(date: DateTime) -> Timestamp {
    Timestamp(date.timestamp_millis())
}

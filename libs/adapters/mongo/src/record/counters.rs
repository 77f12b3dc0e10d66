//! The counters of a thread: what somebody's unread count follows from.
//!
//! `seq` has no gaps. So the messages of others beyond a person's read cursor are those up to `lastSeq`, less
//! the ones that the person sent (`sentBeyond`). A message therefore changes the counter of its sender only.
//! Threads of few people also keep the published schema's `unreadCount`.

use crate::record::by_person::ByPerson;
use crate::record::values::count;
use eventflow_protocol::change::Cursor;
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use mongodb::bson::oid::ObjectId;
use serde::Deserialize;

/// Small threads: at most this many people. They keep `unreadCount` for the operators' own queries, and their
/// `activityAt` is in the index of lists. Both cost an entry a person with every message, so larger threads
/// have neither.
pub(crate) const SMALL_MAX: usize = 50;

/// The counters of a thread. A query reads those of some people only.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counters {
    #[serde(rename = "_id")]
    pub(crate) id: ObjectId,
    /// Up to here everything else counts.
    #[serde(default)]
    pub(crate) last_seq: i64,
    #[serde(default)]
    pub(crate) read_seq: ByPerson,
    #[serde(default)]
    pub(crate) delivered_seq: ByPerson,
    /// How many messages each person sent beyond their read cursor; none for who sent none. Missing in a
    /// document that an earlier version wrote last.
    #[serde(default)]
    pub(crate) sent_beyond: Option<ByPerson>,
    /// The published schema's counters, in small threads and in documents of earlier versions.
    #[serde(default)]
    pub(crate) unread_count: ByPerson,
    /// The highest place where the read cursor of each person was before they marked messages unread.
    #[serde(default)]
    pub(crate) told_seq: ByPerson,
    /// When each person marked messages unread last, in milliseconds since 1970.
    #[serde(default)]
    pub(crate) unread_at: ByPerson,
    /// The place after which people see messages who were added to a group.
    #[serde(default)]
    pub(crate) since_seq: ByPerson,
    /// Place of the newest message that was taken back.
    #[serde(default)]
    pub(crate) taken_back_seq: i64,
    /// How often `unreadCount` was written anew because a message was taken back.
    #[serde(default)]
    pub(crate) taken_back_times: Option<i64>,
}

impl Counters {
    /// The thread.
    pub(crate) fn thread(&self) -> ThreadId {
        ThreadId::from_bytes(self.id.bytes())
    }

    /// Place of the newest message that the document counts.
    pub(crate) fn last(&self) -> u64 {
        count(self.last_seq)
    }

    /// How far this person has come.
    pub(crate) fn cursor(&self, user: &UserId, cursor: Cursor) -> u64 {
        let cursors = match cursor {
            Cursor::Read => &self.read_seq,
            Cursor::Delivered => &self.delivered_seq,
        };
        cursors.get(user).copied().map_or(0, count)
    }

    /// The highest place where a cursor of this person ever was.
    pub(crate) fn told(&self, user: &UserId, cursor: Cursor) -> u64 {
        let before = self.told_seq.get(user).copied().filter(|_| cursor == Cursor::Read).map_or(0, count);
        self.cursor(user, cursor).max(before)
    }

    /// The place after which this person sees messages.
    pub(crate) fn since(&self, user: &UserId) -> u64 {
        self.since_seq.get(user).copied().map_or(0, count)
    }

    /// When this person marked messages unread last.
    pub(crate) fn unread_at(&self, user: &UserId) -> Option<Timestamp> {
        self.unread_at.get(user).copied().map(Timestamp)
    }

    /// How many messages this person sent beyond their read cursor.
    pub(crate) fn sent_beyond(&self, user: &UserId) -> u64 {
        match &self.sent_beyond {
            Some(sent) => sent.get(user).copied().map_or(0, count),
            None => self.to_read(user).saturating_sub(self.unread_count.get(user).copied().map_or(0, count)),
        }
    }

    /// How many messages of others lie beyond this person's read cursor, also those that were taken back.
    pub(crate) fn of_others_beyond(&self, user: &UserId) -> u64 {
        self.to_read(user).saturating_sub(self.sent_beyond(user))
    }

    /// Whether a message after this place was taken back.
    pub(crate) fn has_taken_back_after(&self, place: u64) -> bool {
        count(self.taken_back_seq) > place
    }

    fn to_read(&self, user: &UserId) -> u64 {
        self.last().saturating_sub(self.cursor(user, Cursor::Read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mongodb::bson::{deserialize_from_document, doc};

    fn counters(document: mongodb::bson::Document) -> Counters {
        deserialize_from_document(document).unwrap()
    }

    #[test]
    fn what_is_left_to_read_follows_from_places_and_from_what_one_sent() {
        let thread = counters(doc! {
            "_id": ObjectId::new(), "lastSeq": 10_i64,
            "readSeq": { "ann": 4_i64 }, "sentBeyond": { "ann": 2_i64, "ben": 3_i64 },
        });
        let left = ["ann", "ben", "cleo"].map(|user| thread.of_others_beyond(&user.parse().unwrap()));
        assert_eq!(left, [4, 7, 10]);
    }

    #[test]
    fn a_document_of_an_earlier_version_says_what_is_left_to_read() {
        let thread = counters(doc! {
            "_id": ObjectId::new(), "lastSeq": 10_i64,
            "readSeq": { "ann": 4_i64 }, "unreadCount": { "ann": 4_i64, "ben": 7_i64 },
        });
        let of = |user: &str| {
            let user = user.parse().unwrap();
            (thread.of_others_beyond(&user), thread.sent_beyond(&user))
        };
        assert_eq!([of("ann"), of("ben")], [(4, 2), (7, 3)]);
    }
}

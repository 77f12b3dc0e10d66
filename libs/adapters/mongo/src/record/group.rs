//! Groups as the database keeps them: fields of the thread's document.
//!
//! `group` is name, picture, history and owners. `groupDone` are the last commands that changed the group, as
//! texts, and `groupRevision` counts its changes. `joinedAt` is when people were added (milliseconds since
//! 1970), and `sinceSeq` the place after which they see messages; who was there from the beginning has
//! neither.

use crate::record::by_person::ByPerson;
use crate::record::values::count;
use eventflow_protocol::change::{DoneChange, Roster};
use eventflow_protocol::group::Group;
use eventflow_protocol::{Timestamp, UserId};
use mongodb::bson::{Document, doc};
use serde::Deserialize;

/// What a change of a group reads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RosterRecord {
    pub(crate) participants: Vec<UserId>,
    #[serde(default)]
    pub(crate) last_seq: i64,
    #[serde(default)]
    pub(crate) group: Option<Group>,
    #[serde(default)]
    pub(crate) group_revision: Option<i64>,
    #[serde(default)]
    group_done: Vec<DoneChange>,
    #[serde(default)]
    joined_at: ByPerson,
}

impl RosterRecord {
    /// The fields that are read.
    pub(crate) fn fields() -> Document {
        doc! { "participants": 1, "lastSeq": 1, "group": 1, "groupRevision": 1, "groupDone": 1, "joinedAt": 1 }
    }

    /// Place of the newest message that the document counts.
    pub(crate) fn last(&self) -> u64 {
        count(self.last_seq)
    }

    /// The roster; none if the thread is no group.
    pub(crate) fn roster(&self) -> Option<Roster> {
        Some(Roster {
            group: self.group.clone()?,
            people: self.participants.clone(),
            joined_at: self.joined_at.iter().map(|(user, at)| (user.clone(), Timestamp(*at))).collect(),
            done: self.group_done.clone(),
        })
    }
}

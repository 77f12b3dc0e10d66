//! Mentions: how many unread messages mention somebody, and whom an edit mentioned anew.
//!
//! The index has keys of messages that mention somebody only, so nobody else pays for it. Nothing is stored
//! beside the messages: what is taken back mentions nobody, and what a person has read lies before the place
//! that they count from.

use crate::advances::others;
use crate::call::CallError;
use crate::connection::READ_LIMIT;
use crate::record::values::count;
use crate::store::MongoStore;
use eventflow_protocol::change::mentioned_by;
use eventflow_protocol::{CommandId, MessageId, ThreadId, UserId};
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use serde::Deserialize;
use std::collections::HashMap;

#[derive(Deserialize)]
struct Counted {
    #[serde(rename = "_id")]
    thread: ThreadId,
    mentions: i64,
}

impl MongoStore {
    /// How many messages of others in these threads, after one place and up to another, mention this person;
    /// threads without any are absent. `blocked` is whom they block, if that is known already.
    pub(crate) async fn count_mentions(
        &self,
        user: &UserId,
        ranges: &[(ThreadId, u64, u64)],
        blocked: Option<Vec<String>>,
    ) -> Result<HashMap<ThreadId, u64>, CallError> {
        if ranges.is_empty() {
            return Ok(HashMap::new());
        }
        // Whom they block mentions nobody to them.
        let blocked = match blocked {
            Some(blocked) => blocked,
            None => self.blocked_of(user).await?,
        };
        let branch = |(thread, after, up_to): &(ThreadId, u64, u64)| {
            let mut filter = others(*thread, user, *after, *up_to);
            filter.insert("mentions", user.as_str());
            // A process of an earlier version leaves the mentions of what it takes back.
            filter.insert("deletedAt", doc! { "$exists": false });
            if !blocked.is_empty() {
                filter.insert("$nor", vec![doc! { "senderId": { "$in": blocked.clone() } }]);
            }
            filter
        };
        let branches: Vec<Document> = ranges.iter().map(branch).collect();
        let pipeline = [
            doc! { "$match": { "$or": branches } },
            doc! { "$group": { "_id": "$threadId", "mentions": { "$sum": 1_i64 } } },
        ];
        let collection = self.messages.clone();
        let find = async move {
            let groups = collection.aggregate(pipeline).max_time(READ_LIMIT).await?.with_type::<Counted>();
            groups.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("count mentions", READ_LIMIT, find).await?;
        Ok(found.into_iter().map(|one| (one.thread, count(one.mentions))).collect())
    }

    /// See [`eventflow_ports::Store::mentioned_by`].
    pub(crate) async fn read_mentioned_by(
        &self,
        message: MessageId,
        command: CommandId,
    ) -> Result<Vec<UserId>, CallError> {
        let found = self.message_record(message).await?;
        Ok(found.map(|record| mentioned_by(&record.marks(), command)).unwrap_or_default())
    }
}

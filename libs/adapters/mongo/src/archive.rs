//! Archiving a thread for one person, and bringing it back.
//!
//! `archivedBy` of a thread holds the people who have archived it; [`crate::touch`] takes them out when
//! somebody else writes. `archives` keeps the last commands of each person, written in the same step, so that
//! a repeated command changes nothing. The counters are brought up to the newest message first, so that only
//! a later message brings the thread back.

use crate::call::CallError;
use crate::connection::WRITE_LIMIT;
use crate::record::by_person::path_of;
use crate::record::values::object_id;
use crate::store::MongoStore;
use eventflow_ports::WithCommandId;
use eventflow_protocol::CommandId;
use eventflow_protocol::change::{ARCHIVES_REMEMBERED, ArchiveThread};
use eventflow_protocol::document::ThreadView;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, doc};

impl MongoStore {
    /// See [`eventflow_ports::Store::archive`].
    pub(crate) async fn archive_thread(
        &self,
        archive: &WithCommandId<ArchiveThread>,
    ) -> Result<Option<ThreadView>, CallError> {
        let wanted = &archive.wanted;
        self.catch_up([wanted.thread_id]).await?;
        let user = wanted.user_id.as_str();
        let operator = if wanted.archived { "$addToSet" } else { "$pull" };
        let done = path_of("archives", &wanted.user_id);
        let command = binary(archive.command_id);
        // The list of commands ascends. A command that is not in it is new if the list has room, or if the
        // command is later than the list's first; an earlier one may have been done and dropped from the
        // list.
        let first = format!("{done}.0");
        let last = format!("{done}.{}", ARCHIVES_REMEMBERED - 1);
        let is_news = [doc! { last: { "$exists": false } }, doc! { first: { "$lt": command.clone() } }];
        let filter = doc! { "_id": object_id(wanted.thread_id), "participants": user, &done: { "$ne": command.clone() }, "$or": is_news };
        let kept = -i64::try_from(ARCHIVES_REMEMBERED).unwrap_or(i64::MAX);
        let remember = doc! { done: { "$each": [command], "$sort": 1, "$slice": kept } };
        let update = doc! { operator: { "archivedBy": user }, "$push": remember };
        let collection = self.threads.clone();
        let write = async move { collection.update_one(filter, update).await.map(drop) };
        self.calls.run("archive a thread", WRITE_LIMIT, write).await?;
        self.read_view(wanted.thread_id, &wanted.user_id).await
    }
}

/// A command id as sixteen bytes, which the database orders like the ids themselves.
fn binary(command: CommandId) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes: command.0.into_bytes().to_vec() })
}

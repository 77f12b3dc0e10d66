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
use eventflow_protocol::change::{ArchiveThread, WISHES_REMEMBERED};
use eventflow_protocol::document::ThreadView;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, Document, doc};

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
        let mut filter = doc! { "_id": object_id(wanted.thread_id), "participants": user };
        only_news(&mut filter, &done, archive.command_id);
        let update =
            doc! { operator: { "archivedBy": user }, "$push": remembered(&done, archive.command_id) };
        let collection = self.threads.clone();
        let write = async move { collection.update_one(filter, update).await.map(drop) };
        self.calls.run("archive a thread", WRITE_LIMIT, write).await?;
        self.read_view(wanted.thread_id, &wanted.user_id).await
    }
}

/// Adds to a filter that a command of one kind and person is news: it is not among the remembered ones at the
/// path `done`, and not older than all of them.
///
/// The list of commands ascends. A command that is not in it is new if the list has room, or if the command
/// is later than the list's first; an earlier one may have been done and dropped from the list.
pub(crate) fn only_news(filter: &mut Document, done: &str, command: CommandId) {
    let command = binary(command);
    let first = format!("{done}.0");
    let last = format!("{done}.{}", WISHES_REMEMBERED - 1);
    let is_news = [doc! { last: { "$exists": false } }, doc! { first: { "$lt": command.clone() } }];
    filter.insert(done, doc! { "$ne": command });
    filter.insert("$or", is_news.to_vec());
}

/// What a `$push` adds to remember a command at the path `done`.
pub(crate) fn remembered(done: &str, command: CommandId) -> Document {
    let kept = -i64::try_from(WISHES_REMEMBERED).unwrap_or(i64::MAX);
    doc! { done: { "$each": [binary(command)], "$sort": 1, "$slice": kept } }
}

/// A command id as sixteen bytes, which the database orders like the ids themselves.
fn binary(command: CommandId) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes: command.0.into_bytes().to_vec() })
}

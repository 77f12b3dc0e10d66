//! Putting a thread away for one person, and bringing it back.
//!
//! `archivedBy` of a thread holds those who have put it away; [`crate::touch`] takes them out when somebody else says something.
//! The counters are brought up to the newest message first, so that only what is said after this brings the thread back.

use crate::call::CallError;
use crate::record::object_id;
use crate::store::{MongoStore, WRITE_LIMIT};
use eventflow_protocol::change::ArchiveThread;
use eventflow_protocol::document::ThreadView;
use mongodb::bson::doc;

impl MongoStore {
    /// See [`eventflow_ports::Store::archive`].
    pub(crate) async fn put_away(&self, wanted: &ArchiveThread) -> Result<Option<ThreadView>, CallError> {
        self.catch_up(wanted.thread_id).await?;
        let user = wanted.user_id.as_str();
        let operator = if wanted.archived { "$addToSet" } else { "$pull" };
        let (filter, update) =
            (doc! { "_id": object_id(wanted.thread_id), "participants": user }, doc! { operator: { "archivedBy": user } });
        let collection = self.threads.clone();
        let write = async move { collection.update_one(filter, update).await.map(drop) };
        self.calls.run("archive a thread", WRITE_LIMIT, write).await?;
        self.read_view(wanted.thread_id, &wanted.user_id).await
    }
}

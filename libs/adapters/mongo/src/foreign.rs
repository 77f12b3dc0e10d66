//! Whose documents these are: before the first index is made, the store looks whether another system keeps
//! its documents under the same names, as the old messaging system does in `messages` and `threads`.
//!
//! Two systems in one collection harm each other: the unique index on (thread, place) cannot be made over
//! messages without places, the old system's inserts would break on it, and a list meets documents that it
//! cannot read. So the store refuses such a database and changes nothing in it. Once its own index is there,
//! nothing is looked at again.

use crate::call::CallError;
use crate::host_users::indexes;
use crate::store::MongoStore;
use eventflow_ports::StoreError;
use mongodb::bson::{Document, doc};
use std::time::Duration;

/// Search for a foreign document: it reads a whole collection only if that is the system's own and has lost
/// its indexes, as after a copy of the documents alone. The index builds that follow take longer.
const SEARCH_LIMIT: Duration = Duration::from_mins(10);
/// The keys of the index that is made first, and only after a search.
const FENCE: [&str; 2] = ["threadId", "seq"];

/// A collection of the database holds documents of another system.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{collection}` holds documents of another system (without `{field}`), as the old messaging system leaves \
     them; nothing was changed. Name another database in MONGODB_URI (store.url), or give this system \
     collections of its own beside the others with MONGODB_PREFIX=chat_ (store.collection_prefix). \
     `eventflow import-v1` brings old conversations over"
)]
struct ForeignDocuments {
    collection: String,
    field: &'static str,
}

impl MongoStore {
    /// [`StoreError::Refused`] if the collections hold documents of another system.
    pub(crate) async fn refuse_foreign_documents(&self) -> Result<(), StoreError> {
        if self.is_fenced().await? {
            return Ok(());
        }
        for (collection, field) in self.marks() {
            if self.lacks(&collection, field).await? {
                let source = Box::new(ForeignDocuments { collection, field });
                return Err(StoreError::Refused { what: "use this database", source });
            }
        }
        Ok(())
    }

    /// A field of each collection that every document of this system has, and none of the old system.
    fn marks(&self) -> [(String, &'static str); 3] {
        [
            (self.messages.name().to_owned(), "seq"),
            (self.threads.name().to_owned(), "lastSeq"),
            (self.notifications.name().to_owned(), "threadId"),
        ]
    }

    async fn is_fenced(&self) -> Result<bool, CallError> {
        let messages = self.messages.clone_with_type::<Document>();
        let indexes = self.calls.run("list indexes", SEARCH_LIMIT, async move { indexes(&messages).await });
        Ok(indexes.await?.iter().any(|index| index.keys.keys().map(String::as_str).eq(FENCE)))
    }

    async fn lacks(&self, collection: &str, field: &'static str) -> Result<bool, CallError> {
        let collection = self.database.collection::<Document>(collection);
        let find = async move {
            let find = collection.find_one(doc! { field: { "$exists": false } });
            find.projection(doc! { "_id": 1 }).max_time(SEARCH_LIMIT).await
        };
        Ok(self.calls.run("look for documents of another system", SEARCH_LIMIT, find).await?.is_some())
    }
}

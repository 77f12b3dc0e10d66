//! Inspection: what an operator asks a MongoDB once: which version it is, whether it is a replica set, what
//! its clock says, whether this user may write, and which indexes are missing. It changes nothing.

use crate::connection::READ_LIMIT;
use crate::indexes;
use crate::store::MongoStore;
use eventflow_ports::StoreError;
use eventflow_protocol::Timestamp;
use futures_util::TryStreamExt;
use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind};
use std::collections::HashSet;

/// The server's code for a collection that does not exist.
const NO_SUCH_COLLECTION: i32 = 26;

/// What a server says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerFacts {
    /// Its version.
    pub version: String,
    /// The name of its replica set; `None` if it is none.
    pub replica_set: Option<String>,
    /// Its clock.
    pub time: Option<Timestamp>,
    /// Open connections, and how many more it takes.
    pub connections: Option<(i64, i64)>,
}

impl MongoStore {
    /// Asks the server what it is.
    pub async fn server_facts(&self) -> Result<ServerFacts, StoreError> {
        let (database, admin) = (self.database.clone(), self.client.database("admin"));
        let ask = async move {
            let build = database.run_command(doc! { "buildInfo": 1 }).await?;
            let hello = database.run_command(doc! { "hello": 1 }).await?;
            // Not everybody may ask for it, and nothing depends on it.
            let status = admin.run_command(doc! { "serverStatus": 1 }).await.unwrap_or_default();
            Ok(facts(&build, &hello, &status))
        };
        Ok(self.calls.run_briefly("ask the server what it is", READ_LIMIT, ask).await?)
    }

    /// The indexes that should be there and are not, as `collection (keys)`.
    pub async fn missing_indexes(&self) -> Result<Vec<String>, StoreError> {
        let mut missing = Vec::new();
        for (collection, wanted) in self.wanted_indexes() {
            let found = self.indexes_of(&collection).await?;
            let lacks = |index: &&IndexModel| !found.contains(&index.keys.to_string());
            let named = |index: &IndexModel| format!("{collection} {}", index.keys);
            missing.extend(wanted.iter().filter(lacks).map(named));
        }
        Ok(missing)
    }

    /// Every index by the collection that needs it.
    pub(crate) fn wanted_indexes(&self) -> Vec<(String, Vec<IndexModel>)> {
        let of = |name: &str, indexes: &[IndexModel]| (name.to_owned(), indexes.to_vec());
        vec![
            of(self.messages.name(), &indexes::of_messages()),
            of(self.threads.name(), &indexes::of_threads()),
            of(self.notifications.name(), &indexes::of_notifications()),
            of(self.windows.name(), &indexes::of_windows()),
            of(self.deliveries.name(), &indexes::of_deliveries()),
            of(self.names.name(), &[indexes::of_names()]),
            of(self.revocations.name(), &[indexes::of_revocations()]),
            of(self.outbox.name(), &[indexes::of_outbox()]),
            of(self.search_blocks.name(), &[indexes::of_search_blocks()]),
            of(self.sends.name(), &indexes::of_sends()),
            of(self.blocks.name(), &indexes::of_blocks()),
            of(self.reports.name(), &[indexes::of_reports()]),
            of(self.drafts.name(), &[indexes::of_drafts()]),
            of(self.scheduled.name(), &indexes::of_scheduled()),
            of(self.letters.name(), &indexes::of_letters()),
            of(self.letter_bodies.name(), &[indexes::of_letter_bodies()]),
            of(self.letter_replays.name(), &[indexes::of_letter_replays()]),
            of(self.audit_log.name(), &indexes::of_audit()),
            of(self.push_devices.name(), &indexes::of_push_devices()),
            of(self.push_shown.name(), &indexes::of_push_shown()),
            of(self.uploads.name(), &indexes::of_uploads()),
            of(self.erasures.name(), &indexes::of_erasures()),
        ]
    }

    async fn indexes_of(&self, collection: &str) -> Result<HashSet<String>, StoreError> {
        let collection = self.database.collection::<Document>(collection);
        let list = async move {
            match collection.list_indexes().await {
                Ok(found) => found.map_ok(|index| index.keys.to_string()).try_collect().await,
                Err(error) if is_no_such_collection(&error) => Ok(HashSet::new()),
                Err(error) => Err(error),
            }
        };
        Ok(self.calls.run_briefly("list indexes", READ_LIMIT, list).await?)
    }
}

fn facts(build: &Document, hello: &Document, status: &Document) -> ServerFacts {
    let number = |document: &Document, key: &str| match document.get(key) {
        Some(mongodb::bson::Bson::Int32(number)) => Some(i64::from(*number)),
        Some(mongodb::bson::Bson::Int64(number)) => Some(*number),
        _ => None,
    };
    let connections = status.get_document("connections").ok();
    ServerFacts {
        version: build.get_str("version").unwrap_or_default().to_owned(),
        replica_set: hello.get_str("setName").ok().map(str::to_owned),
        time: hello.get_datetime("localTime").ok().map(|time| Timestamp(time.timestamp_millis())),
        connections: connections.and_then(|connections| {
            Some((number(connections, "current")?, number(connections, "available")?))
        }),
    }
}

fn is_no_such_collection(error: &Error) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::Command(command) if command.code == NO_SUCH_COLLECTION)
}

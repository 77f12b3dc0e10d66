//! The collections `threads` and `messages` of the old messaging system, read and never written.
//!
//! Out come plain structs. [`documents`] settles which of the old system's generations called a field what;
//! what a field means is for the importer to decide. Documents of this system (with `seq` or `lastSeq`) are
//! skipped, so reading a database that holds both is harmless.

mod documents;

pub use documents::{LegacyFile, LegacyMessage, LegacyReaction, LegacyThread};

use crate::call::Calls;
use eventflow_ports::StoreError;
use mongodb::bson::{Document, doc};
use mongodb::options::ClientOptions;
use mongodb::{Client, Cursor, Database};
use std::time::Duration;

/// The name of this client in the server's log.
const APP_NAME: &str = "eventflow import-v1";
/// Server selection: a server that cannot be reached within this time counts as gone. Longer than an ordinary
/// election.
const SELECTION_LIMIT: Duration = Duration::from_secs(10);
/// Sort: the server sorts the old collection by thread once, on disk if need be.
const SORT_LIMIT: Duration = Duration::from_hours(1);
/// Page: one takes longer than this only if the server is gone.
const PAGE_LIMIT: Duration = Duration::from_mins(1);
/// Page: documents in one.
const PAGE: usize = 500;
/// The fields that name a message's thread, the newest first.
const THREAD_FIELDS: [&str; 4] = ["threadId", "thread_id", "conversationId", "thread"];

/// The old system's database.
#[derive(Debug)]
pub struct LegacyStore {
    client: Client,
    database: Database,
    hosts: Vec<String>,
    calls: Calls,
}

/// Reads a collection page by page.
#[derive(Debug)]
pub struct LegacyCursor<T> {
    cursor: Option<Cursor<Document>>,
    read: fn(&Document) -> T,
    calls: Calls,
}

impl LegacyStore {
    /// Opens the database `name`, else the one that `uri` names. [`StoreError::Refused`] if `uri` is not a
    /// MongoDB URI, or if neither names a database.
    pub async fn connect(uri: &str, name: Option<&str>) -> Result<Self, StoreError> {
        let mut options = parse(uri).await?;
        options.app_name.get_or_insert_with(|| APP_NAME.to_owned());
        options.server_selection_timeout = Some(SELECTION_LIMIT);
        let hosts = hosts(&options);
        let name = name.map(str::to_owned).or_else(|| options.default_database.clone());
        let name = name.ok_or_else(|| StoreError::Refused {
            what: "name the old database",
            source: "it has no name".into(),
        })?;
        let client = Client::with_options(options).map_err(refused)?;
        let database = client.database(&name);
        Ok(Self { client, database, hosts, calls: Calls::default() })
    }

    /// Whether the store at `uri` is in this same database, as far as host names tell.
    pub async fn is_at(&self, uri: &str) -> Result<bool, StoreError> {
        let options = parse(uri).await?;
        let name = options.default_database.as_deref().unwrap_or(crate::connection::DATABASE);
        Ok(name == self.database.name() && hosts(&options).iter().any(|host| self.hosts.contains(host)))
    }

    /// The estimated numbers of threads and messages.
    pub async fn counts(&self) -> Result<(u64, u64), StoreError> {
        let threads = self.database.collection::<Document>("threads");
        let messages = self.database.collection::<Document>("messages");
        let count = async move {
            Ok((threads.estimated_document_count().await?, messages.estimated_document_count().await?))
        };
        Ok(self.calls.run("count the old documents", PAGE_LIMIT, count).await?)
    }

    /// Every thread, in any order.
    pub async fn threads(&self) -> Result<LegacyCursor<LegacyThread>, StoreError> {
        let threads = self.database.collection::<Document>("threads");
        let find = async move { threads.find(doc! { "lastSeq": { "$exists": false } }).await };
        let cursor = self.calls.run("read the old threads", PAGE_LIMIT, find).await?;
        Ok(LegacyCursor { cursor: Some(cursor), read: documents::thread, calls: self.calls.clone() })
    }

    /// Every name by which some message calls its thread, each once.
    pub async fn thread_names(&self) -> Result<Vec<String>, StoreError> {
        let messages = self.database.collection::<Document>("messages");
        let pipeline =
            [doc! { "$match": { "seq": { "$exists": false } } }, doc! { "$group": { "_id": thread_name() } }];
        let group = async move {
            let mut cursor = messages.aggregate(pipeline).allow_disk_use(true).await?;
            let mut names = Vec::new();
            while cursor.advance().await? {
                names.extend(cursor.deserialize_current()?.get_str("_id").map(str::to_owned));
            }
            Ok(names)
        };
        Ok(self.calls.run("read the names of the old threads", SORT_LIMIT, group).await?)
    }

    /// Every message. Messages that call their thread by the same name follow each other.
    pub async fn messages(&self) -> Result<LegacyCursor<LegacyMessage>, StoreError> {
        let messages = self.database.collection::<Document>("messages");
        let pipeline = [
            doc! { "$match": { "seq": { "$exists": false } } },
            doc! { "$addFields": { documents::GROUP: thread_name() } },
            doc! { "$sort": { documents::GROUP: 1, "_id": 1 } },
        ];
        let sort = async move { messages.aggregate(pipeline).allow_disk_use(true).await };
        let cursor = self.calls.run("sort the old messages by thread", SORT_LIMIT, sort).await?;
        Ok(LegacyCursor { cursor: Some(cursor), read: documents::message, calls: self.calls.clone() })
    }

    /// Waits for the calls under way, then closes the connections.
    pub async fn close(self) {
        self.calls.finish().await;
        self.client.shutdown().immediate(true).await;
    }
}

impl<T> LegacyCursor<T> {
    /// The next documents; an empty page at the end.
    pub async fn next_page(&mut self) -> Result<Vec<T>, StoreError> {
        let Some(mut cursor) = self.cursor.take() else { return Ok(Vec::new()) };
        let page = async move {
            let mut page = Vec::new();
            while page.len() < PAGE {
                if !cursor.advance().await? {
                    return Ok((None, page));
                }
                page.push(cursor.deserialize_current()?);
            }
            Ok((Some(cursor), page))
        };
        let (cursor, page) = self.calls.run("read old documents", PAGE_LIMIT, page).await?;
        self.cursor = cursor;
        Ok(page.iter().map(self.read).collect())
    }
}

/// The expression for what a message calls its thread. Some generations wrote an `ObjectId`, some its text:
/// both are one name.
fn thread_name() -> Document {
    let thread = THREAD_FIELDS.iter().rev().fold(doc! { "$literal": null }, |other, field| {
        doc! { "$ifNull": [format!("${field}"), other] }
    });
    doc! { "$convert": { "input": thread, "to": "string", "onError": null, "onNull": null } }
}

async fn parse(uri: &str) -> Result<ClientOptions, StoreError> {
    ClientOptions::parse(uri).await.map_err(refused)
}

fn refused(error: mongodb::error::Error) -> StoreError {
    StoreError::Refused { what: "read the MongoDB URI", source: Box::new(error) }
}

fn hosts(options: &ClientOptions) -> Vec<String> {
    options.hosts.iter().map(|host| host.to_string().to_ascii_lowercase()).collect()
}

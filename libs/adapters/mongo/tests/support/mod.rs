//! A database of its own for each test, on the server that `MONGODB_URI` names; dropped at the end, also of a
//! failed test.

mod proxy;

use async_trait::async_trait;
use eventflow_mongo::MongoStore;
use eventflow_ports::WholeStore;
use eventflow_ports::blocks_contract::{self, BlockStore};
use eventflow_ports::erasures_contract::{self, Dumped};
use eventflow_ports::store_contract::{Fault, FaultHarness, Harness};
use eventflow_ports::{
    DeadLetters, Directory, Drafts, Inbox, Outbound, Outbox, PushDevices, Reports, Scheduled, SearchIndex,
    Sends, Store, Suppressions, Uploads, dead_letters_contract, directory_contract, drafts_contract,
    inbox_contract, outbound_contract, outbox_contract, push_devices_contract, reports_contract,
    scheduled_contract, search_contract, sends_contract, suppressions_contract, uploads_contract,
};
use eventflow_protocol::dead_letters::DeadLetterId;
use eventflow_protocol::{CommandId, UserId};
use futures_util::{FutureExt, TryStreamExt};
use mongodb::Client;
use mongodb::bson::{Document, RawDocumentBuf, doc};
use proxy::Proxy;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;

/// A server, and a database on it that nobody else uses.
pub(crate) struct MongoHarness {
    direct: String,
    proxied: String,
    proxy: Proxy,
}

/// Runs a check on a fresh database, reached directly.
pub(crate) async fn run(check: impl AsyncFnOnce(&dyn Harness)) {
    on_fresh_database(async |harness: &MongoHarness| check(&Direct(harness.direct.clone())).await).await;
}

/// Runs a check of the inbox on a fresh database, reached directly.
pub(crate) async fn run_with_inbox(check: impl AsyncFnOnce(&dyn inbox_contract::Harness)) {
    on_fresh_database(async |harness: &MongoHarness| check(&Direct(harness.direct.clone())).await).await;
}

/// Runs a check of windows and the delivery log on a fresh database, reached directly.
pub(crate) async fn run_with_outbound(check: impl AsyncFnOnce(&dyn outbound_contract::Harness)) {
    on_fresh_database(async |harness: &MongoHarness| check(&Direct(harness.direct.clone())).await).await;
}

/// Runs a check of the directory on a fresh database, reached directly.
pub(crate) async fn run_with_directory(check: impl AsyncFnOnce(&dyn directory_contract::Harness)) {
    on_fresh_database(async |harness: &MongoHarness| check(&Direct(harness.direct.clone())).await).await;
}

/// Runs a check of the suppression list on a fresh database, reached directly.
pub(crate) async fn run_with_suppressions(check: impl AsyncFnOnce(&dyn suppressions_contract::Harness)) {
    on_fresh_database(async |harness: &MongoHarness| check(&Direct(harness.direct.clone())).await).await;
}

/// Runs a check of the outbox on a fresh database, reached directly.
pub(crate) async fn run_with_outbox(check: impl AsyncFnOnce(&dyn outbox_contract::Harness)) {
    on_fresh_database(async |harness: &MongoHarness| check(&Direct(harness.direct.clone())).await).await;
}

/// Runs a check of sends on a fresh database, reached directly.
pub(crate) async fn run_with_sends(check: impl AsyncFnOnce(&dyn sends_contract::Harness)) {
    on_fresh_database(async |harness: &MongoHarness| check(&Direct(harness.direct.clone())).await).await;
}

/// Runs a check of drafts on a fresh database, reached directly.
pub(crate) async fn run_with_drafts(check: impl AsyncFnOnce(&dyn drafts_contract::Harness)) {
    on_fresh_database(async |harness: &MongoHarness| check(&Direct(harness.direct.clone())).await).await;
}

/// Runs a check of blocks between people on a fresh database, reached directly.
pub(crate) async fn run_with_blocks(check: impl AsyncFnOnce(&dyn blocks_contract::Harness)) {
    on_fresh_database(async |harness: &MongoHarness| check(&Direct(harness.direct.clone())).await).await;
}

/// Runs a check of reports on a fresh database, reached directly.
pub(crate) async fn run_with_reports(check: impl AsyncFnOnce(&dyn reports_contract::Harness)) {
    on_fresh_database(async |harness: &MongoHarness| check(&Direct(harness.direct.clone())).await).await;
}

/// Runs a check of scheduled messages on a fresh database, reached directly.
pub(crate) async fn run_with_scheduled(check: impl AsyncFnOnce(&dyn scheduled_contract::Harness)) {
    on_fresh_database(async |harness: &MongoHarness| check(&Direct(harness.direct.clone())).await).await;
}

/// Runs a check of records of uploaded files on a fresh database, reached directly.
pub(crate) async fn run_with_uploads(check: impl AsyncFnOnce(&dyn uploads_contract::Harness)) {
    on_fresh_database(async |harness: &MongoHarness| check(&Direct(harness.direct.clone())).await).await;
}

/// Runs a check of erasures on a fresh database, reached directly.
pub(crate) async fn run_with_erasures(check: impl AsyncFnOnce(&dyn erasures_contract::Harness)) {
    on_fresh_database(async |harness: &MongoHarness| check(&Direct(harness.direct.clone())).await).await;
}

/// Runs a check of search on a fresh database, reached directly.
pub(crate) async fn run_with_search(check: impl AsyncFnOnce(&dyn search_contract::Harness)) {
    on_fresh_database(async |harness: &MongoHarness| check(&Direct(harness.direct.clone())).await).await;
}

/// Runs a check of dead letters on a fresh database, reached directly.
pub(crate) async fn run_with_dead_letters(check: impl AsyncFnOnce(&dyn dead_letters_contract::Harness)) {
    on_fresh_database(async |harness: &MongoHarness| check(&Direct(harness.direct.clone())).await).await;
}

/// Runs a check of push devices on a fresh database, reached directly.
pub(crate) async fn run_with_devices(check: impl AsyncFnOnce(&dyn push_devices_contract::Harness)) {
    on_fresh_database(async |harness: &MongoHarness| check(&Direct(harness.direct.clone())).await).await;
}

/// Runs a check on a fresh database, reached through a proxy that can fail.
pub(crate) async fn run_with_faults(check: impl AsyncFnOnce(&dyn FaultHarness)) {
    on_fresh_database(async |harness: &MongoHarness| check(harness).await).await;
}

/// Runs a test on a fresh database whose URI it gets.
pub(crate) async fn run_with_uri(test: impl AsyncFnOnce(&str)) {
    on_fresh_database(async |harness: &MongoHarness| test(&harness.direct).await).await;
}

async fn on_fresh_database(test: impl AsyncFnOnce(&MongoHarness)) {
    let harness = MongoHarness::new().await;
    open(&harness.direct).await.prepare().await.unwrap();
    let outcome = AssertUnwindSafe(test(&harness)).catch_unwind().await;
    let client = Client::with_uri_str(&harness.direct).await.unwrap();
    client.default_database().unwrap().drop().await.unwrap();
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

pub(crate) async fn open(uri: &str) -> Arc<MongoStore> {
    Arc::new(MongoStore::connect(uri).await.unwrap())
}

struct Direct(String);

#[async_trait]
impl Harness for Direct {
    async fn open(&self) -> Arc<dyn Store> {
        open(&self.0).await
    }
}

#[async_trait]
impl inbox_contract::Harness for Direct {
    async fn open(&self) -> Arc<dyn Inbox> {
        open(&self.0).await
    }
}

#[async_trait]
impl dead_letters_contract::Harness for Direct {
    async fn open(&self) -> Arc<dyn DeadLetters> {
        open(&self.0).await
    }

    /// A field is of another type, another is not there, and the letter is none.
    async fn spoil(&self, id: DeadLetterId) {
        let client = Client::with_uri_str(&self.0).await.unwrap();
        let letters = client.default_database().unwrap().collection::<Document>("deadLetters");
        let spoil = doc! { "$set": { "letter": 7, "cause": "theirs" }, "$unset": { "revision": "" } };
        let spoilt = letters.update_one(doc! { "_id": id.to_string() }, spoil).await.unwrap();
        assert_eq!(spoilt.modified_count, 1);
    }
}

#[async_trait]
impl outbound_contract::Harness for Direct {
    async fn open(&self) -> Arc<dyn Outbound> {
        open(&self.0).await
    }
}

#[async_trait]
impl directory_contract::Harness for Direct {
    async fn open(&self) -> Arc<dyn Directory> {
        open(&self.0).await
    }
}

#[async_trait]
impl suppressions_contract::Harness for Direct {
    async fn open(&self) -> Arc<dyn Suppressions> {
        open(&self.0).await
    }
}

#[async_trait]
impl outbox_contract::Harness for Direct {
    async fn open(&self) -> Arc<dyn Outbox> {
        open(&self.0).await
    }
}

#[async_trait]
impl drafts_contract::Harness for Direct {
    async fn open(&self) -> Arc<dyn Drafts> {
        open(&self.0).await
    }
}

#[async_trait]
impl blocks_contract::Harness for Direct {
    async fn open(&self) -> Arc<dyn BlockStore> {
        open(&self.0).await
    }
}

#[async_trait]
impl reports_contract::Harness for Direct {
    async fn open(&self) -> Arc<dyn Reports> {
        open(&self.0).await
    }
}

#[async_trait]
impl scheduled_contract::Harness for Direct {
    async fn open(&self) -> Arc<dyn Scheduled> {
        open(&self.0).await
    }
}

#[async_trait]
impl erasures_contract::Harness for Direct {
    async fn open(&self) -> Arc<dyn WholeStore> {
        open(&self.0).await
    }

    async fn dump(&self) -> Vec<Dumped> {
        let database = Client::with_uri_str(&self.0).await.unwrap().default_database().unwrap();
        let mut dump = Vec::new();
        for name in database.list_collection_names().await.unwrap() {
            let collection = database.collection::<RawDocumentBuf>(&name);
            let mut found = collection.find(doc! {}).await.unwrap();
            let mut bytes = Vec::new();
            while let Some(document) = found.try_next().await.unwrap() {
                bytes.extend_from_slice(document.as_bytes());
            }
            dump.push(Dumped { name, bytes });
        }
        dump
    }
}

#[async_trait]
impl uploads_contract::Harness for Direct {
    async fn open(&self) -> Arc<dyn Uploads> {
        open(&self.0).await
    }
}

#[async_trait]
impl sends_contract::Harness for Direct {
    async fn open(&self) -> Arc<dyn Sends> {
        open(&self.0).await
    }
}

#[async_trait]
impl search_contract::Harness for Direct {
    async fn open(&self) -> (Arc<dyn Store>, Arc<dyn SearchIndex>) {
        let store = open(&self.0).await;
        (Arc::clone(&store) as _, store)
    }
}

#[async_trait]
impl push_devices_contract::Harness for Direct {
    async fn open(&self) -> Arc<dyn PushDevices> {
        open(&self.0).await
    }
}

#[async_trait]
impl Harness for MongoHarness {
    async fn open(&self) -> Arc<dyn Store> {
        open(&self.proxied).await
    }
}

#[async_trait]
impl FaultHarness for MongoHarness {
    async fn suffer(&self, fault: Fault) {
        self.proxy.set(Some(fault));
    }

    async fn mend(&self) {
        self.proxy.set(None);
    }
}

impl MongoHarness {
    async fn new() -> Self {
        #[allow(
            clippy::disallowed_methods,
            reason = "the test's server is named by the environment; there is no configuration"
        )]
        let uri = std::env::var("MONGODB_URI")
            .expect("MONGODB_URI names a MongoDB server: eval \"$(tests/services env)\"");
        let (base, query) = uri.split_once('?').unwrap_or((&uri, ""));
        let authority =
            base.strip_prefix("mongodb://").expect("a mongodb:// URI").split('/').next().unwrap_or_default();
        let (user, host) = authority
            .rsplit_once('@')
            .map_or((String::new(), authority), |(user, host)| (format!("{user}@"), host));
        let first = host.split(',').next().unwrap_or_default().to_owned();
        let database = format!("eventflow_test_{}", CommandId::new().0.simple());
        let proxy = Proxy::to(first).await;
        // Without `directConnection` the driver would go past the proxy to the address the server says it
        // has.
        let kept: Vec<&str> = query
            .split('&')
            .filter(|option| !option.is_empty() && !option.starts_with("replicaSet="))
            .collect();
        let options = [kept, vec!["directConnection=true"]].concat().join("&");
        let proxied = format!("mongodb://{user}{}/{database}?{options}", proxy.address);
        Self { direct: format!("mongodb://{authority}/{database}?{query}"), proxied, proxy }
    }
}

/// The name of this person's field in the maps of a thread: what has a meaning there is written with percent
/// signs.
pub(crate) fn field_of(user: &UserId) -> String {
    let escape = |byte: u8| match byte {
        b'.' | b'$' | b'%' | 0x80.. => format!("%{byte:02X}"),
        plain => char::from(plain).to_string(),
    };
    user.as_str().bytes().map(escape).collect()
}

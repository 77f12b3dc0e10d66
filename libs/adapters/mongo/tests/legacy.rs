//! The old collections on a real MongoDB: grouped by thread, in pages, without what is this system's own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use eventflow_mongo::{LegacyCursor, LegacyStore};
use futures_util::FutureExt;
use mongodb::bson::{DateTime, Document, doc, oid::ObjectId};
use mongodb::{Client, Database};
use std::panic::{AssertUnwindSafe, resume_unwind};

/// Runs a test with an empty database and its URI; the database is dropped at the end, also of a failed test.
async fn on_old_database(test: impl AsyncFnOnce(&Database, &str)) {
    #[allow(
        clippy::disallowed_methods,
        reason = "the test's server is named by the environment; there is no configuration"
    )]
    let given = std::env::var("MONGODB_URI")
        .expect("MONGODB_URI names a MongoDB server: eval \"$(tests/services env)\"");
    let (base, query) = given.split_once('?').unwrap_or((&given, ""));
    let authority = base.strip_prefix("mongodb://").unwrap().split('/').next().unwrap();
    let uri = format!("mongodb://{authority}/eventflow_legacy_{}?{query}", ObjectId::new().to_hex());
    let database = Client::with_uri_str(&uri).await.unwrap().default_database().unwrap();
    let outcome = AssertUnwindSafe(test(&database, &uri)).catch_unwind().await;
    database.drop().await.unwrap();
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

async fn fill(database: &Database, collection: &str, documents: impl IntoIterator<Item = Document>) {
    database.collection::<Document>(collection).insert_many(documents).await.unwrap();
}

async fn all<T>(mut cursor: LegacyCursor<T>) -> Vec<T> {
    let mut found = Vec::new();
    loop {
        let page = cursor.next_page().await.unwrap();
        if page.is_empty() {
            return found;
        }
        found.extend(page);
    }
}

#[tokio::test]
async fn messages_come_thread_by_thread_however_they_name_it() {
    on_old_database(async |database: &Database, uri: &str| {
        let thread = ObjectId::new();
        let named = |n: i32| match n % 4 {
            0 => doc! { "id": format!("m{n}"), "threadId": thread, "text": "x" },
            1 => doc! { "id": format!("m{n}"), "threadId": thread.to_hex(), "content": "x" },
            2 => doc! { "id": format!("m{n}"), "thread_id": "other", "message": "x" },
            _ => doc! { "id": format!("m{n}"), "text": "lost" },
        };
        fill(database, "messages", (0..1_400).map(named)).await;
        let store = LegacyStore::connect(uri, None).await.unwrap();
        let messages = all(store.messages().await.unwrap()).await;
        assert_eq!(messages.len(), 1_400);
        let mut groups: Vec<Option<String>> = messages.iter().map(|message| message.thread.clone()).collect();
        groups.dedup();
        assert_eq!(groups, [None, Some(thread.to_hex()), Some("other".to_owned())]);
        let (threads, counted) = store.counts().await.unwrap();
        assert_eq!((threads, counted), (0, 1_400));
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn documents_of_this_system_are_passed_over() {
    on_old_database(async |database: &Database, uri: &str| {
        let date = DateTime::from_millis(1_700_000_000_000);
        fill(
            database,
            "threads",
            [
                doc! { "id": "t1", "customerId": "ann", "recipientId": "ben", "createdAt": date },
                doc! { "participants": ["ann", "ben"], "lastSeq": 3_i64 },
            ],
        )
        .await;
        fill(
            database,
            "messages",
            [
                doc! { "id": "m1", "threadId": "t1", "text": "old" },
                doc! { "threadId": ObjectId::new(), "seq": 1_i64, "content": "new" },
            ],
        )
        .await;
        let store = LegacyStore::connect(uri, None).await.unwrap();
        let threads = all(store.threads().await.unwrap()).await;
        assert_eq!(threads.iter().map(|thread| thread.id.as_str()).collect::<Vec<_>>(), ["t1"]);
        let messages = all(store.messages().await.unwrap()).await;
        assert_eq!(messages.iter().map(|message| message.id.as_str()).collect::<Vec<_>>(), ["m1"]);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_database_knows_whether_the_store_is_in_it() {
    on_old_database(async |_: &Database, uri: &str| {
        let store = LegacyStore::connect(uri, None).await.unwrap();
        assert!(store.is_at(uri).await.unwrap());
        let elsewhere = LegacyStore::connect(uri, Some("another")).await.unwrap();
        assert!(!elsewhere.is_at(uri).await.unwrap());
        assert!(!store.is_at("mongodb://127.0.0.1:1/eventflow").await.unwrap());
        assert!(LegacyStore::connect("mongodb://127.0.0.1:1", None).await.is_err(), "no database is named");
        assert!(all(store.threads().await.unwrap()).await.is_empty());
    })
    .await;
}

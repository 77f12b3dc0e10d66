//! A database in which another system keeps its documents under the same names is refused and left as it is;
//! with names of their own the two live side by side.

use crate::support::run_with_uri;
use eventflow_mongo::{MongoOptions, MongoStore};
use eventflow_ports::store_contract::fixtures::{Scene, append};
use eventflow_ports::{Directory, StoreError};
use mongodb::bson::{DateTime, Document, doc};
use mongodb::{Client, Database};

/// What the old messaging system and its host leave: several messages a thread, none with a place.
async fn fill_as_the_old_system(database: &Database) {
    let now = DateTime::now();
    let fill = async |collection: &str, documents: Vec<Document>| {
        database.collection::<Document>(collection).insert_many(documents).await.unwrap();
    };
    let message =
        |text: &str| doc! { "threadId": "t1", "senderId": "ann", "content": text, "createdAt": now };
    fill("messages", vec![message("one"), message("two")]).await;
    fill("threads", vec![doc! { "participants": ["ann", "ben"], "status": "active", "createdAt": now }])
        .await;
    fill("users", vec![doc! { "_id": "ann", "name": "Ann Lee" }]).await;
}

#[tokio::test]
async fn a_database_with_documents_of_another_system_is_refused_and_left_as_it_is() {
    run_with_uri(async |uri| {
        for only in [None, Some("messages"), Some("threads")] {
            let database = Client::with_uri_str(uri).await.unwrap().default_database().unwrap();
            database.drop().await.unwrap();
            fill_as_the_old_system(&database).await;
            let all = ["messages", "threads"];
            for other in all.iter().filter(|name| only.is_some_and(|only| only != **name)) {
                database.collection::<Document>(other).drop().await.unwrap();
            }
            let error = MongoStore::connect(uri).await.unwrap().prepare().await.unwrap_err();
            let StoreError::Refused { source, .. } = error else { panic!("{error:?}") };
            let said = source.to_string();
            let named = only.unwrap_or("messages");
            assert!(
                said.contains(named) && said.contains("MONGODB_URI") && said.contains("MONGODB_PREFIX"),
                "{said}"
            );
            let collection = database.collection::<Document>(named);
            assert_eq!(collection.list_index_names().await.unwrap(), ["_id_"], "{only:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn with_a_prefix_both_systems_live_in_one_database() {
    run_with_uri(async |uri| {
        let database = Client::with_uri_str(uri).await.unwrap().default_database().unwrap();
        database.drop().await.unwrap();
        fill_as_the_old_system(&database).await;
        let options = MongoOptions { collection_prefix: "chat_".to_owned(), ..MongoOptions::default() };
        let store = MongoStore::open(uri, options).await.unwrap();
        store.prepare().await.unwrap();
        let scene = Scene::with_people(&store, 2).await;
        append(&store, &[scene.say(0, "hi")]).await;
        let ann = "ann".parse().unwrap();
        assert_eq!(store.profiles(&[ann]).await.unwrap().len(), 1, "the host's users have no prefix");
        let mut names = database.list_collection_names().await.unwrap();
        names.retain(|name| !name.starts_with("chat_"));
        names.sort_unstable();
        assert_eq!(names, ["messages", "threads", "users"]);
        for (old, documents) in [("messages", 2), ("threads", 1)] {
            let old = database.collection::<Document>(old);
            assert_eq!(old.count_documents(doc! {}).await.unwrap(), documents);
            assert_eq!(old.list_index_names().await.unwrap(), ["_id_"]);
        }
    })
    .await;
}

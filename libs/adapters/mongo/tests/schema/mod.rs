//! What MongoDB itself sees: documents in the published schema, the indexes that are the fence, and how
//! queries use them.

use crate::support::{field_of, run_with_uri};
use eventflow_mongo::MongoStore;
use eventflow_ports::store_contract::fixtures::{Scene, append, fresh_people, say};
use eventflow_ports::{Store, StoreError, WithCommandId};
use eventflow_protocol::change::{AdvanceCursor, Change, ChangeMessage, Changed, Cursor, Wish};
use eventflow_protocol::document::MessageStatus;
use eventflow_protocol::{CommandId, ThreadId};
use mongodb::bson::{Bson, DateTime, Document, doc};
use mongodb::{Client, Database};
use std::time::{Duration, Instant};

/// Nothing listens there: the port is reserved (TCPMUX) and unused.
const NOBODY: &str = "mongodb://127.0.0.1:1/?directConnection=true";

async fn database(uri: &str) -> Database {
    Client::with_uri_str(uri).await.unwrap().default_database().unwrap()
}

async fn only(database: &Database, collection: &str) -> Document {
    database.collection::<Document>(collection).find_one(doc! {}).await.unwrap().unwrap()
}

#[tokio::test]
async fn documents_have_the_fields_and_types_of_the_published_schema() {
    run_with_uri(async |uri| {
        let store = MongoStore::connect(uri).await.unwrap();
        let scene = Scene::with_people(&store, 3).await;
        let messages = append(&store, &[scene.say_keyed(0, "hi", "k")]).await;
        store.touch_threads(&messages).await.unwrap();
        let ann = scene.people[0].to_string();
        let bob = scene.people[1].to_string();
        let database = database(uri).await;
        let message = only(&database, "messages").await;
        assert!(matches!(message.get("_id"), Some(Bson::ObjectId(id)) if id.to_hex() == messages[0].id.to_string()));
        assert_eq!(message.get_str("threadId").unwrap(), scene.thread.to_string());
        assert_eq!(message.get_array("recipientIds").unwrap(), &[bob.clone().into(), scene.people[2].to_string().into()]);
        assert_eq!((message.get_i64("seq").unwrap(), message.get_str("status").unwrap()), (1, "sent"));
        assert_eq!((message.get_str("senderId").unwrap(), message.get_str("clientMessageId").unwrap()), (ann.as_str(), "k"));
        assert!(!message.get_bool("isDraft").unwrap());
        for list in ["attachments", "reactions", "readBy", "deliveredTo"] {
            assert!(message.get_array(list).unwrap().is_empty(), "{list}");
        }
        let thread = only(&database, "threads").await;
        assert!(matches!(thread.get("_id"), Some(Bson::ObjectId(_))));
        assert_eq!(thread.get_array("participants").unwrap().len(), 3);
        assert_eq!(thread.get_str("lastMessageId").unwrap(), messages[0].id.to_string());
        assert_eq!((thread.get_i64("lastSeq").unwrap(), thread.get_str("status").unwrap()), (1, "active"));
        let unread = thread.get_document("unreadCount").unwrap();
        assert_eq!((unread.get_i64(field_of(&scene.people[0])).unwrap(), unread.get_i64(field_of(&scene.people[1])).unwrap()), (0, 1));
        for (document, field) in
            [(&message, "createdAt"), (&message, "updatedAt"), (&thread, "createdAt"), (&thread, "lastMessageAt")]
        {
            assert!(matches!(document.get(field), Some(Bson::DateTime(_))), "{field}");
        }
    })
    .await;
}

#[tokio::test]
async fn messages_of_a_crowd_do_not_list_it() {
    run_with_uri(async |uri| {
        let store = MongoStore::connect(uri).await.unwrap();
        let scene = Scene::with_people(&store, 101).await;
        append(&store, &[scene.say(0, "hi")]).await;
        assert!(!only(&database(uri).await, "messages").await.contains_key("recipientIds"));
    })
    .await;
}

#[tokio::test]
async fn the_server_itself_refuses_a_second_message_at_a_place() {
    run_with_uri(async |uri| {
        let (store, database) = (MongoStore::connect(uri).await.unwrap(), database(uri).await);
        store.prepare().await.expect("preparing again changes nothing");
        let scene = Scene::with_people(&store, 2).await;
        append(&store, &[scene.say(0, "hi")]).await;
        let mut second = only(&database, "messages").await;
        second.insert("_id", mongodb::bson::oid::ObjectId::new());
        assert!(database.collection::<Document>("messages").insert_one(second).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn hot_queries_read_no_more_than_they_return() {
    run_with_uri(async |uri| {
        let (store, database) = (MongoStore::connect(uri).await.unwrap(), database(uri).await);
        let scene = Scene::with_people(&store, 2).await;
        append(&store, &scene.talk(200)).await;
        let newest = doc! {
            "aggregate": "messages", "cursor": {},
            "pipeline": [
                { "$match": { "threadId": { "$in": [scene.thread.to_string()] } } },
                { "$sort": { "threadId": -1, "seq": -1 } },
                { "$group": { "_id": "$threadId", "seq": { "$first": "$seq" } } },
            ],
        };
        let by_key = doc! { "$or": [
            { "_id": { "$in": [mongodb::bson::oid::ObjectId::new()] } },
            { "senderId": scene.people[0].as_str(), "clientMessageId": { "$in": ["k"] } },
        ] };
        let viewer = scene.people[0].as_str();
        let small = doc! { "$gte": DateTime::MIN };
        let list = doc! { "participants": viewer, "status": "active", "archivedBy": { "$ne": viewer }, "activityAt": small.clone() };
        let put_away = doc! { "participants": viewer, "status": "active", "archivedBy": viewer, "activityAt": small };
        let large = doc! { "participants": viewer, "status": "active", "archivedBy": { "$ne": viewer }, "activityAt": null };
        let taken_back = doc! {
            "threadId": scene.thread.to_string(), "seq": { "$gt": 0_i64, "$lte": 200_i64 },
            "senderId": { "$ne": viewer }, "deletedAt": { "$exists": true },
        };
        let legs = doc! { "pair.key": { "$in": ["k"] }, "createdAt": { "$gte": DateTime::from_millis(0) } };
        let receipts = doc! {
            "threadId": scene.thread.to_string(), "seq": { "$gt": 197_i64, "$lte": 198_i64 },
            "senderId": { "$ne": "nobody" }, "readBy.userId": { "$ne": "nobody" },
        };
        let mentions_in = |thread: String| doc! {
            "threadId": thread, "seq": { "$gt": 0_i64, "$lte": 200_i64 }, "senderId": { "$ne": viewer },
            "mentions": viewer, "deletedAt": { "$exists": false },
        };
        let threads = [scene.thread.to_string(), ThreadId::from_bytes([9; 12]).to_string()];
        let mentions = doc! {
            "aggregate": "messages", "cursor": {},
            "pipeline": [
                { "$match": { "$or": threads.map(mentions_in).to_vec() } },
                { "$group": { "_id": "$threadId", "mentions": { "$sum": 1_i64 } } },
            ],
        };
        let order = doc! { "activityAt": -1, "_id": -1 };
        let newest_first = doc! { "createdAt": -1, "_id": -1 };
        let later = DateTime::from_millis(DateTime::now().timestamp_millis() + 3_600_000);
        let to_come = (0_i64..200).map(|number| doc! { "_id": number, "dueAt": later, "createdAt": later });
        database.collection::<Document>("scheduledMessages").insert_many(to_come).await.unwrap();
        let due_first = doc! {
            "find": "scheduledMessages",
            "filter": { "dueAt": { "$lte": DateTime::now() } },
            "sort": { "dueAt": 1, "createdAt": 1, "_id": 1 },
            "projection": { "dueAt": 1, "threadId": 1 },
            "limit": 100,
        };
        for (query, bound) in [
            (newest, 1),
            (doc! { "find": "messages", "filter": by_key }, 0),
            (doc! { "find": "threads", "filter": list, "sort": order.clone(), "limit": 5 }, 1),
            (doc! { "find": "threads", "filter": put_away, "sort": order, "limit": 5 }, 0),
            (doc! { "find": "messages", "filter": legs }, 0),
            (doc! { "find": "messages", "filter": receipts }, 1),
            (doc! { "find": "threads", "filter": large }, 0),
            (doc! { "find": "messages", "filter": taken_back }, 0),
            (mentions, 0),
            (doc! { "find": "notifications", "filter": { "userId": "nobody", "isRead": false }, "sort": newest_first }, 0),
            (due_first, 0),
        ] {
            let plan = database.run_command(doc! { "explain": query.clone(), "verbosity": "executionStats" }).await.unwrap();
            let (keys, documents) = examined(&plan);
            assert!(keys <= bound + 1 && documents <= bound, "{query} examined {keys} keys and {documents} documents: {plan}");
            assert!(!plan.to_string().contains("\"SORT\""), "{query} sorts in memory: {plan}");
        }
    })
    .await;
}

#[tokio::test]
async fn old_fault_21_a_batch_without_legs_costs_one_insert() {
    run_with_uri(async |uri| {
        let (store, database) = (MongoStore::connect(uri).await.unwrap(), database(uri).await);
        let scene = Scene::with_people(&store, 2).await;
        append(&store, &scene.talk(1)).await;
        database.run_command(doc! { "profile": 2 }).await.unwrap();
        append(&store, &scene.talk(10)).await;
        database.run_command(doc! { "profile": 0 }).await.unwrap();
        let messages = doc! { "ns": format!("{}.messages", database.name()) };
        let mut done = Vec::new();
        let mut found = database.collection::<Document>("system.profile").find(messages).await.unwrap();
        while found.advance().await.unwrap() {
            done.push(found.deserialize_current().unwrap().get_str("op").unwrap().to_owned());
        }
        assert_eq!(done, ["insert"]);
    })
    .await;
}

#[tokio::test]
async fn old_fault_21_messages_have_seven_indexes_and_none_is_on_what_changes_with_every_message() {
    run_with_uri(async |uri| {
        let (store, database) = (MongoStore::connect(uri).await.unwrap(), database(uri).await);
        let scene = Scene::with_people(&store, 3).await;
        store.touch_threads(&append(&store, &scene.talk(3)).await).await.unwrap();
        for (collection, most) in [("messages", 7), ("threads", 2)] {
            let listed = database.run_command(doc! { "listIndexes": collection }).await.unwrap();
            let listed = listed.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
            let keys: Vec<&Document> = listed
                .iter()
                .map(|index| index.as_document().unwrap().get_document("key").unwrap())
                .collect();
            assert!(keys.len() <= 1 + most, "{collection}: beside that of _id there are {keys:?}");
            let ever_changing = ["unreadCount", "readBy", "deliveredTo", "reactions", "cursors", "$**"];
            let is_on =
                |key: &Document, field: &str| key.keys().any(|path| path.split('.').next() == Some(field));
            for key in keys {
                assert!(
                    !ever_changing.iter().any(|field| is_on(key, field)),
                    "{collection} has an index on {key}"
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn receipts_without_their_cursor_are_healed_by_the_repetition() {
    run_with_uri(async |uri| {
        let (store, database) = (MongoStore::connect(uri).await.unwrap(), database(uri).await);
        let scene = Scene::with_people(&store, 2).await;
        let messages = append(&store, &scene.talk(4)).await;
        store.touch_threads(&messages).await.unwrap();
        let thread_id = scene.thread;
        let user_id = scene.people[1].clone();
        let at = messages[0].created_at;
        let read = AdvanceCursor { thread_id, user_id, cursor: Cursor::Read, up_to: Some(3), at };
        let threads = database.collection::<Document>("threads");
        let before = only(&database, "threads").await;
        let first = store.advance(std::slice::from_ref(&read)).await.unwrap();
        let receipted = store.message(messages[0].id).await.unwrap();
        threads.replace_one(doc! {}, before).await.unwrap();
        let again = store.advance(std::slice::from_ref(&read)).await.unwrap();
        assert_eq!(again, first, "the repetition says what was lost");
        assert_eq!(store.message(messages[0].id).await.unwrap(), receipted, "a receipt is there once");
        let unread = store.thread_view(thread_id, &read.user_id).await.unwrap().unwrap().unread_count;
        assert_eq!((unread, again[0].as_ref().unwrap().unread_count), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn what_was_written_without_the_newer_fields_can_be_changed_and_read() {
    run_with_uri(async |uri| {
        let (store, database) = (MongoStore::connect(uri).await.unwrap(), database(uri).await);
        let scene = Scene::with_people(&store, 2).await;
        let message = append(&store, &[scene.say(0, "hi")]).await.remove(0);
        let lists = doc! { "readBy": "", "deliveredTo": "", "reactions": "", "status": "", "isDraft": "" };
        database
            .collection::<Document>("messages")
            .update_one(doc! {}, doc! { "$unset": lists })
            .await
            .unwrap();
        let change = Change::React { emoji: "👍".to_owned(), wish: Wish::Add };
        let by = scene.people[1].clone();
        let at = message.created_at;
        let wanted =
            ChangeMessage { thread_id: scene.thread, message_id: message.id, by: by.clone(), change, at };
        let wanted = WithCommandId { command_id: CommandId::new(), wanted };
        let changed = store.change_messages(&[wanted.clone(), wanted]).await.unwrap();
        assert!(matches!(changed[..], [Changed::Done(..), Changed::Before(..)]), "{changed:?}");
        let stored = only(&database, "messages").await;
        assert_eq!((stored.get_i64("revision").unwrap(), stored.get_array("marks").unwrap().len()), (1, 1));
        let read =
            AdvanceCursor { thread_id: scene.thread, user_id: by, cursor: Cursor::Read, up_to: None, at };
        let advanced = store.advance(&[read]).await.unwrap().remove(0).unwrap();
        assert_eq!((advanced.up_to, advanced.messages[0].status), (1, MessageStatus::Read));
        let now = store.message(message.id).await.unwrap().unwrap();
        assert_eq!((now.reactions.len(), now.read_by.len(), now.delivered_to.len()), (1, 1, 1));
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_no_reason_not_to_start() {
    let started = Instant::now();
    let store = MongoStore::connect(NOBODY).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(1), "connecting waits for nobody");
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable { .. })));
    assert!(started.elapsed() < Duration::from_secs(4), "a probe is answered soon");
    assert!(matches!(store.prepare().await, Err(StoreError::Unavailable { .. })));
    let people = fresh_people(1);
    let batch = [say(ThreadId::derive(&people, "{}"), &people[0], "hi")];
    assert!(matches!(store.append_messages(&batch).await, Err(StoreError::Unavailable { .. })));
    store.close().await;
    assert!(
        matches!(store.ping().await, Err(StoreError::Unavailable { .. })),
        "a closed store is unavailable"
    );
}

#[tokio::test]
async fn a_uri_that_is_none_is_refused() {
    for uri in ["", "http://127.0.0.1/", "mongodb://"] {
        assert!(matches!(MongoStore::connect(uri).await, Err(StoreError::Refused { .. })), "{uri}");
    }
}

/// Keys and documents that the server examined, over all stages that say so.
fn examined(plan: &Document) -> (i64, i64) {
    let number = |document: &Document, field: &str| match document.get(field) {
        Some(Bson::Int32(n)) => i64::from(*n),
        Some(Bson::Int64(n)) => *n,
        _ => 0,
    };
    if let Ok(stats) = plan.get_document("executionStats") {
        return (number(stats, "totalKeysExamined"), number(stats, "totalDocsExamined"));
    }
    let stages = plan.get_array("stages").map(Vec::as_slice).unwrap_or_default();
    let cursor =
        stages.iter().filter_map(Bson::as_document).find_map(|stage| stage.get_document("$cursor").ok());
    examined(cursor.expect("the plan has execution statistics"))
}

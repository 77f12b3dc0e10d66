//! What the server has to do for a message and for a read marker, whatever the size of the thread; and
//! threads that an earlier version wrote.

use crate::support::{field_of, run_with_uri};
use eventflow_mongo::MongoStore;
use eventflow_ports::store_contract::fixtures::{
    Scene, advance, append, at, change, change_one, first_threads, fresh_people, unread, view,
};
use eventflow_ports::store_contract::random::Random;
use eventflow_ports::{Hold, Outbound, Store};
use eventflow_protocol::change::{Change, Cursor};
use eventflow_protocol::outbound::{About, Channel, Told, WaitsFor};
use eventflow_protocol::{NotificationId, UserId};
use mongodb::bson::{Bson, Document, doc};
use mongodb::{Client, Database};

/// Threads of up to this many people keep the published schema's counters.
const SMALL_MAX: usize = 50;
/// Messages of a long thread.
const LONG: usize = 3_000;
/// Steps of the check of the published schema's counters.
const STEPS: usize = 60;

async fn database(uri: &str) -> Database {
    Client::with_uri_str(uri).await.unwrap().default_database().unwrap()
}

async fn thread_document(database: &Database, scene: &Scene) -> Document {
    let id = doc! { "_id": mongodb::bson::oid::ObjectId::from_bytes(scene.thread.bytes()) };
    database.collection::<Document>("threads").find_one(id).await.unwrap().unwrap()
}

/// The sum of a number over everything that the server did to a collection meanwhile.
async fn profiled(
    database: &Database,
    collection: &str,
    number: &str,
    work: impl Future<Output = ()>,
) -> i64 {
    database.run_command(doc! { "profile": 2 }).await.unwrap();
    work.await;
    database.run_command(doc! { "profile": 0 }).await.unwrap();
    let of_collection = doc! { "ns": format!("{}.{collection}", database.name()) };
    let mut found = database.collection::<Document>("system.profile").find(of_collection).await.unwrap();
    let mut sum = 0;
    while found.advance().await.unwrap() {
        let entry = found.deserialize_current().unwrap();
        sum += match entry.get(number) {
            Some(Bson::Int32(n)) => i64::from(*n),
            Some(Bson::Int64(n)) => *n,
            _ => 0,
        };
    }
    database.collection::<Document>("system.profile").drop().await.unwrap();
    sum
}

#[tokio::test]
async fn a_message_to_many_people_changes_no_index_and_no_counter_of_theirs() {
    run_with_uri(async |uri| {
        let (store, database) = (MongoStore::connect(uri).await.unwrap(), database(uri).await);
        let scene = Scene::with_people(&store, SMALL_MAX + 1).await;
        let first = append(&store, &[scene.say(0, "hi"), scene.say(1, "hi")]).await;
        store.touch_threads(&first).await.unwrap();
        let second = append(&store, &[scene.say(0, "again")]).await;
        for number in ["keysInserted", "keysDeleted"] {
            let touch = async {
                store.touch_threads(&second).await.unwrap();
            };
            assert_eq!(profiled(&database, "threads", number, touch).await, 0, "{number}");
        }
        let thread = thread_document(&database, &scene).await;
        assert!(!thread.contains_key("unreadCount") && !thread.contains_key("activityAt"), "{thread}");
        assert_eq!(thread.get_document("sentBeyond").unwrap().len(), 2, "only of those who wrote");
        assert_eq!(unread(&store, &scene).await[..3], [1, 2, 3]);
        let listed = store.threads_of(&scene.people[2], first_threads(5)).await.unwrap();
        assert_eq!(listed.len(), 1, "and everybody's list has the thread");
    })
    .await;
}

#[tokio::test]
async fn a_read_marker_looks_at_what_it_passes_and_not_at_the_thread() {
    run_with_uri(async |uri| {
        let (store, database) = (MongoStore::connect(uri).await.unwrap(), database(uri).await);
        for people in [2, 101] {
            let scene = Scene::with_people(&store, people).await;
            for _ in 0..LONG / 500 {
                let batch: Vec<_> = (0..500).map(|i| scene.say(i % 2, "on and on")).collect();
                store.touch_threads(&append(&store, &batch).await).await.unwrap();
            }
            let looked = profiled(&database, "messages", "docsExamined", async {
                assert_eq!(advance(&store, &scene, 0, Cursor::Read, Some(10)).await.unread_count, 1_495);
            });
            let looked = looked.await;
            assert!(looked <= 60, "{people} people: the server looked at {looked} messages");
            let looked = profiled(&database, "messages", "docsExamined", async {
                let most = LONG as u64 - 10;
                assert_eq!(
                    advance(&store, &scene, 0, Cursor::Delivered, Some(most)).await.unread_count,
                    1_495
                );
                assert_eq!(view(&store, scene.thread, &scene.people[0]).await.unread_count, 1_495);
            });
            let looked = looked.await;
            assert!(people == 2 || looked <= 5, "{people} people: the server looked at {looked} messages");
        }
    })
    .await;
}

#[tokio::test]
async fn the_published_counters_of_a_small_thread_stay_true() {
    run_with_uri(async |uri| {
        let stores = [MongoStore::connect(uri).await.unwrap(), MongoStore::connect(uri).await.unwrap()];
        let database = database(uri).await;
        for (seed, people) in [(1, 2), (2, SMALL_MAX)] {
            let mut random = Random::seeded(seed);
            let scene = Scene::with_people(&stores[0], people).await;
            let mut all = Vec::new();
            for _ in 0..STEPS {
                let store = &stores[random.below(2)];
                let who = random.below(2);
                match random.below(3) {
                    0 => all.extend(append(store, &[scene.say(who, "a"), scene.say(who, "b")]).await),
                    1 if !all.is_empty() => {
                        let message: &eventflow_protocol::document::Message = &all[random.below(all.len())];
                        change_one(store, &change(message, &message.sender_id, Change::Delete, 5)).await;
                    }
                    _ => {
                        let place = random.below(all.len() + 1) as u64;
                        tokio::join!(advance(&stores[0], &scene, who, Cursor::Read, Some(place)), async {
                            stores[1].touch_threads(&all).await.unwrap();
                        },);
                    }
                }
            }
            stores[0].touch_threads(&all).await.unwrap();
            let thread = thread_document(&database, &scene).await;
            let counters = thread.get_document("unreadCount").unwrap();
            for (person, expected) in scene.people.iter().zip(unread(&stores[1], &scene).await) {
                assert_eq!(counters.get_i64(field_of(person)).unwrap(), i64::try_from(expected).unwrap());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn threads_of_an_earlier_version_are_read_and_written_on() {
    run_with_uri(async |uri| {
        let (first, database) = (MongoStore::connect(uri).await.unwrap(), database(uri).await);
        for people in [3, SMALL_MAX + 10] {
            let scene = Scene::with_people(&first, people).await;
            let messages = append(&first, &[0, 1, 1, 0, 1, 2].map(|who| scene.say(who, "long ago"))).await;
            first.touch_threads(&messages).await.unwrap();
            advance(&first, &scene, 1, Cursor::Read, Some(2)).await;
            to_earlier(&database, &scene, [4, 2, 5]).await;
            let store = MongoStore::connect(uri).await.unwrap();
            assert_eq!(unread(&store, &scene).await[..3], [4, 2, 5], "{people} people, as it is");
            let listed = async |viewer: usize| {
                let views = store.threads_of(&scene.people[viewer], first_threads(9)).await.unwrap();
                views.iter().map(|view| (view.thread.id, view.unread_count)).collect::<Vec<_>>()
            };
            assert_eq!(listed(2).await, [(scene.thread, 5)]);
            change_one(&store, &change(&messages[2], &scene.people[1], Change::Delete, 5)).await;
            assert_eq!(unread(&store, &scene).await[..3], [3, 2, 4], "one is taken back");
            store.touch_threads(&append(&store, &[scene.say(1, "now")]).await).await.unwrap();
            assert_eq!(unread(&store, &scene).await[..3], [4, 2, 5], "one comes");
            assert_eq!(advance(&store, &scene, 1, Cursor::Read, Some(4)).await.unread_count, 1);
            assert_eq!(advance(&store, &scene, 2, Cursor::Read, Some(5)).await.unread_count, 1);
            assert_eq!(unread(&store, &scene).await[..3], [4, 1, 1]);
            assert_eq!(listed(2).await, [(scene.thread, 1)]);
            let thread = thread_document(&database, &scene).await;
            assert_eq!(thread.contains_key("unreadCount"), people <= SMALL_MAX);
            assert_eq!(thread.contains_key("activityAt"), people <= SMALL_MAX);
        }
    })
    .await;
}

/// Makes the document of a thread what an earlier version wrote.
async fn to_earlier(database: &Database, scene: &Scene, counts: [i64; 3]) {
    let thread = thread_document(database, scene).await;
    let mut unread: Document = scene.people.iter().map(|person| (field_of(person), 6_i64.into())).collect();
    for (person, count) in scene.people.iter().zip(counts) {
        unread.insert(field_of(person), count);
    }
    let update = doc! {
        "$set": { "unreadCount": unread, "activityAt": thread.get_datetime("lastMessageAt").unwrap() },
        "$unset": { "sentBeyond": "" },
    };
    let id = doc! { "_id": thread.get_object_id("_id").unwrap() };
    database.collection::<Document>("threads").update_one(id, update).await.unwrap();
}

#[tokio::test]
async fn a_change_of_preferences_looks_at_no_windows_of_others() {
    run_with_uri(async |uri| {
        let (store, database) = (MongoStore::connect(uri).await.unwrap(), database(uri).await);
        let people = fresh_people(60);
        let about = About::Notification { notification_id: NotificationId::from_bytes([1; 12]) };
        let told = Told { about, at: at(0), critical: false, was_online: false };
        let hold = |user_id: &UserId| Hold {
            user_id: user_id.clone(),
            channel: Channel::Email,
            told,
            due_at: at(900),
            waits_for: WaitsFor::Digest,
            now: at(0),
            again: false,
        };
        store.hold(&people.iter().map(hold).collect::<Vec<_>>()).await.unwrap();
        let hasten = async {
            store.hasten_windows(&people[7], at(60)).await.unwrap();
        };
        assert_eq!(profiled(&database, "outboundWindows", "docsExamined", hasten).await, 1);
    })
    .await;
}

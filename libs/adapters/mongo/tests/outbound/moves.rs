//! Callers that die while the items of one window move into another.

use crate::support::{open, run_with_uri};
use eventflow_ports::store_contract::fixtures::{at, fresh_people};
use eventflow_ports::{Held, Hold, Outbound, Taken};
use eventflow_protocol::outbound::{About, Channel, Told, WaitsFor, WindowId};
use eventflow_protocol::{CommandId, NotificationId, UserId};
use mongodb::bson::{Bson, DateTime, Document, Uuid, doc};
use mongodb::{Client, Collection};
use std::sync::Arc;
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(30);

/// A window that is taken, and another one of the same person that is open.
struct Scene {
    store: Arc<dyn Outbound>,
    raw: Collection<Document>,
    own: WindowId,
    other: WindowId,
}

impl Scene {
    async fn new(uri: &str) -> Self {
        let raw = Client::with_uri_str(uri).await.unwrap().default_database().unwrap();
        let (store, user) = (open(uri).await, fresh_people(1).remove(0));
        let own = hold(&*store, &user).await;
        assert_eq!(store.claim_due(Channel::Email, at(60), LEASE, 10).await.unwrap().len(), 1);
        store.hand_over(&[own]).await.unwrap();
        assert!(matches!(store.take_window(own, at(60), LEASE).await.unwrap(), Taken::Window(_)));
        let other = hold(&*store, &user).await;
        Self { store, raw: raw.collection("outboundWindows"), own, other }
    }

    async fn write(&self, id: WindowId, update: Document) {
        assert_eq!(self.raw.update_one(doc! { "_id": uuid(id) }, update).await.unwrap().matched_count, 1);
    }

    /// The caller dies behind the first write.
    async fn seal(&self) {
        let other = uuid(self.other);
        let sealed = doc! { "slot": other.to_string(), "movesTo": uuid(self.own), "claimableAt": date(600) };
        self.write(self.other, doc! { "$set": sealed }).await;
    }

    /// The caller dies behind the second write.
    async fn take_in(&self) {
        let moving = self.raw.find_one(doc! { "_id": uuid(self.other) }).await.unwrap().unwrap();
        let items: &Bson = moving.get("items").unwrap();
        let update = doc! {
            "$set": { "slot": "open", "claimableAt": date(600) },
            "$unset": { "takenUntil": "" },
            "$push": { "items": { "$each": items }, "moved": uuid(self.other) },
            "$inc": { "count": 1_i64 },
        };
        self.write(self.own, update).await;
    }

    /// Which windows dispatchers find, and how many items each has.
    async fn claimed(&self) -> Vec<(WindowId, usize)> {
        let mut found = Vec::new();
        for _ in 0..3 {
            let due = self.store.claim_due(Channel::Email, at(600), LEASE, 10).await.unwrap();
            found.extend(due.iter().map(|window| (window.id, window.items.len())));
        }
        found
    }
}

#[tokio::test]
async fn a_window_that_was_only_sealed_is_sent_for_itself() {
    run_with_uri(async |uri: &str| {
        let scene = Scene::new(uri).await;
        scene.seal().await;
        assert_eq!(scene.store.take_window(scene.other, at(60), LEASE).await.unwrap(), Taken::Closed);
        scene.store.hand_over(&[scene.other]).await.unwrap();
        assert_eq!(scene.claimed().await, [(scene.other, 1)]);
        let own = scene.raw.find_one(doc! { "_id": uuid(scene.own) }).await.unwrap().unwrap();
        let refused = &own.get_array("refused").unwrap()[..];
        assert_eq!(refused, [Bson::from(uuid(scene.other))], "whatever a late caller still writes");
        let taken = scene.store.take_window(scene.other, at(600), LEASE).await.unwrap();
        assert!(matches!(taken, Taken::Window(_)));
        scene.store.postpone_window(scene.own, at(700)).await.unwrap();
        assert_eq!(scene.store.window(scene.own).await.unwrap().unwrap().items.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_window_whose_items_have_moved_is_not_sent() {
    run_with_uri(async |uri: &str| {
        let scene = Scene::new(uri).await;
        scene.seal().await;
        scene.take_in().await;
        assert_eq!(scene.claimed().await, [(scene.own, 2)]);
        assert_eq!(scene.store.window(scene.other).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_window_takes_what_it_has_taken_in_along() {
    run_with_uri(async |uri: &str| {
        let scene = Scene::new(uri).await;
        scene.seal().await;
        scene.take_in().await;
        assert!(scene.store.close_window(scene.own, &[]).await.unwrap());
        assert_eq!(scene.raw.count_documents(doc! {}).await.unwrap(), 0);
        assert_eq!(scene.claimed().await, []);
    })
    .await;
}

#[tokio::test]
async fn a_window_whose_destination_was_closed_before_is_sent_for_itself() {
    run_with_uri(async |uri: &str| {
        let scene = Scene::new(uri).await;
        scene.seal().await;
        assert!(scene.store.close_window(scene.own, &[]).await.unwrap());
        assert_eq!(scene.claimed().await, [(scene.other, 1)]);
    })
    .await;
}

async fn hold(store: &dyn Outbound, user: &UserId) -> WindowId {
    let about = About::Notification { notification_id: NotificationId::from(CommandId::new()) };
    let hold = Hold {
        user_id: user.clone(),
        channel: Channel::Email,
        told: Told { about, at: at(0), critical: false, was_online: false },
        due_at: at(60),
        waits_for: WaitsFor::Digest,
        now: at(0),
        again: false,
    };
    let answers = store.hold(&[hold]).await.unwrap();
    let [Held::Opened(id)] = answers[..] else { panic!("it opens a window: {answers:?}") };
    id
}

fn uuid(id: WindowId) -> Uuid {
    Uuid::from_bytes(id.0.into_bytes())
}

fn date(seconds: i64) -> DateTime {
    DateTime::from_millis(at(seconds).0)
}

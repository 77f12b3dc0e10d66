//! Mixed batches: many different commands in one batch, through the real persistence stage on both stores.

use super::stage::{embedded, parts_over};
use crate::backends::Own;
use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item, Performed};
use eventflow_bus::port::Broker;
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::PERSIST;
use eventflow_embedded::EmbeddedStore;
use eventflow_metrics::Metrics;
use eventflow_mongo::MongoStore;
use eventflow_ports::inbox::Keyed;
use eventflow_ports::{Clock, Inbox, NotificationPage, StoreError, SystemClock, WholeStore};
use eventflow_protocol::change::ArchiveThread;
use eventflow_protocol::command::{Command, CreateThread, SendMessage};
use eventflow_protocol::content::Content;
use eventflow_protocol::document::ThreadStatus;
use eventflow_protocol::fingerprint::Fingerprint;
use eventflow_protocol::inbox::{
    ChangeNotifications, Channels, Notification, Notify, Preferences, ReadThread, SenderKey, SetPreferences,
};
use eventflow_protocol::preferences::{ChangePreferences, InvalidChange};
use eventflow_protocol::{CommandId, NotificationId, ThreadId, UserId};
use eventflow_workers::persistence::{CommandOutbox, Persistence};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::time::sleep;

/// Number of commands, as many as a batch may hold.
const CROWD: usize = 500;
/// Answer time of a distant store.
const FAR: Duration = Duration::from_millis(20);
/// Minimum number of concurrent calls. Calls one after another would hold up the messages behind them.
const AT_ONCE_MIN: usize = 8;

pub(super) fn item<T>(value: T) -> Item<T> {
    Item { id: CommandId::new().0, attempt: 0, redelivered: false, value, reply_to: None, trace: None }
}

pub(super) fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

/// Carries out all steps of the stage.
pub(super) async fn carry_out(stage: &Persistence, batch: &[Item<Command>]) -> Vec<Outcome> {
    let Performed { outcomes, outbox } = stage.perform(batch).await.unwrap();
    stage.announce(&outbox).await.unwrap();
    let outbox: Arc<CommandOutbox> = Arc::new(outbox);
    stage.finalize(&[outbox]).await.unwrap();
    outcomes
}

/// Runs one test on MongoDB.
pub(super) async fn on_mongodb(name: &str, test: impl AsyncFnOnce(Arc<MongoStore>, Arc<dyn Broker>)) {
    let folder = tempfile::tempdir().unwrap();
    let (_, broker) = embedded(folder.path()).await;
    let own = Own::create(name).await.unwrap();
    let store = Arc::new(MongoStore::connect(&own.backends.mongodb).await.unwrap());
    store.prepare().await.unwrap();
    test(store, broker).await;
    own.delete().await.unwrap();
}

/// Runs one test on the embedded store.
pub(super) async fn in_the_data_file(test: impl AsyncFnOnce(Arc<EmbeddedStore>, Arc<dyn Broker>)) {
    let folder = tempfile::tempdir().unwrap();
    let (store, broker) = embedded(folder.path()).await;
    test(store, broker).await;
}

async fn a_message_after_an_archive_brings_the_thread_back<S: WholeStore>(
    store: Arc<S>,
    broker: Arc<dyn Broker>,
) {
    let stage = Persistence::open(&PERSIST, 0, parts_over(Arc::clone(&store), broker), &Metrics::default())
        .await
        .unwrap();
    let people = vec![user("ann"), user("ben")];
    let (thread_id, at) = (ThreadId::derive(&people, "{}"), SystemClock.now());
    let create = CreateThread {
        thread_id,
        participants: people,
        metadata: serde_json::Map::new(),
        group: None,
        created_by: user("ann"),
        at,
    };
    let say = |content: &str| {
        item(Command::SendMessage(SendMessage {
            thread_id,
            sender_id: user("ann"),
            content: Content::parse(content).unwrap(),
            attachments: Vec::new(),
            client_message_id: None,
            pairing: None,
            typed: None,
            reply_to: None,
            repeat_only: false,
            mentions: Vec::new(),
            at,
        }))
    };
    let put_away =
        item(Command::ArchiveThread(ArchiveThread { thread_id, user_id: user("ben"), archived: true, at }));
    let batch = [item(Command::CreateThread(create)), say("before"), put_away, say("after")];
    for redelivered in [false, true] {
        let batch = batch.clone().map(|item| Item { redelivered, ..item });
        assert_eq!(carry_out(&stage, &batch).await, vec![Outcome::Done; batch.len()]);
        let seen = store.thread_view(thread_id, &user("ben")).await.unwrap().unwrap();
        assert_eq!(
            (seen.thread.status, seen.unread_count),
            (ThreadStatus::Active, 2),
            "redelivered: {redelivered}"
        );
    }
    let put_away =
        item(Command::ArchiveThread(ArchiveThread { thread_id, user_id: user("ben"), archived: true, at }));
    carry_out(&stage, &[say("before that"), put_away]).await;
    let seen = store.thread_view(thread_id, &user("ben")).await.unwrap().unwrap();
    assert_eq!((seen.thread.status, seen.unread_count), (ThreadStatus::Archived, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_after_an_archive_in_one_batch_brings_the_thread_back_in_the_data_file() {
    in_the_data_file(async |store, broker| {
        a_message_after_an_archive_brings_the_thread_back(store, broker).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_after_an_archive_in_one_batch_brings_the_thread_back_in_mongodb() {
    on_mongodb("archive", async |store, broker| {
        a_message_after_an_archive_brings_the_thread_back(store, broker).await;
    })
    .await;
}

/// An inbox that answers late, and fails to read the preferences of "nobody".
struct Far<S> {
    store: Arc<S>,
    calls: Arc<Calls>,
}

/// Number of concurrent calls, and the largest number so far.
#[derive(Default)]
struct Calls {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Calls {
    async fn travel(&self) {
        let now = self.now.fetch_add(1, SeqCst) + 1;
        self.most.fetch_max(now, SeqCst);
        // sleep: what a store far away takes for an answer
        sleep(FAR).await;
        self.now.fetch_sub(1, SeqCst);
    }
}

#[async_trait]
impl<S: Inbox> Inbox for Far<S> {
    async fn add_notifications(&self, notifications: &[Notification]) -> Result<Vec<bool>, StoreError> {
        self.calls.travel().await;
        self.store.add_notifications(notifications).await
    }

    async fn add_keyed_notification(
        &self,
        notification: &Notification,
        body: Fingerprint,
    ) -> Result<Keyed, StoreError> {
        self.calls.travel().await;
        self.store.add_keyed_notification(notification, body).await
    }

    async fn change_notifications(&self, change: &ChangeNotifications) -> Result<u64, StoreError> {
        self.store.change_notifications(change).await
    }

    async fn read_with_threads(&self, reads: &[ReadThread]) -> Result<Vec<Vec<NotificationId>>, StoreError> {
        self.calls.travel().await;
        self.store.read_with_threads(reads).await
    }

    async fn notifications_of(
        &self,
        user: &UserId,
        page: NotificationPage,
    ) -> Result<Vec<Notification>, StoreError> {
        self.store.notifications_of(user, page).await
    }

    async fn notification(
        &self,
        user: &UserId,
        id: NotificationId,
    ) -> Result<Option<Notification>, StoreError> {
        self.store.notification(user, id).await
    }

    async fn unread_notifications(&self, user: &UserId) -> Result<u64, StoreError> {
        self.store.unread_notifications(user).await
    }

    async fn preferences(&self, user: &UserId) -> Result<Preferences, StoreError> {
        self.calls.travel().await;
        if user.as_str() == "nobody" {
            return Err(StoreError::Failed { what: "read preferences", source: "interrupted".into() });
        }
        self.store.preferences(user).await
    }

    async fn preferences_of(&self, users: &[UserId]) -> Result<HashMap<UserId, Preferences>, StoreError> {
        self.calls.travel().await;
        if users.iter().any(|user| user.as_str() == "nobody") {
            return Err(StoreError::Failed { what: "read preferences", source: "interrupted".into() });
        }
        self.store.preferences_of(users).await
    }

    async fn set_preferences(&self, set: &SetPreferences) -> Result<(), StoreError> {
        self.store.set_preferences(set).await
    }

    async fn change_preferences(
        &self,
        change: &ChangePreferences,
    ) -> Result<Result<Preferences, InvalidChange>, StoreError> {
        self.store.change_preferences(change).await
    }
}

async fn far_stage<S: WholeStore>(store: &Arc<S>, broker: Arc<dyn Broker>) -> (Persistence, Arc<Calls>) {
    let (mut parts, calls) = (parts_over(Arc::clone(store), broker), Arc::<Calls>::default());
    parts.inbox = Arc::new(Far { store: Arc::clone(store), calls: Arc::clone(&calls) });
    (Persistence::open(&PERSIST, 0, parts, &Metrics::default()).await.unwrap(), calls)
}

/// A command that notifies `to`, under a key if there is one.
fn tell(to: &UserId, title: &str, key: Option<&str>) -> Item<Command> {
    item(Command::Notify(Notify {
        user_id: to.clone(),
        kind: "news".to_owned(),
        title: title.to_owned(),
        text: String::new(),
        data: serde_json::Map::new(),
        thread_id: None,
        key: key.map(|key| SenderKey { by: user("admin"), key: key.to_owned() }),
        typed: None,
        at: SystemClock.now(),
    }))
}

fn in_app(to: &UserId, in_app: bool) -> Item<Command> {
    let channels = Channels { in_app, ..Channels::default() };
    let preferences = Preferences { channels, updated_at: Some(SystemClock.now()), ..Preferences::default() };
    item(Command::SetPreferences(SetPreferences { user_id: to.clone(), preferences }))
}

async fn many_people_are_told_at_once_and_each_once<S: WholeStore>(store: Arc<S>, broker: Arc<dyn Broker>) {
    let (stage, calls) = far_stage(&store, broker).await;
    let people: Vec<UserId> = (0..CROWD).map(|n| user(&format!("person-{n}"))).collect();
    let keyed = |n: usize| n.is_multiple_of(2).then_some("k");
    let mut batch = vec![in_app(&people[7], false)];
    batch.extend(people.iter().enumerate().map(|(n, to)| tell(to, "news", keyed(n))));
    // The key comes with its words, with other words, and with its words again: the first one counts.
    batch.extend(["news", "other news", "news"].map(|title| tell(&people[0], title, Some("k"))));
    batch.extend([in_app(&people[7], true), tell(&people[7], "wanted again", None)]);
    for redelivered in [false, true] {
        for item in &mut batch {
            item.redelivered = redelivered;
        }
        assert_eq!(carry_out(&stage, &batch).await, vec![Outcome::Done; batch.len()]);
        let most = calls.most.swap(0, SeqCst);
        assert!(most >= AT_ONCE_MIN, "{most} at once");
    }
    let page = NotificationPage { unread_only: false, after: None, skip: 0, limit: 10 };
    for (n, person) in people.iter().enumerate() {
        let told = store.notifications_of(person, page).await.unwrap();
        let titles: Vec<&str> = told.iter().map(|told| told.title.as_str()).collect();
        // The worker reads the preferences when it handles a command. So a repeated command stores what the
        // person did not want at first.
        let expected: &[&str] = if n == 7 { &titles } else { &["news"] };
        assert_eq!(titles, expected, "{person}");
        assert!(n != 7 || titles.contains(&"wanted again"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_people_are_told_at_once_and_each_once_in_the_data_file() {
    in_the_data_file(async |store, broker| many_people_are_told_at_once_and_each_once(store, broker).await)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_people_are_told_at_once_and_each_once_in_mongodb() {
    on_mongodb("crowd", async |store, broker| {
        many_people_are_told_at_once_and_each_once(store, broker).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_at_which_the_store_fails_is_tried_again_later_and_its_neighbours_are_done() {
    in_the_data_file(async |store, broker| {
        let (stage, _) = far_stage(&store, broker).await;
        let batch = [
            tell(&user("ann"), "news", None),
            tell(&user("nobody"), "news", None),
            tell(&user("ben"), "news", None),
        ];
        let outcomes = carry_out(&stage, &batch).await;
        assert!(
            matches!(&outcomes[..], [Outcome::Done, Outcome::Retry { .. }, Outcome::Done]),
            "{outcomes:?}"
        );
        for person in ["ann", "ben"] {
            assert_eq!(store.unread_notifications(&user(person)).await.unwrap(), 1);
        }
    })
    .await;
}

//! Sends to many people on the embedded store and broker, with workers that die between two writes.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use async_trait::async_trait;
use eventflow_bus::port::Broker;
use eventflow_bus::topology::Topology;
use eventflow_embedded::{Database, EmbeddedBroker, EmbeddedStore};
use eventflow_metrics::Metrics;
use eventflow_ports::{
    AddedSend, CancelledSend, Clock, DeliveriesOf, DeliveryPage, Directory, ErasedPeople, Erasures,
    FixedClock, Inbox, NotificationPage, Outbound, SendPage, Sends, StoreError,
};
use eventflow_protocol::erasure::{ErasePerson, Erasure};
use eventflow_protocol::inbox::{Channels, Preferences, SetPreferences};
use eventflow_protocol::person::Profile;
use eventflow_protocol::sends::{
    BulkSend, CancelSend, NewSend, Recipients, SendContent, SendCounts, SendState, SendStep,
};
use eventflow_protocol::{SendId, Timestamp, UserId};
use eventflow_workers::sends::{SendError, SendParts, SendWorker};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// People of the scenes: two full steps and a part of one.
const PEOPLE: usize = 600;

#[tokio::test]
async fn a_worker_that_dies_before_the_cursor_moves_tells_nobody_twice() {
    for dies_at in 0..3 {
        let stage = Stage::new().await;
        let id = stage.add(Recipients::Role("driver".to_owned())).await;
        let dying = Dying::after(&stage.store, dies_at);
        assert!(stage.work(Arc::new(dying)).await.is_err());
        let broken_off = stage.send(id).await;
        assert_eq!(
            (broken_off.state, broken_off.counts.total()),
            (SendState::Running, u64::from(dies_at) * 250)
        );
        stage.clock.advance(60_000);
        stage.work(stage.store.clone()).await.unwrap();
        stage.all_are_told_once(id).await;
    }
}

#[tokio::test]
async fn everybody_in_a_list_is_told_once_and_the_log_says_who_did_not_want_it() {
    let stage = Stage::new().await;
    let id = stage.add(Recipients::of_users(stage.people.clone())).await;
    assert_eq!(stage.send(id).await.total(), Some(PEOPLE as u64));
    stage.work(stage.store.clone()).await.unwrap();
    stage.all_are_told_once(id).await;
    let of = DeliveriesOf::Notification(id.notification_for(&stage.people[0]));
    let rows = stage.store.deliveries_of(&of, DeliveryPage { after: None, limit: 10 }).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.outcome.name()).collect::<Vec<_>>(), ["suppressed"; 2]);
}

#[tokio::test]
async fn whoever_is_erased_is_in_no_step_no_row_and_no_number_of_a_send() {
    for to_all in [false, true] {
        let stage = Stage::new().await;
        let everybody = Recipients::Role("driver".to_owned());
        let to = if to_all { everybody } else { Recipients::of_users(stage.people.clone()) };
        let id = stage.add(to).await;
        // One would be suppressed, and one told.
        let erased = [&stage.people[0], &stage.people[5]];
        for user in erased {
            stage.mark(user).await;
        }
        stage.work(stage.store.clone()).await.unwrap();
        let send = stage.send(id).await;
        let SendCounts { sent, suppressed, failed } = send.counts;
        let left = PEOPLE as u64 - 2;
        assert_eq!((sent, suppressed, failed, send.total()), (left, 0, 0, Some(left)));
        for user in erased {
            let page = NotificationPage { unread_only: false, after: None, skip: 0, limit: 10 };
            assert_eq!(stage.store.notifications_of(user, page).await.unwrap(), []);
            let of = DeliveriesOf::User(user.clone());
            let rows = stage.store.deliveries_of(&of, DeliveryPage { after: None, limit: 10 }).await.unwrap();
            assert_eq!(rows, [], "nothing says that they were to be told");
        }
    }
}

#[tokio::test]
async fn a_send_waits_for_its_time_and_a_cancelled_one_for_ever() {
    let stage = Stage::new().await;
    let planned = NewSend { send_at: Some(Timestamp(10_000)), ..stage.wanted(Recipients::Everybody) };
    stage.store.add_send(&planned).await.unwrap();
    stage.work(stage.store.clone()).await.unwrap();
    assert_eq!(stage.send(planned.id).await.state, SendState::Scheduled);
    stage.store.cancel_send(&CancelSend { id: planned.id, at: stage.clock.now() }).await.unwrap();
    stage.clock.advance(20_000);
    stage.work(stage.store.clone()).await.unwrap();
    let send = stage.send(planned.id).await;
    assert_eq!((send.state, send.counts.total()), (SendState::Cancelled, 0));
    let second = NewSend { id: SendId::from_bytes([9; 12]), ..planned };
    stage.store.add_send(&second).await.unwrap();
    stage.work(stage.store.clone()).await.unwrap();
    stage.all_are_told_once(second.id).await;
}

#[tokio::test]
async fn a_small_send_does_not_wait_for_a_large_one_that_goes_slowly() {
    let stage = Stage::new().await;
    let large = stage.add(Recipients::Role("driver".to_owned())).await;
    stage.clock.advance(1);
    let to = Recipients::of_users(vec![stage.people[5].clone()]);
    let small = NewSend { id: SendId::from_bytes([9; 12]), ..stage.wanted(to) };
    stage.store.add_send(&small).await.unwrap();
    stage.clock.advance(1);
    let watched = Arc::new(Dying::watching(&stage.store));
    stage.work_at(watched.clone(), 250).await.unwrap();
    let steps = watched.made.lock().unwrap().clone();
    assert_eq!(steps[..3], [large, small.id, large], "after the first step");
}

#[tokio::test]
async fn a_slow_send_lets_the_worker_do_something_else_in_between() {
    let stage = Stage::new().await;
    let id = stage.add(Recipients::Role("driver".to_owned())).await;
    let mut worker = stage.worker(stage.store.clone(), 250).await;
    assert!(worker.take_turn(&CancellationToken::new()).await.unwrap());
    let send = stage.send(id).await;
    assert_eq!((send.state, send.counts.total()), (SendState::Running, 250), "it goes on at the next turn");
    stage.store.cancel_send(&CancelSend { id, at: stage.clock.now() }).await.unwrap();
    assert!(!worker.take_turn(&CancellationToken::new()).await.unwrap(), "nothing is due");
}

#[tokio::test]
async fn the_preferences_of_a_steps_people_are_read_together() {
    let stage = Stage::new().await;
    let id = stage.add(Recipients::of_users(stage.people.clone())).await;
    let before = stage.reads_of_the_store();
    stage.work(stage.store.clone()).await.unwrap();
    let reads = stage.reads_of_the_store() - before;
    stage.all_are_told_once(id).await;
    // Each person's number of unread notifications is asked for alone.
    assert!((PEOPLE as u64..PEOPLE as u64 + 30).contains(&reads), "{reads}");
}

/// A store, a broker, and people of whom the first wants to be told by no way, and the second by mail only.
struct Stage {
    store: Arc<EmbeddedStore>,
    broker: Arc<dyn Broker>,
    clock: Arc<FixedClock>,
    people: Vec<UserId>,
    metrics: Metrics,
    _folder: TempDir,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (database, metrics) = (Database::open_in(folder.path()).unwrap(), Metrics::default());
        database.measure(metrics.store.calls.clone());
        let clock = Arc::new(FixedClock::at(Timestamp(1_000)));
        let broker: Arc<dyn Broker> =
            Arc::new(EmbeddedBroker::open(database.clone(), clock.clone()).await.unwrap());
        broker.declare(&Topology::new(2)).await.unwrap();
        let store = Arc::new(EmbeddedStore::open(database).await.unwrap());
        let people: Vec<UserId> = (0..PEOPLE).map(|n| format!("u{n:05}").parse().unwrap()).collect();
        let puts = people.iter().map(|user| {
            let role = Some("driver".to_owned());
            let profile = Profile { id: user.clone(), name: "D".to_owned(), avatar: None, email: None, role };
            let store = store.clone();
            async move { store.put_profile(&profile).await.unwrap() }
        });
        futures_util::future::join_all(puts).await;
        let nothing = Channels { in_app: false, email: false, push: false };
        let by_mail = Channels { email: true, ..nothing };
        for (user_id, channels) in people.iter().cloned().zip([nothing, by_mail]) {
            let preferences =
                Preferences { channels, updated_at: Some(Timestamp(1)), ..Preferences::default() };
            store.set_preferences(&SetPreferences { user_id, preferences }).await.unwrap();
        }
        Self { store, broker, clock, people, metrics, _folder: folder }
    }

    fn new_content() -> SendContent {
        let (kind, title) = ("news".to_owned(), "t".to_owned());
        SendContent {
            kind,
            title,
            text: String::new(),
            data: serde_json::Map::new(),
            thread_id: None,
            template: None,
            translations: BTreeMap::new(),
        }
    }

    fn wanted(&self, to: Recipients) -> NewSend {
        NewSend {
            id: SendId::of_key(&self.people[0], "k"),
            by: self.people[0].clone(),
            to,
            content: Self::new_content(),
            send_at: None,
            body: [0; 16],
            at: self.clock.now(),
        }
    }

    async fn add(&self, to: Recipients) -> SendId {
        let new = self.wanted(to);
        self.store.add_send(&new).await.unwrap();
        new.id
    }

    /// An administrator erases somebody.
    async fn mark(&self, user: &UserId) {
        let (by, why) = ("root".parse().unwrap(), "asked".to_owned());
        let wanted = ErasePerson { user_id: user.clone(), by, why, at: self.clock.now() };
        self.store.begin_erasure(&Erasure::new(&wanted, self.clock.now())).await.unwrap();
    }

    /// What a process does until nothing is due, or until it dies.
    async fn work(&self, sends: Arc<dyn Sends>) -> Result<(), SendError> {
        self.work_at(sends, 100_000).await
    }

    async fn work_at(&self, sends: Arc<dyn Sends>, per_second: u32) -> Result<(), SendError> {
        self.worker(sends, per_second).await.work(&CancellationToken::new()).await
    }

    /// How often the store was read so far.
    fn reads_of_the_store(&self) -> u64 {
        let series = r#"eventflow_store_call_seconds_count{operation="read",outcome="ok"} "#;
        let text = self.metrics.render().unwrap();
        text.lines().find_map(|line| line.strip_prefix(series)).map_or(0, |count| count.parse().unwrap())
    }

    async fn worker(&self, sends: Arc<dyn Sends>, per_second: u32) -> SendWorker {
        let parts = SendParts {
            sends,
            directory: self.store.clone(),
            inbox: self.store.clone(),
            outbound: self.store.clone(),
            erased: ErasedPeople::new(self.store.clone()),
            broker: self.broker.clone(),
            clock: self.clock.clone(),
            topology: Topology::new(2),
            per_second,
            kept: std::time::Duration::from_hours(24),
        };
        SendWorker::open(parts, &Metrics::default()).await.unwrap()
    }

    async fn send(&self, id: SendId) -> BulkSend {
        self.store.bulk_send(id).await.unwrap().unwrap()
    }

    async fn all_are_told_once(&self, id: SendId) {
        let send = self.send(id).await;
        let counts = (send.counts.sent, send.counts.suppressed, send.counts.failed);
        assert_eq!((send.state, counts), (SendState::Done, (PEOPLE as u64 - 1, 1, 0)));
        assert_eq!(send.total(), Some(PEOPLE as u64));
        let page = NotificationPage { unread_only: false, after: None, skip: 0, limit: 10 };
        for (index, user) in self.people.iter().enumerate() {
            let found = self.store.notifications_of(user, page).await.unwrap();
            assert_eq!(found.len(), usize::from(index > 1), "{user}");
        }
        let by_mail = &self.people[1];
        let hidden = self.store.notification(by_mail, id.notification_for(by_mail)).await.unwrap().unwrap();
        assert!(hidden.is_hidden);
    }
}

/// A process that dies after it has stored and published a step, before it moves the cursor.
struct Dying {
    store: Arc<EmbeddedStore>,
    /// Steps that it still makes as a whole.
    steps: AtomicU32,
    is_dead: AtomicBool,
    /// The sends of these steps, in order.
    made: Mutex<Vec<SendId>>,
}

impl Dying {
    fn after(store: &Arc<EmbeddedStore>, steps: u32) -> Self {
        Self {
            store: store.clone(),
            steps: AtomicU32::new(steps),
            is_dead: AtomicBool::new(false),
            made: Mutex::default(),
        }
    }

    /// It lives.
    fn watching(store: &Arc<EmbeddedStore>) -> Self {
        Self::after(store, u32::MAX)
    }
}

#[async_trait]
impl Sends for Dying {
    async fn add_send(&self, new: &NewSend) -> Result<AddedSend, StoreError> {
        self.store.add_send(new).await
    }
    async fn cancel_send(&self, cancel: &CancelSend) -> Result<CancelledSend, StoreError> {
        self.store.cancel_send(cancel).await
    }
    async fn claim_send(&self, now: Timestamp, until: Timestamp) -> Result<Option<BulkSend>, StoreError> {
        self.store.claim_send(now, until).await
    }
    async fn advance_send(
        &self,
        id: SendId,
        step: &SendStep,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<BulkSend>, StoreError> {
        if self.steps.load(SeqCst) == 0 {
            self.is_dead.store(true, SeqCst);
            return Err(StoreError::Unavailable { what: "advance a send", source: "killed".into() });
        }
        self.steps.fetch_sub(1, SeqCst);
        self.made.lock().unwrap().push(id);
        self.store.advance_send(id, step, now, until).await
    }
    async fn release_send(&self, id: SendId, until: Timestamp) -> Result<(), StoreError> {
        if self.is_dead.load(SeqCst) {
            return Ok(());
        }
        self.store.release_send(id, until).await
    }
    async fn bulk_send(&self, id: SendId) -> Result<Option<BulkSend>, StoreError> {
        self.store.bulk_send(id).await
    }
    async fn bulk_sends(&self, page: SendPage) -> Result<Vec<BulkSend>, StoreError> {
        self.store.bulk_sends(page).await
    }
    async fn forget_sends(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.store.forget_sends(before).await
    }
}

//! The push worker on the embedded store, with push services that answer as a test says.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item};
use eventflow_bus::settle::{Outcome, RETRY_LIMIT};
use eventflow_embedded::{Database, EmbeddedStore};
use eventflow_metrics::{Metrics, PushOutcome, PushWindowOutcome};
use eventflow_ports::outbound::{
    DeliveriesOf, DeliveryCount, DeliveryPage, Held, Hold, KeptMail, Outbound, Taken,
};
use eventflow_ports::pusher::{Accepted, Push, PushAct, PushError};
use eventflow_ports::store_contract::fixtures::{Scene, advance, append, at, change, change_one};
use eventflow_ports::{
    Apart, Directory, ErasedPeople, FixedClock, Inbox, MemoryPresence, People, PushDevices, Pusher,
    StoreError,
};
use eventflow_protocol::change::{Change, Cursor};
use eventflow_protocol::content::Markup;
use eventflow_protocol::document::Message;
use eventflow_protocol::inbox::{
    ChangeNotifications, Channels, Notification, NotificationChange, Notify, Preferences, SetPreferences,
};
use eventflow_protocol::outbound::{
    About, Channel, DeliveryEntry, DeliveryOutcome, Reason, Told, Window, WindowId, WindowJob,
};
use eventflow_protocol::person::Revocation;
use eventflow_protocol::push::{
    ClearNotifications, ClearPushes, PushDevice, PushJob, PushTarget, Subscription,
};
use eventflow_protocol::{CommandId, NotificationId, Timestamp, UserId};
use eventflow_workers::notify::again::AgainParts;
use eventflow_workers::push::{PushParts, PushWorker};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Windows in memory: the part of the port that a worker uses.
#[derive(Default)]
struct Windows {
    open: Mutex<HashMap<WindowId, Window>>,
    taken: Mutex<HashMap<WindowId, Timestamp>>,
    log: Mutex<Vec<DeliveryEntry>>,
}

#[async_trait]
impl Outbound for Windows {
    async fn hold(&self, _holds: &[Hold]) -> Result<Vec<Held>, StoreError> {
        panic!("a push worker decides nothing")
    }
    async fn claim_due(
        &self,
        _channel: Channel,
        _now: Timestamp,
        _lease: Duration,
        _limit: u32,
    ) -> Result<Vec<Window>, StoreError> {
        panic!("a push worker claims nothing")
    }
    async fn hand_over(&self, _windows: &[WindowId]) -> Result<(), StoreError> {
        panic!("a push worker claims nothing")
    }
    async fn window(&self, id: WindowId) -> Result<Option<Window>, StoreError> {
        Ok(self.open.lock().unwrap().get(&id).cloned())
    }
    async fn take_window(&self, id: WindowId, now: Timestamp, lease: Duration) -> Result<Taken, StoreError> {
        let Some(window) = self.open.lock().unwrap().get(&id).cloned() else { return Ok(Taken::Closed) };
        let mut taken = self.taken.lock().unwrap();
        if let Some(until) = taken.get(&id).copied().filter(|until| now < *until) {
            return Ok(Taken::Busy(until));
        }
        taken.insert(id, now.plus(lease));
        Ok(Taken::Window(Box::new(window)))
    }
    async fn keep_mail(&self, _id: WindowId, _mail: Option<&KeptMail>) -> Result<(), StoreError> {
        panic!("a push worker keeps no mail")
    }
    async fn kept_mail(&self, _id: WindowId) -> Result<Option<KeptMail>, StoreError> {
        panic!("a push worker keeps no mail")
    }
    async fn release_window(&self, id: WindowId) -> Result<(), StoreError> {
        self.taken.lock().unwrap().remove(&id);
        Ok(())
    }
    async fn postpone_window(&self, id: WindowId, _until: Timestamp) -> Result<(), StoreError> {
        self.taken.lock().unwrap().remove(&id);
        Ok(())
    }
    async fn hasten_windows(&self, _user: &UserId, _at: Timestamp) -> Result<(), StoreError> {
        panic!("a push worker hastens nothing")
    }
    async fn close_window(&self, id: WindowId, entries: &[DeliveryEntry]) -> Result<bool, StoreError> {
        let is_open = self.open.lock().unwrap().remove(&id).is_some();
        if is_open {
            self.log.lock().unwrap().extend_from_slice(entries);
        }
        Ok(is_open)
    }
    async fn log_deliveries(&self, entries: &[DeliveryEntry]) -> Result<(), StoreError> {
        self.log.lock().unwrap().extend_from_slice(entries);
        Ok(())
    }
    async fn deliveries_of(
        &self,
        _of: &DeliveriesOf,
        _page: DeliveryPage,
    ) -> Result<Vec<DeliveryEntry>, StoreError> {
        panic!("a push worker reads no log")
    }
    async fn count_deliveries(&self, _since: Timestamp) -> Result<Vec<DeliveryCount>, StoreError> {
        panic!("a push worker counts nothing")
    }
    async fn forget_deliveries(&self, _before: Timestamp) -> Result<u64, StoreError> {
        panic!("a push worker forgets nothing")
    }
}

/// Push services: they take everything but what a test says.
#[derive(Default)]
struct Services {
    answers: Mutex<HashMap<String, VecDeque<PushError>>>,
    taken: Mutex<Vec<(String, Push)>>,
    /// Requests that are asked of whoever is slow, and the word to answer them.
    asked: tokio::sync::Notify,
    slow: Mutex<Option<(String, Arc<Semaphore>)>>,
    /// How long every answer takes.
    answers_after: Mutex<Duration>,
    /// What a request takes.
    takes: Mutex<HashMap<String, (Arc<FixedClock>, i64)>>,
    requests: Mutex<Vec<String>>,
}

impl Services {
    fn answers_after(&self, time: Duration) {
        *self.answers_after.lock().unwrap() = time;
    }
}

#[async_trait]
impl Pusher for Services {
    async fn push(&self, target: &PushTarget, push: &Push) -> Result<Accepted, PushError> {
        let to = target.address().to_owned();
        self.requests.lock().unwrap().push(to.clone());
        let gate = self.slow.lock().unwrap().clone().filter(|(slow, _)| *slow == to);
        if let Some((_, gate)) = gate {
            self.asked.notify_one();
            gate.acquire().await.unwrap().forget();
        }
        let answers_after = *self.answers_after.lock().unwrap();
        if !answers_after.is_zero() {
            // sleep: the service is slow, and what is tested is how many wait for it.
            tokio::time::sleep(answers_after).await;
        }
        if let Some((clock, takes)) = self.takes.lock().unwrap().get(&to) {
            clock.advance(*takes);
        }
        if let Some(error) = self.answers.lock().unwrap().get_mut(&to).and_then(VecDeque::pop_front) {
            return Err(error);
        }
        self.taken.lock().unwrap().push((to, push.clone()));
        self.asked.notify_one();
        Ok(Accepted { provider: "fcm", answer: "200".to_owned() })
    }
}

struct Stage {
    store: EmbeddedStore,
    windows: Arc<Windows>,
    services: Arc<Services>,
    clock: Arc<FixedClock>,
    metrics: Metrics,
    worker: PushWorker,
    scene: Scene,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// Three people with a thread; the second one has a phone.
    async fn new() -> Self {
        let stage = Self::without_devices().await;
        stage.device("phone").await;
        stage
    }

    async fn without_devices() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (database, metrics) = (Database::open_in(folder.path()).unwrap(), Metrics::default());
        database.measure(metrics.store.calls.clone());
        let store = EmbeddedStore::open(database).await.unwrap();
        let scene = Scene::with_people(&store, 3).await;
        let shared = Arc::new(store.clone());
        let (windows, services) = (Arc::new(Windows::default()), Arc::new(Services::default()));
        let clock = Arc::new(FixedClock::at(at(1_000)));
        let again = AgainParts {
            store: Arc::clone(&shared) as _,
            apart: Apart::new(Arc::clone(&shared) as _).unheard(),
            inbox: Arc::clone(&shared) as _,
            directory: Arc::clone(&shared) as _,
            presence: Arc::new(MemoryPresence::default()),
            clock: Arc::clone(&clock) as _,
        };
        let parts = PushParts {
            outbound: Arc::clone(&windows) as _,
            devices: Arc::clone(&shared) as _,
            pusher: Arc::clone(&services) as _,
            people: People::new(Arc::clone(&shared) as _, ErasedPeople::new(shared), Markup::default()),
            again,
        };
        let worker = PushWorker::new(parts, &metrics);
        Self { store, windows, services, clock, metrics, worker, scene, _folder: folder }
    }

    fn reader(&self) -> UserId {
        self.scene.people[1].clone()
    }

    async fn device(&self, token: &str) -> PushDevice {
        let target = PushTarget::Fcm { token: token.to_owned() };
        let device = PushDevice::new(self.reader(), target, String::new(), at(1));
        self.store.register_device(&device).await.unwrap();
        device
    }

    /// The same stage, whose batches begin pushes for this long.
    fn beginning_for(self, begins_for: Duration) -> Self {
        Self { worker: self.worker.beginning_for(begins_for), ..self }
    }

    /// An app of this person.
    async fn app(&self, user: &UserId, token: &str) {
        let target = PushTarget::Fcm { token: token.to_owned() };
        let device = PushDevice::new(user.clone(), target, String::new(), at(1));
        self.store.register_device(&device).await.unwrap();
    }

    /// An open window about a notification of this person.
    async fn window_about(&self, user: &UserId) -> PushJob {
        let notification = self.told_to(user, 900).await;
        let about = About::Notification { notification_id: notification.id };
        let told = Told { about, at: notification.created_at, critical: false, was_online: false };
        self.open_for(user, vec![told])
    }

    /// A browser of this person.
    async fn browser(&self, user: &UserId, endpoint: &str) -> PushDevice {
        let (p256dh, auth) = (String::new(), String::new());
        let target = PushTarget::WebPush(Subscription { endpoint: endpoint.to_owned(), p256dh, auth });
        let device = PushDevice::new(user.clone(), target, String::new(), at(1));
        self.store.register_device(&device).await.unwrap();
        device
    }

    /// Messages of the first person.
    async fn say(&self, texts: &[&str]) -> Vec<Message> {
        let batch: Vec<_> = texts.iter().map(|text| self.scene.say(0, text)).collect();
        append(&self.store, &batch).await
    }

    /// An open window about these messages.
    fn window(&self, messages: &[Message]) -> PushJob {
        self.window_for(&self.reader(), messages)
    }

    fn window_for(&self, user: &UserId, messages: &[Message]) -> PushJob {
        let told = messages.iter().map(|message| {
            let about = About::Message {
                thread_id: message.thread_id,
                message_id: message.id,
                seq: message.seq,
                mention: false,
            };
            Told { about, at: message.created_at, critical: false, was_online: false }
        });
        self.open_for(user, told.collect())
    }

    fn open(&self, items: Vec<Told>) -> PushJob {
        self.open_for(&self.reader(), items)
    }

    fn open_for(&self, user: &UserId, items: Vec<Told>) -> PushJob {
        let id = WindowId::new();
        let window = Window {
            id,
            user_id: user.clone(),
            channel: Channel::Push,
            thread_id: items[0].about.thread_id(),
            opened_at: at(1),
            due_at: at(2),
            items,
            more: 0,
        };
        self.windows.open.lock().unwrap().insert(id, window);
        PushJob::Window(WindowJob { window_id: id, user_id: user.clone() })
    }

    async fn perform(&self, job: &PushJob) -> Outcome {
        self.perform_again(job, 0).await
    }

    async fn perform_again(&self, job: &PushJob, attempt: u32) -> Outcome {
        self.worker.perform(&[item(job, attempt)]).await.unwrap().outcomes.remove(0)
    }

    /// Requests to this address.
    fn requests(&self, to: &str) -> usize {
        self.services.requests.lock().unwrap().iter().filter(|one| *one == to).count()
    }

    /// Lets the service of this address answer when the gate opens.
    fn slow(&self, to: &str) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        *self.services.slow.lock().unwrap() = Some((to.to_owned(), Arc::clone(&gate)));
        gate
    }

    fn fail(&self, token: &str, errors: impl IntoIterator<Item = PushError>) {
        self.services.answers.lock().unwrap().entry(token.to_owned()).or_default().extend(errors);
    }

    /// Who was pushed to, in order.
    fn pushed(&self) -> Vec<String> {
        self.services.taken.lock().unwrap().iter().map(|(to, _)| to.clone()).collect()
    }

    fn last_push(&self) -> Push {
        self.services.taken.lock().unwrap().last().unwrap().1.clone()
    }

    fn log(&self) -> Vec<DeliveryOutcome> {
        self.windows.log.lock().unwrap().iter().map(|entry| entry.outcome.clone()).collect()
    }

    /// How often the store was read so far.
    fn reads_of_the_store(&self) -> u64 {
        let series = r#"eventflow_store_call_seconds_count{operation="read",outcome="ok"} "#;
        let text = self.metrics.render().unwrap();
        text.lines().find_map(|line| line.strip_prefix(series)).map_or(0, |count| count.parse().unwrap())
    }

    fn is_closed(&self) -> bool {
        self.windows.open.lock().unwrap().is_empty()
    }

    /// A notification in the reader's inbox.
    async fn told(&self, seconds: i64) -> Notification {
        self.told_to(&self.reader(), seconds).await
    }

    async fn told_to(&self, user: &UserId, seconds: i64) -> Notification {
        let notify = Notify {
            user_id: user.clone(),
            kind: "order_update".to_owned(),
            title: "Your order".to_owned(),
            text: "is on its way".to_owned(),
            data: serde_json::Map::new(),
            thread_id: None,
            key: None,
            typed: None,
            at: at(seconds),
        };
        let notification = Notification::new(NotificationId::from(CommandId::new()), notify);
        self.store.add_notifications(std::slice::from_ref(&notification)).await.unwrap();
        notification
    }

    async fn reads_notification(&self, id: NotificationId) {
        let change = NotificationChange::Read;
        let user_id = self.reader();
        let read = ChangeNotifications { user_id, notification_id: Some(id), change, at: at(8) };
        self.store.change_notifications(&read).await.unwrap();
    }

    async fn read(&self, up_to: u64) {
        advance(&self.store, &self.scene, 1, Cursor::Read, Some(up_to)).await;
    }
}

fn item(job: &PushJob, attempt: u32) -> Item<PushJob> {
    let (id, value) = (Uuid::now_v7(), job.clone());
    Item { id, attempt, redelivered: false, value, reply_to: None, trace: None }
}

fn failed() -> PushError {
    PushError::Failed { answer: "503".to_owned(), after: None }
}

fn gone() -> PushError {
    PushError::Gone { answer: "410".to_owned() }
}

fn suppressed(reason: Reason) -> DeliveryOutcome {
    DeliveryOutcome::Suppressed { reason }
}

#[tokio::test]
async fn a_window_is_pushed_once_however_often_its_job_comes() {
    let stage = Stage::new().await;
    let messages = stage.say(&["one", "two <b>"]).await;
    let job = stage.window(&messages);
    for _ in 0..3 {
        assert_eq!(stage.perform(&job).await, Outcome::Done);
    }
    assert_eq!(stage.pushed(), ["phone"]);
    let push = stage.last_push();
    let PushAct::Show { title, text, thread_id } = push.act else { panic!("it shows something") };
    // The thread has a subject, which stands behind the name.
    assert!(
        title.starts_with(&format!("{} · ", stage.scene.people[0])) && title.ends_with(" (2)"),
        "{title}"
    );
    assert_eq!(text, "two <b>");
    assert_eq!((thread_id, push.badge), (Some(stage.scene.thread), 2));
    let sent = DeliveryOutcome::Sent { provider: "fcm".to_owned(), answer: "200, 1 device".to_owned() };
    assert_eq!(stage.log(), [sent.clone(), sent]);
    assert_eq!(stage.metrics.push.windows.of(PushWindowOutcome::Repeated).get(), 2);
}

#[tokio::test]
async fn what_was_read_or_taken_back_meanwhile_is_not_pushed_and_the_log_says_why() {
    let stage = Stage::new().await;
    let messages = stage.say(&["read", "taken back", "left"]).await;
    let job = stage.window(&messages);
    stage.read(1).await;
    change_one(&stage.store, &change(&messages[1], &stage.scene.people[0], Change::Delete, 501)).await;
    assert_eq!(stage.perform(&job).await, Outcome::Done);
    assert_eq!((stage.pushed().len(), stage.last_push().badge), (1, 1));
    assert_eq!(stage.log()[..2], [suppressed(Reason::Read), suppressed(Reason::TakenBack)]);
    let job = stage.window(&messages[..1]);
    assert_eq!(stage.perform(&job).await, Outcome::Done);
    assert_eq!((stage.pushed().len(), stage.is_closed()), (1, true));
}

#[tokio::test]
async fn who_wants_no_pushes_or_has_no_device_gets_none() {
    let stage = Stage::without_devices().await;
    let messages = stage.say(&["hello"]).await;
    assert_eq!(stage.perform(&stage.window(&messages)).await, Outcome::Done);
    stage.device("phone").await;
    let channels = Channels { push: false, ..Channels::default() };
    let preferences = Preferences { channels, updated_at: Some(at(3)), ..Preferences::default() };
    stage.store.set_preferences(&SetPreferences { user_id: stage.reader(), preferences }).await.unwrap();
    assert_eq!(stage.perform(&stage.window(&messages)).await, Outcome::Done);
    assert_eq!(stage.log(), [suppressed(Reason::NoDevice), suppressed(Reason::Preference)]);
    assert_eq!((stage.pushed().len(), stage.is_closed()), (0, true));
}

#[tokio::test]
async fn a_device_that_is_gone_is_deleted_and_the_others_are_pushed_to() {
    let stage = Stage::new().await;
    stage.device("tablet").await;
    stage.fail("phone", [gone()]);
    let messages = stage.say(&["hello"]).await;
    assert_eq!(stage.perform(&stage.window(&messages)).await, Outcome::Done);
    assert_eq!(stage.pushed(), ["tablet"]);
    let left = stage.store.devices_of(&stage.reader()).await.unwrap();
    assert_eq!(left.len(), 1);
    stage.fail("tablet", [gone()]);
    assert_eq!(stage.perform(&stage.window(&messages)).await, Outcome::Done);
    assert_eq!(stage.log().last(), Some(&suppressed(Reason::NoDevice)));
    assert_eq!(stage.metrics.push.pushes.of(PushOutcome::Gone).get(), 2);
}

/// How things ended: without the rows that say that a service put them off.
fn ended(log: Vec<DeliveryOutcome>) -> Vec<DeliveryOutcome> {
    log.into_iter().filter(|outcome| !outcome.is_waiting()).collect()
}

#[tokio::test]
async fn a_service_that_fails_is_asked_again_and_the_devices_that_have_it_are_left_out() {
    let stage = Stage::new().await;
    stage.device("tablet").await;
    stage.fail("tablet", [failed()]);
    let messages = stage.say(&["hello"]).await;
    let job = stage.window(&messages);
    assert_eq!(stage.perform(&job).await, Outcome::Retry { reason: "503".to_owned(), after: None });
    assert_eq!((stage.pushed(), ended(stage.log()).len()), (vec!["phone".to_owned()], 0));
    assert_eq!(stage.perform_again(&job, 1).await, Outcome::Done);
    assert_eq!(stage.pushed(), ["phone", "tablet"]);
    let sent = DeliveryOutcome::Sent { provider: "fcm".to_owned(), answer: "200, 2 devices".to_owned() };
    assert_eq!((ended(stage.log()), stage.is_closed()), (vec![sent], true));
}

#[tokio::test]
async fn a_service_that_asks_to_wait_is_waited_for() {
    let stage = Stage::new().await;
    let after = Some(Duration::from_secs(77));
    stage.fail("phone", [PushError::Limited { answer: "429".to_owned(), after }]);
    let messages = stage.say(&["hello"]).await;
    let job = stage.window(&messages);
    assert_eq!(stage.perform(&job).await, Outcome::Retry { reason: "429".to_owned(), after });
    let log = stage.log();
    let [DeliveryOutcome::Held { answer: Some(answer), .. }] = &log[..] else { panic!("{log:?}") };
    assert_eq!(answer, "429", "the log says why");
    assert_eq!(stage.perform_again(&job, 1).await, Outcome::Done);
}

#[tokio::test]
async fn the_last_attempt_is_logged_and_a_replay_of_it_sends_once() {
    let stage = Stage::new().await;
    stage.fail("phone", [failed()]);
    let messages = stage.say(&["hello"]).await;
    let job = stage.window(&messages);
    assert!(matches!(stage.perform_again(&job, RETRY_LIMIT).await, Outcome::Retry { .. }));
    assert_eq!(stage.log(), [DeliveryOutcome::Failed { answer: "503".to_owned() }]);
    for _ in 0..2 {
        assert_eq!(stage.perform(&job).await, Outcome::Done);
    }
    assert_eq!((stage.pushed().len(), stage.is_closed()), (1, true));
}

#[tokio::test]
async fn what_a_service_will_never_take_is_not_tried_again() {
    let stage = Stage::new().await;
    stage.fail("phone", [PushError::Refused { answer: "400 INVALID_ARGUMENT".to_owned() }]);
    let messages = stage.say(&["hello"]).await;
    assert_eq!(stage.perform(&stage.window(&messages)).await, Outcome::Done);
    let failed = DeliveryOutcome::Failed { answer: "400 INVALID_ARGUMENT".to_owned() };
    assert_eq!((stage.log(), stage.is_closed()), (vec![failed], true));
}

#[tokio::test]
async fn a_window_that_another_worker_sends_is_looked_at_later() {
    let stage = Stage::new().await;
    let messages = stage.say(&["hello"]).await;
    let PushJob::Window(job) = stage.window(&messages) else { panic!("it is a window") };
    let now = at(1_000);
    stage.windows.take_window(job.window_id, now, Duration::from_secs(30)).await.unwrap();
    let job = PushJob::Window(job);
    let outcome = stage.perform(&job).await;
    assert!(matches!(outcome, Outcome::Retry { after: Some(after), .. } if after == Duration::from_secs(30)));
    stage.clock.advance(30_000);
    assert_eq!(stage.perform(&job).await, Outcome::Done);
    assert_eq!(stage.pushed().len(), 1);
}

#[tokio::test]
async fn reading_takes_away_what_devices_show_and_nothing_where_nothing_is_shown() {
    let stage = Stage::new().await;
    let (user_id, thread_id) = (stage.reader(), stage.scene.thread);
    let clear = |up_to| PushJob::Clear(ClearPushes { user_id: user_id.clone(), thread_id, up_to });
    assert_eq!(stage.perform(&clear(9)).await, Outcome::Done);
    assert_eq!(stage.pushed().len(), 0, "nothing is shown");
    let messages = stage.say(&["one", "two"]).await;
    stage.perform(&stage.window(&messages)).await;
    stage.device("tablet").await;
    assert_eq!(stage.perform(&clear(1)).await, Outcome::Done);
    assert_eq!(stage.pushed().len(), 1, "the second message is not read");
    stage.read(2).await;
    stage.fail("phone", [failed()]);
    assert!(matches!(stage.perform(&clear(2)).await, Outcome::Retry { .. }));
    for _ in 0..2 {
        assert_eq!(stage.perform(&clear(2)).await, Outcome::Done);
    }
    assert_eq!(stage.pushed(), ["phone", "phone"], "once, and only where something was shown");
    let push = stage.last_push();
    assert_eq!((push.act, push.badge, push.tag), (PushAct::Clear, 0, thread_id.to_string()));
}

#[tokio::test]
async fn a_notification_is_pushed_unless_it_was_read() {
    let stage = Stage::new().await;
    let notification = stage.told(5).await;
    let about = About::Notification { notification_id: notification.id };
    let told = Told { about, at: at(5), critical: false, was_online: false };
    assert_eq!(stage.perform(&stage.open(vec![told])).await, Outcome::Done);
    let push = stage.last_push();
    let PushAct::Show { title, text, thread_id } = push.act else { panic!("it shows something") };
    assert_eq!((title.as_str(), text.as_str(), thread_id), ("Your order", "is on its way", None));
    assert_eq!((push.tag, push.badge), (format!("n:{}", notification.id), 1));
}

#[tokio::test]
async fn a_notification_that_was_read_elsewhere_is_taken_away_and_one_that_was_not_stays() {
    let stage = Stage::new().await;
    let [first, second] = [stage.told(5).await, stage.told(6).await];
    for notification in [&first, &second] {
        let about = About::Notification { notification_id: notification.id };
        stage.perform(&stage.open(vec![Told { about, at: at(5), critical: false, was_online: false }])).await;
    }
    let clear = |notification_id| {
        PushJob::ClearNotifications(ClearNotifications {
            user_id: stage.reader(),
            notification_id,
            read_at: at(9),
        })
    };
    assert_eq!(stage.perform(&clear(None)).await, Outcome::Done);
    assert_eq!(stage.pushed().len(), 2, "nothing is read");
    stage.reads_notification(first.id).await;
    stage.fail("phone", [failed()]);
    assert!(matches!(stage.perform(&clear(Some(first.id))).await, Outcome::Retry { .. }));
    for job in [clear(Some(first.id)), clear(None), clear(Some(second.id))] {
        assert_eq!(stage.perform(&job).await, Outcome::Done);
    }
    let push = stage.last_push();
    assert_eq!((push.act, push.tag, push.badge), (PushAct::Clear, format!("n:{}", first.id), 1));
    assert_eq!(stage.pushed().len(), 3, "once, and the second one stays");
    stage.reads_notification(second.id).await;
    assert_eq!(stage.perform(&clear(None)).await, Outcome::Done);
    assert_eq!((stage.pushed().len(), stage.last_push().tag), (4, format!("n:{}", second.id)));
}

#[tokio::test]
async fn while_fcm_fails_again_and_again_jobs_wait_instead_of_climbing_the_ladder() {
    let stage = Stage::new().await;
    let messages = stage.say(&["hello"]).await;
    stage.fail("phone", std::iter::repeat_n(failed(), 10));
    for _ in 0..10 {
        assert!(matches!(stage.perform(&stage.window(&messages)).await, Outcome::Retry { .. }));
    }
    let job = stage.window(&messages);
    let paused = stage.worker.perform(&[item(&job, 0)]).await.expect_err("it is paused");
    assert_eq!((paused.what, stage.metrics.push.breaker_open.get()), ("FCM", 1));
    stage.clock.advance(15_000);
    assert_eq!(stage.perform(&job).await, Outcome::Done);
    assert_eq!((stage.pushed().len(), stage.metrics.push.breaker_open.get()), (1, 0));
}

#[tokio::test]
async fn once_fcm_fails_again_and_again_nobody_else_of_the_batch_is_asked_and_it_counts_as_no_attempt() {
    let stage = Stage::without_devices().await;
    let (mut jobs, mut tokens) = (Vec::new(), Vec::new());
    for n in 0..300 {
        let (user, token) = (format!("u{n}").parse::<UserId>().unwrap(), format!("app {n}"));
        stage.app(&user, &token).await;
        stage.fail(&token, [failed()]);
        jobs.push(item(&stage.window_about(&user).await, 0));
        tokens.push(token);
    }
    let outcomes = stage.worker.perform(&jobs).await.unwrap().outcomes;
    let asked = tokens.iter().filter(|token| stage.requests(token) > 0).count();
    assert!((10..=100).contains(&asked), "those that were on their way: {asked}");
    let retried = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Retry { .. })).count();
    assert_eq!(retried, asked);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Done).count(), 300 - asked);
    assert_eq!(stage.windows.open.lock().unwrap().len(), 300, "all of them wait");
    let put_off = stage.log().into_iter().filter(|row| matches!(row, DeliveryOutcome::Held { .. })).count();
    assert_eq!(put_off, 300);
}

#[tokio::test]
async fn what_a_slow_service_has_no_time_for_goes_back_and_is_sent_once() {
    let stage = Stage::without_devices().await.beginning_for(Duration::from_millis(150));
    stage.services.answers_after(Duration::from_millis(50));
    let mut jobs = Vec::new();
    for n in 0..40 {
        let user: UserId = format!("u{n}").parse().unwrap();
        for m in 0..20 {
            stage.app(&user, &format!("app {n} {m}")).await;
        }
        jobs.push(stage.window_about(&user).await);
    }
    let begun = std::time::Instant::now();
    let items: Vec<_> = jobs.iter().map(|job| item(job, RETRY_LIMIT - 1)).collect();
    stage.worker.perform(&items).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20), "the batch ends: {:?}", begun.elapsed());
    let first = stage.pushed().len();
    assert!((100..800).contains(&first), "{first}");
    assert_eq!(stage.metrics.push.breaker_open.get(), 0);
    stage.services.answers_after(Duration::ZERO);
    let stage = stage.beginning_for(Duration::from_mins(1));
    let left = stage.windows.open.lock().unwrap().len();
    assert!(left > 0);
    let items: Vec<_> = jobs.iter().map(|job| item(job, RETRY_LIMIT)).collect();
    let outcomes = stage.worker.perform(&items).await.unwrap().outcomes;
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Done));
    let mut pushed = stage.pushed();
    pushed.sort();
    pushed.dedup();
    assert_eq!((pushed.len(), stage.pushed().len()), (800, 800), "everybody, once");
    assert!(stage.is_closed());
}

#[tokio::test]
async fn one_broken_job_does_not_hold_up_its_neighbours() {
    let stage = Stage::new().await;
    let messages = stage.say(&["hello"]).await;
    stage.fail("phone", [failed()]);
    let items = [stage.window(&messages), stage.window(&messages)].map(|job| item(&job, 0));
    let outcomes = stage.worker.perform(&items).await.unwrap().outcomes;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Done).count(), 1);
    assert_eq!(outcomes.len(), 2);
}

#[tokio::test]
async fn nobody_waits_for_somebody_elses_devices() {
    let stage = Stage::new().await;
    let (slow, other) = (stage.reader(), stage.scene.people[2].clone());
    for n in 0..19 {
        stage.browser(&slow, &format!("https://slow.example/{n}")).await;
    }
    stage.browser(&slow, "https://slow.example/hangs").await;
    stage.browser(&other, "https://push.example/1").await;
    let gate = stage.slow("https://slow.example/hangs");
    let messages = stage.say(&["hello"]).await;
    let mut batch: Vec<_> = (0..300).map(|_| item(&stage.window(&messages), 0)).collect();
    batch.push(item(&stage.window_for(&other, &messages), 0));
    let others = async {
        while stage.requests("https://push.example/1") == 0 {
            stage.services.asked.notified().await;
        }
        // What waits is answered now, and what comes later at once.
        gate.add_permits(1_000);
    };
    let (performed, ()) = tokio::join!(stage.worker.perform(&batch), others);
    assert_eq!(performed.unwrap().outcomes.len(), batch.len());
}

#[tokio::test]
async fn a_device_that_hangs_costs_one_wait_and_is_asked_again_later() {
    let stage = Stage::without_devices().await;
    let hangs = "https://slow.example/hangs";
    stage.browser(&stage.reader(), hangs).await;
    stage.services.takes.lock().unwrap().insert(hangs.to_owned(), (Arc::clone(&stage.clock), 5_000));
    stage.fail(hangs, std::iter::repeat_n(failed(), 2));
    let messages = stage.say(&["hello"]).await;
    let jobs: Vec<_> = (0..20).map(|_| stage.window(&messages)).collect();
    let first = stage.perform(&jobs[0]).await;
    assert_eq!(first, Outcome::Retry { reason: "503".to_owned(), after: None });
    for job in &jobs[1..] {
        let outcome = stage.perform(job).await;
        assert!(matches!(outcome, Outcome::Retry { after: Some(after), .. } if after.as_secs() == 30));
    }
    assert_eq!(stage.requests(hangs), 1, "however many windows there are");
    stage.clock.advance(30_000);
    assert!(matches!(stage.perform(&jobs[0]).await, Outcome::Retry { .. }));
    assert_eq!(stage.requests(hangs), 2);
    stage.services.takes.lock().unwrap().clear();
    stage.clock.advance(60_000);
    assert_eq!(stage.perform(&jobs[0]).await, Outcome::Done);
    assert_eq!(stage.pushed(), [hangs]);
}

#[tokio::test]
async fn a_browser_that_always_fails_makes_no_dead_letter_and_the_log_tells_of_both_devices() {
    let stage = Stage::new().await;
    let broken = "https://push.example/broken";
    stage.browser(&stage.reader(), broken).await;
    stage.fail(broken, std::iter::repeat_n(failed(), 10));
    let messages = stage.say(&["hello"]).await;
    let job = stage.window(&messages);
    for attempt in 0..RETRY_LIMIT {
        assert!(matches!(stage.perform_again(&job, attempt).await, Outcome::Retry { .. }));
        stage.clock.advance(3_600_000);
    }
    assert_eq!(stage.perform_again(&job, RETRY_LIMIT).await, Outcome::Done);
    assert!(stage.is_closed());
    let log = ended(stage.log());
    let [DeliveryOutcome::Sent { answer, .. }] = &log[..] else { panic!("{log:?}") };
    assert!(answer.ends_with("1 device; not to 1 device: 503"), "{answer}");
    assert_eq!(stage.pushed(), ["phone"]);
}

#[tokio::test]
async fn what_is_read_while_its_push_is_on_the_way_is_taken_away() {
    let stage = Stage::without_devices().await;
    let slow = "https://push.example/slow";
    stage.browser(&stage.reader(), slow).await;
    let messages = stage.say(&["hello"]).await;
    let (job, gate) = (stage.window(&messages), stage.slow(slow));
    let clear = PushJob::Clear(ClearPushes {
        user_id: stage.reader(),
        thread_id: stage.scene.thread,
        up_to: messages[0].seq,
    });
    let reads = async {
        stage.services.asked.notified().await;
        stage.read(messages[0].seq).await;
        assert_eq!(stage.perform(&clear).await, Outcome::Done, "nothing is shown yet");
        gate.add_permits(2);
    };
    let (sent, ()) = tokio::join!(stage.perform(&job), reads);
    assert_eq!((sent, stage.pushed()), (Outcome::Done, vec![slow.to_owned(), slow.to_owned()]));
    assert_eq!(
        (stage.last_push().act, stage.last_push().tag),
        (PushAct::Clear, stage.scene.thread.to_string())
    );
}

#[tokio::test]
async fn what_is_read_while_pushes_are_switched_off_is_taken_away() {
    let stage = Stage::without_devices().await;
    let slow = "https://push.example/slow";
    stage.browser(&stage.reader(), slow).await;
    let messages = stage.say(&["hello"]).await;
    let (job, gate) = (stage.window(&messages), stage.slow(slow));
    let reads = async {
        stage.services.asked.notified().await;
        stage.read(messages[0].seq).await;
        let channels = Channels { push: false, ..Channels::default() };
        let preferences = Preferences { channels, updated_at: Some(at(9)), ..Preferences::default() };
        stage.store.set_preferences(&SetPreferences { user_id: stage.reader(), preferences }).await.unwrap();
        gate.add_permits(2);
    };
    let (sent, ()) = tokio::join!(stage.perform(&job), reads);
    assert_eq!((sent, stage.last_push().act), (Outcome::Done, PushAct::Clear));
}

#[tokio::test]
async fn what_a_device_may_show_is_taken_away_too() {
    let stage = Stage::new().await;
    stage.fail("phone", [failed()]);
    let messages = stage.say(&["hello"]).await;
    let job = stage.window(&messages);
    assert!(matches!(stage.perform(&job).await, Outcome::Retry { .. }), "its service may have it");
    stage.read(messages[0].seq).await;
    assert_eq!(stage.perform_again(&job, 1).await, Outcome::Done);
    assert_eq!((stage.pushed().len(), stage.last_push().act), (1, PushAct::Clear));
    assert_eq!(ended(stage.log()), [suppressed(Reason::Read)]);
}

#[tokio::test]
async fn how_far_somebody_has_read_is_asked_for_once_a_window() {
    let mut reads = Vec::new();
    for texts in [&["one", "two"][..], &["one", "two", "three", "four", "five"][..]] {
        let stage = Stage::new().await;
        stage.fail("phone", [failed()]);
        let messages = stage.say(texts).await;
        let job = stage.window(&messages);
        assert!(matches!(stage.perform(&job).await, Outcome::Retry { .. }), "its service may have it");
        for message in &messages {
            change_one(&stage.store, &change(message, &stage.scene.people[0], Change::Delete, 501)).await;
        }
        let before = stage.reads_of_the_store();
        assert_eq!(stage.perform_again(&job, 1).await, Outcome::Done);
        assert_eq!(stage.last_push().act, PushAct::Clear);
        reads.push(stage.reads_of_the_store() - before);
    }
    // The second decision reads each message, and whoever takes it away reads it once more.
    assert_eq!(reads[1] - reads[0], 2 * 3, "{reads:?}");
}

#[tokio::test]
async fn a_device_from_before_a_revocation_gets_nothing_until_it_is_registered_again() {
    let stage = Stage::new().await;
    let revocation = Revocation { user_id: stage.reader(), session: None, at: at(2) };
    stage.store.revoke(&revocation).await.unwrap();
    let messages = stage.say(&["hello"]).await;
    let PushJob::Window(mut job) = stage.window(&messages) else { panic!("it is a window") };
    // Said after the revocation, as by then only who has signed in again hears of it.
    let said_later = |stage: &Stage, job: &WindowJob| {
        let mut open = stage.windows.open.lock().unwrap();
        let window = open.get_mut(&job.window_id).unwrap();
        window.opened_at = at(3);
        window.items.iter_mut().for_each(|told| told.at = at(3));
    };
    said_later(&stage, &job);
    assert_eq!(stage.perform(&PushJob::Window(job)).await, Outcome::Done);
    assert_eq!((stage.log(), stage.pushed().len()), (vec![suppressed(Reason::Revoked)], 0));
    let target = PushTarget::Fcm { token: "phone".to_owned() };
    let renewed = PushDevice::new(stage.reader(), target, String::new(), at(4));
    stage.store.register_device(&renewed).await.unwrap();
    let PushJob::Window(next) = stage.window(&messages) else { panic!("it is a window") };
    job = next;
    said_later(&stage, &job);
    assert_eq!(stage.perform(&PushJob::Window(job)).await, Outcome::Done);
    assert_eq!(stage.pushed(), ["phone"]);
}

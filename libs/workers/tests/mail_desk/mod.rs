//! An e-mail worker on an embedded store, with a clock that stands and a mailer that does what a test says.

use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item};
use eventflow_bus::settle::Outcome;
use eventflow_embedded::{Database, EmbeddedStore};
use eventflow_metrics::Metrics;
use eventflow_ports::mailer::MailError;
use eventflow_ports::store_contract::fixtures::{Scene, append};
use eventflow_ports::{
    Accepted, Apart, DeliveriesOf, DeliveryCount, DeliveryPage, Directory, ErasedPeople, FixedClock, Held,
    Hold, Inbox, KeptMail, Mail, Mailbox, Mailer, MemoryPresence, Outbound, People, StoreError, Taken,
};
use eventflow_protocol::content::Markup;
use eventflow_protocol::document::Message;
use eventflow_protocol::inbox::{Notification, Notify};
use eventflow_protocol::outbound::{
    About, Channel, DeliveryEntry, DeliveryOutcome, Told, WaitsFor, Window, WindowId, WindowJob,
};
use eventflow_protocol::person::Profile;
use eventflow_protocol::unsubscribe::Unsubscribe;
use eventflow_protocol::{CommandId, MailAddress, Timestamp, UserId};
use eventflow_workers::email::templates::Templates;
use eventflow_workers::email::{EmailParts, EmailSettings, EmailWorker};
use eventflow_workers::notify::again::AgainParts;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// The time of every test.
pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000_000);
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// The worker and everything around it.
pub(crate) struct Desk {
    pub(crate) worker: EmailWorker,
    pub(crate) store: Arc<EmbeddedStore>,
    pub(crate) outbound: Arc<Windows>,
    pub(crate) mailer: Arc<ScriptedMailer>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) unsubscribe: Unsubscribe,
    pub(crate) metrics: Metrics,
    _folder: TempDir,
}

/// What the worker gets for a window.
pub(crate) fn job(window: &Window) -> Item<WindowJob> {
    job_after(window, 0)
}

/// What the worker gets for a window that has failed so often.
pub(crate) fn job_after(window: &Window, attempt: u32) -> Item<WindowJob> {
    let value = WindowJob { window_id: window.id, user_id: window.user_id.clone() };
    Item { id: window.id.0, attempt, redelivered: false, value, reply_to: None, trace: None }
}

impl Desk {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut EmailSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open_in(folder.path()).unwrap();
        let store = Arc::new(EmbeddedStore::open(database).await.unwrap());
        let outbound = Arc::new(Windows { store: Arc::clone(&store), is_stuck: AtomicBool::new(false) });
        let mailer = Arc::new(ScriptedMailer::default());
        let clock = Arc::new(FixedClock::at(NOW));
        let from =
            Mailbox { name: Some("EventFlow".to_owned()), address: "noreply@example.com".parse().unwrap() };
        let base_url = Some("https://chat.example.com".to_owned());
        let mut settings = EmailSettings {
            is_enabled: true,
            from,
            product: "EventFlow".to_owned(),
            base_url,
            settings_url: None,
        };
        change(&mut settings);
        let again = AgainParts {
            store: store.clone(),
            apart: Apart::new(store.clone()).unheard(),
            inbox: store.clone(),
            directory: store.clone(),
            presence: Arc::new(MemoryPresence::default()),
            clock: clock.clone(),
        };
        let parts = EmailParts {
            outbound: outbound.clone(),
            again,
            directory: store.clone(),
            people: People::new(store.clone(), ErasedPeople::new(store.clone()), Markup::Neutralise),
            suppressions: store.clone(),
            mailer: mailer.clone(),
            clock: clock.clone(),
            templates: Templates::built_in().unwrap(),
            unsubscribe: Unsubscribe::new(SECRET),
            settings,
            stop: CancellationToken::new(),
        };
        let metrics = Metrics::default();
        let worker = EmailWorker::new(parts, &metrics);
        let unsubscribe = Unsubscribe::new(SECRET);
        Self { worker, store, outbound, mailer, clock, unsubscribe, metrics, _folder: folder }
    }

    /// Brings a batch through the worker.
    pub(crate) async fn deliver(&self, windows: &[&Window]) -> Vec<Outcome> {
        let batch: Vec<_> = windows.iter().map(|window| job(window)).collect();
        self.worker.perform(&batch).await.unwrap().outcomes
    }

    /// Brings a window that has failed so often through the worker.
    pub(crate) async fn deliver_after(&self, window: &Window, attempt: u32) -> Outcome {
        self.worker.perform(&[job_after(window, attempt)]).await.unwrap().outcomes.remove(0)
    }

    /// A thread of two people, of whom the second has an address.
    pub(crate) async fn thread_with_address(&self, more: usize) -> Scene {
        let scene = Scene::with_people(&*self.store, 2 + more).await;
        let email = Some("bob@example.com".to_owned());
        let bob =
            Profile { id: scene.people[1].clone(), name: "Bob".to_owned(), avatar: None, email, role: None };
        self.store.put_profile(&bob).await.unwrap();
        scene
    }

    /// A window with `count` new messages of the first person for the second.
    pub(crate) async fn window_of(&self, scene: &Scene, count: usize) -> Window {
        let messages = self.say(scene, count).await;
        self.window(&scene.people[1], messages.iter().map(about)).await
    }

    /// A window with one message that says `text`.
    pub(crate) async fn window_saying(&self, scene: &Scene, text: &str) -> Window {
        let messages = append(&*self.store, &[scene.say(0, text)]).await;
        self.window(&scene.people[1], messages.iter().map(about)).await
    }

    /// A window with messages of several threads, and with notifications.
    pub(crate) async fn digest(&self, scenes: &[&Scene], messages: usize, notices: usize) -> Window {
        let scenes: Vec<(&Scene, usize)> = scenes.iter().map(|scene| (*scene, messages)).collect();
        self.digest_of(&scenes, notices).await
    }

    /// A window with so many messages of each thread, and with notifications.
    pub(crate) async fn digest_of(&self, scenes: &[(&Scene, usize)], notices: usize) -> Window {
        let user = &scenes[0].0.people[1];
        let mut items = Vec::new();
        for (scene, messages) in scenes {
            items.extend(self.say(scene, *messages).await.iter().map(about));
        }
        for _ in 0..notices {
            let notify = Notify {
                user_id: user.clone(),
                kind: "order_update".to_owned(),
                title: "Your order".to_owned(),
                text: "is on its way".to_owned(),
                data: serde_json::Map::new(),
                thread_id: None,
                key: None,
                typed: None,
                at: NOW,
            };
            let notification = Notification::new(CommandId::new().into(), notify);
            self.store.add_notifications(std::slice::from_ref(&notification)).await.unwrap();
            items.push(About::Notification { notification_id: notification.id });
        }
        self.window(user, items.into_iter()).await
    }

    async fn say(&self, scene: &Scene, count: usize) -> Vec<Message> {
        let batch: Vec<_> = (0..count).map(|n| scene.say(0, &format!("message {n}"))).collect();
        append(&*self.store, &batch).await
    }

    /// Holds one more message for the person of a window, until a day later.
    pub(crate) async fn hold_another(&self, scene: &Scene, window: &Window) -> Held {
        let messages = append(&*self.store, &[scene.say(0, "at night")]).await;
        let due_at = NOW.plus(Duration::from_hours(24));
        let hold = Hold { due_at, ..hold(&window.user_id, about(&messages[0])) };
        self.store.hold(&[hold]).await.unwrap().remove(0)
    }

    async fn window(&self, user: &UserId, items: impl Iterator<Item = About>) -> Window {
        let holds: Vec<Hold> = items.map(|about| hold(user, about)).collect();
        self.store.hold(&holds).await.unwrap();
        let due = self.store.claim_due(Channel::Email, NOW, Duration::from_mins(1), 10).await.unwrap();
        let window = due.into_iter().next().unwrap();
        self.store.hand_over(&[window.id]).await.unwrap();
        window
    }

    /// The mails that were accepted.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.mailer.accepted.lock().clone()
    }

    /// What the delivery log says about a person.
    pub(crate) async fn all_outcomes(&self, user: &UserId) -> Vec<DeliveryOutcome> {
        let (mut outcomes, mut after) = (Vec::new(), None);
        loop {
            let of = DeliveriesOf::User(user.clone());
            let page = DeliveryPage { after, limit: 100 };
            let rows = self.store.deliveries_of(&of, page).await.unwrap();
            let Some(last) = rows.last() else { return outcomes };
            after = Some((last.at, last.id));
            outcomes.extend(rows.into_iter().map(|row| row.outcome));
        }
    }

    /// The newest rows of it.
    pub(crate) async fn outcomes(&self, user: &UserId) -> Vec<DeliveryOutcome> {
        let page = DeliveryPage { after: None, limit: 100 };
        let rows = self.store.deliveries_of(&DeliveriesOf::User(user.clone()), page).await.unwrap();
        rows.into_iter().map(|row| row.outcome).collect()
    }
}

fn hold(user: &UserId, about: About) -> Hold {
    Hold {
        user_id: user.clone(),
        channel: Channel::Email,
        told: Told { about, at: NOW, critical: false, was_online: false },
        due_at: NOW,
        waits_for: WaitsFor::Attention,
        now: NOW,
        again: false,
    }
}

fn about(message: &Message) -> About {
    About::Message { thread_id: message.thread_id, message_id: message.id, seq: message.seq, mention: false }
}

/// A mailer that answers as it was told, and accepts when it was told nothing.
#[derive(Default)]
pub(crate) struct ScriptedMailer {
    script: Mutex<VecDeque<Result<Accepted, MailError>>>,
    always: Mutex<Option<MailError>>,
    /// Windows whose mails are never accepted.
    never: Mutex<Vec<(WindowId, MailError)>>,
    tried: Mutex<Vec<Mail>>,
    accepted: Mutex<Vec<Mail>>,
    probed: AtomicUsize,
    hesitates: AtomicBool,
}

impl ScriptedMailer {
    /// The answer to the next mail that has none yet.
    pub(crate) fn next(&self, answer: Result<Accepted, MailError>) {
        self.script.lock().push_back(answer);
    }

    /// The answer to everything, until `None`.
    pub(crate) fn fail_all(&self, error: Option<MailError>) {
        *self.always.lock() = error;
    }

    /// The answer to every mail of this window.
    pub(crate) fn fail_always(&self, window: WindowId, error: MailError) {
        self.never.lock().push((window, error));
    }

    /// Lets the windows of [`ScriptedMailer::fail_always`] be accepted.
    pub(crate) fn forgive(&self) {
        self.never.lock().clear();
    }

    /// Lets each mail take a while, the first ones longest.
    pub(crate) fn hesitate(&self) {
        self.hesitates.store(true, SeqCst);
    }

    /// How many mails were tried.
    pub(crate) fn tries(&self) -> usize {
        self.tried.lock().len()
    }

    /// Every mail that was tried.
    pub(crate) fn all(&self) -> Vec<Mail> {
        self.tried.lock().clone()
    }

    /// How many probes there were.
    pub(crate) fn probes(&self) -> usize {
        self.probed.load(SeqCst)
    }
}

#[async_trait]
impl Mailer for ScriptedMailer {
    async fn send(&self, mail: &Mail) -> Result<Accepted, MailError> {
        self.tried.lock().push(mail.clone());
        let turns = if self.hesitates.load(SeqCst) { 50_usize.saturating_sub(self.tries() * 10) } else { 0 };
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        if let Some(error) = self.always.lock().clone() {
            return Err(error);
        }
        let never = self.never.lock();
        let is_of = |window: &WindowId| mail.id.to_string().contains(&window.to_string());
        if let Some((_, error)) = never.iter().find(|(window, _)| is_of(window)) {
            return Err(error.clone());
        }
        let accepted = || Ok(Accepted { answer: "250 2.0.0 queued".to_owned() });
        let answer = self.script.lock().pop_front().unwrap_or_else(accepted);
        if answer.is_ok() {
            self.accepted.lock().push(mail.clone());
        }
        answer
    }

    async fn probe(&self, _from: &MailAddress) -> Result<(), MailError> {
        self.probed.fetch_add(1, SeqCst);
        self.always.lock().clone().map_or(Ok(()), Err)
    }

    fn provider(&self) -> &'static str {
        "scripted"
    }
}

/// Windows that can be told not to close.
pub(crate) struct Windows {
    store: Arc<EmbeddedStore>,
    is_stuck: AtomicBool,
}

impl Windows {
    /// Makes the store unavailable for closing windows.
    pub(crate) fn refuse_to_close(&self, is_stuck: bool) {
        self.is_stuck.store(is_stuck, SeqCst);
    }
}

#[async_trait]
impl Outbound for Windows {
    async fn hold(&self, holds: &[Hold]) -> Result<Vec<Held>, StoreError> {
        self.store.hold(holds).await
    }

    async fn claim_due(
        &self,
        channel: Channel,
        now: Timestamp,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<Window>, StoreError> {
        self.store.claim_due(channel, now, lease, limit).await
    }

    async fn hand_over(&self, windows: &[WindowId]) -> Result<(), StoreError> {
        self.store.hand_over(windows).await
    }

    async fn window(&self, id: WindowId) -> Result<Option<Window>, StoreError> {
        self.store.window(id).await
    }

    async fn take_window(&self, id: WindowId, now: Timestamp, lease: Duration) -> Result<Taken, StoreError> {
        self.store.take_window(id, now, lease).await
    }

    async fn keep_mail(&self, id: WindowId, mail: Option<&KeptMail>) -> Result<(), StoreError> {
        self.store.keep_mail(id, mail).await
    }

    async fn kept_mail(&self, id: WindowId) -> Result<Option<KeptMail>, StoreError> {
        self.store.kept_mail(id).await
    }

    async fn release_window(&self, id: WindowId) -> Result<(), StoreError> {
        self.store.release_window(id).await
    }

    async fn postpone_window(&self, id: WindowId, until: Timestamp) -> Result<(), StoreError> {
        self.store.postpone_window(id, until).await
    }

    async fn hasten_windows(&self, user: &UserId, at: Timestamp) -> Result<(), StoreError> {
        self.store.hasten_windows(user, at).await
    }

    async fn close_window(&self, id: WindowId, entries: &[DeliveryEntry]) -> Result<bool, StoreError> {
        if self.is_stuck.load(SeqCst) {
            let source = Box::new(std::io::Error::other("the disk is away"));
            return Err(StoreError::Unavailable { what: "close a window", source });
        }
        self.store.close_window(id, entries).await
    }

    async fn log_deliveries(&self, entries: &[DeliveryEntry]) -> Result<(), StoreError> {
        self.store.log_deliveries(entries).await
    }

    async fn deliveries_of(
        &self,
        of: &DeliveriesOf,
        page: DeliveryPage,
    ) -> Result<Vec<DeliveryEntry>, StoreError> {
        self.store.deliveries_of(of, page).await
    }

    async fn count_deliveries(&self, since: Timestamp) -> Result<Vec<DeliveryCount>, StoreError> {
        self.store.count_deliveries(since).await
    }
    async fn forget_deliveries(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.store.forget_deliveries(before).await
    }
}

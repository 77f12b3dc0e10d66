//! Test broker with a worker inside that answers at once. It keeps what goes to other queues, so that a test
//! can look at it.

use super::blocks::TestBlocks;
use super::devices::TestDevices;
use super::drafts::TestDrafts;
use super::erasures::TestErasures;
use super::people::{TestDirectory, TestInbox};
use super::reports::TestReports;
use super::scheduled::TestScheduled;
use super::sends::TestSends;
use super::store::TestStore;
use super::suppressions::TestSuppressions;
use super::uploads::TestUploads;
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_bus::port::{
    Broker, BrokerError, Depth, Destination, Health, Hellos, Outgoing, Publish, Subscription,
};
use eventflow_bus::topology::{CURSORS, PERSIST, Topology};
use eventflow_protocol::change::{ChangeGroup, ChangeMessage, Changed, GroupChange, GroupChanged};
use eventflow_protocol::command::Command;
use eventflow_protocol::erasure::CREDENTIALS_END;
use eventflow_protocol::frame::{Envelope, Frame};
use eventflow_protocol::person::Revocation;
use eventflow_protocol::reply::{CommandResult, ReplyFrame};
use eventflow_protocol::{CommandId, ErrorCode, GatewayId, codec};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use tokio::sync::{mpsc, watch};

/// The broker of a test.
pub(crate) struct TestBroker {
    pub(super) worker: Worker,
    pub(super) health: watch::Sender<Health>,
}

/// The worker behind the broker, and the switches that change how it answers.
#[derive(Clone)]
pub(super) struct Worker {
    pub(super) store: Arc<TestStore>,
    pub(super) inbox: Arc<TestInbox>,
    pub(super) devices: Arc<TestDevices>,
    pub(super) directory: Arc<TestDirectory>,
    pub(super) suppressions: Arc<TestSuppressions>,
    pub(super) sends: Arc<TestSends>,
    pub(super) blocks: Arc<TestBlocks>,
    pub(super) reports: Arc<TestReports>,
    pub(super) drafts: Arc<TestDrafts>,
    pub(super) scheduled: Arc<TestScheduled>,
    pub(super) uploads: Arc<TestUploads>,
    pub(super) erasures: Arc<TestErasures>,
    /// Every command, in the order of arrival.
    pub(super) commands: Arc<Mutex<Vec<Command>>>,
    /// Envelopes for other queues, each with the queue's name.
    pub(super) others: Arc<Mutex<Vec<(String, Envelope)>>>,
    /// Silent: the worker stores commands and sends no answers.
    pub(super) is_silent: Arc<AtomicBool>,
    /// Refusal: the worker refuses every command with this code.
    pub(super) refuses: Arc<Mutex<Option<ErrorCode>>>,
}

#[async_trait]
impl Broker for TestBroker {
    async fn declare(&self, _topology: &Topology) -> Result<(), BrokerError> {
        Ok(())
    }
    async fn declare_gateway(&self, _gateway: &GatewayId) -> Result<bool, BrokerError> {
        Ok(true)
    }
    async fn remove_gateway(&self, _gateway: &GatewayId) -> Result<(), BrokerError> {
        Ok(())
    }
    async fn publisher(&self, replies: Option<mpsc::Sender<Bytes>>) -> Result<Box<dyn Publish>, BrokerError> {
        Ok(Box::new(TestPublisher { worker: self.worker.clone(), replies }))
    }
    async fn subscribe(&self, queue: &str, _prefetch: u16) -> Result<Box<dyn Subscription>, BrokerError> {
        Err(BrokerError::Unroutable(queue.to_owned()))
    }
    async fn reply(&self, _address: &str, _payload: Bytes) {}
    async fn hellos(&self) -> Result<Box<dyn Hellos>, BrokerError> {
        Err(BrokerError::Blocked)
    }
    async fn depth(&self, _queue: &str) -> Result<Depth, BrokerError> {
        Ok(Depth::default())
    }
    fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }
}

struct TestPublisher {
    worker: Worker,
    replies: Option<mpsc::Sender<Bytes>>,
}

#[async_trait]
impl Publish for TestPublisher {
    async fn publish(&mut self, messages: Vec<Outgoing>) -> Vec<Result<(), BrokerError>> {
        for message in &messages {
            let frame = Frame::decode(&message.payload).unwrap();
            let queue = match &message.to {
                Destination::Queue(queue) => queue.clone(),
                _ => String::new(),
            };
            if ![PERSIST, CURSORS].iter().any(|way| queue.starts_with(way.stage())) {
                self.worker.others.lock().extend(frame.items.into_iter().map(|item| (queue.clone(), item)));
                continue;
            }
            let results = frame.items.iter().map(|item| {
                let id = CommandId(item.id);
                (id, self.worker.work(id, codec::decode(&item.body).unwrap()))
            });
            let reply = ReplyFrame { results: results.collect() }.encode().unwrap();
            if let Some(replies) = self.replies.as_ref().filter(|_| !self.worker.is_silent.load(SeqCst)) {
                replies.send(reply).await.unwrap();
            }
        }
        messages.iter().map(|_| Ok(())).collect()
    }
}

impl Default for Worker {
    fn default() -> Self {
        let (store, uploads) = (Arc::new(TestStore::default()), Arc::new(TestUploads::default()));
        Self {
            erasures: Arc::new(TestErasures::new(store.clone(), uploads.clone())),
            store,
            uploads,
            inbox: Arc::default(),
            devices: Arc::default(),
            directory: Arc::default(),
            suppressions: Arc::default(),
            sends: Arc::default(),
            blocks: Arc::default(),
            reports: Arc::default(),
            drafts: Arc::default(),
            scheduled: Arc::default(),
            commands: Arc::default(),
            others: Arc::default(),
            is_silent: Arc::default(),
            refuses: Arc::default(),
        }
    }
}

impl Worker {
    fn work(&self, id: CommandId, command: Command) -> CommandResult {
        self.commands.lock().push(command.clone());
        if let Some(code) = *self.refuses.lock() {
            return refused(code);
        }
        match command {
            Command::CreateThread(create) => {
                let (thread, created) = self.store.create(&create);
                CommandResult::Thread { thread: Box::new(thread), created }
            }
            Command::SendMessage(send) if send.repeat_only && !self.store.has_key(&send) => {
                refused(ErrorCode::Invalid)
            }
            Command::SendMessage(send) => {
                let (message, deduplicated) = self.store.append(id, send);
                self.uploads.attach(&message);
                CommandResult::Message { message: Box::new(message), deduplicated }
            }
            Command::ChangeMessage(change) => self.change_message(id, &change),
            Command::AdvanceCursor(advance) => self.store.advance_one(&advance).map_or_else(
                || refused(ErrorCode::NotFound),
                |done| CommandResult::Cursor { up_to: done.up_to, unread_count: done.unread_count },
            ),
            Command::MarkUnread(mark) => self.store.mark_one(&mark).map_or_else(
                || refused(ErrorCode::NotFound),
                |done| CommandResult::Cursor { up_to: done.read_seq, unread_count: done.unread_count },
            ),
            Command::ArchiveThread(archive) => self
                .store
                .archive_one(&archive)
                .map_or_else(|| refused(ErrorCode::NotFound), |_| CommandResult::Done),
            Command::LeaveThread(leave) if self.store.leave_one(&leave) => CommandResult::Done,
            Command::LeaveThread(_) => refused(ErrorCode::NotFound),
            Command::ChangeBlock(change) => self.blocks.change(id, &change),
            Command::ReportMessage(report) => self.reports.add(report),
            Command::HandleReport(handle) => self.reports.handle(&handle),
            Command::ErasePerson(erase) => {
                let (user_id, at) = (erase.user_id.clone(), CREDENTIALS_END);
                self.directory.add(Revocation { user_id, session: None, at });
                self.erasures.begin(&erase)
            }
            Command::EraseStep(step) => self.erasures.step(&step),
            Command::SaveDraft(save) => self.drafts.save(id, &save),
            Command::ChangeGroup(change) => self.change_group(id, &change),
            Command::ScheduleMessage(new)
                if new.message.repeat_only && self.scheduled.get(new.id).is_none() =>
            {
                refused(ErrorCode::Invalid)
            }
            Command::ScheduleMessage(new) => self.scheduled.add(&new),
            Command::ChangeScheduled(change) => self.scheduled.change(id, change),
            Command::SendScheduled(send) => self.scheduled.send(&send),
            Command::Notify(notify) => {
                let told = self.inbox.notify(id.into(), notify);
                let answer = |(notification, deduplicated)| CommandResult::Notification {
                    notification: Box::new(notification),
                    deduplicated,
                };
                told.map_or_else(|| refused(ErrorCode::KeyReused), answer)
            }
            Command::ChangeNotifications(change) => {
                CommandResult::Count { count: self.inbox.change(&change) }
            }
            Command::SetPreferences(set) => {
                CommandResult::Preferences { preferences: Box::new(self.inbox.set(set)) }
            }
            Command::ChangePreferences(change) => match self.inbox.change_some(&change) {
                Ok(preferences) => CommandResult::Preferences { preferences: Box::new(preferences) },
                Err(invalid) => CommandResult::refused(ErrorCode::Invalid, invalid.to_string()),
            },
            Command::RegisterPushDevice(device) => {
                self.devices.register(device);
                CommandResult::Done
            }
            Command::RemovePushDevice(removal) => {
                self.devices.remove(&removal);
                CommandResult::Done
            }
            Command::PutProfile(profile) => {
                self.directory.put(profile);
                CommandResult::Done
            }
            Command::NoteTokenName(name) => {
                self.directory.note(name);
                CommandResult::Done
            }
            Command::Revoke(revocation) => {
                self.directory.add(revocation);
                CommandResult::Done
            }
            Command::AddSend(new) => self.sends.add(new),
            Command::CancelSend(cancel) => self.sends.cancel(&cancel),
            Command::ChangeSuppression(change) => {
                CommandResult::Count { count: u64::from(self.suppressions.change(&change)) }
            }
        }
    }

    fn change_message(&self, id: CommandId, change: &ChangeMessage) -> CommandResult {
        match self.store.change(id, change) {
            Changed::Done(message, effect)
            | Changed::Before(message, effect)
            | Changed::Nothing(message, effect) => {
                if message.deleted_at.is_some() {
                    self.uploads.detach(message.id, change.at);
                }
                CommandResult::Changed { message, effect }
            }
            Changed::NotFound => refused(ErrorCode::NotFound),
            Changed::NotSender => refused(ErrorCode::Forbidden),
            Changed::TooManyReactions | Changed::TooManyPins => refused(ErrorCode::Invalid),
        }
    }

    fn change_group(&self, id: CommandId, change: &ChangeGroup) -> CommandResult {
        match self.store.change_one_group(change.remembered_as(id), change) {
            GroupChanged::Done(_) if matches!(change.change, GroupChange::Remove { .. }) => {
                CommandResult::Done
            }
            GroupChanged::Done(effect) => {
                CommandResult::Thread { thread: Box::new(effect.thread), created: false }
            }
            GroupChanged::NotFound | GroupChanged::NoSuchMember => refused(ErrorCode::NotFound),
            GroupChanged::NotGroup => refused(ErrorCode::NotGroup),
            GroupChanged::NotOwner => refused(ErrorCode::Forbidden),
            GroupChanged::KeyReused => refused(ErrorCode::KeyReused),
            GroupChanged::TooManyPeople | GroupChanged::TooManyOwners | GroupChanged::LastOwner => {
                refused(ErrorCode::Invalid)
            }
        }
    }
}

fn refused(code: ErrorCode) -> CommandResult {
    CommandResult::refused(code, "refused by the worker")
}

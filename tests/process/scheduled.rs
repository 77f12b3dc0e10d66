//! Scheduled messages through the persistence stage, on both stores: begun, stored and ended once, wherever
//! the worker dies, and by the rights that their senders have at that time.

use super::batches::{in_the_data_file, item, on_mongodb};
use super::stage::parts_over;
use async_trait::async_trait;
use eventflow_bus::handler::{BatchHandler, Item};
use eventflow_bus::port::Broker;
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::PERSIST;
use eventflow_metrics::Metrics;
use eventflow_ports::scheduled::Step;
use eventflow_ports::store_contract::fixtures::{at, creation, fresh_people};
use eventflow_ports::{
    Backlog, DueMessage, FixedClock, MessagePage, Rescheduling, Scheduled, ScheduledPage, Scheduling,
    StoreError, WholeStore, WithCommandId,
};
use eventflow_protocol::blocks::ChangeBlock;
use eventflow_protocol::change::{Change, ChangeGroup, ChangeMessage, GroupChange};
use eventflow_protocol::command::{Command, CreateThread, LeaveThread, SendMessage};
use eventflow_protocol::content::Content;
use eventflow_protocol::document::Message;
use eventflow_protocol::event::Event;
use eventflow_protocol::group::Group;
use eventflow_protocol::quote::ReplyTo;
use eventflow_protocol::scheduled::{
    ChangeScheduled, NotSent, ScheduleMessage, ScheduledChange, ScheduledMessage, ScheduledState,
    SendScheduled,
};
use eventflow_protocol::{CommandId, MessageId, ScheduledId, ThreadId, Timestamp, UserId};
use eventflow_testkit::PATIENCE;
use eventflow_workers::persistence::Persistence;
use std::future::pending;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::time::timeout;

/// Where a worker dies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Death {
    /// The message is begun and not stored.
    AfterBeginning,
    /// The message is stored and has not ended.
    BeforeTheEnd,
    /// The message has ended, and nobody was told.
    AfterTheEnd,
}

/// A stage over one store, and a group of three people, which the first of them owns.
struct Stage<S> {
    persistence: Persistence,
    store: Arc<S>,
    broker: Arc<dyn Broker>,
    group: ThreadId,
    people: Vec<UserId>,
}

impl<S: WholeStore> Stage<S> {
    async fn new(store: Arc<S>, broker: Arc<dyn Broker>) -> Self {
        let mut people = fresh_people(3);
        people.sort_unstable();
        let group = Group { owners: vec![people[0].clone()], ..Group::default() };
        let create = CreateThread { group: Some(group), ..creation(&people, 0) };
        store.create_thread(&create).await.unwrap();
        let persistence = opened(&store, &broker, None).await;
        Self { persistence, store, broker, group: create.thread_id, people }
    }

    /// Another worker takes over.
    async fn anew(&mut self) {
        self.persistence = opened(&self.store, &self.broker, None).await;
    }

    /// What somebody says later.
    fn message(&self, who: usize, content: &str) -> SendMessage {
        SendMessage {
            thread_id: self.group,
            sender_id: self.people[who].clone(),
            content: Content::parse(content).unwrap(),
            attachments: Vec::new(),
            reply_to: None,
            repeat_only: false,
            mentions: Vec::new(),
            client_message_id: Some(content.to_owned()),
            pairing: None,
            typed: None,
            at: at(1),
        }
    }

    /// Schedules a message for second 100.
    async fn schedule(&self, message: SendMessage) -> ScheduledId {
        let id = ScheduledId::of_key(&message.sender_id, message.content.as_str());
        let new = ScheduleMessage { id, message, send_at: at(100) };
        let events = self.carry_out(&[item(Command::ScheduleMessage(Box::new(new)))]).await;
        assert_eq!(states(&events), [(ScheduledState::Waiting, None)]);
        id
    }

    /// The command of a gateway that found the message due.
    fn send(&self, id: ScheduledId) -> Item<Command> {
        item(Command::SendScheduled(SendScheduled { id, thread_id: self.group, at: at(101) }))
    }

    async fn carry_out(&self, batch: &[Item<Command>]) -> Vec<Event> {
        let performed = self.persistence.perform(batch).await.unwrap();
        assert_eq!(performed.outcomes, vec![Outcome::Done; batch.len()]);
        performed.outbox.events().cloned().collect()
    }

    async fn history(&self) -> Vec<Message> {
        let page = MessagePage { before: None, after: None, since: 0, limit: 100 };
        self.store.messages(self.group, page).await.unwrap()
    }

    async fn kept(&self, id: ScheduledId) -> ScheduledMessage {
        self.store.scheduled(id).await.unwrap().unwrap()
    }
}

async fn opened<S: WholeStore>(store: &Arc<S>, broker: &Arc<dyn Broker>, dies: Option<Dying>) -> Persistence {
    let mut parts = parts_over(Arc::clone(store), Arc::clone(broker));
    parts.clock = Arc::new(FixedClock::at(at(200)));
    if let Some(dies) = dies {
        parts.scheduled = Arc::new(dies);
    }
    Persistence::open(&PERSIST, 0, parts, &Metrics::default()).await.unwrap()
}

/// What the sender's devices are told.
fn states(events: &[Event]) -> Vec<(ScheduledState, Option<NotSent>)> {
    let state = |event: &Event| match event {
        Event::ScheduledChanged { scheduled, .. } => Some((scheduled.state, scheduled.reason)),
        _ => None,
    };
    events.iter().filter_map(state).collect()
}

/// The messages that everybody is told of.
fn stored(events: &[Event]) -> Vec<MessageId> {
    let stored = |event: &Event| match event {
        Event::MessageStored { message, .. } => Some(message.id),
        _ => None,
    };
    events.iter().filter_map(stored).collect()
}

async fn a_message_is_stored_and_told_once<S: WholeStore>(store: Arc<S>, broker: Arc<dyn Broker>) {
    let stage = Stage::new(store, broker).await;
    let id = stage.schedule(stage.message(0, "later")).await;
    let mut early = stage.send(id);
    early.value = Command::SendScheduled(SendScheduled { id, thread_id: stage.group, at: at(99) });
    assert_eq!(stage.carry_out(&[early]).await, [], "it was put off while its command was on its way");
    // Two gateways found it, and the second command of one of them comes later.
    let events = stage.carry_out(&[stage.send(id), stage.send(id)]).await;
    let kept = stage.kept(id).await;
    assert_eq!(stored(&events), [kept.message_id.unwrap()]);
    assert_eq!(states(&events), [(ScheduledState::Sent, None)]);
    assert_eq!(stage.carry_out(&[stage.send(id)]).await, []);
    let [message] = &stage.history().await[..] else { panic!("one message") };
    assert_eq!(Some(message.id), kept.message_id);
    assert_eq!((message.created_at, message.client_message_id.as_deref()), (at(101), Some("later")));
    assert_eq!((kept.started_at, kept.ended_at), (Some(at(101)), Some(at(200))));
}

async fn a_worker_that_dies_anywhere_leaves_it_to_the_next<S: WholeStore>(
    store: Arc<S>,
    broker: Arc<dyn Broker>,
) {
    let mut stage = Stage::new(store, broker).await;
    for (number, death) in
        [Death::AfterBeginning, Death::BeforeTheEnd, Death::AfterTheEnd].into_iter().enumerate()
    {
        let id = stage.schedule(stage.message(0, &format!("{death:?}"))).await;
        let command = stage.send(id);
        let dying = Dying { inner: stage.store.clone(), death, dead: Arc::default() };
        let dead = Arc::clone(&dying.dead);
        let worker = opened(&stage.store, &stage.broker, Some(dying)).await;
        tokio::select! {
            _ = worker.perform(std::slice::from_ref(&command)) => panic!("it dies first"),
            died = timeout(PATIENCE, dead.notified()) => died.unwrap(),
        }
        drop(worker);
        let is_stored = death != Death::AfterBeginning;
        assert_eq!(stage.history().await.len(), number + usize::from(is_stored), "{death:?}");
        let change = ChangeScheduled {
            id,
            user_id: stage.people[0].clone(),
            change: ScheduledChange::Cancel,
            key: None,
            repeat_only: false,
            at: at(102),
        };
        assert_eq!(stage.carry_out(&[item(Command::ChangeScheduled(change))]).await, [], "it is too late");
        stage.anew().await;
        // The broker gives the command to the next worker, and a gateway has found it due once more; either
        // comes first.
        let again = Item { redelivered: true, ..command };
        let mut batch = [again, stage.send(id)];
        batch.rotate_left(number % 2);
        let events = stage.carry_out(&batch).await;
        let kept = stage.kept(id).await;
        assert_eq!(stored(&events), [kept.message_id.unwrap()], "{death:?}");
        assert_eq!(states(&events), [(ScheduledState::Sent, None)], "{death:?}");
        assert_eq!(stage.history().await.len(), number + 1, "{death:?}");
        assert_eq!(stage.carry_out(&[stage.send(id)]).await, [], "{death:?}");
    }
}

async fn rights_are_those_of_its_time<S: WholeStore>(store: Arc<S>, broker: Arc<dyn Broker>) {
    let stage = Stage::new(store, broker).await;
    let ids = [
        stage.schedule(stage.message(1, "of who leaves")).await,
        stage.schedule(stage.message(2, "of who is removed")).await,
    ];
    let mut mentions_both = stage.message(0, "mentions both");
    mentions_both.mentions = stage.people.clone();
    let mentions_both = stage.schedule(mentions_both).await;
    let leave = LeaveThread { thread_id: stage.group, user_id: stage.people[1].clone(), at: at(50) };
    let remove = ChangeGroup {
        thread_id: stage.group,
        by: stage.people[0].clone(),
        change: GroupChange::Remove { user: stage.people[2].clone() },
        key: None,
        at: at(50),
    };
    let mut batch = vec![item(Command::LeaveThread(leave)), item(Command::ChangeGroup(remove))];
    // In the same batch too: what comes behind them finds them gone.
    batch.extend(ids.map(|id| stage.send(id)));
    let told = states(&stage.carry_out(&batch).await);
    assert_eq!(told, [(ScheduledState::Failed, Some(NotSent::NotInThread)); 2]);
    assert_eq!(stage.history().await, []);
    for id in ids {
        assert_eq!(stage.kept(id).await.reason, Some(NotSent::NotInThread));
        let again = Item { redelivered: true, ..stage.send(id) };
        let told = states(&stage.carry_out(&[again]).await);
        assert_eq!(told, [(ScheduledState::Failed, Some(NotSent::NotInThread))], "told once more");
    }
    stage.carry_out(&[stage.send(mentions_both)]).await;
    let [message] = &stage.history().await[..] else { panic!("one message") };
    assert_eq!(message.mentions, stage.people[..1], "who has gone is not mentioned");
    // A thread that nobody has.
    let mut of_nobody = stage.message(0, "of nobody");
    of_nobody.thread_id = ThreadId::from_bytes([9; 12]);
    let id = ScheduledId::of_key(&of_nobody.sender_id, "of nobody");
    stage.store.schedule(&ScheduleMessage { id, message: of_nobody, send_at: at(100) }).await.unwrap();
    let told = states(&stage.carry_out(&[stage.send(id)]).await);
    assert_eq!(told, [(ScheduledState::Failed, Some(NotSent::ThreadGone))]);
    // Whoever leaves after the message was sent has sent it.
    let sent = stage.kept(mentions_both).await;
    let leave = LeaveThread { thread_id: stage.group, user_id: stage.people[0].clone(), at: at(60) };
    stage.carry_out(&[item(Command::LeaveThread(leave))]).await;
    stage.carry_out(&[Item { redelivered: true, ..stage.send(mentions_both) }]).await;
    assert_eq!(stage.kept(mentions_both).await, sent);
}

async fn nothing_is_sent_past_a_block<S: WholeStore>(store: Arc<S>, broker: Arc<dyn Broker>) {
    let stage = Stage::new(store, broker).await;
    let (ann, ben) = (stage.people[0].clone(), stage.people[1].clone());
    let create = creation(&stage.people[..2], 0);
    stage.store.create_thread(&create).await.unwrap();
    let to_ben = |content: &str| SendMessage { thread_id: create.thread_id, ..stage.message(0, content) };
    let send =
        |id| item(Command::SendScheduled(SendScheduled { id, thread_id: create.thread_id, at: at(101) }));
    let block = |is_blocked, seconds| {
        let (user_id, other) = (ann.clone(), ben.clone());
        item(Command::ChangeBlock(ChangeBlock { user_id, other, is_blocked, key: None, at: at(seconds) }))
    };
    let mut ids = Vec::new();
    for content in ["sent before", "due meanwhile", "due afterwards"] {
        ids.push(stage.schedule(to_ben(content)).await);
    }
    stage.carry_out(&[send(ids[0])]).await;
    stage.carry_out(&[block(true, 50)]).await;
    let not_sent = [(ScheduledState::Failed, Some(NotSent::NotInThread))];
    assert_eq!(states(&stage.carry_out(&[send(ids[1])]).await), not_sent);
    let again = Item { redelivered: true, ..send(ids[1]) };
    assert_eq!(states(&stage.carry_out(&[again]).await), not_sent, "told once more");
    let again = Item { redelivered: true, ..send(ids[0]) };
    assert_eq!(
        states(&stage.carry_out(&[again]).await),
        [(ScheduledState::Sent, None)],
        "it was stored before"
    );
    stage.carry_out(&[block(false, 60)]).await;
    assert_eq!(states(&stage.carry_out(&[send(ids[2])]).await), [(ScheduledState::Sent, None)]);
    let page = MessagePage { before: None, after: None, since: 0, limit: 100 };
    let stored = stage.store.messages(create.thread_id, page).await.unwrap();
    let mut said: Vec<String> = stored.into_iter().map(|message| message.content).collect();
    said.sort_unstable();
    assert_eq!(said, ["due afterwards", "sent before"]);
}

async fn an_answer_to_a_message_that_was_taken_back_is_sent<S: WholeStore>(
    store: Arc<S>,
    broker: Arc<dyn Broker>,
) {
    let stage = Stage::new(store, broker).await;
    stage.carry_out(&[item(Command::SendMessage(stage.message(1, "a question")))]).await;
    let asked = stage.history().await.remove(0);
    let mut answer = stage.message(0, "an answer");
    answer.reply_to = Some(ReplyTo::to(asked.id));
    let id = stage.schedule(answer).await;
    let take_back = ChangeMessage {
        thread_id: stage.group,
        message_id: asked.id,
        by: stage.people[1].clone(),
        change: Change::Delete,
        at: at(50),
    };
    stage.carry_out(&[item(Command::ChangeMessage(take_back))]).await;
    let events = stage.carry_out(&[stage.send(id)]).await;
    let Some(Event::MessageStored { message, .. }) = events.first() else { panic!("{events:?}") };
    let quote = message.reply_to.as_ref().unwrap().quote.as_ref().unwrap();
    assert_eq!((quote.content.as_str(), quote.deleted_at), ("", Some(at(50))));
    assert_eq!(stage.kept(id).await.state, ScheduledState::Sent);
}

async fn a_backlog_keeps_its_order<S: WholeStore>(store: Arc<S>, broker: Arc<dyn Broker>) {
    let stage = Stage::new(store, broker).await;
    let texts: Vec<String> = (0..60).map(|number| format!("{number:02}")).collect();
    let mut batch = Vec::new();
    for text in &texts {
        batch.push(stage.send(stage.schedule(stage.message(0, text)).await));
    }
    // Another gateway is behind by some.
    batch
        .extend(batch.clone().into_iter().take(20).map(|command| Item { id: CommandId::new().0, ..command }));
    let events = stage.carry_out(&batch).await;
    assert_eq!(stored(&events).len(), texts.len());
    let said: Vec<String> = stage.history().await.into_iter().map(|message| message.content).collect();
    assert_eq!(said, texts);
}

/// A [`Scheduled`] whose caller dies at a certain place: it is never answered.
struct Dying {
    inner: Arc<dyn Scheduled>,
    death: Death,
    dead: Arc<Notify>,
}

impl Dying {
    async fn die_at(&self, death: Death) {
        if self.death == death {
            self.dead.notify_one();
            pending::<()>().await;
        }
    }
}

#[async_trait]
impl Scheduled for Dying {
    async fn schedule(&self, new: &ScheduleMessage) -> Result<Scheduling, StoreError> {
        self.inner.schedule(new).await
    }
    async fn change_scheduled(
        &self,
        change: &WithCommandId<ChangeScheduled>,
    ) -> Result<Rescheduling, StoreError> {
        self.inner.change_scheduled(change).await
    }
    async fn due_scheduled(&self, now: Timestamp, limit: u32) -> Result<Vec<DueMessage>, StoreError> {
        self.inner.due_scheduled(now, limit).await
    }
    async fn begin_scheduled(&self, id: ScheduledId, at: Timestamp) -> Result<Option<Step>, StoreError> {
        let begun = self.inner.begin_scheduled(id, at).await;
        self.die_at(Death::AfterBeginning).await;
        begun
    }
    async fn end_scheduled(
        &self,
        id: ScheduledId,
        outcome: Result<MessageId, NotSent>,
        at: Timestamp,
    ) -> Result<Option<Step>, StoreError> {
        self.die_at(Death::BeforeTheEnd).await;
        let ended = self.inner.end_scheduled(id, outcome, at).await;
        self.die_at(Death::AfterTheEnd).await;
        ended
    }
    async fn scheduled(&self, id: ScheduledId) -> Result<Option<ScheduledMessage>, StoreError> {
        self.inner.scheduled(id).await
    }
    async fn scheduled_of(
        &self,
        user: &UserId,
        page: ScheduledPage,
    ) -> Result<Vec<ScheduledMessage>, StoreError> {
        self.inner.scheduled_of(user, page).await
    }
    async fn scheduled_backlog(&self) -> Result<Backlog, StoreError> {
        self.inner.scheduled_backlog().await
    }
    async fn forget_scheduled(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.inner.forget_scheduled(before).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_message_is_stored_and_told_once_in_mongodb() {
    on_mongodb("scheduled", async |store, broker| a_message_is_stored_and_told_once(store, broker).await)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_message_is_stored_and_told_once_in_the_data_file() {
    in_the_data_file(async |store, broker| a_message_is_stored_and_told_once(store, broker).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_with_a_scheduled_message_leaves_it_to_the_next_in_mongodb() {
    on_mongodb("scheduled", async |store, broker| {
        a_worker_that_dies_anywhere_leaves_it_to_the_next(store, broker).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_with_a_scheduled_message_leaves_it_to_the_next_in_the_data_file() {
    in_the_data_file(async |store, broker| {
        a_worker_that_dies_anywhere_leaves_it_to_the_next(store, broker).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rights_of_a_scheduled_message_are_those_of_its_time_in_mongodb() {
    on_mongodb("scheduled", async |store, broker| rights_are_those_of_its_time(store, broker).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rights_of_a_scheduled_message_are_those_of_its_time_in_the_data_file() {
    in_the_data_file(async |store, broker| rights_are_those_of_its_time(store, broker).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_scheduled_message_is_sent_past_a_block_in_mongodb() {
    on_mongodb("scheduled", async |store, broker| nothing_is_sent_past_a_block(store, broker).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_scheduled_message_is_sent_past_a_block_in_the_data_file() {
    in_the_data_file(async |store, broker| nothing_is_sent_past_a_block(store, broker).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_answer_to_a_message_that_was_taken_back_is_sent_in_mongodb() {
    on_mongodb("scheduled", async |store, broker| {
        an_answer_to_a_message_that_was_taken_back_is_sent(store, broker).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_answer_to_a_message_that_was_taken_back_is_sent_in_the_data_file() {
    in_the_data_file(async |store, broker| {
        an_answer_to_a_message_that_was_taken_back_is_sent(store, broker).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_of_scheduled_messages_keeps_its_order_in_mongodb() {
    on_mongodb("scheduled", async |store, broker| a_backlog_keeps_its_order(store, broker).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_of_scheduled_messages_keeps_its_order_in_the_data_file() {
    in_the_data_file(async |store, broker| a_backlog_keeps_its_order(store, broker).await).await;
}

//! Groups through the persistence stage: what is told of a change, what a repetition under its key does, and
//! what becomes of the draft of somebody who is removed. And through the fan-out stage: gateways hear of a
//! change of people before anything that follows.

use super::stage::{embedded, fanout_over, parts_over};
use eventflow_bus::handler::{BatchHandler, Item};
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::{PERSIST, gateway};
use eventflow_embedded::EmbeddedStore;
use eventflow_metrics::Metrics;
use eventflow_ports::store_contract::fixtures::{Scene, append, at, commanded, fresh_people};
use eventflow_ports::{Drafts, MemoryRegistry, Registry, Store};
use eventflow_protocol::change::{ChangeGroup, GroupChange};
use eventflow_protocol::command::{Command, CreateThread, LeaveThread};
use eventflow_protocol::content::Content;
use eventflow_protocol::drafts::SaveDraft;
use eventflow_protocol::event::Event;
use eventflow_protocol::frame::Frame;
use eventflow_protocol::group::{Group, Role};
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{CommandId, ErrorCode, EventId, GatewayId, ThreadId, UserId};
use eventflow_testkit::PATIENCE;
use eventflow_workers::fanout::Fanout;
use eventflow_workers::persistence::{CommandOutbox, Persistence};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::time::timeout;

/// A persistence stage on embedded backends, and a group of three people, which the first of them owns.
struct Stage {
    _folder: TempDir,
    persistence: Persistence,
    store: Arc<EmbeddedStore>,
    group: ThreadId,
    people: Vec<UserId>,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, broker) = embedded(folder.path()).await;
        let parts = parts_over(Arc::clone(&store), broker);
        let persistence = Persistence::open(&PERSIST, 0, parts, &Metrics::default()).await.unwrap();
        let mut people = fresh_people(4);
        people.sort_unstable();
        let create = CreateThread {
            thread_id: ThreadId::derive(&people[..3], "{}"),
            participants: people[..3].to_vec(),
            metadata: serde_json::Map::new(),
            group: Some(Group { owners: vec![people[0].clone()], ..Group::default() }),
            created_by: people[0].clone(),
            at: at(0),
        };
        store.create_thread(&create).await.unwrap();
        Self { _folder: folder, persistence, store, group: create.thread_id, people }
    }

    fn change(&self, change: GroupChange, key: Option<&str>) -> Item<Command> {
        let (thread_id, by) = (self.group, self.people[0].clone());
        let key = key.map(|key| ChangeGroup::key_of(thread_id, &by, key));
        item(Command::ChangeGroup(ChangeGroup { thread_id, by, change, key, at: at(1) }))
    }

    fn remove(&self, who: usize, key: Option<&str>) -> Item<Command> {
        self.change(GroupChange::Remove { user: self.people[who].clone() }, key)
    }

    fn add(&self, who: usize, key: Option<&str>) -> Item<Command> {
        self.change(GroupChange::Add { people: vec![self.people[who].clone()], people_max: None }, key)
    }

    fn leave(&self, who: usize) -> Item<Command> {
        let user_id = self.people[who].clone();
        item(Command::LeaveThread(LeaveThread { thread_id: self.group, user_id, at: at(1) }))
    }

    fn draft(&self, who: usize) -> Item<Command> {
        item(Command::SaveDraft(SaveDraft {
            user_id: self.people[who].clone(),
            thread_id: self.group,
            content: Content::parse("a draft").unwrap(),
            reply_to: None,
            based_on: None,
            at: at(1),
        }))
    }

    /// Carries out a batch, of which nothing may be parked.
    async fn carry_out(&self, batch: &[Item<Command>]) -> CommandOutbox {
        let performed = self.persistence.perform(batch).await.unwrap();
        assert_eq!(performed.outcomes, vec![Outcome::Done; batch.len()]);
        performed.outbox
    }

    async fn drafted(&self, who: usize) -> String {
        self.store.draft(self.group, &self.people[who]).await.unwrap().content
    }

    async fn members(&self) -> Vec<UserId> {
        self.store.thread(self.group).await.unwrap().unwrap().participants
    }
}

fn item(command: Command) -> Item<Command> {
    let (id, reply_to) = (CommandId::new().0, Some("gateway".into()));
    Item { id, attempt: 0, redelivered: false, value: command, reply_to, trace: None }
}

/// The kinds of events, in their order.
fn told(outbox: &CommandOutbox) -> Vec<&'static str> {
    let kind = |event: &Event| match event {
        Event::ThreadCreated { .. } => "created",
        Event::MembersAdded { .. } => "added",
        Event::ParticipantLeft { removed_by: Some(_), .. } => "removed",
        Event::ParticipantLeft { removed_by: None, .. } => "left",
        Event::GroupChanged { .. } => "changed",
        other => panic!("{other:?}"),
    };
    outbox.events().map(kind).collect()
}

fn refusals(outbox: &CommandOutbox) -> Vec<Option<ErrorCode>> {
    let code = |result: &CommandResult| match result {
        CommandResult::Refused { code, .. } => Some(*code),
        CommandResult::Done | CommandResult::Thread { .. } => None,
        other => panic!("{other:?}"),
    };
    outbox.results().map(code).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_or_leaves_loses_the_draft_and_whoever_stays_keeps_theirs() {
    let stage = Stage::new().await;
    stage.carry_out(&[stage.draft(0), stage.draft(1), stage.draft(2)]).await;
    let outbox = stage.carry_out(&[stage.remove(1, None), stage.leave(2)]).await;
    assert_eq!(told(&outbox), ["removed", "left"]);
    for (who, left) in [(0, "a draft"), (1, ""), (2, "")] {
        assert_eq!(stage.drafted(who).await, left, "{who}");
    }
    let late = stage.persistence.perform(&[stage.draft(1)]).await.unwrap().outbox;
    assert_eq!(refusals(&late), [Some(ErrorCode::NotFound)]);
    assert_eq!(stage.drafted(1).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_under_one_key_is_made_and_told_once() {
    let stage = Stage::new().await;
    let outbox = stage.carry_out(&[stage.remove(1, Some("k")), stage.add(3, Some("l"))]).await;
    assert_eq!(told(&outbox), ["removed", "created", "added"]);
    let members = stage.members().await;
    // Somebody brings back who was removed; the first request comes again, and undoes nothing.
    stage.carry_out(&[stage.add(1, None), stage.remove(3, None)]).await;
    let again = stage.carry_out(&[stage.remove(1, Some("k")), stage.add(3, Some("l"))]).await;
    assert_eq!((told(&again), refusals(&again)), (vec![], vec![None, None]));
    assert_ne!(stage.members().await, members);
    assert_eq!(stage.members().await, stage.people[..3]);
    let other = stage.carry_out(&[stage.add(3, Some("k"))]).await;
    assert_eq!(refusals(&other), [Some(ErrorCode::KeyReused)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_comes_again_from_the_broker_is_told_again_under_its_ids() {
    let stage = Stage::new().await;
    let role = GroupChange::SetRole { user: stage.people[1].clone(), role: Role::Owner };
    let batch = [stage.add(3, None), stage.remove(2, Some("k")), stage.change(role, None), stage.leave(0)];
    let first = stage.carry_out(&batch).await;
    assert_eq!(told(&first), ["created", "added", "removed", "changed", "left", "changed"]);
    let batch = batch.map(|item| Item { redelivered: true, ..item });
    let second = stage.carry_out(&batch).await;
    let ids = |outbox: &CommandOutbox| outbox.events().map(Event::id).collect::<Vec<_>>();
    assert_eq!(ids(&first), ids(&second));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_carried_out_in_order_around_a_change_of_people() {
    let stage = Stage::new().await;
    let batch =
        [stage.add(3, None), stage.leave(3), stage.leave(3), stage.add(3, None), stage.remove(3, None)];
    let outbox = stage.persistence.perform(&batch).await.unwrap().outbox;
    assert_eq!(refusals(&outbox), [None, None, Some(ErrorCode::NotFound), None, None]);
    assert_eq!(stage.members().await, stage.people[..3]);
}

/// A message goes to the gateways of its people alone, and a change of people to all of them. One that
/// follows a change in the same batch must not come before it: a gateway would write it to who has gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_hears_who_has_gone_before_what_is_said_then() {
    let folder = tempfile::tempdir().unwrap();
    let (store, broker) = embedded(folder.path()).await;
    let scene = Scene::with_people(&*store, 3).await;
    let registry = Arc::new(MemoryRegistry::default());
    let id = GatewayId::new();
    broker.declare_gateway(&id).await.unwrap();
    registry.enter(&id, &scene.people).await.unwrap();
    let parts = fanout_over(Arc::clone(&store), Arc::clone(&broker), registry);
    let stage = Fanout::open(0, parts, &Metrics::default()).await.unwrap();
    let messages = append(&*store, &[scene.say(0, "before"), scene.say(0, "after")]).await;
    let [before, after] =
        [0, 1].map(|n| Event::MessageStored { message: messages[n].clone(), repeated: false });
    let leave =
        commanded(LeaveThread { thread_id: scene.thread, user_id: scene.people[1].clone(), at: at(2) });
    store.leave(&leave).await.unwrap();
    let gone = Event::ParticipantLeft {
        thread_id: scene.thread,
        user_id: scene.people[1].clone(),
        removed_by: Some(scene.people[0].clone()),
        participant_count: 2,
        command: leave.command_id,
        at: at(2),
    };
    let ids = [before.id(), gone.id(), after.id()];
    let batch = [before, gone, after].map(|value| {
        let id = value.id().0;
        Item { id, attempt: 0, redelivered: false, value, reply_to: None, trace: None }
    });
    let performed = stage.perform(&batch).await.unwrap();
    stage.announce(&performed.outbox).await.unwrap();
    let mut subscription = broker.subscribe(gateway(&id).name(), 10).await.unwrap();
    let mut heard = Vec::new();
    while heard.len() < ids.len() {
        let incoming = timeout(PATIENCE, subscription.next()).await.expect("it arrives").unwrap();
        let frame = Frame::decode(&incoming.payload).unwrap();
        heard.extend(frame.items.iter().map(|envelope| EventId(envelope.id)));
    }
    assert_eq!(heard, ids);
}

//! Erasures through the stage that carries them out, on the data file: what is told, what comes in the wrong
//! order, and what is left when workers die between two steps.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use dump::traces;
use eventflow_bus::handler::{BatchHandler, Item};
use eventflow_bus::port::Broker;
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::{PERSIST, Topology};
use eventflow_embedded::{Database, EmbeddedBroker, EmbeddedStore};
use eventflow_metrics::Metrics;
use eventflow_ports::erasures_contract::world::{NAMED, World};
use eventflow_ports::search::{SearchQuery, find};
use eventflow_ports::store_contract::fixtures::{Scene, append, at, creation, history, say, unread};
use eventflow_ports::{
    Clock, Directory, ErasedPeople, Erasures, FixedClock, People, Scheduled, Sends, Store, Uploads,
};
use eventflow_protocol::change::{ChangeGroup, GroupChange};
use eventflow_protocol::command::{Command, CreateThread};
use eventflow_protocol::content::{Content, Markup};
use eventflow_protocol::drafts::SaveDraft;
use eventflow_protocol::erasure::{ERASED_NAME, ErasePerson, Erasure, ErasureState, LAST_LOOK, SETTLE};
use eventflow_protocol::event::Event;
use eventflow_protocol::group::Group;
use eventflow_protocol::person::Revocation;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::scheduled::SendScheduled;
use eventflow_protocol::sends::{NewSend, Recipients, SendContent};
use eventflow_protocol::uploads::UploadState;
use eventflow_protocol::{CommandId, ErrorCode, SendId, UserId};
use eventflow_workers::persistence::{Persistence, PersistenceParts};
use std::collections::BTreeMap;
use std::sync::Arc;
use tempfile::TempDir;

/// More steps than any erasure of these tests has.
const STEPS_MAX: usize = 200;

struct Stage {
    store: Arc<EmbeddedStore>,
    database: Database,
    clock: Arc<FixedClock>,
    persistence: Persistence,
    _folder: TempDir,
}

/// What a command came to.
struct Done {
    result: Option<CommandResult>,
    events: Vec<Event>,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open_in(folder.path()).unwrap();
        let clock = Arc::new(FixedClock::at(at(100)));
        let broker: Arc<dyn Broker> =
            Arc::new(EmbeddedBroker::open(database.clone(), clock.clone()).await.unwrap());
        broker.declare(&Topology::new(1)).await.unwrap();
        let store = Arc::new(EmbeddedStore::open(database.clone()).await.unwrap());
        let persistence = Self::persistence(&store, broker, clock.clone()).await;
        Self { store, database, clock, persistence, _folder: folder }
    }

    async fn persistence(
        store: &Arc<EmbeddedStore>,
        broker: Arc<dyn Broker>,
        clock: Arc<FixedClock>,
    ) -> Persistence {
        let parts = PersistenceParts::over(Arc::clone(store), broker, clock);
        Persistence::open(&PERSIST, 0, parts, &Metrics::default()).await.unwrap()
    }

    fn item(command: Command) -> Item<Command> {
        let reply_to = Some(Arc::from("asker"));
        Item { id: CommandId::new().0, attempt: 0, redelivered: false, value: command, reply_to, trace: None }
    }

    async fn carry_out(&self, items: &[Item<Command>]) -> Vec<Done> {
        let performed = self.persistence.perform(items).await.unwrap();
        assert!(performed.outcomes.iter().all(|outcome| *outcome == Outcome::Done));
        let mut results = performed.outbox.results().cloned();
        let events: Vec<Event> = performed.outbox.events().cloned().collect();
        let first = Done { result: results.next(), events };
        std::iter::once(first)
            .chain(results.map(|result| Done { result: Some(result), events: Vec::new() }))
            .collect()
    }

    async fn one(&self, command: Command) -> Done {
        self.carry_out(&[Self::item(command)]).await.remove(0)
    }

    async fn erase(&self, user: &UserId) -> Done {
        let (by, why) = ("root".parse().unwrap(), "asked".to_owned());
        let wanted = ErasePerson { user_id: user.clone(), by, why, at: self.clock.now() };
        self.one(Command::ErasePerson(wanted)).await
    }

    /// Makes the steps that are due, each twice as two gateways do. Gives what was told.
    async fn make_steps(&self) -> Vec<Event> {
        let mut told = Vec::new();
        for _ in 0..STEPS_MAX {
            let due = self.store.due_erasures(self.clock.now(), 1).await.unwrap();
            let Some(erasure) = due.first() else { return told };
            let step = Self::item(Command::EraseStep(erasure.next_step(self.clock.now())));
            let again = Item { id: CommandId::new().0, ..step.clone() };
            told.extend(self.carry_out(&[step]).await.into_iter().flat_map(|done| done.events));
            let late = self.carry_out(&[again]).await.remove(0);
            assert!(matches!(late.result, Some(CommandResult::Erasure { deduplicated: true, .. })));
            assert!(late.events.is_empty(), "what was told is not told again");
            self.sweep(&erasure.user_id).await;
        }
        panic!("the erasure does not end");
    }

    /// What the sweeper of files does.
    async fn sweep(&self, user: &UserId) {
        for upload in self.store.uploads_of(user, None, 10).await.unwrap() {
            if upload.state == UploadState::Deleted {
                self.store.remove_upload(upload.id, upload.revision).await.unwrap();
            }
        }
    }

    async fn erasure(&self, user: &UserId) -> Erasure {
        self.store.erasure(user).await.unwrap().unwrap()
    }

    async fn erase_to_the_end(&self, user: &UserId) -> Vec<Event> {
        self.erase(user).await;
        let mut told = self.make_steps().await;
        self.clock.advance(i64::try_from(SETTLE.as_millis()).unwrap());
        told.extend(self.make_steps().await);
        told
    }
}

/// Reads everything that the data file has.
mod dump {
    use super::NAMED;
    use eventflow_embedded::Database;

    /// The tables that have a trace of somebody.
    pub(super) async fn traces(database: &Database) -> Vec<String> {
        let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        let found = database.read(move |connection| {
            let mut statement = connection.prepare(tables)?;
            let names = statement.query_map([], |row| row.get::<_, String>(0))?;
            let mut found = Vec::new();
            for name in names {
                let name = name?;
                let mut rows = connection.prepare(&format!("SELECT * FROM \"{name}\""))?;
                let columns = rows.column_count();
                let mut rows = rows.query([])?;
                let mut text = Vec::new();
                while let Some(row) = rows.next()? {
                    for column in 0..columns {
                        if let Ok(value) = row.get_ref(column)?.as_bytes() {
                            text.extend_from_slice(&value.to_ascii_lowercase());
                        }
                    }
                }
                let has = |trace: &&str| text.windows(trace.len()).any(|part| part == trace.as_bytes());
                if NAMED.iter().any(has) {
                    found.push(name);
                }
            }
            Ok(found)
        });
        found.await.unwrap()
    }
}

#[tokio::test]
async fn everything_goes_and_whoever_shares_a_thread_hears_of_it() {
    let stage = Stage::new().await;
    let world = World::fill(&*stage.store).await;
    let marked = stage.erase(&world.user).await;
    assert!(matches!(marked.result, Some(CommandResult::Erasure { deduplicated: false, .. })));
    assert!(
        matches!(&marked.events[..], [Event::Revoked { revocation, .. }] if revocation.session.is_none())
    );
    let told = stage.make_steps().await;
    let deleted = told.iter().filter(|event| matches!(event, Event::MessageChanged { .. })).count();
    assert_eq!(deleted, 2 + 1 + 1, "two messages, a reaction, and a message in a thread that was left");
    assert_eq!(stage.erasure(&world.user).await.state, ErasureState::Running, "it looks again");
    stage.clock.advance(i64::try_from(SETTLE.as_millis()).unwrap());
    assert!(stage.make_steps().await.is_empty(), "nothing is left to tell");
    let done = stage.erasure(&world.user).await;
    assert_eq!((done.state, done.pass), (ErasureState::Done, 3));
    let erased = done.counts;
    assert_eq!((erased.messages, erased.reactions, erased.drafts, erased.scheduled), (3, 1, 1, 1));
    assert_eq!((erased.reports, erased.dead_letters, erased.files, erased.devices), (2, 1, 1, 1));
    assert_eq!(traces(&stage.database).await, [""; 0]);
    assert_eq!(unread(&*stage.store, &world.scene).await[1..], [0, 1]);
    let shown = stage.store.profiles(std::slice::from_ref(&world.user)).await.unwrap();
    assert_eq!(shown[&world.user].name, ERASED_NAME);
}

#[tokio::test]
async fn what_was_accepted_before_the_mark_and_stored_behind_it_is_erased_too() {
    let stage = Stage::new().await;
    let world = World::fill(&*stage.store).await;
    stage.erase(&world.user).await;
    stage.make_steps().await;
    // A stage that did not know of the mark yet has written what it had in hand.
    let late = append(&*stage.store, &[world.scene.say(0, "a late xylophone")]).await;
    stage.store.touch_threads(&late).await.unwrap();
    stage.clock.advance(i64::try_from(SETTLE.as_millis()).unwrap());
    let told = stage.make_steps().await;
    let is_it =
        |event: &Event| matches!(event, Event::MessageChanged { message, .. } if message.id == late[0].id);
    assert!(told.iter().any(is_it), "everybody hears that it is gone");
    assert_eq!(stage.erasure(&world.user).await.state, ErasureState::Done);
    assert_eq!(traces(&stage.database).await, [""; 0]);
    // One that stood still for hours.
    append(&*stage.store, &[world.scene.say(0, "a very late xylophone")]).await;
    stage.clock.advance(i64::try_from(LAST_LOOK.as_millis()).unwrap());
    stage.make_steps().await;
    assert_eq!(traces(&stage.database).await, [""; 0]);
    assert_eq!(stage.erasure(&world.user).await.due_at, None);
}

#[tokio::test]
async fn whoever_is_erased_does_nothing_any_more_and_others_go_on() {
    let stage = Stage::new().await;
    let world = World::fill(&*stage.store).await;
    let scheduled = eventflow_protocol::ScheduledId::of_key(&world.user, &world.letter.to_string());
    stage.erase(&world.user).await;
    let send = |who: usize| {
        let new = world.scene.say(who, "hello");
        Item { id: new.command_id.0, ..Stage::item(Command::SendMessage(new.send)) }
    };
    let done = stage.carry_out(&[send(0), send(1), send(0)]).await;
    let codes: Vec<Option<ErrorCode>> = done.iter().map(|done| code_of(done.result.as_ref())).collect();
    assert_eq!(codes, [Some(ErrorCode::Erased), None, Some(ErrorCode::Erased)]);
    let create = CreateThread { at: at(101), ..creation(&world.scene.people, 101) };
    let save = SaveDraft {
        user_id: world.user.clone(),
        thread_id: world.scene.thread,
        content: Content::parse("again").unwrap(),
        reply_to: None,
        based_on: None,
        at: at(101),
    };
    let due = SendScheduled { id: scheduled, thread_id: world.scene.thread, at: at(200_000) };
    for command in [Command::CreateThread(create), Command::SaveDraft(save), Command::SendScheduled(due)] {
        let kind = command.kind();
        assert_eq!(code_of(stage.one(command).await.result.as_ref()), Some(ErrorCode::Erased), "{kind}");
    }
    let messages = history(&*stage.store, world.scene.thread).await;
    assert_eq!(messages.last().unwrap().sender_id, world.scene.people[1]);
    // Asking again finds the erasure.
    let again = stage.erase(&world.user).await;
    assert!(matches!(again.result, Some(CommandResult::Erasure { deduplicated: true, .. })));
    stage.make_steps().await;
    assert!(stage.store.scheduled(scheduled).await.unwrap().is_none());
}

#[tokio::test]
async fn nobody_brings_back_who_is_erased() {
    let stage = Stage::new().await;
    let world = World::fill(&*stage.store).await;
    let gone = world.user.clone();
    let [_, by, other, ..] = &world.scene.people[..] else { panic!("three people") };
    let group = Group { owners: vec![by.clone()], ..Group::default() };
    let create = CreateThread { group: Some(group), ..creation(&[by.clone(), other.clone()], 1) };
    stage.store.create_thread(&create).await.unwrap();
    let with_them =
        |seconds| CreateThread { created_by: by.clone(), ..creation(&[gone.clone(), by.clone()], seconds) };
    let pair = with_them(1);
    stage.store.create_thread(&pair).await.unwrap();
    stage.erase(&gone).await;
    let add = ChangeGroup {
        thread_id: create.thread_id,
        by: by.clone(),
        change: GroupChange::Add { people: vec!["new".parse().unwrap(), gone.clone()], people_max: None },
        key: None,
        at: at(101),
    };
    let begin = with_them(101);
    let send = new_send(by, vec![gone.clone()], 1);
    for (command, field) in [
        (Command::ChangeGroup(add), "userIds"),
        (Command::CreateThread(begin.clone()), "participants"),
        (Command::AddSend(send.clone()), "person"),
    ] {
        let result = stage.one(command).await.result;
        let Some(CommandResult::Refused { code, error }) = &result else { panic!("{field}: {result:?}") };
        assert_eq!(*code, ErrorCode::Erased);
        assert!(error.contains(field), "{error}");
    }
    let stays = stage.store.thread(create.thread_id).await.unwrap().unwrap();
    assert_eq!(stays.participants, create.participants);
    assert_eq!(stage.store.thread(begin.thread_id).await.unwrap(), None);
    assert_eq!(stage.store.bulk_send(send.id).await.unwrap(), None);
    // A thread that is there is found, and others of a send are told.
    let found = stage.one(Command::CreateThread(pair)).await.result;
    assert!(matches!(found, Some(CommandResult::Thread { created: false, .. })), "{found:?}");
    let send = new_send(by, vec![gone.clone(), other.clone()], 2);
    assert_eq!(code_of(stage.one(Command::AddSend(send.clone())).await.result.as_ref()), None);
    let kept = stage.store.bulk_send(send.id).await.unwrap().unwrap();
    assert_eq!((kept.to, kept.body), (Recipients::Users(vec![other.clone()]), send.body));
    let before = stage.store.revocations(&gone).await.unwrap();
    let login = Revocation { user_id: gone.clone(), session: Some("7".repeat(64)), at: at(102) };
    assert_eq!(stage.one(Command::Revoke(login)).await.result, Some(CommandResult::Done));
    assert_eq!(stage.store.revocations(&gone).await.unwrap(), before, "no login of theirs is kept anew");
}

fn new_send(by: &UserId, to: Vec<UserId>, id: u8) -> NewSend {
    let content = SendContent {
        kind: "news".to_owned(),
        title: "t".to_owned(),
        text: String::new(),
        data: serde_json::Map::new(),
        thread_id: None,
        template: None,
        translations: BTreeMap::new(),
    };
    let (id, to) = (SendId::from_bytes([id; 12]), Recipients::of_users(to));
    let body = NewSend::fingerprint(&to, &content, None);
    NewSend { id, by: by.clone(), to, content, send_at: None, body, at: at(101) }
}

#[tokio::test]
async fn a_process_that_has_shown_a_name_shows_it_no_more_once_it_knows_of_the_mark() {
    let stage = Stage::new().await;
    let world = World::fill(&*stage.store).await;
    let erased = ErasedPeople::new(stage.store.clone());
    let people = People::new(stage.store.clone(), erased.clone(), Markup::default());
    let shown = async || {
        let mut shown = people.shown(std::slice::from_ref(&world.user)).await;
        shown.remove(&world.user).unwrap().name
    };
    let before = shown().await;
    assert_ne!(before, ERASED_NAME);
    stage.erase(&world.user).await;
    assert_eq!(shown().await, before, "nobody has told this process");
    // What every process does all the time.
    erased.refresh().await.unwrap();
    assert_eq!(shown().await, ERASED_NAME);
}

fn code_of(result: Option<&CommandResult>) -> Option<ErrorCode> {
    match result {
        Some(CommandResult::Refused { code, .. }) => Some(*code),
        _ => None,
    }
}

#[tokio::test]
async fn a_worker_that_dies_between_writing_and_telling_tells_later() {
    let stage = Stage::new().await;
    let world = World::fill(&*stage.store).await;
    stage.erase(&world.user).await;
    let mut told = Vec::new();
    for _ in 0..STEPS_MAX {
        let due = stage.store.due_erasures(stage.clock.now(), 1).await.unwrap();
        let Some(erasure) = due.first() else { break };
        let step = Stage::item(Command::EraseStep(erasure.next_step(stage.clock.now())));
        // What this one has to tell is lost.
        stage.persistence.perform(std::slice::from_ref(&step)).await.unwrap();
        let again = Item { redelivered: true, ..step };
        told.extend(stage.carry_out(&[again]).await.into_iter().flat_map(|done| done.events));
    }
    let is_deletion = |event: &&Event| matches!(event, Event::MessageChanged { message, .. } if message.deleted_at.is_some());
    let deleted: std::collections::BTreeSet<_> =
        told.iter().filter(is_deletion).map(|event| event.id().0).collect();
    assert!(deleted.len() >= 3, "{told:?}");
}

#[tokio::test]
async fn a_group_goes_on_without_its_last_owner_and_hears_who_owns_it() {
    let stage = Stage::new().await;
    let world = World::fill(&*stage.store).await;
    let people = world.scene.people.clone();
    let group = Group { owners: vec![world.user.clone()], ..Group::default() };
    let create = CreateThread { group: Some(group), ..creation(&people, 1) };
    stage.store.create_thread(&create).await.unwrap();
    append(&*stage.store, &[say(create.thread_id, &world.user, "a xylophone in a group")]).await;
    let told = stage.erase_to_the_end(&world.user).await;
    let left =
        |event: &&Event| matches!(event, Event::ParticipantLeft { user_id, .. } if *user_id == world.user);
    assert_eq!(told.iter().filter(left).count(), 1);
    assert!(told.iter().any(|event| matches!(event, Event::GroupChanged { .. })));
    let thread = stage.store.thread(create.thread_id).await.unwrap().unwrap();
    assert_eq!(thread.participants, people[1..]);
    let owners = thread.group.unwrap().owners;
    assert!(owners.len() == 1 && people[1..].contains(&owners[0]), "{owners:?}");
    assert_eq!(stage.erasure(&world.user).await.counts.groups, 1);
    assert_eq!(traces(&stage.database).await, [""; 0]);
}

#[tokio::test]
async fn nobody_finds_the_words_and_everybody_finds_those_of_others() {
    let stage = Stage::new().await;
    let world = World::fill(&*stage.store).await;
    let search = async |words: &str| {
        let query = SearchQuery::new(world.scene.people[1].clone(), words.parse().unwrap(), 50);
        find(&*stage.store, &query).await.unwrap().hits.len()
    };
    assert!(search("xylophone").await > 0);
    stage.erase_to_the_end(&world.user).await;
    assert_eq!((search("xylophone").await, search("mean you").await), (0, 1));
}

#[tokio::test]
async fn a_long_thread_is_gone_through_step_by_step() {
    let stage = Stage::new().await;
    let world = World::fill(&*stage.store).await;
    let people = world.scene.people.clone();
    let long = Scene::between(&*stage.store, people.clone()).await;
    for _ in 0..7 {
        let batch: Vec<_> = (0..100).map(|i| long.say(i % 3, "xylophone or not")).collect();
        let said = append(&*stage.store, &batch).await;
        stage.store.touch_threads(&said).await.unwrap();
    }
    stage.erase_to_the_end(&world.user).await;
    let messages = history(&*stage.store, long.thread).await;
    for message in &messages {
        assert_eq!(message.deleted_at.is_some(), message.sender_id == world.user, "seq {}", message.seq);
    }
    assert_eq!(unread(&*stage.store, &long).await[1..], [231, 231]);
}

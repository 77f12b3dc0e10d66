//! Drafts through the persistence stage: what is told, what a repetition does, and what becomes of the draft
//! of somebody who leaves.

use super::stage::{embedded, parts_over};
use eventflow_bus::handler::{BatchHandler, Item};
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::PERSIST;
use eventflow_embedded::EmbeddedStore;
use eventflow_metrics::Metrics;
use eventflow_ports::store_contract::fixtures::{at, fresh_people};
use eventflow_ports::{Drafts, Store};
use eventflow_protocol::command::{Command, CreateThread, LeaveThread};
use eventflow_protocol::content::Content;
use eventflow_protocol::drafts::SaveDraft;
use eventflow_protocol::event::{Audience, Event};
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{CommandId, ErrorCode, ThreadId, UserId};
use eventflow_workers::persistence::{CommandOutbox, Persistence};
use std::sync::Arc;
use tempfile::TempDir;

/// A persistence stage on embedded backends, and a thread of two people.
struct Stage {
    _folder: TempDir,
    persistence: Persistence,
    store: Arc<EmbeddedStore>,
    thread: ThreadId,
    people: Vec<UserId>,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, broker) = embedded(folder.path()).await;
        let parts = parts_over(Arc::clone(&store), broker);
        let persistence = Persistence::open(&PERSIST, 0, parts, &Metrics::default()).await.unwrap();
        let mut people = fresh_people(2);
        people.sort_unstable();
        let create = CreateThread {
            thread_id: ThreadId::derive(&people, "{}"),
            participants: people.clone(),
            metadata: serde_json::Map::new(),
            group: None,
            created_by: people[0].clone(),
            at: at(0),
        };
        store.create_thread(&create).await.unwrap();
        Self { _folder: folder, persistence, store, thread: create.thread_id, people }
    }

    fn save(&self, content: &str, based_on: Option<u64>) -> Item<Command> {
        item(Command::SaveDraft(SaveDraft {
            user_id: self.people[0].clone(),
            thread_id: self.thread,
            content: Content::parse_optional(content).unwrap(),
            reply_to: None,
            based_on,
            at: at(1),
        }))
    }

    /// Carries out a batch, of which nothing may be parked.
    async fn carry_out(&self, batch: &[Item<Command>]) -> CommandOutbox {
        let performed = self.persistence.perform(batch).await.unwrap();
        assert_eq!(performed.outcomes, vec![Outcome::Done; batch.len()]);
        performed.outbox
    }

    async fn stored(&self) -> (String, u64) {
        let draft = self.store.draft(self.thread, &self.people[0]).await.unwrap();
        (draft.content, draft.revision)
    }
}

fn item(command: Command) -> Item<Command> {
    let (id, reply_to) = (CommandId::new().0, Some("gateway".into()));
    Item { id, attempt: 0, redelivered: false, value: command, reply_to, trace: None }
}

/// The revisions that are told, all of them to this person alone.
fn told(outbox: &CommandOutbox, user: &UserId) -> Vec<u64> {
    let revision = |event: &Event| {
        let Event::DraftSaved { draft, .. } = event else { panic!("{event:?}") };
        assert_eq!(event.audience(), Audience::User(user.clone()));
        draft.revision
    };
    outbox.events().map(revision).collect()
}

fn results(outbox: &CommandOutbox) -> Vec<Result<u64, ErrorCode>> {
    let result = |result: &CommandResult| match result {
        CommandResult::Draft { draft } => Ok(draft.revision),
        CommandResult::Refused { code, .. } => Err(*code),
        other => panic!("{other:?}"),
    };
    outbox.results().map(result).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn saves_are_carried_out_in_order_and_told_to_their_person_and_a_late_one_is_refused() {
    let stage = Stage::new().await;
    let batch = [
        stage.save("a", Some(0)),
        stage.save("b", Some(1)),
        stage.save("late", Some(1)),
        stage.save("b", None),
        stage.save("", Some(2)),
    ];
    let outbox = stage.carry_out(&batch).await;
    assert_eq!(results(&outbox), [Ok(1), Ok(2), Err(ErrorCode::Conflict), Ok(2), Ok(3)]);
    assert_eq!(told(&outbox, &stage.people[0]), [1, 2, 3], "what changes nothing is no news");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_comes_again_changes_nothing_and_is_told_again() {
    let stage = Stage::new().await;
    let batch = ["a", "b", "c"].map(|content| stage.save(content, None));
    let first = stage.carry_out(&batch).await;
    let again = batch.map(|item| Item { redelivered: true, ..item });
    let second = stage.carry_out(&again).await;
    assert_eq!(stage.stored().await, ("c".to_owned(), 3));
    assert_eq!(results(&second), [Ok(3); 3]);
    assert_eq!(told(&second, &stage.people[0]), [3; 3]);
    let ids = |outbox: &CommandOutbox| outbox.events().map(Event::id).collect::<Vec<_>>();
    assert_eq!(ids(&first), ids(&second));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_loses_the_draft_and_a_save_that_comes_later_is_refused_like_that_of_a_stranger() {
    let stage = Stage::new().await;
    stage.carry_out(&[stage.save("a", None)]).await;
    let leave = item(Command::LeaveThread(LeaveThread {
        thread_id: stage.thread,
        user_id: stage.people[0].clone(),
        at: at(2),
    }));
    stage.carry_out(&[leave]).await;
    assert_eq!(stage.stored().await, (String::new(), 2));
    let late = stage.carry_out(&[stage.save("late", None)]).await;
    assert_eq!(results(&late), [Err(ErrorCode::NotFound)]);
    assert_eq!((told(&late, &stage.people[0]), stage.stored().await.0), (vec![], String::new()));
}

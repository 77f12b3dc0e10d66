//! The contract of every [`Erasures`](crate::Erasures), as checks that an adapter's tests call.
//!
//! The last check writes every kind of data about a person, lets everything be erased that an erasure erases,
//! and looks for their words, name and address in all that the store has. Data of a new kind belongs into
//! [`world`], or nobody notices that it stays.

pub mod world;

use crate::directory::People;
use crate::erased_people::ErasedPeople;
use crate::erasures::{Mark, Membership};
use crate::search::block::made_again;
use crate::store::{MessagePage, PAGE_MAX};
use crate::store_contract::fixtures::{
    Scene, append, at, change, change_one, commanded, creation, fresh_people, history, say, unread,
};
use crate::uploads::change_upload;
use crate::whole_store::WholeStore;
use async_trait::async_trait;
use eventflow_protocol::change::Change;
use eventflow_protocol::command::{CreateThread, LeaveThread};
use eventflow_protocol::content::Markup;
use eventflow_protocol::erasure::{ERASED_NAME, ErasePerson, Erasure, ErasurePlace};
use eventflow_protocol::group::{Group, Role};
use eventflow_protocol::uploads::Upload;
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use std::sync::Arc;
use world::{KINDS, NAMED, World};

/// A table or collection, and the bytes of everything in it.
pub struct Dumped {
    /// Its name.
    pub name: String,
    /// Its rows or documents, one behind the other, as they are kept.
    pub bytes: Vec<u8>,
}

/// Gives the suite access to the store under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens one more store over the same data with empty caches, as another process would.
    async fn open(&self) -> Arc<dyn WholeStore>;

    /// Everything that the store has, of every table or collection.
    async fn dump(&self) -> Vec<Dumped>;
}

fn wanted(user: &UserId, seconds: i64) -> Erasure {
    let by = "root".parse().expect("it is an id");
    let (user_id, why) = (user.clone(), "asked".to_owned());
    Erasure::new(&ErasePerson { user_id, by, why, at: at(0) }, at(seconds))
}

/// A person is marked once, whichever process asks, and a step counts on the revision that it was read with.
pub async fn a_person_is_marked_once_and_a_step_overwrites_no_newer_one(harness: &dyn Harness) {
    let (store, ann) = (harness.open().await, fresh_people(1).remove(0));
    assert_eq!(store.erasure(&ann).await.expect("read"), None);
    let first = wanted(&ann, 5);
    assert_eq!(store.begin_erasure(&first).await.expect("begin"), (first.clone(), true));
    for witness in [store.clone(), harness.open().await] {
        let again = witness.begin_erasure(&wanted(&ann, 9)).await.expect("begin");
        assert_eq!(again, (first.clone(), false), "the first word stays");
        assert_eq!(witness.erasure(&ann).await.expect("read"), Some(first.clone()));
    }
    let mut step = first.clone();
    step.found(vec![ThreadId::from_bytes([1; 12])], Some(ThreadId::from_bytes([9; 12])));
    step.counts.messages = 3;
    assert!(store.replace_erasure(&step).await.expect("step"));
    assert!(!harness.open().await.replace_erasure(&first).await.expect("late step"), "it is not the newest");
    let kept = harness.open().await.erasure(&ann).await.expect("read").expect("it is there");
    assert_eq!(kept, Erasure { revision: 1, ..step });
}

/// What is due comes in order, and what has ended does not.
pub async fn erasures_are_due_until_they_have_ended(harness: &dyn Harness) {
    let (store, people) = (harness.open().await, fresh_people(3));
    for (user, seconds) in people.iter().zip([30, 10, 20]) {
        store.begin_erasure(&wanted(user, seconds)).await.expect("begin");
    }
    let due = async |seconds: i64, limit: u32| {
        let found = store.due_erasures(at(seconds), limit).await.expect("list");
        found.into_iter().map(|erasure| erasure.user_id).collect::<Vec<_>>()
    };
    assert_eq!(due(25, 10).await, [people[1].clone(), people[2].clone()]);
    assert_eq!(due(60, 2).await, [people[1].clone(), people[2].clone()]);
    let mut ended = store.erasure(&people[1]).await.expect("read").expect("it is there");
    ended.due_at = None;
    assert!(store.replace_erasure(&ended).await.expect("end"));
    assert_eq!(due(60, 10).await, [people[2].clone(), people[0].clone()]);
}

/// Every process finds every mark, also those of a time.
pub async fn every_process_learns_of_every_mark(harness: &dyn Harness) {
    let (store, people) = (harness.open().await, fresh_people(5));
    let erased = ErasedPeople::new(harness.open().await as _);
    erased.refresh().await.expect("ask");
    assert!(erased.is_empty());
    for user in &people[..4] {
        store.begin_erasure(&wanted(user, 7)).await.expect("begin");
    }
    let mut found = Vec::new();
    let mut after = Mark { at: at(0), user: "!".parse().expect("it is an id") };
    loop {
        let page = harness.open().await.marks_after(&after, 2).await.expect("list");
        let Some(last) = page.last() else { break };
        after = last.clone();
        found.extend(page.into_iter().map(|mark| mark.user));
    }
    assert_eq!(found, people[..4], "each once, by time and then by id");
    let fresh = ErasedPeople::new(harness.open().await as _);
    fresh.refresh().await.expect("ask");
    let known: Vec<bool> = people.iter().map(|user| fresh.includes(user)).collect();
    assert_eq!(known, [true, true, true, true, false]);
    let shown = People::new(store as _, fresh, Markup::default()).shown(&people).await;
    let has_name = |user: &UserId| shown[user].name == ERASED_NAME;
    assert_eq!(people.iter().map(has_name).collect::<Vec<_>>(), known, "names follow what is known");
}

/// The threads of a person are found in which they are, or were, whether as a group or not.
pub async fn the_threads_of_a_person_are_found_also_after_they_left(harness: &dyn Harness) {
    let store = harness.open().await;
    let people = fresh_people(3);
    let ann = &people[0];
    let stays = Scene::between(&*store, people[..2].to_vec()).await;
    let left = Scene::between(&*store, people.clone()).await;
    let group = CreateThread {
        group: Some(Group { owners: vec![ann.clone()], ..Group::default() }),
        ..creation(&people, 1)
    };
    store.create_thread(&group).await.expect("create");
    let others = Scene::between(&*store, people[1..].to_vec()).await;
    for thread in [left.thread, group.thread_id] {
        let said = append(&*store, &[say(thread, ann, "before leaving")]).await;
        store.touch_threads(&said).await.expect("touch");
        let leave = LeaveThread { thread_id: thread, user_id: ann.clone(), at: at(3) };
        store.leave(&commanded(leave)).await.expect("leave");
    }
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = harness.open().await.threads_with(ann, after).await.expect("search");
        found.extend(page.threads);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut expected = vec![stays.thread, left.thread, group.thread_id];
    expected.sort_unstable();
    assert_eq!(found, expected);
    let of = async |thread| store.membership_of(thread, ann).await.expect("read");
    let here = of(stays.thread).await.expect("they are in it");
    assert_eq!((here.is_in, here.role, here.joined_at), (true, Role::Member, None));
    assert_eq!(of(left.thread).await, Some(Membership::former()));
    assert_eq!(of(group.thread_id).await, Some(Membership::former()));
    assert_eq!(of(others.thread).await, None);
}

/// All files of a person are listed, each once, also those that wait to be removed.
pub async fn the_files_of_a_person_are_listed(harness: &dyn Harness) {
    let (store, people) = (harness.open().await, fresh_people(2));
    let mut added = Vec::new();
    for n in 0..5 {
        let mut upload = Upload::begin(people[0].clone(), format!("{n}.txt"), Some(3), 3, at(n));
        if n == 2 {
            upload.delete(at(9));
        }
        store.add_upload(&upload).await.expect("add");
        added.push(upload.id);
    }
    let others = Upload::begin(people[1].clone(), "b.txt".to_owned(), Some(3), 3, at(1));
    store.add_upload(&others).await.expect("add");
    added.sort_unstable();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = harness.open().await.uploads_of(&people[0], after, 2).await.expect("list");
        after = page.last().map(|last| last.id);
        if page.is_empty() {
            break;
        }
        found.extend(page.into_iter().map(|upload| upload.id));
    }
    assert_eq!(found, added);
}

/// What belongs to a person alone is deleted, in steps that end, and what others have stays.
pub async fn what_is_a_persons_alone_goes_and_what_others_have_stays(harness: &dyn Harness) {
    let store = harness.open().await;
    let (ann, ben) = (World::fill(&*store).await, World::fill(&*store).await);
    erase_own(&*store, &ann).await;
    for (world, is_there) in [(&ann, false), (&ben, true)] {
        let there = world.kinds_there(&*harness.open().await).await;
        let expected: Vec<(&str, bool)> = there.iter().map(|(kind, _)| (*kind, is_there)).collect();
        assert_eq!(there, expected);
    }
}

/// After an erasure nothing in the store has the words of the person, their name or their address. Places,
/// threads and what others wrote are as they were, and unread counts are exact.
pub async fn no_trace_of_an_erased_person_is_left(harness: &dyn Harness) {
    let store = harness.open().await;
    let world = World::fill(&*store).await;
    let before = traces(harness).await;
    assert!(before.len() >= KINDS, "{} kinds have traces: {before:?}", before.len());
    let seqs = history(&*store, world.scene.thread).await.len();
    erase_all(&*store, &world).await;
    assert_eq!(traces(harness).await, [""; 0], "somewhere a trace is left");
    let left = harness.open().await;
    let messages = history(&*left, world.scene.thread).await;
    assert_eq!(messages.len(), seqs, "places stay");
    for message in &messages {
        let is_theirs = message.sender_id == world.user;
        assert_eq!(message.deleted_at.is_some(), is_theirs, "seq {}", message.seq);
        assert!(message.reactions.iter().all(|reaction| reaction.user_id != world.user));
    }
    let unread = unread(&*left, &world.scene).await;
    assert_eq!(unread[1..], [0, 1], "of four messages one is left, which the second person has written");
    let shown = left.profiles(std::slice::from_ref(&world.user)).await.expect("read");
    assert_eq!(shown[&world.user].name, eventflow_protocol::erasure::ERASED_NAME);
}

/// The names of the tables that have a trace of somebody.
async fn traces(harness: &dyn Harness) -> Vec<String> {
    let has_trace = |table: &Dumped| {
        let text = table.bytes.to_ascii_lowercase();
        NAMED.iter().any(|trace| text.windows(trace.len()).any(|part| part == trace.as_bytes()))
    };
    harness.dump().await.iter().filter(|table| has_trace(table)).map(|table| table.name.clone()).collect()
}

async fn erase_own(store: &dyn WholeStore, world: &World) {
    let address = world.address();
    for _ in 0..100 {
        if store.erase_own(&world.user, Some(&address)).await.expect("erase").is_complete {
            break;
        }
    }
    store.put_profile(&world.nobody()).await.expect("write a profile");
}

/// What the persistence stage does, by the same methods: so a store is checked without the stage.
async fn erase_all(store: &dyn WholeStore, world: &World) {
    let user = &world.user;
    store.begin_erasure(&wanted(user, 50)).await.expect("begin");
    erase_own(store, world).await;
    let found = store.threads_with(user, None).await.expect("search");
    assert!(found.threads.len() >= 2 && found.next.is_none());
    for thread in found.threads {
        let page = MessagePage { limit: PAGE_MAX, ..MessagePage::default() };
        let messages = store.messages(thread, page).await.expect("read");
        let own: Vec<_> = messages.iter().filter(|message| message.sender_id == *user).collect();
        for message in own.iter().filter(|message| message.deleted_at.is_none()) {
            change_one(store, &change(message, user, Change::Delete, 51)).await;
        }
        for message in messages.iter().filter(|message| message.sender_id != *user) {
            for reaction in message.reactions.iter().filter(|reaction| reaction.user_id == *user) {
                let wish = eventflow_protocol::change::Wish::Remove;
                let remove = Change::React { emoji: reaction.emoji.clone(), wish };
                change_one(store, &change(message, user, remove, 51)).await;
            }
        }
        let ids: Vec<_> = own.iter().map(|message| message.id).collect();
        store.scrub_messages(user, &ids).await.expect("scrub");
        index_again(store, thread).await;
    }
    for report in world.reports(store).await {
        let mut scrubbed = report;
        scrubbed.text.clear();
        scrubbed.message.content.clear();
        scrubbed.message.attachments.clear();
        store.rewrite_report(&scrubbed).await.expect("rewrite");
    }
    assert_eq!(store.delete_letters(&[world.letter]).await.expect("delete"), 1);
    for upload in store.uploads_of(user, None, PAGE_MAX).await.expect("list") {
        let deleted = change_upload(store, upload.id, |upload| {
            upload.delete(at(52));
            Some(())
        });
        let (upload, ()) = deleted.await.expect("delete").expect("it is there");
        assert!(
            store.remove_upload(upload.id, upload.revision).await.expect("remove"),
            "as the sweeper does"
        );
    }
    let mut erasure = store.erasure(user).await.expect("read").expect("it is there");
    erasure.place = ErasurePlace::Files;
    assert!(store.replace_erasure(&erasure).await.expect("note"));
}

async fn index_again(store: &dyn WholeStore, thread: ThreadId) {
    let runs = store.index_blocks(thread, 0, PAGE_MAX).await.expect("read blocks");
    assert!(!runs.is_empty(), "the thread is indexed");
    for run in runs {
        let ever = (Timestamp(i64::MIN), Timestamp(i64::MAX));
        let mut messages = store.messages_of(&[run], ever.0, ever.1).await.expect("read");
        messages.sort_unstable_by_key(|message| message.seq);
        let block = made_again(run, &messages).await.expect("it has messages");
        store.rewrite_block(&block).await.expect("rewrite");
    }
}

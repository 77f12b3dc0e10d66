//! The contract of every [`Blocks`] and of what blocks do to threads, as checks that an adapter's tests call.

use crate::blocks::{BlockPage, Blocks};
use crate::search::SearchIndex;
use crate::store::{Appended, Store, ThreadPage, WithCommandId};
use crate::store_contract::fixtures::{
    Scene, append, at, change, change_one, commanded, creation, first_threads, fresh_people, say, unread,
    view,
};
use async_trait::async_trait;
use eventflow_protocol::blocks::{BLOCKS_MAX, Block, BlockChanged, BlockEffect, ChangeBlock};
use eventflow_protocol::change::{
    AdvanceCursor, Change, ChangeGroup, Changed, Cursor, GroupChange, GroupChanged,
};
use eventflow_protocol::command::{CreateThread, LeaveThread};
use eventflow_protocol::content::Content;
use eventflow_protocol::document::ThreadView;
use eventflow_protocol::group::{Group, History};
use eventflow_protocol::{ThreadId, UserId};
use std::collections::HashMap;
use std::sync::Arc;

/// Everything that a block concerns, in one store.
pub trait BlockStore: Blocks + Store + SearchIndex {}

impl<S: Blocks + Store + SearchIndex> BlockStore for S {}

/// Gives the suite access to the store under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens one more store over the same data with empty caches, as another process would.
    async fn open(&self) -> Arc<dyn BlockStore>;
}

fn wish(user: &UserId, other: &UserId, is_blocked: bool) -> ChangeBlock {
    ChangeBlock { user_id: user.clone(), other: other.clone(), is_blocked, key: None, at: at(5) }
}

async fn changed(store: &dyn BlockStore, wanted: &WithCommandId<ChangeBlock>) -> BlockChanged {
    store.change_block(wanted).await.expect("change a block")
}

async fn done(store: &dyn BlockStore, wanted: ChangeBlock) -> BlockEffect {
    match changed(store, &commanded(wanted)).await {
        BlockChanged::Done(effect) => effect,
        refused => panic!("expected a block that changed, got {refused:?}"),
    }
}

async fn block(store: &dyn BlockStore, user: &UserId, other: &UserId) -> BlockEffect {
    done(store, wish(user, other, true)).await
}

async fn unblock(store: &dyn BlockStore, user: &UserId, other: &UserId) -> BlockEffect {
    done(store, wish(user, other, false)).await
}

async fn blocked(store: &dyn BlockStore, user: &UserId) -> Vec<UserId> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.blocks_of(user, BlockPage { after, limit: 100 }).await.expect("list blocks");
        all.extend(page.iter().map(|block| block.other.clone()));
        after = page.last().map(|last| last.other.clone());
        if page.len() < 100 {
            return all;
        }
    }
}

/// Whether a thread is there for somebody, asked in every way, which all agree.
async fn is_there(store: &dyn BlockStore, thread: ThreadId, user: &UserId) -> bool {
    let known = store.participants(&[thread]).await.expect("ask").remove(&thread).expect("the thread exists");
    let listed = store.threads_of(user, first_threads(100)).await.expect("list");
    let found = store.reaches_of(user, None, 100).await.expect("search");
    let alone = store.reaches_of(user, Some(thread), 100).await.expect("search");
    let answers = [
        known.contains(user),
        store.seen_from(thread, user).await.expect("ask").is_some(),
        store.is_participant(thread, user).await.expect("ask"),
        store.thread_view(thread, user).await.expect("view").is_some(),
        listed.iter().any(|view| view.thread.id == thread),
        found.iter().any(|reach| reach.thread == thread),
        alone.iter().any(|reach| reach.thread == thread),
    ];
    assert!(answers.iter().all(|answer| *answer == answers[0]), "every way says the same: {answers:?}");
    assert!(known.stored().contains(user), "they are in it as stored");
    assert_eq!(known.is_away_for(user), !answers[0]);
    answers[0]
}

async fn found(store: &dyn BlockStore, people: &[UserId], by: &UserId) -> Scene {
    let group = Group { owners: vec![by.clone()], history: History::All, ..Group::default() };
    let create = CreateThread { group: Some(group), created_by: by.clone(), ..creation(people, 0) };
    let (thread, is_new) = store.create_thread(&create).await.expect("create");
    assert!(is_new);
    Scene { thread: thread.id, people: people.to_vec() }
}

async fn add(store: &dyn BlockStore, scene: &Scene, by: &UserId, user: &UserId) {
    let change = GroupChange::Add { people: vec![user.clone()], people_max: None };
    let wanted = ChangeGroup { thread_id: scene.thread, by: by.clone(), change, key: None, at: at(9) };
    let changed = store.change_group(&commanded(wanted)).await.expect("change a group");
    let GroupChanged::Done(effect) = changed else { panic!("{changed:?}") };
    assert!(effect.thread.participants.contains(user) && effect.added.contains(user), "{effect:?}");
}

/// Somebody is blocked until that ends, for every process, and their lists say so.
pub async fn a_block_holds_until_it_ends(harness: &dyn Harness) {
    let (store, other) = (harness.open().await, harness.open().await);
    let people = fresh_people(3);
    let [ann, ben, cem] = [&people[0], &people[1], &people[2]];
    assert_eq!(unblock(&*store, ann, ben).await.blocked_at, None, "nobody was blocked");
    let made = block(&*store, ann, ben).await;
    assert_eq!((made.blocked_at, made.is_new, made.threads.len()), (Some(at(5)), true, 0));
    let again = done(&*other, ChangeBlock { at: at(7), ..wish(ann, ben, true) }).await;
    assert_eq!((again.blocked_at, again.is_new), (Some(at(5)), false), "since the first time");
    block(&*store, ann, cem).await;
    let page = other.blocks_of(ann, BlockPage { after: None, limit: 1 }).await.expect("list");
    assert_eq!(page, [Block { other: ben.clone().min(cem.clone()), at: at(5) }]);
    for witness in [&store, &other] {
        assert_eq!(blocked(&**witness, ann).await, [ben.clone(), cem.clone()]);
        assert_eq!(blocked(&**witness, ben).await, []);
        let lists = witness.blocked_by(&people).await.expect("read lists");
        let mut of_ann = lists[ann].clone();
        of_ann.sort_unstable_by(|one, other| one.other.cmp(&other.other));
        let held = |other: &UserId| Block { other: other.clone(), at: at(5) };
        assert_eq!((of_ann, lists.len()), (vec![held(ben), held(cem)], 1), "each since when");
    }
    assert!(unblock(&*other, ann, ben).await.is_new);
    assert_eq!(blocked(&*store, ann).await, std::slice::from_ref(cem));
    assert_eq!(store.blocked_by(&[]).await.expect("read lists"), HashMap::new());
}

/// A command that comes again, or another one under its key, undoes nothing that came after it.
pub async fn a_repeated_change_undoes_nothing(harness: &dyn Harness) {
    let store = harness.open().await;
    let people = fresh_people(2);
    let [ann, ben] = [&people[0], &people[1]];
    let first = commanded(wish(ann, ben, true));
    assert!(matches!(changed(&*store, &first).await, BlockChanged::Done(effect) if effect.is_new));
    unblock(&*store, ann, ben).await;
    let again = changed(&*harness.open().await, &first).await;
    let expected = BlockEffect { blocked_at: None, threads: Vec::new(), is_new: false };
    assert_eq!(again, BlockChanged::Done(expected.clone()));
    let key = Some(ChangeBlock::key_of(ann, ben, "k"));
    assert!(done(&*store, ChangeBlock { key, ..wish(ann, ben, true) }).await.is_new);
    unblock(&*store, ann, ben).await;
    assert_eq!(done(&*store, ChangeBlock { key, ..wish(ann, ben, true) }).await, expected);
    let opposite = commanded(ChangeBlock { key, ..wish(ann, ben, false) });
    assert_eq!(changed(&*store, &opposite).await, BlockChanged::KeyReused);
    assert_eq!(blocked(&*store, ann).await, []);
}

/// A person blocks so many others, and goes on once one of them is no more.
pub async fn a_person_blocks_so_many(harness: &dyn Harness) {
    let store = harness.open().await;
    let people = fresh_people(BLOCKS_MAX as usize + 2);
    let (ann, others) = people.split_first().expect("somebody");
    for other in &others[..BLOCKS_MAX as usize] {
        block(&*store, ann, other).await;
    }
    let last = others.last().expect("one more");
    assert_eq!(changed(&*store, &commanded(wish(ann, last, true))).await, BlockChanged::TooMany);
    assert!(!block(&*store, ann, &others[0]).await.is_new, "who is blocked needs no room");
    assert_eq!(blocked(&*store, ann).await, others[..BLOCKS_MAX as usize]);
    unblock(&*store, ann, &others[7]).await;
    assert!(block(&*store, ann, last).await.is_new);
}

/// A thread of two is away for whoever blocks the other one, who goes on in it as before; then it is back
/// with everything, and what came meanwhile is unread.
pub async fn a_thread_of_two_is_away_for_who_blocks(harness: &dyn Harness) {
    let (store, other) = (harness.open().await, harness.open().await);
    let scene = Scene::with_people(&*store, 2).await;
    let beside = Scene::between(&*store, scene.people.clone()).await;
    let [ann, ben] = [&scene.people[0], &scene.people[1]];
    let said = append(&*store, &scene.talk(4)).await;
    store.touch_threads(&said).await.expect("touch");
    let before = view(&*store, scene.thread, ben).await;
    let mut threads = vec![scene.thread, beside.thread];
    threads.sort_unstable();
    assert_eq!(block(&*store, ann, ben).await.threads, threads);
    for witness in [&store, &other] {
        for thread in &threads {
            assert!(!is_there(&**witness, *thread, ann).await);
            assert!(is_there(&**witness, *thread, ben).await);
        }
        assert_eq!(view(&**witness, scene.thread, ben).await, before, "ben sees no difference");
        assert_eq!(
            witness.thread(scene.thread).await.expect("read").expect("there").participants,
            scene.people
        );
    }
    let while_away = append(&*store, &[scene.say(1, "hello?"), scene.say(1, "are you there?")]).await;
    store.touch_threads(&while_away).await.expect("touch");
    let anew = Scene::between(&*other, scene.people.clone()).await;
    assert!(!is_there(&*store, anew.thread, ann).await && is_there(&*store, anew.thread, ben).await);
    let counts = store.unread_of_others(&while_away[0]).await.expect("count");
    assert_eq!(counts, [], "nobody is told what is left to read of a thread that is away");
    let ended = unblock(&*other, ann, ben).await;
    threads.push(anew.thread);
    threads.sort_unstable();
    assert_eq!(ended.threads, threads);
    for thread in threads {
        assert!(is_there(&*store, thread, ann).await);
    }
    assert_eq!(unread(&*store, &scene).await, [4, 2], "what came meanwhile is unread");
}

/// Whoever is blocked does not bring a thread back by leaving it, nor by coming back.
pub async fn leaving_brings_no_thread_back(harness: &dyn Harness) {
    let store = harness.open().await;
    let people = fresh_people(2);
    let [ann, ben] = [&people[0], &people[1]];
    let create = CreateThread { created_by: ben.clone(), ..creation(&people, 0) };
    let thread = store.create_thread(&create).await.expect("create").0.id;
    block(&*store, ann, ben).await;
    append(&*store, &[say(thread, ben, "hear me")]).await;
    let leave = LeaveThread { thread_id: thread, user_id: ben.clone(), at: at(6) };
    let left = store.leave(&commanded(leave)).await.expect("leave").expect("there is such a thread");
    assert!(left.was_in && left.participant_count == 1);
    assert!(!is_there(&*store, thread, ann).await);
    let (_, is_back) = store.create_thread(&CreateThread { at: at(7), ..create }).await.expect("come back");
    assert!(is_back && is_there(&*store, thread, ben).await && !is_there(&*store, thread, ann).await);
    unblock(&*store, ann, ben).await;
    assert!(is_there(&*store, thread, ann).await);
}

/// A group stays for both of its people who are kept apart; one into which somebody is brought by whom they
/// block is away for them until the block ends, and nobody else sees a difference.
pub async fn a_group_is_away_for_whom_the_blocked_brings_in(harness: &dyn Harness) {
    let store = harness.open().await;
    let people = fresh_people(4);
    let [ann, ben, cem, dan] = [&people[0], &people[1], &people[2], &people[3]];
    let old = found(&*store, &[ann.clone(), ben.clone(), cem.clone()], ben).await;
    block(&*store, ann, ben).await;
    for user in [ann, ben, cem] {
        assert!(is_there(&*store, old.thread, user).await, "what was there before stays");
    }
    let by_ben = found(&*store, &[ann.clone(), ben.clone(), cem.clone()], ben).await;
    let by_cem = found(&*store, &[ann.clone(), ben.clone(), cem.clone()], cem).await;
    let plain =
        CreateThread { created_by: ben.clone(), ..creation(&[ann.clone(), ben.clone(), cem.clone()], 0) };
    let plain = store.create_thread(&plain).await.expect("create").0.id;
    let joined = found(&*store, &[ben.clone(), cem.clone(), dan.clone()], ben).await;
    add(&*store, &joined, ben, ann).await;
    let of_cem = found(&*store, &[ben.clone(), cem.clone()], cem).await;
    add(&*store, &of_cem, cem, ann).await;
    for (thread, expected) in [
        (by_ben.thread, false),
        (plain, false),
        (joined.thread, false),
        (by_cem.thread, true),
        (of_cem.thread, true),
    ] {
        assert_eq!(is_there(&*store, thread, ann).await, expected);
        assert!(is_there(&*store, thread, ben).await && is_there(&*store, thread, cem).await);
        assert!(view(&*store, thread, cem).await.thread.participants.contains(ann), "cem sees ann in it");
    }
    let mut away = vec![by_ben.thread, plain, joined.thread];
    away.sort_unstable();
    assert_eq!(unblock(&*store, ann, ben).await.threads, away);
    for thread in &away {
        assert!(is_there(&*store, *thread, ann).await);
    }
    let remove = GroupChange::Remove { user: ann.clone() };
    let remove =
        ChangeGroup { thread_id: joined.thread, by: ben.clone(), change: remove, key: None, at: at(11) };
    store.change_group(&commanded(remove)).await.expect("change a group");
    add(&*store, &joined, ben, ann).await;
    block(&*store, ann, ben).await;
    assert!(is_there(&*store, joined.thread, ann).await, "they were friends when ben brought ann in again");
}

/// Lists of threads skip those that are away and are as long as they should be, page by page.
pub async fn pages_skip_threads_that_are_away(harness: &dyn Harness) {
    let store = harness.open().await;
    let people = fresh_people(12);
    let (ann, others) = people.split_first().expect("somebody");
    let mut expected = Vec::new();
    for (other, number) in others.iter().zip(0_i64..) {
        let mut pair = vec![ann.clone(), other.clone()];
        pair.sort_unstable();
        let thread = store.create_thread(&creation(&pair, number)).await.expect("create").0.id;
        if number % 3 == 0 {
            block(&*store, ann, other).await;
        } else {
            expected.push(thread);
        }
    }
    let crowd =
        found(&*store, &fresh_people(60).into_iter().chain([ann.clone()]).collect::<Vec<_>>(), ann).await;
    expected.push(crowd.thread);
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let found = store.threads_of(ann, ThreadPage { after, ..first_threads(2) }).await.expect("list");
        let place = |view: &ThreadView| (view.thread.created_at, view.thread.id);
        after = found.last().map(place);
        listed.extend(found.iter().map(|view| view.thread.id));
        if found.len() < 2 {
            break;
        }
    }
    listed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(listed, expected);
}

/// Messages of somebody who is blocked mention nobody to who blocks them, in a group that both are in.
pub async fn who_is_blocked_mentions_nobody(harness: &dyn Harness) {
    let store = harness.open().await;
    let people = fresh_people(3);
    let [ann, ben, cem] = [&people[0], &people[1], &people[2]];
    let scene = found(&*store, &people, cem).await;
    let mentioning = |sender| {
        let mut new = say(scene.thread, sender, "look");
        new.send.mentions = vec![ann.clone()];
        new
    };
    let said = append(&*store, &[mentioning(ben), mentioning(cem), mentioning(ben)]).await;
    store.touch_threads(&said).await.expect("touch");
    let unread_mentions = async || view(&*store, scene.thread, ann).await.unread_mentions;
    assert_eq!(unread_mentions().await, 3);
    block(&*store, ann, ben).await;
    assert_eq!(unread_mentions().await, 1);
    assert_eq!(view(&*store, scene.thread, ann).await.unread_count, 3, "what is said stays");
    unblock(&*store, ann, ben).await;
    assert_eq!(unread_mentions().await, 3);
}

/// What is written to a thread that is away goes by who is stored: the other one changes and reads as before.
pub async fn whoever_is_blocked_goes_on(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let [ann, ben] = [&scene.people[0], &scene.people[1]];
    let said = append(&*store, &scene.talk(3)).await;
    store.touch_threads(&said).await.expect("touch");
    block(&*store, ann, ben).await;
    let content = Content::parse("other words").expect("it is content");
    let edit = Change::Edit { content, mentions: Some(vec![ann.clone()]) };
    let changed = change_one(&*store, &change(&said[1], ben, edit, 9)).await;
    assert!(matches!(changed, Changed::Done(..)), "{changed:?}");
    let read = AdvanceCursor {
        thread_id: scene.thread,
        user_id: ben.clone(),
        cursor: Cursor::Read,
        up_to: None,
        at: at(10),
    };
    let advanced = store.advance(&[read]).await.expect("advance").remove(0).expect("ben is in the thread");
    assert_eq!((advanced.up_to, advanced.unread_count), (3, 0));
    let again = store.append_messages(&[scene.say(1, "once more")]).await.expect("append");
    assert!(matches!(again[..], [Appended::Stored(_)]), "{again:?}");
}

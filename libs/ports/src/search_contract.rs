//! The contract of every [`SearchIndex`], together with [`find()`], as checks that an adapter's tests call.
//!
//! A check takes a [`Harness`] and makes people and threads of its own. What is found is compared with what
//! reading all messages of the person's threads finds, with blocks and without.

pub mod bench;
mod queries;
mod world;

use self::queries::{asked, send, timed};
use self::world::World;
use crate::search::block::{block_of_edited, catch_up};
use crate::search::{Found, Reach, SearchIndex, SearchQuery, TAIL_MAX, find};
use crate::store::{NewMessage, Store};
use crate::store_contract::fixtures::{
    Scene, at, change, change_one, commanded, creation, fresh_people, ids,
};
use crate::store_contract::random::Random;
use async_trait::async_trait;
use eventflow_protocol::change::{Change, Changed};
use eventflow_protocol::command::{CreateThread, LeaveThread};
use eventflow_protocol::content::Content;
use eventflow_protocol::{MessageId, ThreadId};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How long what was written may take until it is seen.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens the store under test with its index of search.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens one more store over the same data with empty caches, as another process would.
    async fn open(&self) -> (Arc<dyn Store>, Arc<dyn SearchIndex>);
}

/// A message is found when it is stored, and also after it is in a block, in every script.
pub async fn a_message_is_found_with_a_block_and_without(harness: &dyn Harness) {
    let (store, index) = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let texts = [
        ("grüße", "Viele GRÜSSE aus Köln"),
        ("天气", "今天天气很好"),
        ("ประเทศ", "ประเทศไทยสวยมาก"),
        ("مرحبا", "مَرْحَبًا بالعالم"),
        ("한국", "저는 한국 사람입니다"),
        ("ラオ", "きょうはカラオケです"),
        ("unkt", "Treffpunkt: \"Bahnhof\" OR NOT NEAR(x)"),
        ("😀", "so 😀😀"),
        ("⭐", "three ⭐⭐⭐"),
        ("々", "人々の声"),
        ("100%", "100% $where {$ne: 1} \\ .* ' --"),
    ];
    let batch: Vec<NewMessage> = texts.iter().map(|(_, text)| scene.say(0, text)).collect();
    send(&*store, &batch).await;
    for is_indexed in [false, true] {
        for ((query, text), id) in texts.iter().zip(ids(&batch)) {
            let found = find(&*index, &asked(&scene.people[1], query)).await.expect("search");
            let hits: Vec<_> = found.hits.iter().map(|hit| hit.message.id).collect();
            assert_eq!(hits, [id], "{query} in {text}, indexed: {is_indexed}");
            assert!(!found.hits[0].highlights.is_empty() && found.is_complete);
        }
        assert_eq!(whole(&*index, &asked(&scene.people[1], "nowhere to be found")).await, []);
        index_all(&*index, &[scene.thread]).await;
    }
    let end = index.block_ends(&[scene.thread]).await.expect("read the last block");
    assert_eq!(
        end.first().map(|(thread, end)| (*thread, end.last)),
        Some((scene.thread, texts.len() as u64))
    );
}

/// Only who is in a thread finds its messages: no stranger ever, nobody who has left, and again who is back.
pub async fn only_the_people_of_a_thread_find_its_messages(harness: &dyn Harness) {
    let (store, index) = harness.open().await;
    let create = creation(&fresh_people(2), 0);
    let (thread, _) = store.create_thread(&create).await.expect("create a thread");
    let scene = Scene { thread: thread.id, people: create.participants.clone() };
    let stranger = fresh_people(1).remove(0);
    send(&*store, &[scene.say(0, "a secret word")]).await;
    for is_indexed in [false, true] {
        for (who, count) in [(&scene.people[0], 1), (&scene.people[1], 1), (&stranger, 0)] {
            let mut query = asked(who, "secret");
            assert_eq!(whole(&*index, &query).await.len(), count, "indexed: {is_indexed}");
            query.thread = Some(scene.thread);
            assert_eq!(whole(&*index, &query).await.len(), count, "naming the thread");
        }
        index_all(&*index, &[scene.thread]).await;
    }
    let user_id = scene.people[1].clone();
    let leave = LeaveThread { thread_id: scene.thread, user_id, at: at(9) };
    store.leave(&commanded(leave)).await.expect("leave").expect("the thread exists");
    assert_eq!(whole(&*index, &asked(&scene.people[1], "secret")).await, [], "who has left");
    assert_eq!(whole(&*index, &asked(&scene.people[0], "secret")).await.len(), 1, "who has stayed");
    send(&*store, &[scene.say(0, "another secret")]).await;
    let back = CreateThread { created_by: scene.people[1].clone(), at: at(10), ..create };
    store.create_thread(&back).await.expect("come back");
    assert_eq!(whole(&*index, &asked(&scene.people[1], "secret")).await.len(), 2, "who is back");
}

/// What was edited is found by its new text and not by its old one, what was taken back not at all; both at
/// once.
pub async fn edits_and_deletions_count_at_once(harness: &dyn Harness) {
    let (store, index) = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let batch = [scene.say(0, "the weather today"), scene.say(0, "the weather tomorrow")];
    let messages = send(&*store, &batch).await;
    index_all(&*index, &[scene.thread]).await;
    let edit = Change::Edit { content: Content::parse("the climate now").expect("content"), mentions: None };
    let edited = match change_one(&*store, &change(&messages[0], &scene.people[0], edit, 5)).await {
        Changed::Done(message, _) => message,
        other => panic!("expected an edit, got {other:?}"),
    };
    let block = block_of_edited(&edited);
    for _ in 0..2 {
        index.add_edited(std::slice::from_ref(&block)).await.expect("add the block of an edit");
    }
    let me = &scene.people[1];
    assert_eq!(whole(&*index, &asked(me, "climate")).await, [messages[0].id]);
    assert_eq!(whole(&*index, &asked(me, "weather")).await, [messages[1].id]);
    change_one(&*store, &change(&messages[1], &scene.people[0], Change::Delete, 6)).await;
    assert_eq!(whole(&*index, &asked(me, "weather")).await, []);
    let end = index.block_ends(&[scene.thread]).await.expect("read the last block");
    assert_eq!(end.first().map(|(_, end)| end.last), Some(2), "a block of an edit is not the last block");
}

/// Whatever the threads, the filters, the pages, how far blocks are, and whoever comes and goes: what is
/// found is what reading everything finds, in order. A message of a thread that the person is not in never
/// is.
pub async fn what_is_found_is_what_reading_everything_finds(harness: &dyn Harness) {
    let (store, index) = harness.open().await;
    for seed in 0..4 {
        let mut random = Random::seeded(seed);
        let mut world = World::random(&*store, &mut random).await;
        for round in 0..25 {
            let behind: Vec<ThreadId> = world.threads().filter(|_| random.percent(30)).collect();
            index_all(&*index, &behind).await;
            let query = world.query(&mut random);
            let found = whole(&*index, &query).await;
            assert_eq!(found, world.wanted(&*store, &query).await, "seed {seed}, {round}: {query:?}");
            world.change(&*store, &*index, &mut random).await;
        }
    }
}

/// What is stored, edited or taken back while somebody turns pages makes no hit come twice and hides none of
/// the others.
pub async fn pages_stay_where_they_were(harness: &dyn Harness) {
    let (store, index) = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let batch: Vec<NewMessage> = (0..20).map(|n| timed(scene.say(0, "needle"), n)).collect();
    send(&*store, &batch).await;
    let mut query = SearchQuery { limit: 6, ..asked(&scene.people[1], "needle") };
    let (mut found, mut turns) = (Vec::new(), 0);
    loop {
        let page = find(&*index, &query).await.expect("search");
        found.extend(page.hits.iter().map(|hit| hit.message.id));
        turns += 1;
        let Some(next) = page.next else { break };
        query.after = Some(next);
        send(&*store, &[timed(scene.say(0, "needle"), 100 + turns)]).await;
        let last = page.hits.last().expect("a page with a hit").message.clone();
        change_one(&*store, &change(&last, &scene.people[0], Change::Delete, 200)).await;
        index_all(&*index, &[scene.thread]).await;
    }
    let mut expected = ids(&batch);
    expected.reverse();
    assert_eq!(found, expected);
    assert_eq!(turns, 4);
}

/// A store that was filled before there were blocks says that it is not searched whole, is indexed in steps
/// that any process goes on with, and is whole then.
pub async fn an_older_store_is_indexed_step_by_step(harness: &dyn Harness) {
    let (store, index) = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let first = scene.say(0, "the very first one");
    send(&*store, std::slice::from_ref(&first)).await;
    let count = usize::try_from(TAIL_MAX).expect("a small number");
    for batch in scene.talk(count).chunks(1_000) {
        send(&*store, batch).await;
    }
    let query = asked(&scene.people[1], "very first");
    let found = find(&*index, &query).await.expect("search");
    assert_eq!((found.hits.len(), found.is_complete), (0, false), "the oldest message is not looked at");
    let (mut steps, mut open) = (0, index);
    let given_up = Instant::now() + PATIENCE;
    while let Some(threads) = some_behind(&*open).await.filter(|threads| threads.contains(&scene.thread)) {
        let (gained, left) = catch_up(&*open, &threads).await.expect("index");
        if gained == 0 && left.is_empty() {
            assert!(Instant::now() < given_up, "what was indexed is seen");
            // sleep: a store of several servers shows what waits for no majority a moment later.
            sleep(Duration::from_millis(5)).await;
            continue;
        }
        assert!(gained > 0 && steps < 100, "each step gets further: {left:?}");
        steps += 1;
        open = harness.open().await.1;
    }
    assert!(steps > 1, "in steps");
    let found = find(&*open, &query).await.expect("search");
    assert_eq!(found.hits.iter().map(|hit| hit.message.id).collect::<Vec<_>>(), ids(&[first]));
    assert!(found.is_complete);
}

/// Of two who index a thread at the same time, the one that is late takes nothing away.
pub async fn a_late_block_takes_nothing_away(harness: &dyn Harness) {
    let (store, index) = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let early = send(&*store, &[scene.say(0, "early words")]).await;
    let late = crate::search::block::blocks_of(&early).await;
    send(&*store, &[scene.say(0, "later words")]).await;
    index_all(&*index, &[scene.thread]).await;
    index.add_blocks(&late, &[(scene.thread, 1)]).await.expect("add a late block");
    let reach = index.reaches(&[scene.thread]).await.expect("read how far it is");
    assert_eq!(reach.iter().map(|reach| (reach.stored, reach.indexed)).collect::<Vec<_>>(), [(2, 2)]);
    assert_eq!(whole(&*index, &asked(&scene.people[1], "later")).await.len(), 1);
    let other = harness.open().await.1;
    let more = send(&*store, &scene.talk(60)).await;
    let threads = [scene.thread];
    let (one, two) = tokio::join!(catch_up(&*index, &threads), catch_up(&*other, &threads));
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(whole(&*index, &asked(&scene.people[1], "message")).await.len(), more.len());
}

/// Everything that a query finds, page by page.
async fn whole(index: &dyn SearchIndex, query: &SearchQuery) -> Vec<MessageId> {
    let (mut query, mut all) = (query.clone(), Vec::new());
    loop {
        let Found { hits, next, .. } = find(index, &query).await.expect("search");
        assert!(hits.len() <= query.limit, "a page is no longer than was asked for");
        all.extend(hits.iter().map(|hit| hit.message.id));
        let once: BTreeSet<MessageId> = all.iter().copied().collect();
        assert_eq!(once.len(), all.len(), "each hit comes once");
        let Some(next) = next else { return all };
        assert!(query.after.is_none_or(|after| next < after), "each page gets further");
        query.after = Some(next);
    }
}

/// Brings the blocks of these threads up to their messages, and waits until that is seen.
async fn index_all(index: &dyn SearchIndex, all: &[ThreadId]) {
    let mut threads = all.to_vec();
    while !threads.is_empty() {
        threads = catch_up(index, &threads).await.expect("index").1;
    }
    let given_up = Instant::now() + PATIENCE;
    while index.reaches(all).await.expect("read how far they are").iter().any(Reach::is_behind) {
        assert!(Instant::now() < given_up, "what was indexed is seen");
        // sleep: a store of several servers shows what waits for no majority a moment later.
        sleep(Duration::from_millis(5)).await;
    }
}

/// Some threads that are behind.
async fn some_behind(index: &dyn SearchIndex) -> Option<Vec<ThreadId>> {
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let (page, next) = index.behind(after, 3).await.expect("look for threads that are behind");
        found.extend(page.iter().map(|reach| reach.thread));
        after = next;
        if after.is_none() {
            return (!found.is_empty()).then_some(found);
        }
    }
}

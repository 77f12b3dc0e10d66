//! Filling a store for the measurement of search, and storing more in it.

use super::languages::Language;
use super::sizes::Sizes;
use crate::search::SearchIndex;
use crate::search::block::catch_up;
use crate::store::{NewMessage, Store};
use crate::store_contract::fixtures::{Scene, append, at, fresh_people, say};
use crate::store_contract::random::Random;
use eventflow_protocol::{ThreadId, UserId};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Messages that are stored in one call.
const BATCH: usize = 500;
/// People of all threads for each thread.
const PEOPLE_PER_THREAD: f64 = 0.2;
/// The busiest person is in one of so many threads.
const BUSY: usize = 3;
/// Threads of one step of indexing, as the worker takes.
const STEP: usize = 64;
/// How often threads to index are looked for, as the worker does.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A store with messages.
pub(super) struct Filled {
    pub(super) languages: Vec<Language>,
    rooms: Vec<Room>,
    busy: UserId,
    ordinary: Vec<UserId>,
    stored: AtomicUsize,
}

/// A thread with its people and the language that they write.
struct Room {
    thread: ThreadId,
    people: Vec<UserId>,
    language: usize,
}

/// Who searches.
#[derive(Clone, Copy)]
pub(super) struct Searcher<'a> {
    pub(super) name: &'static str,
    pub(super) people: &'a [UserId],
}

impl Filled {
    /// Fills a store. Gives also how long storing the messages took.
    pub(super) async fn fill(store: &dyn Store, sizes: Sizes, random: &mut Random) -> (Self, Duration) {
        let languages: Vec<Language> = (0..20).map(|n| Language::new(n, random)).collect();
        let count = (sizes.messages / sizes.per_thread).max(1);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
        let mut ordinary = fresh_people(((count as f64 * PEOPLE_PER_THREAD) as usize).max(10));
        let busy = ordinary.remove(0);
        let mut rooms = Vec::new();
        for n in 0..count {
            let mut people: BTreeSet<UserId> =
                (0..2 + random.below(4)).map(|_| ordinary[random.below(ordinary.len())].clone()).collect();
            people.extend((n % BUSY == 0).then(|| busy.clone()));
            // Whoever was drawn twice talks to the first two.
            people.extend(ordinary[..if people.len() < 2 { 2 } else { 0 }].iter().cloned());
            let people: Vec<UserId> = people.into_iter().collect();
            let thread = Scene::between(store, people.clone()).await.thread;
            rooms.push(Room { thread, people, language: random.below(languages.len()) });
        }
        let filled = Self { languages, rooms, busy, ordinary, stored: AtomicUsize::new(0) };
        let took = filled.store_more(store, sizes.messages, random).await;
        (filled, took)
    }

    pub(super) fn threads(&self) -> usize {
        self.rooms.len()
    }

    /// Ordinary people, and the busy one.
    pub(super) fn people(&self) -> [Searcher<'_>; 2] {
        let busy = std::slice::from_ref(&self.busy);
        [Searcher { name: "ordinary", people: &self.ordinary }, Searcher { name: "busy", people: busy }]
    }

    /// Brings all threads into blocks.
    pub(super) async fn index(&self, index: &dyn SearchIndex) {
        let threads: Vec<ThreadId> = self.rooms.iter().map(|room| room.thread).collect();
        index_threads(index, threads).await;
    }

    /// Stores more messages. Gives how long that took.
    pub(super) async fn store_more(&self, store: &dyn Store, count: usize, random: &mut Random) -> Duration {
        self.store(store, count, random, |_| ()).await
    }

    /// As [`Self::store_more`], while what is stored is indexed.
    pub(super) async fn store_while_indexing(
        &self,
        store: &dyn Store,
        index: &dyn SearchIndex,
        count: usize,
        random: &mut Random,
    ) -> Duration {
        let (waiting, is_over) = (Mutex::new(BTreeSet::new()), AtomicBool::new(false));
        let storing = async {
            let note = |thread| {
                waiting.lock().insert(thread);
            };
            let took = self.store(store, count, random, note).await;
            is_over.store(true, Relaxed);
            took
        };
        let indexing = async {
            while !is_over.load(Relaxed) {
                let threads = std::mem::take(&mut *waiting.lock());
                index_threads(index, threads.into_iter().collect()).await;
                // sleep: the worker looks as seldom.
                sleep(LOOK_EVERY).await;
            }
        };
        tokio::join!(storing, indexing).0
    }

    async fn store(
        &self,
        store: &dyn Store,
        count: usize,
        random: &mut Random,
        note: impl Fn(ThreadId),
    ) -> Duration {
        let (mut left, mut took) = (count, Duration::ZERO);
        while left > 0 {
            let batch: Vec<NewMessage> = (0..BATCH.min(left)).map(|_| self.message(random)).collect();
            left -= batch.len();
            let began = Instant::now();
            let messages = append(store, &batch).await;
            store.touch_threads(&messages).await.expect("touch");
            took += began.elapsed();
            for message in &messages {
                note(message.thread_id);
            }
        }
        took
    }

    fn message(&self, random: &mut Random) -> NewMessage {
        let room = &self.rooms[random.below(self.rooms.len())];
        let sender = &room.people[random.below(room.people.len())];
        let mut new = say(room.thread, sender, &self.languages[room.language].text(random));
        new.send.at = at(i64::try_from(self.stored.fetch_add(1, Relaxed)).unwrap_or_default());
        new
    }
}

async fn index_threads(index: &dyn SearchIndex, threads: Vec<ThreadId>) {
    for some in threads.chunks(STEP) {
        let mut left = some.to_vec();
        while !left.is_empty() {
            left = catch_up(index, &left).await.expect("index").1;
        }
    }
}

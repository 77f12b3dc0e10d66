//! Batches of cursors: many advances in one call have the same result as one after another.

use super::Harness;
use super::fixtures::{Scene, append, at, creation, fresh_people, history, unread};
use super::random::Random;
use crate::store::Store;
use eventflow_protocol::change::{AdvanceCursor, Advanced, Cursor, RECEIPTED_MAX};
use eventflow_protocol::document::{Message, MessageStatus};
use eventflow_protocol::{ThreadId, UserId};

/// Number of batches of the check that compares with single advances.
const BATCHES: usize = 12;
/// Number of advances in one call, more than any store handles at once.
const MANY: usize = 600;

/// The advances are of several people in several threads, with repetitions, steps back and strangers.
pub async fn advances_together_end_as_one_after_another(harness: &dyn Harness) {
    for seed in 0..3 {
        let mut random = Random::seeded(seed);
        let (together, alone) = (harness.open().await, harness.open().await);
        let twins = [
            Twins::talk(&*together, 3, 9).await,
            Twins::talk(&*together, 5, 40).await,
            Twins::talk(&*together, 2, 0).await,
        ];
        let strangers = fresh_people(1);
        for batch in 0..BATCHES {
            let wishes: Vec<_> =
                (0..=random.below(30)).map(|_| Wish::random(&mut random, &twins, &strangers)).collect();
            let [left, right] =
                [0, 1].map(|side| wishes.iter().map(|wish| wish.at(&twins, side)).collect::<Vec<_>>());
            let answers = together.advance(&left).await.expect("advance together");
            let mut expected = Vec::new();
            for one in &right {
                expected.extend(alone.advance(std::slice::from_ref(one)).await.expect("advance alone"));
            }
            assert_eq!(
                places(&left, &answers),
                places(&right, &expected),
                "seed {seed}, batch {batch}: {left:?}"
            );
            for twin in &twins {
                let [left, right] = &twin.0;
                assert_eq!(
                    receipts(&*together, left).await,
                    receipts(&*alone, right).await,
                    "seed {seed}, batch {batch}"
                );
                assert_eq!(
                    unread(&*together, left).await,
                    unread(&*alone, right).await,
                    "seed {seed}, batch {batch}"
                );
            }
        }
    }
}

/// One call holds the delivered and the read advance of everybody. Each person has their receipt once, and
/// the last answer shows the messages as read.
pub async fn a_crowd_that_reads_at_once_is_counted_once_each(harness: &dyn Harness) {
    let store = harness.open().await;
    let mut advances = Vec::new();
    let mut scenes = Vec::new();
    while advances.len() < MANY {
        let scene = Scene::with_people(&*store, 90).await;
        append(&*store, &scene.talk(3)).await;
        for cursor in [Cursor::Delivered, Cursor::Read] {
            advances.extend(scene.people.iter().map(|person| wish(scene.thread, person, cursor, Some(3))));
        }
        scenes.push(scene);
    }
    for repetition in 0..2 {
        let answers = store.advance(&advances).await.expect("advance");
        assert_eq!(answers.len(), advances.len());
        assert!(
            answers
                .iter()
                .flatten()
                .all(|answer| answer.up_to == 3 && (answer.from == 0) == (repetition == 0))
        );
        let last = answers.last().and_then(Option::as_ref).expect("they are in the thread");
        let seen: Vec<_> = last.messages.iter().map(|message| (message.seq, message.status)).collect();
        let read = [1, 2, 3].map(|seq| (seq, MessageStatus::Read));
        assert_eq!(seen, if repetition == 0 { read.to_vec() } else { Vec::new() });
        for scene in &scenes {
            for message in history(&*harness.open().await, scene.thread).await {
                assert_eq!(
                    (message.status, message.read_by.len(), message.delivered_to.len()),
                    (MessageStatus::Read, 89, 89)
                );
            }
            assert_eq!(unread(&*store, scene).await, vec![0; 90]);
        }
    }
}

/// A long step beside short ones names its own newest messages, and so do the short ones.
pub async fn a_long_step_beside_short_ones_names_its_newest(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 3).await;
    let count = RECEIPTED_MAX as u64 + 50;
    let batch: Vec<_> = (0..count).map(|i| scene.say(0, &format!("{i}"))).collect();
    let messages = append(&*store, &batch).await;
    store.touch_threads(&messages).await.expect("touch");
    let to = |who: usize, place| wish(scene.thread, &scene.people[who], Cursor::Read, Some(place));
    let answers = store.advance(&[to(1, 3), to(2, count), to(1, 5)]).await.expect("advance");
    let named = |answer: &Option<Advanced>| {
        answer.as_ref().map(|a| a.messages.iter().map(|m| m.seq).collect::<Vec<_>>())
    };
    assert_eq!(named(&answers[0]), Some(vec![1, 2, 3]));
    assert_eq!(named(&answers[1]), Some((51..=count).collect()));
    assert_eq!(named(&answers[2]), Some(vec![4, 5]));
    assert_eq!(unread(&*store, &scene).await, [0, count - 5, 0]);
}

/// Two threads of the same people with the same messages, one for each way to advance.
struct Twins([Scene; 2]);

impl Twins {
    /// Both threads have `count` messages, of which half are counted in the thread document.
    async fn talk(store: &dyn Store, people: usize, count: usize) -> Self {
        let people = fresh_people(people);
        let scenes = [Scene::between(store, people.clone()).await, Scene::between(store, people).await];
        for scene in &scenes {
            let messages = append(store, &scene.talk(count)).await;
            store.touch_threads(&messages[..count / 2]).await.expect("touch");
        }
        Self(scenes)
    }
}

/// An advance that a person wants, the same for both threads.
#[derive(Debug)]
struct Wish {
    thread: Option<usize>,
    person: UserId,
    cursor: Cursor,
    up_to: Option<u64>,
}

impl Wish {
    fn random(random: &mut Random, twins: &[Twins], strangers: &[UserId]) -> Self {
        let thread = random.below(twins.len());
        let people = if random.percent(5) { strangers } else { &twins[thread].0[0].people };
        Self {
            thread: (!random.percent(5)).then_some(thread),
            person: people[random.below(people.len())].clone(),
            cursor: if random.percent(50) { Cursor::Read } else { Cursor::Delivered },
            up_to: (!random.percent(10)).then(|| random.below(45) as u64),
        }
    }

    fn at(&self, twins: &[Twins], side: usize) -> AdvanceCursor {
        let nowhere = || creation(&fresh_people(2), 0).thread_id;
        let thread = self.thread.map_or_else(nowhere, |thread| twins[thread].0[side].thread);
        wish(thread, &self.person, self.cursor, self.up_to)
    }
}

fn wish(thread_id: ThreadId, person: &UserId, cursor: Cursor, up_to: Option<u64>) -> AdvanceCursor {
    AdvanceCursor { thread_id, user_id: person.clone(), cursor, up_to, at: at(50) }
}

/// From where, to where, the named messages, and the remaining unread count.
type Went = (u64, u64, Vec<u64>, Option<u64>);

/// Where each cursor went, which messages the answer names, and what a read advance left unread. The
/// comparison leaves out the status of messages, which may include other advances of the same call. It also
/// leaves out other unread counts, which depend on how far the thread was counted by then.
fn places(wanted: &[AdvanceCursor], answers: &[Option<Advanced>]) -> Vec<Option<Went>> {
    let place = |(wanted, answer): (&AdvanceCursor, &Option<Advanced>)| {
        let answer = answer.as_ref()?;
        let has_read = wanted.cursor == Cursor::Read && answer.up_to > answer.from;
        let named = answer.messages.iter().map(|message| message.seq).collect();
        Some((answer.from, answer.up_to, named, has_read.then_some(answer.unread_count)))
    };
    wanted.iter().zip(answers).map(place).collect()
}

/// Status and receipts of every message, sorted by person.
async fn receipts(store: &dyn Store, scene: &Scene) -> Vec<(MessageStatus, Vec<UserId>, Vec<UserId>)> {
    let receipts = |message: Message| {
        let mut read: Vec<_> = message.read_by.into_iter().map(|receipt| receipt.user_id).collect();
        let mut delivered: Vec<_> = message.delivered_to.into_iter().map(|receipt| receipt.user_id).collect();
        read.sort_unstable();
        delivered.sort_unstable();
        (message.status, read, delivered)
    };
    history(store, scene.thread).await.into_iter().map(receipts).collect()
}

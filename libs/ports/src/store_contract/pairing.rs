//! Pairing: one click that arrives by socket and by REST without a key is one message, and two intended equal
//! messages stay two.
//!
//! The checks repeat on the real store the table by which the rule was chosen: bursts of equal messages,
//! whose halves arrive in any order, are redelivered or lost, and are split over batches and writers. The
//! random numbers are seeded.

use super::Harness;
use super::fixtures::{Scene, append, at, change, change_one, duplicate, history, present, stored};
use super::random::Random;
use crate::store::{Appended, NewMessage, Store};
use eventflow_protocol::change::Change;
use eventflow_protocol::content::Content;
use eventflow_protocol::pairing::{self, Leg, OFFLINE_WINDOW_MS, Pairing, REST_BEHIND_WINDOW_MS, WINDOW_MS};
use eventflow_protocol::{CommandId, MessageId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Number of bursts of equal messages per row of the table.
const BURSTS: usize = 25;
/// Largest number of clicks in one burst; the smallest is 1.
const CLICKS_MAX: usize = 5;

/// Both halves of every click arrive, in any order, and 30 % of them again. There are as many messages as
/// clicks.
pub async fn clicks_that_arrive_twice_are_stored_once(harness: &dyn Harness) {
    bursts(harness, &Row { seed: 1, lost_socket: 0, lost_rest: 0, redelivered: 30 }).await;
}

/// No socket half arrives.
pub async fn clicks_by_rest_alone_are_all_stored(harness: &dyn Harness) {
    bursts(harness, &Row { seed: 2, lost_socket: 100, lost_rest: 0, redelivered: 30 }).await;
}

/// No REST half arrives.
pub async fn clicks_by_socket_alone_are_all_stored(harness: &dyn Harness) {
    bursts(harness, &Row { seed: 3, lost_socket: 0, lost_rest: 100, redelivered: 30 }).await;
}

/// Some halves are lost. There are as many messages as halves of the more frequent kind.
pub async fn lost_legs_cost_no_more_than_they_must(harness: &dyn Harness) {
    bursts(harness, &Row { seed: 4, lost_socket: 1, lost_rest: 1, redelivered: 30 }).await;
    bursts(harness, &Row { seed: 5, lost_socket: 10, lost_rest: 10, redelivered: 30 }).await;
}

/// The second half gets the message of the first as its answer and takes no `seq`. Each half finds the
/// message again.
pub async fn the_second_leg_finds_the_message_of_the_first(harness: &dyn Harness) {
    for first in [Leg::Socket, Leg::Rest] {
        let store = harness.open().await;
        let scene = Scene::with_people(&*store, 2).await;
        let (one, other) = (leg(&scene, "ok", first, 0), leg(&scene, "ok", first.other(), 3));
        let message = append(&*store, std::slice::from_ref(&one)).await.remove(0);
        assert_eq!(message.client_message_id, None);
        for witness in [store.clone(), harness.open().await] {
            for hint in [false, true] {
                let batch = [&other, &one].map(|new| NewMessage { redelivered: hint, ..new.clone() });
                for answer in witness.append_messages(&batch).await.expect("append") {
                    assert_eq!(duplicate(answer), message);
                }
            }
        }
        let next = append(&*store, &[leg(&scene, "ok", first, 4)]).await.remove(0);
        assert_eq!(next.seq, 2, "the second click is another message");
    }
}

/// A message that was edited or taken back is no other half of a click: what is sent now is a new message.
/// The half that had joined before finds its message all the same.
pub async fn a_leg_joins_only_what_still_is_as_it_was_sent(harness: &dyn Harness) {
    for wanted in [
        Change::Delete,
        Change::Edit { content: Content::parse("no").expect("it is content"), mentions: None },
    ] {
        for first in [Leg::Socket, Leg::Rest] {
            let (store, other) = (harness.open().await, harness.open().await);
            let scene = Scene::with_people(&*store, 2).await;
            let joined = leg(&scene, "ok", first, 0);
            let both = [joined.clone(), leg(&scene, "ok", first.other(), 1)];
            let answers = store.append_messages(&both).await.expect("append");
            let message = answers.into_iter().map(present).next_back().expect("one answer per leg");
            let alone = append(&*store, &[leg(&scene, "yes", first, 0)]).await.remove(0);
            for message in [&message, &alone] {
                change_one(&*store, &change(message, &scene.people[0], wanted.clone(), 2)).await;
            }
            let again = [leg(&scene, "yes", first.other(), 3), leg(&scene, "yes", first, 4)];
            let mut answers = other.append_messages(&again).await.expect("append").into_iter();
            let new = stored(answers.next().expect("one answer per leg"));
            assert_eq!((new.content.as_str(), new.seq), ("yes", 3), "{wanted:?}");
            assert_eq!(duplicate(answers.next().expect("one answer per leg")), new);
            for found in other.append_messages(&super::fixtures::again(&both)).await.expect("append") {
                assert_eq!(present(found).id, message.id, "each half finds its message");
            }
        }
    }
}

/// Both halves are in one batch, with clicks mixed.
pub async fn legs_of_one_batch_find_each_other(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let of = |text: &str, kind| leg(&scene, text, kind, 0);
    let batch = [
        of("a", Leg::Socket),
        of("b", Leg::Rest),
        of("a", Leg::Socket),
        of("a", Leg::Rest),
        of("b", Leg::Socket),
        of("a", Leg::Rest),
        of("a", Leg::Rest),
    ];
    let answers: Vec<_> =
        store.append_messages(&batch).await.expect("append").into_iter().map(present).collect();
    let places: Vec<u64> = answers.iter().map(|message| message.seq).collect();
    assert_eq!(places, [1, 2, 3, 1, 2, 3, 4], "a leg joins the oldest message that lacks its kind");
}

/// One writer gets the socket halves and another the REST halves at the same time; the decision is atomic.
pub async fn legs_at_two_writers_find_each_other(harness: &dyn Harness) {
    let setup = harness.open().await;
    let scene = Scene::with_people(&*setup, 2).await;
    let clicks = 40;
    let mut writing = JoinSet::new();
    for kind in [Leg::Socket, Leg::Rest] {
        let store = harness.open().await;
        let legs: Vec<_> = (0..clicks).map(|i| leg(&scene, &format!("text {}", i % 4), kind, 0)).collect();
        writing.spawn(async move {
            let mut found = Vec::new();
            for (i, batch) in legs.chunks(3).enumerate() {
                let answers = store.append_messages(batch).await.expect("append beside another writer");
                if i % 3 == 0 {
                    store.append_messages(&super::fixtures::again(batch)).await.expect("append again");
                }
                found.extend(answers.into_iter().map(|answer| present(answer).id));
            }
            found
        });
    }
    for found in writing.join_all().await {
        assert_eq!(
            found.iter().collect::<BTreeSet<_>>().len(),
            clicks,
            "legs of one kind are messages of their own"
        );
    }
    assert_eq!(history(&*setup, scene.thread).await.len(), clicks, "each click is one message");
}

/// The pairing window ends. For a connection that was opened after the other half, it reaches further back.
pub async fn a_client_that_was_offline_reaches_further_back(harness: &dyn Harness) {
    let rest_at = at(0);
    for (apart, opened, joins) in [
        (WINDOW_MS, None, true),
        (WINDOW_MS + 1, None, false),
        (-REST_BEHIND_WINDOW_MS, None, true),
        (-REST_BEHIND_WINDOW_MS - 1, None, false),
        (WINDOW_MS + 1, Some(-1), false),
        (WINDOW_MS + 1, Some(5_000), true),
        (OFFLINE_WINDOW_MS, Some(100_000), true),
        (OFFLINE_WINDOW_MS + 1, Some(100_000), false),
    ] {
        let store = harness.open().await;
        let scene = Scene::with_people(&*store, 2).await;
        let message = append(&*store, &[leg(&scene, "ok", Leg::Rest, 0)]).await.remove(0);
        let mut late = leg(&scene, "ok", Leg::Socket, 0);
        late.send.at = Timestamp(rest_at.0 + apart);
        let opened_at = opened.map(|ms: i64| Timestamp(rest_at.0 + ms));
        late.send.pairing = late.send.pairing.map(|pairing| Pairing { opened_at, ..pairing });
        let answer = store.append_messages(std::slice::from_ref(&late)).await.expect("append").remove(0);
        if joins {
            assert_eq!(duplicate(answer), message, "{apart} ms apart, connected at {opened:?}");
        } else {
            assert_eq!(stored(answer).seq, 2, "{apart} ms apart, connected at {opened:?}");
        }
    }
}

/// A REST half that waited in line behind other requests of its page finds the socket's half. A later one
/// does not.
pub async fn a_rest_leg_may_come_late(harness: &dyn Harness) {
    for (behind, joins) in [(REST_BEHIND_WINDOW_MS, true), (REST_BEHIND_WINDOW_MS + 1, false)] {
        let store = harness.open().await;
        let scene = Scene::with_people(&*store, 2).await;
        let message = append(&*store, &[leg(&scene, "ok", Leg::Socket, 0)]).await.remove(0);
        let mut late = leg(&scene, "ok", Leg::Rest, 0);
        late.send.at = Timestamp(at(0).0 + behind);
        let answer = store.append_messages(std::slice::from_ref(&late)).await.expect("append").remove(0);
        if joins {
            assert_eq!(duplicate(answer), message, "{behind} ms behind");
        } else {
            assert_eq!(stored(answer).seq, 2, "{behind} ms behind");
        }
    }
}

/// A message with a key is identified by its key alone.
pub async fn a_keyed_message_never_pairs(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let keyed = |kind, key: &str| {
        let mut new = leg(&scene, "ok", kind, 0);
        new.send.client_message_id = Some(key.to_owned());
        new
    };
    let batch = [
        keyed(Leg::Socket, "a"),
        keyed(Leg::Rest, "b"),
        leg(&scene, "ok", Leg::Rest, 0),
        keyed(Leg::Socket, "c"),
    ];
    let messages = append(&*store, &batch).await;
    let last = leg(&scene, "ok", Leg::Socket, 0);
    let answer = store.append_messages(std::slice::from_ref(&last)).await.expect("append").remove(0);
    assert_eq!(duplicate(answer), messages[2], "and nothing pairs with it");
}

/// Equal messages over one transport, from another login or with another text stay separate.
pub async fn what_differs_in_anything_stays_apart(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let elsewhere = Scene::between(&*store, scene.people.clone()).await;
    let mut theirs = leg(&scene, "ok", Leg::Rest, 0);
    theirs.send.sender_id = scene.people[1].clone();
    theirs.send.pairing = Some(paired(&theirs, Leg::Rest, 1));
    let mut other_login = leg(&scene, "ok", Leg::Rest, 0);
    other_login.send.pairing = Some(paired(&other_login, Leg::Rest, 2));
    let batch = [
        leg(&scene, "ok", Leg::Socket, 0),
        leg(&scene, "ok", Leg::Socket, 0),
        leg(&scene, "ok!", Leg::Rest, 0),
        leg(&elsewhere, "ok", Leg::Rest, 0),
        theirs,
        other_login,
    ];
    append(&*store, &batch).await;
    assert_eq!(history(&*store, scene.thread).await.len(), 5);
}

/// How a row of the table is generated; all numbers except the seed are percentages.
struct Row {
    seed: u64,
    lost_socket: usize,
    lost_rest: usize,
    redelivered: usize,
}

async fn bursts(harness: &dyn Harness, row: &Row) {
    let mut random = Random::seeded(row.seed);
    let stores = [harness.open().await, harness.open().await];
    let scene = Scene::with_people(&*stores[0], 2).await;
    let (mut expected, mut answers) = (0, Answers::default());
    for burst in 0..BURSTS {
        let clicks = 1 + random.below(CLICKS_MAX);
        let mut arriving = Vec::new();
        for (kind, lost) in [(Leg::Socket, row.lost_socket), (Leg::Rest, row.lost_rest)] {
            let sent = (0..clicks).filter(|_| !random.percent(lost)).count();
            arriving
                .extend((0..sent).map(|_| leg(&scene, &format!("burst {burst}"), kind, random.below(10))));
        }
        let of = |kind| arriving.iter().filter(|new| kind_of(new) == kind).count();
        expected += of(Leg::Socket).max(of(Leg::Rest));
        random.shuffle(&mut arriving);
        let arriving = redeliver(arriving, row.redelivered, &mut random);
        deliver(&stores, &arriving, &mut random, &mut answers).await;
    }
    assert_eq!(
        history(&*stores[0], scene.thread).await.len(),
        expected,
        "no click is stored twice and none is eaten"
    );
    for legs in answers.by_message.values() {
        let kinds: BTreeSet<_> = legs.values().map(|kind| *kind == Leg::Socket).collect();
        assert_eq!(kinds.len(), legs.len(), "a message has one leg of each kind at most");
    }
}

/// Which half was answered with which message.
#[derive(Default)]
struct Answers {
    by_command: BTreeMap<CommandId, MessageId>,
    by_message: BTreeMap<MessageId, BTreeMap<CommandId, Leg>>,
}

/// Inserts some messages a second time, somewhere after the first.
fn redeliver(arriving: Vec<NewMessage>, percent: usize, random: &mut Random) -> Vec<NewMessage> {
    let mut all = arriving.clone();
    for new in arriving {
        if !random.percent(percent) {
            continue;
        }
        let first = all.iter().position(|other| other.command_id == new.command_id).unwrap_or_default();
        let again = NewMessage { redelivered: random.percent(50), ..new };
        all.insert(first + 1 + random.below(all.len() - first), again);
    }
    all
}

/// Hands the messages over in batches of random size to random writers, one after the other.
async fn deliver(
    stores: &[Arc<dyn Store>; 2],
    arriving: &[NewMessage],
    random: &mut Random,
    answers: &mut Answers,
) {
    let mut rest = arriving;
    while !rest.is_empty() {
        let (batch, behind) = rest.split_at(1 + random.below(rest.len()));
        rest = behind;
        let found = stores[random.below(2)].append_messages(batch).await.expect("append");
        for (new, answer) in batch.iter().zip(found) {
            let is_known = answers.by_command.contains_key(&new.command_id);
            assert!(
                !(is_known && matches!(answer, Appended::Stored(_))),
                "a redelivered leg was stored: {answer:?}"
            );
            let message = present(answer).id;
            let first = *answers.by_command.entry(new.command_id).or_insert(message);
            assert_eq!(message, first, "a leg that comes again finds its message");
            answers.by_message.entry(message).or_default().insert(new.command_id, kind_of(new));
        }
    }
}

/// One half of a click of the scene's first person, `seconds` after time zero.
fn leg(scene: &Scene, text: &str, kind: Leg, seconds: usize) -> NewMessage {
    let mut new = scene.say(0, text);
    new.send.at = at(i64::try_from(seconds).unwrap_or_default());
    new.send.pairing = Some(paired(&new, kind, 1));
    new
}

/// The pairing that the ingress attaches to a message of this login.
fn paired(new: &NewMessage, leg: Leg, login: u8) -> Pairing {
    let send = &new.send;
    let key = pairing::key(&[login; 32], &send.sender_id, send.thread_id, send.said());
    Pairing { leg, key, opened_at: None }
}

fn kind_of(new: &NewMessage) -> Leg {
    new.send.pairing.as_ref().map_or(Leg::Rest, |pairing| pairing.leg)
}

//! The contract of every [`DeadLetters`], as checks that an adapter's tests call.
//!
//! Each check needs a store of its own, because a worker takes whichever replay is due.

use crate::dead_letters::{AuditPage, DeadLetters, Kept, LetterCount, LetterOrder, LetterPage, ReplayCounts};
use crate::store_contract::fixtures::{at, fresh_people};
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_protocol::UserId;
use eventflow_protocol::dead_letters::{
    Arrival, AuditAction, AuditEntry, Carried, Cause, DeadLetter, DeadLetterId, Edit, LetterChange,
    LetterFilter, LetterPlace, LetterState, Replay, ReplayId, ReplayState, Replayed, WhichLetters,
};
use std::sync::Arc;
use uuid::Uuid;

/// A body as large as the largest command, and then some.
const LARGE: usize = 260 * 1024;
/// A body that no document of a database holds.
const HUGE: usize = 20 * 1024 * 1024;

/// Gives the suite access to the store under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens one more store over the same data with empty caches, as another process would.
    async fn open(&self) -> Arc<dyn DeadLetters>;

    /// Makes what is stored of a letter something that nobody can read as one, as another program may.
    async fn spoil(&self, id: DeadLetterId);
}

/// A letter comes back as it was kept, with every byte; what is delivered twice is kept once, and what fails
/// again joins its letter.
pub async fn a_letter_is_kept_once_and_joined_when_it_fails_again(harness: &dyn Harness) {
    let letters = harness.open().await;
    let arrivals =
        [arrival(1, 1, b"a"), Arrival { kind: None, cause: Cause::Unreadable, ..arrival(2, 2, b"") }];
    assert_eq!(letters.keep_letters(&arrivals).await.expect("keep"), [Kept::New, Kept::New]);
    for witness in [letters.clone(), harness.open().await] {
        let found = witness.dead_letter(arrivals[0].id).await.expect("read");
        assert_eq!(found, Some(DeadLetter::new(&arrivals[0])));
        assert_eq!(body_of(&*witness, arrivals[0].id, 1).await, Some("a".into()));
        assert_eq!(body_of(&*witness, arrivals[1].id, 1).await, Some(Bytes::new()));
        assert_eq!(body_of(&*witness, arrivals[0].id, 2).await, None);
        let again = [Arrival { at: at(9), ..arrivals[0].clone() }];
        assert_eq!(witness.keep_letters(&again).await.expect("again"), [Kept::Before]);
    }
    replay(letters.as_ref(), &[arrivals[0].id], ReplayId::new()).await;
    let failed = Arrival { at: at(20), reason: "another".to_owned(), ..arrivals[0].clone() };
    assert_eq!(letters.keep_letters(std::slice::from_ref(&failed)).await.expect("keep"), [Kept::Again]);
    let found = harness.open().await.dead_letter(failed.id).await.expect("read").expect("it is kept");
    assert_eq!((found.failures, found.replays, found.version()), (2, 1, 1));
    assert_eq!(
        (found.state, found.reason.as_str(), found.last_at),
        (LetterState::Waiting, "another", at(20))
    );
    assert_eq!(letters.dead_letter(arrival(3, 1, b"").id).await.expect("read"), None);
}

/// No body is too large: not one of the largest command, and not one that no document holds.
pub async fn a_large_body_is_kept_whole(harness: &dyn Harness) {
    let letters = harness.open().await;
    for (number, size) in [(1, LARGE), (2, HUGE)] {
        let body: Vec<u8> = (0..size).map(|n| u8::try_from(n % 251).unwrap_or_default()).collect();
        let large = Arrival { body: body.clone().into(), ..arrival(number, 1, b"") };
        for _ in 0..2 {
            letters.keep_letters(std::slice::from_ref(&large)).await.expect("keep");
        }
        let found = body_of(&*harness.open().await, large.id, 1).await.expect("it is kept");
        assert!(found == body, "{size} bytes came back changed");
    }
}

/// Lists, counts and groups show what fits, each letter once, in either order.
pub async fn letters_are_listed_counted_and_grouped(harness: &dyn Harness) {
    let letters = harness.open().await;
    let mut arrivals: Vec<Arrival> = (0..7).map(|n| arrival(n, i64::from(n) / 2, b"x")).collect();
    arrivals[5].cause = Cause::Refused;
    "fanout.0".clone_into(&mut arrivals[6].queue);
    letters.keep_letters(&arrivals).await.expect("keep");
    let mut expected: Vec<LetterPlace> =
        arrivals.iter().map(|arrival| LetterPlace { at: arrival.at, id: arrival.id }).collect();
    expected.sort_unstable();
    for order in [LetterOrder::OldestFirst, LetterOrder::NewestFirst] {
        assert_eq!(walk(letters.as_ref(), &LetterFilter::default(), order).await, expected, "{order:?}");
        expected.reverse();
    }
    let count = async |which: LetterFilter| letters.count_letters(&which).await.expect("count");
    let any = LetterFilter::default;
    assert_eq!(count(any()).await, 7);
    assert_eq!(count(LetterFilter { queue: Some("persist.0".to_owned()), ..any() }).await, 6);
    assert_eq!(count(LetterFilter { cause: Some(Cause::Refused), ..any() }).await, 1);
    assert_eq!(count(LetterFilter { kind: Some("send_message".to_owned()), ..any() }).await, 7);
    assert_eq!(count(LetterFilter { kind: Some("$ne".to_owned()), ..any() }).await, 0);
    assert_eq!(count(LetterFilter { state: Some(LetterState::Replayed), ..any() }).await, 0);
    assert_eq!(count(LetterFilter { from: Some(at(1)), to: Some(at(3)), ..any() }).await, 4);
    let groups = letters.letter_groups(&any()).await.expect("group");
    let shown: Vec<_> = groups.iter().map(|group| (group.queue.as_str(), group.cause, group.count)).collect();
    assert_eq!(shown[0], ("persist.0", Cause::GaveUp, 5));
    assert_eq!((shown.len(), groups[0].oldest_at, groups[0].newest_at), (3, at(0), at(2)));
    assert_eq!(groups[0].reason, "store says no 4");
}

/// What waits is counted by queue and cause, whatever its kind.
pub async fn letters_are_counted_by_queue_and_cause(harness: &dyn Harness) {
    let letters = harness.open().await;
    let mut arrivals: Vec<Arrival> = (0..8).map(|n| arrival(n, 1, b"x")).collect();
    arrivals[1].kind = None;
    arrivals[4].cause = Cause::Refused;
    arrivals[5].cause = Cause::Refused;
    "fanout.0".clone_into(&mut arrivals[6].queue);
    letters.keep_letters(&arrivals).await.expect("keep");
    let discard = LetterChange::Discard { by: person(), why: "w".to_owned() };
    letters.change_letters(&[arrivals[7].id], &discard, at(2)).await.expect("discard");
    let count = |queue: &str, cause, count| LetterCount { queue: queue.to_owned(), cause, count };
    assert_eq!(
        harness.open().await.letter_counts(LetterState::Waiting).await.expect("count"),
        [
            count("persist.0", Cause::GaveUp, 4),
            count("persist.0", Cause::Refused, 2),
            count("fanout.0", Cause::GaveUp, 1)
        ]
    );
    let discarded = letters.letter_counts(LetterState::Discarded).await.expect("count");
    assert_eq!(discarded, [count("persist.0", Cause::GaveUp, 1)]);
    assert_eq!(letters.letter_counts(LetterState::Replayed).await.expect("count"), []);
}

/// What is stored among the letters and is none hides no letter: lists pass over it, and a page is full while
/// there are more.
pub async fn what_is_no_letter_is_passed_over(harness: &dyn Harness) {
    let letters = harness.open().await;
    let arrivals: Vec<Arrival> = (0..7).map(|n| arrival(n, i64::from(n), b"x")).collect();
    letters.keep_letters(&arrivals).await.expect("keep");
    for spoilt in [1, 2, 6] {
        harness.spoil(arrivals[spoilt].id).await;
    }
    let mut expected: Vec<LetterPlace> =
        [0, 3, 4, 5].map(|n: usize| LetterPlace { at: arrivals[n].at, id: arrivals[n].id }).into();
    let waiting = || LetterFilter { state: Some(LetterState::Waiting), ..LetterFilter::default() };
    for order in [LetterOrder::OldestFirst, LetterOrder::NewestFirst] {
        for which in [LetterFilter::default(), waiting()] {
            assert_eq!(walk(letters.as_ref(), &which, order).await, expected, "{order:?}, {which:?}");
            for limit in 1..=4 {
                let page = LetterPage { after: None, limit, order };
                let found = letters.dead_letters(&which, page).await.expect("list");
                assert_eq!(found.len(), limit as usize, "{order:?}, {which:?}");
            }
        }
        expected.reverse();
    }
    letters.letter_groups(&waiting()).await.expect("group");
    letters.letter_counts(LetterState::Waiting).await.expect("count");
}

/// Of two that take a letter only one has it; a confirm counts once; only what waits is edited or discarded.
pub async fn a_letter_changes_once(harness: &dyn Harness) {
    let letters = harness.open().await;
    let (one, two) = (arrival(1, 1, b"a"), arrival(2, 1, b"a"));
    letters.keep_letters(&[one.clone(), two.clone()]).await.expect("keep");
    let other = harness.open().await;
    let (mine, theirs) = (ReplayId::new(), ReplayId::new());
    let (first, second) = (LetterChange::Take(mine), LetterChange::Take(theirs));
    let ids = [one.id];
    let (first, second) =
        tokio::join!(letters.change_letters(&ids, &first, at(2)), other.change_letters(&ids, &second, at(2)));
    let taken = [first.expect("take"), second.expect("take")].concat();
    assert_eq!((taken.len(), taken[0].state), (1, LetterState::Replaying));
    let replay = taken[0].replay.expect("it has one");
    let confirm = LetterChange::Confirm(Replayed { replay, by: person(), why: "w".to_owned() });
    assert_eq!(letters.change_letters(&[two.id, one.id], &confirm, at(3)).await.expect("confirm").len(), 1);
    assert_eq!(other.change_letters(&[two.id, one.id], &confirm, at(3)).await.expect("again"), []);
    let edit = LetterChange::Edit(Edit { version: 1, body: "bb".into(), by: person(), why: "w".to_owned() });
    assert_eq!(letters.change_letters(&[one.id], &edit, at(4)).await.expect("edit"), []);
    let edited = letters.change_letters(&[two.id], &edit, at(4)).await.expect("edit");
    assert_eq!((edited[0].version(), edited[0].size()), (2, 2));
    assert_eq!(other.change_letters(&[two.id], &edit, at(4)).await.expect("too late"), []);
    for (version, body) in [(1, "a"), (2, "bb")] {
        assert_eq!(body_of(&*other, two.id, version).await, Some(body.into()));
    }
    let discard = LetterChange::Discard { by: person(), why: "w".to_owned() };
    let discarded =
        other.change_letters(&[two.id, arrival(9, 1, b"").id], &discard, at(5)).await.expect("discard");
    assert_eq!((discarded.len(), discarded[0].state), (1, LetterState::Discarded));
    assert_eq!(harness.open().await.dead_letter(two.id).await.expect("read").as_ref(), discarded.first());
}

/// What was replayed or discarded long ago is deleted with its bodies, and what waits never.
pub async fn ended_letters_are_forgotten_and_waiting_ones_are_not(harness: &dyn Harness) {
    let letters = harness.open().await;
    let arrivals: Vec<Arrival> = (0..3).map(|n| arrival(n, 1, b"a")).collect();
    letters.keep_letters(&arrivals).await.expect("keep");
    replay(letters.as_ref(), &[arrivals[0].id], ReplayId::new()).await;
    let discard = LetterChange::Discard { by: person(), why: "w".to_owned() };
    letters.change_letters(&[arrivals[1].id], &discard, at(50)).await.expect("discard");
    assert_eq!(letters.forget_letters(at(10)).await.expect("forget"), 0);
    assert_eq!(letters.forget_letters(at(11)).await.expect("forget"), 1);
    assert_eq!(letters.letter_body(&DeadLetter::new(&arrivals[0]), 1).await.expect("read"), None);
    assert_eq!(letters.forget_letters(at(1_000)).await.expect("forget"), 1);
    assert_eq!(letters.forget_letters(at(1_000)).await.expect("forget"), 0);
    let left = walk(letters.as_ref(), &LetterFilter::default(), LetterOrder::OldestFirst).await;
    assert_eq!(left.iter().map(|place| place.id).collect::<Vec<_>>(), [arrivals[2].id]);
}

/// A replay is taken by one worker, and again when its claim has run out; a step counts once.
pub async fn a_replay_is_resumed_where_it_was(harness: &dyn Harness) {
    let letters = harness.open().await;
    let new = new_replay();
    letters.add_replay(&new).await.expect("add");
    let (one, other) = (harness.open().await, harness.open().await);
    let (first, second) = tokio::join!(one.claim_replay(at(5), at(15)), other.claim_replay(at(5), at(15)));
    let taken: Vec<Replay> = [first, second].into_iter().filter_map(|taken| taken.expect("claim")).collect();
    assert_eq!((taken.len(), taken[0].id), (1, new.id));
    let place = LetterPlace { at: at(1), id: arrival(1, 1, b"").id };
    for witness in [letters.clone(), harness.open().await] {
        let advanced = witness.advance_replay(new.id, None, place, at(20)).await.expect("step");
        assert!(advanced.is_none_or(|advanced| advanced.cursor == Some(place)), "the second is too late");
    }
    letters.add_replay(&new).await.expect("again changes nothing");
    assert_eq!(letters.claim_replay(at(19), at(29)).await.expect("claim"), None);
    let again = letters.claim_replay(at(20), at(30)).await.expect("claim").expect("its worker has died");
    assert_eq!(again.cursor, Some(place));
    letters.release_replay(new.id, at(21)).await.expect("release");
    assert!(letters.claim_replay(at(21), at(31)).await.expect("claim").is_some());
    letters.end_replay(new.id, at(22)).await.expect("end");
    letters.release_replay(new.id, at(23)).await.expect("release");
    let ended = harness.open().await.replay(new.id).await.expect("read").expect("it is there");
    assert_eq!((ended.state, ended.ended_at, ended.claimable_at), (ReplayState::Done, Some(at(22)), None));
    assert_eq!(letters.claim_replay(at(1_000), at(1_010)).await.expect("claim"), None);
    assert_eq!(letters.replay(ReplayId::new()).await.expect("read"), None);
}

/// An entry is added once and comes back as it was; pages show the newest first.
pub async fn the_audit_log_only_grows(harness: &dyn Harness) {
    let letters = harness.open().await;
    let (id, letter) = (ReplayId::new(), arrival(1, 1, b"").id);
    let by = || (person(), "why $set".to_owned());
    let sent = AuditEntry::of_replayed(id, letter, by(), None, at(2));
    let refused = AuditEntry::of_replayed(id, arrival(2, 1, b"").id, by(), Some("gone".to_owned()), at(3));
    let own = AuditEntry::new(AuditAction::Reveal, person(), "w".to_owned(), at(1)).about(letter);
    for witness in [letters.clone(), harness.open().await] {
        witness.record_audit(&[own.clone(), sent.clone()]).await.expect("record");
        let changed = AuditEntry { why: "another".to_owned(), ..sent.clone() };
        witness.record_audit(&[changed, refused.clone()]).await.expect("record");
    }
    let page = |letter, after, limit| AuditPage { letter, after, limit };
    let all = letters.audit(&page(None, None, 10)).await.expect("list");
    assert_eq!(all, [refused.clone(), sent.clone(), own.clone()]);
    let first = letters.audit(&page(None, None, 2)).await.expect("list");
    let last = first.last().map(|entry| (entry.at, entry.id.clone()));
    assert_eq!(letters.audit(&page(None, last, 2)).await.expect("list"), std::slice::from_ref(&own));
    assert_eq!(letters.audit(&page(Some(letter), None, 10)).await.expect("list"), [sent, own]);
    let counts = letters.replay_counts(id).await.expect("count");
    assert_eq!(counts, ReplayCounts { replayed: 1, refused: 1 });
    let sent_after_all = AuditEntry::of_replayed(id, arrival(2, 1, b"").id, by(), None, at(4));
    letters.record_audit(std::slice::from_ref(&sent_after_all)).await.expect("record");
    let newest = letters.audit(&page(None, None, 1)).await.expect("list");
    assert_eq!(newest, [sent_after_all], "a replay was resumed when the queue was there again");
    let counts = letters.replay_counts(id).await.expect("count");
    assert_eq!(counts, ReplayCounts { replayed: 2, refused: 0 }, "two letters, though three entries");
    let refused_after_all =
        AuditEntry::of_replayed(id, letter, by(), Some("its queue is gone".to_owned()), at(5));
    letters.record_audit(&[refused_after_all]).await.expect("record");
    let counts = harness.open().await.replay_counts(id).await.expect("count");
    assert_eq!(counts, ReplayCounts { replayed: 1, refused: 1 }, "what became of each last");
    let of_another = letters.replay_counts(ReplayId::new()).await.expect("count");
    assert_eq!(of_another, ReplayCounts::default());
}

/// A version of the body of a letter; `None` without such a letter or version.
async fn body_of(letters: &dyn DeadLetters, id: DeadLetterId, version: u32) -> Option<Bytes> {
    let letter = letters.dead_letter(id).await.expect("read")?;
    letters.letter_body(&letter, version).await.expect("read")
}

async fn walk(letters: &dyn DeadLetters, which: &LetterFilter, order: LetterOrder) -> Vec<LetterPlace> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = LetterPage { after, limit: 2, order };
        let letters = letters.dead_letters(which, page).await.expect("list");
        found.extend(letters.iter().map(|letter| LetterPlace { at: letter.last_at, id: letter.id }));
        after = found.last().copied();
        if letters.is_empty() {
            return found;
        }
    }
}

/// Replays letters at the time 10.
async fn replay(letters: &dyn DeadLetters, ids: &[DeadLetterId], replay: ReplayId) {
    letters.change_letters(ids, &LetterChange::Take(replay), at(10)).await.expect("take");
    let confirm = LetterChange::Confirm(Replayed { replay, by: person(), why: "w".to_owned() });
    assert_eq!(letters.change_letters(ids, &confirm, at(10)).await.expect("confirm").len(), ids.len());
}

fn arrival(number: u32, seconds: i64, body: &'static [u8]) -> Arrival {
    Arrival {
        id: DeadLetterId::of_envelope(Carried::Command, Uuid::from_u128(u128::from(number))),
        queue: "persist.0".to_owned(),
        origin: "persist.0".to_owned(),
        kind: Some("send_message".to_owned()),
        cause: Cause::GaveUp,
        reason: format!("store says no {number}"),
        attempts: 7,
        body: body.into(),
        at: at(seconds),
    }
}

fn new_replay() -> Replay {
    Replay {
        id: ReplayId::new(),
        by: person(),
        why: "repaired".to_owned(),
        which: WhichLetters::Matching(LetterFilter {
            state: Some(LetterState::Waiting),
            ..LetterFilter::default()
        }),
        per_second: 50,
        total: 3,
        created_at: at(5),
        state: ReplayState::Running,
        ended_at: None,
        cursor: None,
        claimable_at: Some(at(5)),
    }
}

fn person() -> UserId {
    fresh_people(1).remove(0)
}

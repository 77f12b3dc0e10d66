//! Decision: what one worker does about one shard, given its place and what it heard of the owner.
//!
//! The owner consumes. The spare waits behind an owner that it has heard to consume, and steps back if it
//! finds itself in front. Everybody else leaves once the owner consumes, so that a shard is never without a
//! consumer in between. A shard that nobody consumes for a while is anybody's.

use std::time::Duration;
use tokio::time::Instant;

/// A shard that nobody was heard to consume for this long may be taken by anybody. Longer than a worker takes
/// to be missed and its shards to be shared out anew.
const ANYBODYS_AFTER: Duration = Duration::from_secs(5);

/// The place of a worker at a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Owner,
    Spare,
    Elsewhere,
}

/// What one worker knows of one shard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    pub(super) place: Place,
    /// Whether this worker is subscribed.
    pub(super) is_subscribed: bool,
    /// Since when this worker may be the active consumer: it subscribed first, or got messages.
    pub(super) in_front_since: Option<Instant>,
    /// When the owner last said that it consumes the shard; `None` if its last hello said otherwise.
    pub(super) owner_holds: Option<Instant>,
    /// When this worker last stepped back from the shard.
    pub(super) stepped_back: Option<Instant>,
    /// Since when nobody was heard to consume the shard.
    pub(super) unheld_since: Option<Instant>,
}

/// What to do about a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Keep,
    Subscribe,
    /// Close the subscription for good.
    Leave,
    /// Close the subscription, to wait behind the owner again.
    WaitBehind,
}

/// What to do about a shard now.
pub(super) fn decide(situation: Situation, now: Instant, hello_every: Duration) -> Step {
    let Situation { place, is_subscribed, owner_holds, unheld_since, .. } = situation;
    let is_anybodys = unheld_since.is_some_and(|since| now - since >= ANYBODYS_AFTER);
    match (place, is_subscribed, owner_holds) {
        (Place::Owner, false, _) | (Place::Spare, false, Some(_)) => Step::Subscribe,
        (Place::Spare | Place::Elsewhere, false, None) if is_anybodys => Step::Subscribe,
        (Place::Elsewhere, true, Some(_)) => Step::Leave,
        (Place::Spare, true, Some(heard)) if waits_behind(situation, heard, hello_every) => Step::WaitBehind,
        _ => Step::Keep,
    }
}

/// Whether the owner waits behind its spare. Only what it said afterwards counts, and once per step back: a
/// dead owner counts as living for a while, and its spare must go on working.
fn waits_behind(situation: Situation, heard: Instant, hello_every: Duration) -> bool {
    situation.in_front_since.is_some_and(|since| heard > since)
        && situation.stepped_back.is_none_or(|back| heard > back + 2 * hello_every)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: Duration = Duration::from_secs(1);

    fn at(place: Place, now: Instant) -> Situation {
        Situation {
            place,
            is_subscribed: true,
            in_front_since: None,
            owner_holds: Some(now),
            stepped_back: None,
            unheld_since: None,
        }
    }

    #[test]
    fn the_owner_subscribes_and_the_spare_only_behind_it() {
        let now = Instant::now();
        let out = |place, owner_holds| {
            decide(Situation { is_subscribed: false, owner_holds, ..at(place, now) }, now, HELLO)
        };
        assert_eq!(out(Place::Owner, None), Step::Subscribe);
        assert_eq!(out(Place::Spare, None), Step::Keep);
        assert_eq!(out(Place::Spare, Some(now)), Step::Subscribe);
        assert_eq!(out(Place::Elsewhere, Some(now)), Step::Keep);
    }

    #[test]
    fn whoever_is_not_wanted_leaves_once_the_owner_consumes() {
        let now = Instant::now();
        assert_eq!(decide(at(Place::Elsewhere, now), now, HELLO), Step::Leave);
        let alone = Situation { owner_holds: None, ..at(Place::Elsewhere, now) };
        assert_eq!(decide(alone, now, HELLO), Step::Keep);
    }

    #[test]
    fn a_spare_in_front_steps_back_once_per_hello_of_the_owner() {
        let now = Instant::now();
        let front =
            Situation { in_front_since: Some(now), owner_holds: Some(now + HELLO), ..at(Place::Spare, now) };
        assert_eq!(decide(front, now + HELLO, HELLO), Step::WaitBehind);
        let again =
            Situation { stepped_back: Some(now + HELLO), owner_holds: Some(now + 2 * HELLO), ..front };
        assert_eq!(decide(again, now + 2 * HELLO, HELLO), Step::Keep);
        let later = Situation { owner_holds: Some(now + 4 * HELLO), ..again };
        assert_eq!(decide(later, now + 4 * HELLO, HELLO), Step::WaitBehind);
    }

    #[test]
    fn a_spare_stays_in_front_of_an_owner_that_says_nothing_more() {
        let now = Instant::now();
        let front = Situation { in_front_since: Some(now + HELLO), ..at(Place::Spare, now) };
        assert_eq!(decide(front, now + 2 * HELLO, HELLO), Step::Keep);
    }

    #[test]
    fn a_shard_that_nobody_consumes_is_anybodys_after_a_while() {
        let now = Instant::now();
        let unheld = Situation {
            is_subscribed: false,
            owner_holds: None,
            unheld_since: Some(now),
            ..at(Place::Elsewhere, now)
        };
        assert_eq!(decide(unheld, now + ANYBODYS_AFTER / 2, HELLO), Step::Keep);
        assert_eq!(decide(unheld, now + ANYBODYS_AFTER, HELLO), Step::Subscribe);
    }
}

//! Typists: everybody who types here, and what others have to be told of them.
//!
//! Clients report every key. Of one person in one thread a start goes out at most every [`TOLD_EVERY`], and a
//! stop only if a start went out, here or perhaps elsewhere. Who reports nothing more has stopped.

use eventflow_protocol::event::TYPING_LIFE;
use eventflow_protocol::{ThreadId, UserId};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// How often others are told that somebody still types: three times within the life of a signal.
pub(crate) const TOLD_EVERY: Duration = Duration::from_secs(2);
/// How long one key counts.
const LIFE: Duration = TYPING_LIFE;
/// People typing here at the same time: more than a gateway has sockets on an ordinary day. 10 MB.
const TYPISTS_MAX: usize = 50_000;

/// One person in one thread.
#[derive(Debug)]
struct Typist {
    /// When a start last went out.
    told_at: Instant,
    /// Others were told that they type, and not yet that they stopped.
    is_shown: bool,
    /// Until when the last key counts; none after a stop.
    until: Option<Instant>,
}

/// What others have to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypingChange {
    pub(crate) user: UserId,
    pub(crate) thread: ThreadId,
    pub(crate) is_typing: bool,
}

/// Everybody who types here.
#[derive(Debug, Default)]
pub(crate) struct Typists(Mutex<HashMap<(UserId, ThreadId), Typist>>);

impl Typists {
    /// A key was pressed. `true` if others have to be told.
    pub(crate) fn starts(&self, user: &UserId, thread: ThreadId, now: Instant) -> bool {
        let mut typists = self.0.lock();
        let is_full = typists.len() >= TYPISTS_MAX;
        let key = (user.clone(), thread);
        if let Some(typist) = typists.get_mut(&key) {
            typist.until = Some(now + LIFE);
            let tells = now.saturating_duration_since(typist.told_at) >= TOLD_EVERY;
            if tells {
                typist.told_at = now;
                typist.is_shown = true;
            }
            return tells;
        }
        if !is_full {
            typists.insert(key, Typist { told_at: now, is_shown: true, until: Some(now + LIFE) });
        }
        !is_full
    }

    /// They reported that they stopped, or can report nothing more. `true` if others have to be told.
    pub(crate) fn stops(&self, user: &UserId, thread: ThreadId) -> bool {
        let mut typists = self.0.lock();
        let Some(typist) = typists.get_mut(&(user.clone(), thread)) else { return false };
        typist.until = None;
        std::mem::take(&mut typist.is_shown)
    }

    /// They stopped, and may have started on another gateway, which is gone. `true` if others have to be
    /// told.
    pub(crate) fn stops_elsewhere(&self, user: &UserId, thread: ThreadId, now: Instant) -> bool {
        let mut typists = self.0.lock();
        let key = (user.clone(), thread);
        if typists.len() >= TYPISTS_MAX || typists.contains_key(&key) {
            return false;
        }
        typists.insert(key, Typist { told_at: now, is_shown: false, until: None });
        true
    }

    /// What others have to be told by now: who stopped without a word, and whose start was held back long
    /// enough.
    pub(crate) fn due(&self, now: Instant) -> Vec<TypingChange> {
        let mut changes = Vec::new();
        self.0.lock().retain(|(user, thread), typist| {
            let types = typist.until.is_some_and(|until| until > now);
            let may_tell = now.saturating_duration_since(typist.told_at) >= TOLD_EVERY;
            let change = |is_typing| TypingChange { user: user.clone(), thread: *thread, is_typing };
            if types && !typist.is_shown && may_tell {
                typist.told_at = now;
                typist.is_shown = true;
                changes.push(change(true));
            } else if !types && typist.is_shown {
                typist.is_shown = false;
                changes.push(change(false));
            }
            // One that has stopped stays until a start may be told again, so that wild starting and stopping
            // is not told each time.
            types || !may_tell
        });
        changes
    }

    /// Whether nobody types, or did a moment ago.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }

    /// How many people type at this moment, in whichever threads.
    pub(crate) fn count(&self, now: Instant) -> u64 {
        let typists = self.0.lock();
        let typing = typists.iter().filter(|(_, typist)| typist.until.is_some_and(|until| until > now));
        typing.map(|((user, _), _)| user).collect::<HashSet<_>>().len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread() -> ThreadId {
        ThreadId::from_bytes([1; 12])
    }

    fn ann() -> UserId {
        "ann".parse().unwrap()
    }

    fn change(is_typing: bool) -> TypingChange {
        TypingChange { user: ann(), thread: thread(), is_typing }
    }

    fn at(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn ten_keys_a_second_for_a_minute_are_told_every_two_seconds() {
        let typists = Typists::default();
        let start = Instant::now();
        let told = (0..600).filter(|n| typists.starts(&ann(), thread(), at(start, n * 100))).count();
        assert_eq!(told, 30);
        assert!(typists.due(at(start, 60_000)).is_empty());
    }

    #[test]
    fn who_types_in_two_threads_is_one_and_who_has_stopped_is_none() {
        let typists = Typists::default();
        let start = Instant::now();
        typists.starts(&ann(), thread(), start);
        typists.starts(&ann(), ThreadId::from_bytes([2; 12]), start);
        typists.starts(&"bob".parse().unwrap(), thread(), at(start, 3_000));
        assert_eq!(
            [at(start, 3_000), at(start, 7_000), at(start, 10_000)].map(|now| typists.count(now)),
            [2, 1, 0]
        );
        typists.stops(&ann(), thread());
        assert_eq!(typists.count(start), 2, "still in the other thread");
    }

    #[test]
    fn who_says_nothing_more_has_stopped_after_the_life_of_a_signal() {
        let typists = Typists::default();
        let start = Instant::now();
        assert!(typists.starts(&ann(), thread(), start));
        assert!(typists.due(at(start, 5_999)).is_empty());
        assert_eq!(typists.due(at(start, 6_000)), [change(false)]);
        assert!(typists.is_empty() && typists.due(at(start, 9_000)).is_empty());
    }

    #[test]
    fn a_stop_is_told_once_and_only_after_a_start() {
        let typists = Typists::default();
        let start = Instant::now();
        assert!(!typists.stops(&ann(), thread()));
        assert!(typists.starts(&ann(), thread(), start));
        assert!(typists.stops(&ann(), thread()));
        assert!(!typists.stops(&ann(), thread()));
        assert!(typists.due(at(start, 2_000)).is_empty());
        assert!(typists.is_empty());
    }

    #[test]
    fn a_stop_of_what_was_started_elsewhere_is_told_once_in_two_seconds() {
        let typists = Typists::default();
        let start = Instant::now();
        assert!(typists.stops_elsewhere(&ann(), thread(), start));
        assert!(!typists.stops_elsewhere(&ann(), thread(), at(start, 1_000)));
        assert!(typists.due(at(start, 2_000)).is_empty());
        assert!(typists.is_empty());
    }

    #[test]
    fn starting_and_stopping_wildly_is_told_at_most_once_in_two_seconds_and_ends_as_it_is() {
        let typists = Typists::default();
        let start = Instant::now();
        let mut told = 0;
        for n in 0..100 {
            told += usize::from(typists.starts(&ann(), thread(), at(start, n * 20)));
            told += usize::from(typists.stops(&ann(), thread()));
        }
        assert_eq!(told, 2);
        assert!(!typists.starts(&ann(), thread(), at(start, 1_990)), "held back");
        assert_eq!(typists.due(at(start, 2_100)), [change(true)], "told when it may be");
    }
}

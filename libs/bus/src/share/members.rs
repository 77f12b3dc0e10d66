//! Members: who lives, as one worker hears it.
//!
//! In come hellos; out comes the list of living workers, once it has been quiet for a moment. A worker that
//! does not hear itself is deaf (the broker is down, or holds publishers back): it knows nothing, so it
//! changes nothing. A wrong list costs speed only, since the broker lets one consumer of a shard be active.

use eventflow_protocol::hello::Hello;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Silence after which a worker counts as gone: four hellos, so that a busy machine may be late with some.
pub(crate) const GONE_AFTER: Duration = Duration::from_secs(4);
/// Silence of its own hellos after which a worker counts itself deaf. Shorter than [`GONE_AFTER`], or a
/// worker that hears nothing would first think itself alone.
const DEAF_AFTER: Duration = Duration::from_millis(2_500);

/// One living worker.
#[derive(Debug)]
pub(super) struct Member {
    /// When its last hello came.
    pub(super) heard: Instant,
    /// The shards it consumes.
    pub(super) holds: Vec<u16>,
}

/// The workers of one stage, as one of them hears them.
pub(super) struct Members {
    stage: &'static str,
    me: String,
    shards: u16,
    settle: Duration,
    living: BTreeMap<String, Member>,
    heard_myself: Option<Instant>,
    changed: Instant,
}

impl Members {
    /// Nobody is known yet. `settle` is how long the list must be unchanged before it is used.
    pub(super) fn new(stage: &'static str, me: String, shards: u16, settle: Duration, now: Instant) -> Self {
        Self { stage, me, shards, settle, living: BTreeMap::new(), heard_myself: None, changed: now }
    }

    /// Takes note of a hello, and says whether it is another worker's that was not known. Hellos of other
    /// stages and of other numbers of shards are not for this list.
    pub(super) fn hear(&mut self, hello: Hello, now: Instant) -> bool {
        if hello.stage != self.stage || hello.shards != self.shards {
            return false;
        }
        let is_mine = hello.member == self.me;
        if is_mine {
            self.hear_myself(now);
        }
        if hello.leaves {
            self.living.remove(&hello.member);
            return false;
        }
        let known = self.living.insert(hello.member, Member { heard: now, holds: hello.holds });
        if known.is_some() {
            return false;
        }
        self.changed = now;
        !is_mine
    }

    /// Nobody was heard while this worker was deaf, so nobody counts as silent for that time.
    fn hear_myself(&mut self, now: Instant) {
        if self.is_deaf(now) {
            self.changed = now;
            self.living.values_mut().for_each(|member| member.heard = now);
        }
        self.heard_myself = Some(now);
    }

    fn is_deaf(&self, now: Instant) -> bool {
        self.heard_myself.is_none_or(|heard| now - heard > DEAF_AFTER)
    }

    /// The ids of the living workers, sorted; `None` while this worker is deaf or the list is still changing.
    pub(super) fn settled(&mut self, now: Instant) -> Option<Vec<String>> {
        if self.is_deaf(now) {
            return None;
        }
        let before = self.living.len();
        self.living.retain(|_, member| now - member.heard <= GONE_AFTER);
        if self.living.len() != before {
            self.changed = now;
        }
        (now - self.changed >= self.settle).then(|| self.living.keys().cloned().collect())
    }

    /// A living worker.
    pub(super) fn get(&self, member: &str) -> Option<&Member> {
        self.living.get(member)
    }

    /// Whether any living worker consumes `shard`.
    pub(super) fn anybody_holds(&self, shard: u16) -> bool {
        self.living.values().any(|member| member.holds.contains(&shard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_millis(500);

    fn hello(member: &str) -> Hello {
        Hello {
            stage: "persist".into(),
            member: member.into(),
            version: "0".into(),
            shards: 4,
            holds: vec![],
            ..Hello::default()
        }
    }

    fn members(now: Instant) -> Members {
        Members::new("persist", "a".into(), 4, SETTLE, now)
    }

    #[test]
    fn a_list_is_used_once_it_is_quiet() {
        let now = Instant::now();
        let mut members = members(now);
        members.hear(hello("a"), now);
        assert!(members.hear(hello("b"), now + SETTLE / 2), "a newcomer");
        assert_eq!(members.settled(now + SETTLE), None);
        assert_eq!(members.settled(now + SETTLE * 3 / 2), Some(vec!["a".into(), "b".into()]));
    }

    #[test]
    fn a_silent_worker_is_gone_and_one_that_says_goodbye_is_gone_at_once() {
        let now = Instant::now();
        let mut members = members(now);
        for member in ["a", "b", "c"] {
            members.hear(hello(member), now);
        }
        assert!(!members.hear(Hello { leaves: true, ..hello("b") }, now), "no newcomer");
        assert_eq!(members.settled(now + SETTLE).unwrap(), ["a", "c"]);
        let later = now + GONE_AFTER + SETTLE;
        members.hear(hello("a"), now + DEAF_AFTER);
        members.hear(hello("a"), later);
        assert_eq!(members.settled(later), None);
        assert_eq!(members.settled(later + SETTLE).unwrap(), ["a"]);
    }

    #[test]
    fn a_deaf_worker_changes_nothing_and_forgets_nobody() {
        let now = Instant::now();
        let mut members = members(now);
        members.hear(hello("a"), now);
        members.hear(hello("b"), now);
        let long_after = now + 10 * GONE_AFTER;
        assert_eq!(members.settled(long_after), None);
        members.hear(hello("a"), long_after);
        assert_eq!(members.settled(long_after), None, "the others get time to say hello");
        assert_eq!(members.settled(long_after + SETTLE).unwrap(), ["a", "b"]);
    }

    #[test]
    fn hellos_of_other_stages_and_other_numbers_of_shards_are_not_for_this_list() {
        let now = Instant::now();
        let mut members = members(now);
        members.hear(Hello { stage: "fanout".into(), ..hello("b") }, now);
        members.hear(Hello { shards: 8, ..hello("b") }, now);
        assert!(members.get("b").is_none());
    }
}

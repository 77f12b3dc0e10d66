//! Who is there while the number of shards changes, as a command hears it.

use super::SILENT_AFTER;
use crate::share::GONE_AFTER;
use eventflow_protocol::hello::{GATEWAYS, Hello, RESHARD};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// Silence of its own hellos after which a command knows nothing of others.
const DEAF_AFTER: Duration = Duration::from_millis(2_500);

/// Everybody that is heard.
#[derive(Debug)]
pub(super) struct Members {
    me: String,
    heard: BTreeMap<(String, String), (Hello, Instant)>,
    heard_myself: Option<Instant>,
    /// The count of the newest hello of its own that this command has heard.
    heard_count: u64,
}

impl Members {
    /// Nobody is known yet.
    pub(super) fn new(me: String) -> Self {
        Self { me, heard: BTreeMap::new(), heard_myself: None, heard_count: 0 }
    }

    /// Takes note of a hello.
    pub(super) fn hear(&mut self, hello: Hello, now: Instant) {
        let key = (hello.stage.clone(), hello.member.clone());
        if hello.member == self.me {
            // Nobody was heard while this command was deaf, so nobody counts as silent for that time.
            if !self.hears_itself(now) {
                self.heard.values_mut().for_each(|(_, heard)| *heard = now);
            }
            self.heard_myself = Some(now);
            self.heard_count = self.heard_count.max(hello.count);
        } else if hello.leaves {
            self.heard.remove(&key);
        } else {
            self.heard.insert(key, (hello, now));
        }
    }

    /// Leaves out who has been silent too long.
    pub(super) fn forget_silent(&mut self, now: Instant) {
        if !self.hears_itself(now) {
            return;
        }
        let patience = |hello: &Hello| if hello.stage == GATEWAYS { SILENT_AFTER } else { GONE_AFTER };
        self.heard.retain(|_, (hello, heard)| now - *heard <= patience(hello));
    }

    /// Whether the hellos arrive here.
    pub(super) fn hears_itself(&self, now: Instant) -> bool {
        self.heard_myself.is_some_and(|heard| now - heard <= DEAF_AFTER)
    }

    /// Whether everything is known that others said before this command said its hello number `count`: hellos
    /// arrive in the order in which they were said.
    pub(super) fn has_heard_up_to(&self, count: u64) -> bool {
        self.heard_count >= count
    }

    /// Those of one stage, by age.
    pub(super) fn of<'a>(&'a self, stage: &'a str) -> impl Iterator<Item = &'a Hello> + 'a {
        self.heard.values().map(|(hello, _)| hello).filter(move |hello| hello.stage == stage)
    }

    /// The gateways that may send.
    pub(super) fn gateways(&self) -> impl Iterator<Item = &Hello> {
        self.of(GATEWAYS)
    }

    /// Whether every gateway keeps its commands back for this attempt, and has nothing on its way.
    pub(super) fn all_hold(&self, attempt: Uuid) -> bool {
        self.gateways().all(|gateway| gateway.holding == Some(attempt))
    }

    /// Another command that changes the number, and came first.
    pub(super) fn rival(&self) -> Option<&Hello> {
        self.of(RESHARD).find(|other| other.member < self.me)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(stage: &str, member: &str) -> Hello {
        Hello { stage: stage.into(), member: member.into(), ..Hello::default() }
    }

    #[test]
    fn a_gateway_that_falls_silent_counts_until_it_cannot_be_sending() {
        let now = Instant::now();
        let mut members = Members::new("me".into());
        members.hear(hello(GATEWAYS, "a"), now);
        let (before, after) = (now + SILENT_AFTER, now + SILENT_AFTER + Duration::from_millis(1));
        members.hear(hello(RESHARD, "me"), now);
        members.hear(hello(RESHARD, "me"), now + DEAF_AFTER);
        members.hear(hello(RESHARD, "me"), now + 2 * DEAF_AFTER);
        members.hear(hello(RESHARD, "me"), now + 3 * DEAF_AFTER);
        members.forget_silent(before);
        assert!(!members.all_hold(Uuid::nil()), "it may still be sending");
        members.forget_silent(after);
        assert!(members.all_hold(Uuid::nil()), "there is none");
    }

    #[test]
    fn what_was_said_before_its_own_hello_is_known_once_a_command_hears_that() {
        let now = Instant::now();
        let mut members = Members::new("me".into());
        members.hear(Hello { count: 3, ..hello(RESHARD, "me") }, now);
        members.hear(Hello { count: 9, ..hello(RESHARD, "other") }, now);
        assert!(!members.has_heard_up_to(4));
        members.hear(Hello { count: 4, ..hello(RESHARD, "me") }, now);
        assert!(members.has_heard_up_to(4));
    }

    #[test]
    fn a_command_that_was_deaf_forgets_nobody() {
        let now = Instant::now();
        let mut members = Members::new("me".into());
        members.hear(hello(GATEWAYS, "a"), now);
        let later = now + 3 * SILENT_AFTER;
        members.forget_silent(later);
        members.hear(hello(RESHARD, "me"), later);
        members.forget_silent(later);
        assert_eq!(members.gateways().count(), 1);
    }
}

//! Doubt: times in which the registry may miss somebody although it answers.
//!
//! A gateway that cannot reach the registry says so on the fan-out queues, before it lets another client in
//! ([`heard`](Doubt::heard)). A process that has just begun to consume may have missed that. In doubt every
//! event goes to every gateway. It is safe to doubt too often: a gateway without any of the people delivers
//! nothing.

use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// How long a gateway's word holds: it repeats it every few seconds until the registry knows everybody again.
const HOLDS: Duration = Duration::from_secs(30);
/// How long a process doubts that has just begun: by then a gateway that is still cut off has said so again.
const AT_FIRST: Duration = Duration::from_secs(10);

/// What one process has heard; its shards share it.
#[derive(Debug, Default)]
pub struct Doubt(Mutex<Heard>);

#[derive(Debug, Default)]
struct Heard {
    began: Option<Instant>,
    unlisted: Option<Instant>,
    /// No other process could hear what this one does not.
    is_alone: bool,
}

/// Whether the registry's answer may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// It names everybody.
    Full,
    /// Nobody has said anything, but this process has only begun to listen.
    NotYet,
    /// A gateway has said that its people are not in it.
    None,
}

impl Doubt {
    /// For a process that is the whole system: its registry is its own memory.
    pub fn never() -> Self {
        let began = Instant::now().checked_sub(AT_FIRST);
        Self(Mutex::new(Heard { began, unlisted: None, is_alone: true }))
    }

    /// This process begins to hear what went to another one before.
    pub(super) fn begins(&self) {
        let mut heard = self.0.lock();
        if !heard.is_alone {
            heard.began = None;
        }
    }

    /// A gateway says that the registry does not know its people.
    pub(super) fn heard(&self) {
        self.0.lock().unlisted = Some(Instant::now());
    }

    /// Whether the registry can be trusted now. The first question is when the process begins.
    pub(super) fn trust(&self) -> Trust {
        let mut heard = self.0.lock();
        let began = *heard.began.get_or_insert_with(Instant::now);
        if heard.unlisted.is_some_and(|at| at.elapsed() < HOLDS) {
            Trust::None
        } else if began.elapsed() < AT_FIRST {
            Trust::NotYet
        } else {
            Trust::Full
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_process_trusts_the_registry_once_it_would_have_heard_of_a_gateway_that_is_cut_off() {
        let doubt = Doubt::default();
        assert_eq!(doubt.trust(), Trust::NotYet);
        advance(AT_FIRST).await;
        assert_eq!(doubt.trust(), Trust::Full);
        doubt.heard();
        assert_eq!(doubt.trust(), Trust::None);
        advance(HOLDS / 2).await;
        doubt.heard();
        advance(HOLDS / 2).await;
        assert_eq!(doubt.trust(), Trust::None, "it was said again");
        advance(HOLDS / 2).await;
        assert_eq!(doubt.trust(), Trust::Full);
        doubt.begins();
        assert_eq!(doubt.trust(), Trust::NotYet, "it may have been said to another process");
        let alone = Doubt::never();
        alone.begins();
        assert_eq!(alone.trust(), Trust::Full);
    }
}

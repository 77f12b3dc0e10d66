//! Who of the people whom the registry names does not look: a page is open and nobody is at it, or no line is
//! live any more and a gateway keeps the session for a return.
//!
//! In come people, out come those who are away and those who have gone. What is known of somebody holds for a
//! few seconds, so that a large thread does not ask for everybody at each message. If nobody can say,
//! everybody looks: their sockets get the message, and the sweeper tells the decision when they leave or fall
//! idle.

use eventflow_ports::PresenceStore;
use eventflow_protocol::presence::Status;
use eventflow_protocol::{Timestamp, UserId};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// How long an answer holds. Presence is asked again before anything is sent, and whoever falls idle
/// meanwhile is told of what they have not read.
const KNOWN_FOR: Duration = Duration::from_secs(5);
/// People whose answers are kept: about 5 MB. Beyond that they are all asked for again.
const KNOWN_MAX: usize = 50_000;

/// Tells who does not look.
pub(super) struct Inattentive {
    presence: Arc<dyn PresenceStore>,
    /// How somebody was, and when that was asked.
    known: Mutex<HashMap<UserId, (Status, Timestamp)>>,
}

/// People whom the registry names and who do not look.
#[derive(Debug, Default)]
pub(super) struct NotLooking {
    /// Their sockets are live, and they are not at them.
    pub(super) away: HashSet<UserId>,
    /// None of their sockets is live: what they are sent waits for their return.
    pub(super) gone: HashSet<UserId>,
}

impl Inattentive {
    pub(super) fn new(presence: Arc<dyn PresenceStore>) -> Self {
        Self { presence, known: Mutex::default() }
    }

    /// Those of `people` who do not look.
    pub(super) async fn among(&self, people: HashSet<UserId>, now: Timestamp) -> NotLooking {
        let asked: Vec<UserId> = {
            let known = self.known.lock();
            let is_known = |user: &UserId| known.get(user).is_some_and(|(_, at)| at.age_at(now) < KNOWN_FOR);
            people.iter().filter(|user| !is_known(user)).cloned().collect()
        };
        if !asked.is_empty() {
            self.ask(&asked, now).await;
        }
        let known = self.known.lock();
        let mut found = NotLooking::default();
        for user in people {
            match known.get(&user).map(|(status, _)| *status) {
                Some(Status::Away) => found.away.insert(user),
                Some(Status::Offline) => found.gone.insert(user),
                Some(Status::Online) | None => false,
            };
        }
        found
    }

    /// Whoever has just connected may be known to the registry before presence has heard of them: who is not
    /// known looks.
    async fn ask(&self, asked: &[UserId], now: Timestamp) {
        let found = self.presence.attention(asked, now).await.unwrap_or_else(|error| {
            tracing::debug!(error = &error as &dyn std::error::Error, "nobody can say who looks");
            HashMap::new()
        });
        let mut known = self.known.lock();
        if known.len() + asked.len() > KNOWN_MAX {
            known.clear();
        }
        for user in asked {
            let status = found.get(user).copied().unwrap_or(Status::Online);
            known.insert(user.clone(), (status, now));
        }
    }
}

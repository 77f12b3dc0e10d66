//! Who of the people with a live socket is away: a page is open, and nobody looks at it.
//!
//! In come people, out come those who are away. What is known of somebody holds for a few seconds, so that a
//! large thread does not ask for everybody at each message. If nobody can say, nobody is away: their sockets
//! get the message, and the sweeper tells the decision when they leave or fall idle.

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

/// Tells who is away.
pub(super) struct Away {
    presence: Arc<dyn PresenceStore>,
    /// Whether somebody was away, and when that was asked.
    known: Mutex<HashMap<UserId, (bool, Timestamp)>>,
}

impl Away {
    pub(super) fn new(presence: Arc<dyn PresenceStore>) -> Self {
        Self { presence, known: Mutex::default() }
    }

    /// Those of `people` who are away.
    pub(super) async fn among(&self, people: HashSet<UserId>, now: Timestamp) -> HashSet<UserId> {
        let asked: Vec<UserId> = {
            let known = self.known.lock();
            let is_known = |user: &UserId| known.get(user).is_some_and(|(_, at)| at.age_at(now) < KNOWN_FOR);
            people.iter().filter(|user| !is_known(user)).cloned().collect()
        };
        if !asked.is_empty() {
            self.ask(&asked, now).await;
        }
        let known = self.known.lock();
        people.into_iter().filter(|user| known.get(user).is_some_and(|(is_away, _)| *is_away)).collect()
    }

    async fn ask(&self, asked: &[UserId], now: Timestamp) {
        let found = self.presence.presence(asked, now).await.unwrap_or_else(|error| {
            tracing::debug!(error = &error as &dyn std::error::Error, "nobody can say who is away");
            HashMap::new()
        });
        let mut known = self.known.lock();
        if known.len() + asked.len() > KNOWN_MAX {
            known.clear();
        }
        for user in asked {
            let is_away = found.get(user).is_some_and(|one| one.status == Status::Away);
            known.insert(user.clone(), (is_away, now));
        }
    }
}

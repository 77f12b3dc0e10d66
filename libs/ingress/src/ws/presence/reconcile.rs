//! Reconciliation: once a minute, compares what was announced of the people followed here with what the store
//! says.
//!
//! Changes are announced when the sweeper judges them. If the basis of a judgement is lost (a presence store
//! that comes back empty, a change that reached no gateway), nobody announces that somebody has gone. So each
//! gateway looks for differences, and announces to its own sockets what still differs a moment later.
//! Repeating it is safe: it says how things are.

use crate::ws::presence::statuses::Statuses;
use crate::ws::presence::subscriptions::PresenceSubscriptions;
use crate::ws::sockets::handle::SocketHandle;
use crate::ws::sockets::hub::Hub;
use eventflow_ports::presence::SWEEP_EVERY;
use eventflow_ports::{PresenceError, ticks};
use eventflow_protocol::UserId;
use eventflow_protocol::presence::{Presence, Status};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// A difference is announced if it is still there after this: a store that has just come back needs a moment
/// to learn who is there.
const SURE_AFTER: Duration = Duration::from_secs(5);
/// People asked about at once, as many as the sweeper judges at once.
const CHUNK: usize = 500;
/// People of this gateway whom the store must know before it is believed.
const SAMPLE: usize = 20;

/// Finds and announces differences.
pub(crate) struct Reconciliation {
    pub(crate) statuses: Arc<Statuses>,
    pub(crate) subscriptions: Arc<PresenceSubscriptions<SocketHandle>>,
    pub(crate) hub: Arc<Hub<SocketHandle>>,
}

impl Reconciliation {
    /// Runs every [`SWEEP_EVERY`], until it is dropped.
    pub(crate) async fn run(&self) {
        let mut ticks = ticks(SWEEP_EVERY);
        loop {
            ticks.tick().await;
            if let Err(error) = self.reconcile(SURE_AFTER).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "presence was not compared with the store"
                );
            }
        }
    }

    /// Compares once, and announces what still differs `sure_after` later.
    pub(crate) async fn reconcile(&self, sure_after: Duration) -> Result<(), PresenceError> {
        let announced = self.statuses.announced(|user| self.subscriptions.has(user));
        let differing = self.differing(&announced).await?;
        if differing.is_empty() {
            return Ok(());
        }
        sleep(sure_after).await;
        // A store that no sweeper feeds knows of nobody. Then nothing can be said of anybody.
        if !self.is_store_fed().await? {
            tracing::debug!("the presence store does not know who is connected here");
            return Ok(());
        }
        let suspects = differing
            .iter()
            .filter_map(|person| Some((person.user_id.clone(), *announced.get(&person.user_id)?)))
            .collect();
        for person in self.differing(&suspects).await? {
            let before = announced.get(&person.user_id);
            if before.is_some_and(|before| self.statuses.correct(&person, *before)) {
                self.announce(&person);
            }
        }
        Ok(())
    }

    fn announce(&self, person: &Presence) {
        let packets = self.statuses.packets(person);
        self.subscriptions.each(&person.user_id, |SocketHandle(socket)| {
            for packet in &packets {
                socket.emit(packet);
            }
        });
    }

    /// How those are now whose status is not what was announced.
    async fn differing(&self, announced: &HashMap<UserId, Status>) -> Result<Vec<Presence>, PresenceError> {
        let users: Vec<UserId> = announced.keys().cloned().collect();
        let mut found = Vec::new();
        for chunk in users.chunks(CHUNK) {
            let people = self.statuses.read(chunk).await?;
            let differs = |person: &Presence| announced.get(&person.user_id) != Some(&person.status);
            found.extend(people.into_values().filter(differs));
        }
        Ok(found)
    }

    /// Whether the store knows most of those who are connected here.
    async fn is_store_fed(&self) -> Result<bool, PresenceError> {
        let here = self.hub.some_users(SAMPLE, |SocketHandle(socket)| socket.is_connected());
        let known = self.statuses.read(&here).await?;
        let there = known.values().filter(|person| person.status != Status::Offline).count();
        Ok(there * 2 >= here.len())
    }
}

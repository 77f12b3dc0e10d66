//! How people are: read from the presence store, written as packets, and remembered as they were announced
//! last.
//!
//! What was announced is remembered of people who are followed here only, so that
//! [`crate::ws::presence::reconcile`] can find where it differs from the store.

use eventflow_ports::{Clock, PresenceError, PresenceStore};
use eventflow_protocol::UserId;
use eventflow_protocol::client::events::{PresenceSync, PresenceUpdate, ServerEvent as _};
use eventflow_protocol::presence::{Presence, Status};
use eventflow_socketio::{Encoder, Packet};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// Under both names published clients hear that somebody's presence changed.
const PRESENCE_NAMES: [&str; 2] = [PresenceSync::NAME, PresenceUpdate::NAME];

/// Reads and announces how people are.
pub(crate) struct Statuses {
    store: Arc<dyn PresenceStore>,
    clock: Arc<dyn Clock>,
    encoder: Encoder,
    announced: Mutex<HashMap<UserId, Status>>,
}

impl Statuses {
    /// Nothing was announced yet.
    pub(crate) fn new(store: Arc<dyn PresenceStore>, clock: Arc<dyn Clock>, encoder: Encoder) -> Self {
        Self { store, clock, encoder, announced: Mutex::default() }
    }

    /// How these people are now.
    pub(crate) async fn read(&self, users: &[UserId]) -> Result<HashMap<UserId, Presence>, PresenceError> {
        self.store.presence(users, self.clock.now()).await
    }

    /// The packets that announce a person's presence, worth nothing later. Notes that it was announced.
    pub(crate) fn announce(&self, person: &Presence) -> Vec<Packet> {
        self.note(person);
        self.packets(person)
    }

    /// Notes that a person's presence was announced.
    pub(crate) fn note(&self, person: &Presence) {
        self.announced.lock().insert(person.user_id.clone(), person.status);
    }

    /// The packets that announce a person's presence.
    pub(crate) fn packets(&self, person: &Presence) -> Vec<Packet> {
        let encode = |name: &str| {
            self.encoder.ephemeral(name, person).expect("an id, a status and a time always encode")
        };
        PRESENCE_NAMES.map(encode).into()
    }

    /// What was announced last of those who are still followed; the others are forgotten.
    pub(crate) fn announced(&self, is_followed: impl Fn(&UserId) -> bool) -> HashMap<UserId, Status> {
        let mut announced = self.announced.lock();
        announced.retain(|user, _| is_followed(user));
        announced.clone()
    }

    /// Notes that `person` differs from what was announced `before`. `false` if something else was announced
    /// meanwhile.
    pub(crate) fn correct(&self, person: &Presence, before: Status) -> bool {
        let mut announced = self.announced.lock();
        let Some(status) = announced.get_mut(&person.user_id) else { return false };
        if *status != before || before == person.status {
            return false;
        }
        *status = person.status;
        true
    }
}

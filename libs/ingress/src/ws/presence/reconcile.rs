//! How the people watched here were last said to be, and a look at all of them every minute.
//!
//! Changes are told when they are judged. If what the judgement stands on is lost (a presence store that comes back empty, a change that
//! reached no gateway), nobody tells that somebody has gone. So each gateway compares what it has said with what the store says, and
//! tells its watchers where they differ and still differ a moment later. Repeating it is safe: it says how things are.

use crate::ws::application::Shared;
use crate::ws::member::Here;
use eventflow_ports::presence::SWEEP_EVERY;
use eventflow_ports::{PresenceError, ticks};
use eventflow_protocol::UserId;
use eventflow_protocol::presence::{Presence, Status};
use eventflow_socketio::Packet;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::sleep;

/// Under both names published clients hear that somebody's presence changed.
pub(crate) const PRESENCE_NAMES: [&str; 2] = ["presence:sync", "presence:update"];
/// A difference is told if it is still there after this: a store that has just come back needs a moment to be told who is there.
const SURE_AFTER: Duration = Duration::from_secs(5);
/// People asked about at once, as many as the sweeper judges at once.
const CHUNK: usize = 500;
/// People of this gateway whom the store must know before it is believed.
const SAMPLE: usize = 20;

/// What was said last of people who are watched here.
#[derive(Debug, Default)]
pub(crate) struct Sight(Mutex<HashMap<UserId, Status>>);

impl Sight {
    /// Watchers are told this.
    pub(crate) fn note(&self, person: &Presence) {
        self.0.lock().insert(person.user_id.clone(), person.status);
    }

    /// Those still watched; the others are forgotten.
    fn keep(&self, is_watched: impl Fn(&UserId) -> bool) -> HashMap<UserId, Status> {
        let mut said = self.0.lock();
        said.retain(|user, _| is_watched(user));
        said.clone()
    }

    /// `person` is otherwise than was said, unless something else was said meanwhile.
    fn correct(&self, person: &Presence, before: Status) -> bool {
        let mut said = self.0.lock();
        let known =
            said.get_mut(&person.user_id).filter(|status| **status == before && before != person.status);
        known.map(|status| *status = person.status).is_some()
    }
}

/// Looks every [`SWEEP_EVERY`], until it is dropped.
pub(crate) async fn look_again(shared: &Shared) {
    let mut ticks = ticks(SWEEP_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = look(shared, SURE_AFTER).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "who is there was not looked at again");
        }
    }
}

/// One look: tells what differs, `sure_after` later.
pub(crate) async fn look(shared: &Shared, sure_after: Duration) -> Result<(), PresenceError> {
    let said = shared.sight.keep(|user| shared.watch.has(user));
    let differing = differing(shared, &said).await?;
    if differing.is_empty() {
        return Ok(());
    }
    sleep(sure_after).await;
    // A store that nobody feeds knows of nobody. Then nothing can be said of anybody.
    if !is_fed(shared).await? {
        tracing::debug!("the presence store does not know who is connected here");
        return Ok(());
    }
    let still = differing
        .iter()
        .filter_map(|person| Some((person.user_id.clone(), *said.get(&person.user_id)?)))
        .collect();
    for person in self::differing(shared, &still).await? {
        if said.get(&person.user_id).is_some_and(|before| shared.sight.correct(&person, *before)) {
            let packets = shared.presence_packets(&person);
            shared.watch.each(&person.user_id, |Here(socket)| {
                for packet in &packets {
                    socket.emit(packet);
                }
            });
        }
    }
    Ok(())
}

/// How those are now who are otherwise than was said.
async fn differing(shared: &Shared, said: &HashMap<UserId, Status>) -> Result<Vec<Presence>, PresenceError> {
    let users: Vec<UserId> = said.keys().cloned().collect();
    let mut found = Vec::new();
    for chunk in users.chunks(CHUNK) {
        let people = shared.edge.presence.presence(chunk, shared.edge.clock.now()).await?;
        found.extend(people.into_values().filter(|person| said.get(&person.user_id) != Some(&person.status)));
    }
    Ok(found)
}

/// Whether the store knows most of those who are connected here.
async fn is_fed(shared: &Shared) -> Result<bool, PresenceError> {
    let here = shared.hub.some_users(SAMPLE, |Here(socket)| socket.is_connected());
    let known = shared.edge.presence.presence(&here, shared.edge.clock.now()).await?;
    let there = known.values().filter(|person| person.status != Status::Offline).count();
    Ok(there * 2 >= here.len())
}

impl Shared {
    /// A person's presence as its watchers hear it: worth nothing later.
    pub(crate) fn presence_packets(&self, person: &Presence) -> Vec<Packet> {
        let encode = |name: &str| {
            self.encoder.ephemeral(name, person).expect("an id, a status and a time always encode")
        };
        PRESENCE_NAMES.map(encode).into()
    }
}

//! `presence:update {status}` and `presence:sync {userIds}`: how the caller wants to be seen, and how others
//! are.
//!
//! Who is asked about is followed from then on. The caller is shown only people they share a thread with;
//! administrators see everybody. Anybody else, and whoever a block keeps apart from the caller, looks like
//! somebody who was never here, so asking reveals nothing; they are shown when the two get into a thread
//! together. Both may be repeated.

use crate::refusal::Refusal;
use crate::ws::events::caller::Caller;
use crate::ws::events::reply::Reply;
use crate::ws::presence::Expected;
use eventflow_protocol::UserId;
use eventflow_protocol::client::requests::{PresenceChoice, PresenceSyncEvent, PresenceUpdateEvent};
use eventflow_protocol::presence::{Presence, Status};
use std::collections::HashSet;

/// Handles `presence:update`.
pub(super) async fn update(caller: Caller<'_>, request: PresenceUpdateEvent) -> Reply {
    let wants_away = match request.status {
        PresenceChoice::Online => false,
        PresenceChoice::Away => true,
    };
    tracing::debug!(user = %caller.user, wants_away, "a person chose how to be seen");
    caller.rooms.presence.choose(caller.socket, caller.user, wants_away).await;
    Reply::PresenceChosen(request.status.into())
}

/// Handles `presence:sync`.
pub(super) async fn sync(caller: Caller<'_>, request: PresenceSyncEvent) -> Result<Reply, Refusal> {
    let presence = &caller.rooms.presence;
    let expected = Expected::of(caller.socket, &request.user_ids);
    let mut visible: HashSet<UserId> = visible_to(caller, &request.user_ids).await?.into_iter().collect();
    visible.extend(expected.shown_meanwhile(caller.socket));
    let visible: Vec<UserId> = visible.into_iter().collect();
    // Followed before it is read: a change in between is heard twice, not missed.
    presence.ask(caller.socket, &visible);
    let mut found = presence.statuses.read(&visible).await?;
    for person in found.values() {
        presence.statuses.note(person);
    }
    let never_seen = |user_id| Presence { user_id, status: Status::Offline, last_seen: None };
    let asked = request.user_ids.into_iter();
    let people = asked.map(|user| found.remove(&user).unwrap_or_else(|| never_seen(user)));
    Ok(Reply::PresenceFound(people.collect()))
}

async fn visible_to(caller: Caller<'_>, users: &[UserId]) -> Result<Vec<UserId>, Refusal> {
    if caller.session().credential().is_some_and(|credential| credential.is_admin) {
        return Ok(users.to_vec());
    }
    let edge = &caller.rooms.edge;
    edge.contacts.present_to(caller.user, users, &edge.apart).await
}

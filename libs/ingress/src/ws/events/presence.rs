//! `presence:update {status}` and `presence:sync {userIds}`: how the caller wants to be seen, and how others
//! are.
//!
//! Who is asked about is followed from then on. The caller is shown only people they share a thread with;
//! administrators see everybody. Anybody else looks like somebody who was never here, and whoever a block
//! keeps apart from the caller like somebody who has gone at its beginning, so asking reveals nothing; they
//! are shown when the two get into a thread together, or when the block ends. Both may be repeated.

use crate::contacts::Present;
use crate::refusal::Refusal;
use crate::ws::events::caller::Caller;
use crate::ws::events::reply::Reply;
use crate::ws::presence::Expected;
use eventflow_protocol::UserId;
use eventflow_protocol::client::requests::{PresenceChoice, PresenceSyncEvent, PresenceUpdateEvent};

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
    let mut present = visible_to(caller, &request.user_ids).await?;
    for user in expected.shown_meanwhile(caller.socket) {
        present.gone.remove(&user);
        if !present.shown.contains(&user) {
            present.shown.push(user);
        }
    }
    // Followed before it is read: a change in between is heard twice, not missed.
    presence.ask(caller.socket, &present.shown);
    let mut found = presence.statuses.read(&present.everybody()).await?;
    for person in present.shown.iter().filter_map(|user| found.get(user)) {
        presence.statuses.note(person);
    }
    let show = |user: UserId| {
        let person = found.remove(&user);
        present.show(user, person)
    };
    Ok(Reply::PresenceFound(request.user_ids.into_iter().map(show).collect()))
}

async fn visible_to(caller: Caller<'_>, users: &[UserId]) -> Result<Present, Refusal> {
    if caller.session().credential().is_some_and(|credential| credential.is_admin) {
        return Ok(Present::all(users));
    }
    let edge = &caller.rooms.edge;
    edge.contacts.present_to(caller.user, users, &edge.apart).await
}

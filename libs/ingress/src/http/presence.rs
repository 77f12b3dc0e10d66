//! The routes about presence: of one person, or of several.
//!
//! Everybody sees the people they share a thread with; administrators see all. Anybody else looks like
//! somebody who was never there, and whoever a block keeps apart from the viewer like somebody who has gone
//! at its beginning. So nobody learns anything by asking, not even whether there is such a person.

use crate::contacts::Present;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::caller::Caller;
use crate::http::path::IdPath;
use crate::http::query::{Query, user_ids};
use crate::identity::Identity;
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_protocol::UserId;
use eventflow_protocol::client::answers::{PresenceAnswer, PresenceListAnswer};
use eventflow_protocol::client::{Sorted, Success};
use eventflow_protocol::presence::Presence;
use std::sync::Arc;

/// `GET /presence/{userId}`.
pub(crate) async fn one(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(user): IdPath<UserId>,
) -> RouteResult<PresenceAnswer> {
    let visible = visible_to(&edge, &caller, std::slice::from_ref(&user)).await?;
    let presence = visible.into_iter().next().unwrap_or_else(|| Presence::never_seen(user));
    Ok(RouteAnswer::Ok(PresenceAnswer { presence: Sorted(presence), success: Success }))
}

/// `GET /presence?userIds=a,b,c`: in the order asked.
pub(crate) async fn several(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    query: Query,
) -> RouteResult<PresenceListAnswer> {
    let users = user_ids(&query)?;
    let presence = visible_to(&edge, &caller, &users).await?;
    Ok(RouteAnswer::Ok(PresenceListAnswer { presence: Sorted(presence), success: Success }))
}

/// The presence of these people as the viewer may see it, in the order asked.
async fn visible_to(edge: &Edge, viewer: &Identity, users: &[UserId]) -> Result<Vec<Presence>, Refusal> {
    let present = if viewer.is_admin() {
        Present::all(users)
    } else {
        edge.contacts.present_to(&viewer.user, users, &edge.apart).await?
    };
    let known = edge.presence.presence(&present.everybody(), edge.clock.now()).await?;
    Ok(users.iter().map(|user| present.show(user.clone(), known.get(user).cloned())).collect())
}

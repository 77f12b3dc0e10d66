//! The routes about presence: of one person, or of several.
//!
//! Everybody sees the people they share a thread with; administrators see all. Anybody else looks like
//! somebody who was never there. So nobody learns anything by asking, not even whether there is such a
//! person.

use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::caller::Caller;
use crate::http::path::IdPath;
use crate::http::query::Query;
use crate::identity::Identity;
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_protocol::UserId;
use eventflow_protocol::client::answers::{PresenceAnswer, PresenceListAnswer};
use eventflow_protocol::client::requests::ASKED_MAX;
use eventflow_protocol::client::{Sorted, Success};
use eventflow_protocol::presence::{Presence, Status};
use std::sync::Arc;

/// `GET /presence/{userId}`.
pub(crate) async fn one(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    IdPath(user): IdPath<UserId>,
) -> RouteResult<PresenceAnswer> {
    let visible = visible_to(&edge, &caller, std::slice::from_ref(&user)).await?;
    let presence = visible.into_iter().next().unwrap_or_else(|| never_seen(&user));
    Ok(RouteAnswer::Ok(PresenceAnswer { presence: Sorted(presence), success: Success }))
}

/// `GET /presence?userIds=a,b,c`: in the order asked.
pub(crate) async fn several(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    query: Query,
) -> RouteResult<PresenceListAnswer> {
    let named = query.text("userIds").ok_or_else(|| Refusal::invalid("userIds is missing"))?;
    let users = user_ids(named)?;
    let presence = visible_to(&edge, &caller, &users).await?;
    Ok(RouteAnswer::Ok(PresenceListAnswer { presence: Sorted(presence), success: Success }))
}

/// User ids as the query writes them, `a,b,c`; empty places are passed over.
fn user_ids(text: &str) -> Result<Vec<UserId>, Refusal> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let mut users = Vec::new();
    for name in names {
        if users.len() == ASKED_MAX {
            return Err(Refusal::invalid(format!("userIds has more than {ASKED_MAX} items")));
        }
        users.push(name.parse().map_err(|error| Refusal::invalid(format!("userIds: {error}")))?);
    }
    Ok(users)
}

/// The presence of these people as the viewer may see it, in the order asked.
async fn visible_to(edge: &Edge, viewer: &Identity, users: &[UserId]) -> Result<Vec<Presence>, Refusal> {
    let asked: Vec<UserId> = if viewer.is_admin() {
        users.to_vec()
    } else {
        edge.contacts.visible(&viewer.user, users).await?.into_iter().collect()
    };
    let known = edge.presence.presence(&asked, edge.clock.now()).await?;
    Ok(users.iter().map(|user| known.get(user).cloned().unwrap_or_else(|| never_seen(user))).collect())
}

fn never_seen(user: &UserId) -> Presence {
    Presence { user_id: user.clone(), status: Status::Offline, last_seen: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_people_are_bounded_ids() {
        let many = |count: usize| (0..count).map(|n| format!("u{n}")).collect::<Vec<_>>().join(",");
        assert_eq!(user_ids("ann, bob,,").unwrap().len(), 2);
        assert_eq!(user_ids(&many(ASKED_MAX)).unwrap().len(), ASKED_MAX);
        for bad in ["a b", &many(ASKED_MAX + 1), "$ne"] {
            assert!(user_ids(bad).is_err(), "{bad}");
        }
    }
}

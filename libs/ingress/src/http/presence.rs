//! The routes about who is there: one person, or several.
//!
//! Everybody sees the people they share a thread with, administrators see all. Anybody else looks like
//! somebody who was never there, so nothing is learned by asking, not even whether there is such a person.

use crate::edge::Edge;
use crate::http::answer;
use crate::http::caller::Caller;
use crate::http::refusal_response::RefusalResponse;
use crate::http::request::{Query, UserPath};
use crate::identity::Identity;
use crate::refusal::Refusal;
use crate::validate;
use axum::extract::State;
use axum::response::Response;
use eventflow_protocol::UserId;
use eventflow_protocol::presence::{Presence, Status};
use serde_json::json;
use std::sync::Arc;

/// Most people asked about at once: what one screen shows.
pub(crate) const ASKED_MAX: usize = 200;

/// `GET /presence/{userId}`.
pub(crate) async fn one(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    UserPath(user): UserPath,
) -> Result<Response, RefusalResponse> {
    let seen = edge.seen(&caller, &[user]).await?;
    Ok(answer::ok(json!({ "success": true, "presence": seen.first() })))
}

/// `GET /presence?userIds=a,b,c`: in the order asked.
pub(crate) async fn several(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    query: Query,
) -> Result<Response, RefusalResponse> {
    let named = query.text("userIds").ok_or_else(|| Refusal::invalid("userIds is missing"))?;
    let users = validate::parse_user_ids(named, "userIds", ASKED_MAX)?;
    Ok(answer::ok(json!({ "success": true, "presence": edge.seen(&caller, &users).await? })))
}

impl Edge {
    /// How these people are to a viewer, in the order asked.
    pub(crate) async fn seen(&self, viewer: &Identity, users: &[UserId]) -> Result<Vec<Presence>, Refusal> {
        let visible = if viewer.is_admin() {
            users.iter().cloned().collect()
        } else {
            self.contacts.visible(&viewer.user, users).await?
        };
        let asked: Vec<UserId> = visible.into_iter().collect();
        let known = self.presence.presence(&asked, self.clock.now()).await?;
        let unseen =
            |user: &UserId| Presence { user_id: user.clone(), status: Status::Offline, last_seen: None };
        Ok(users.iter().map(|user| known.get(user).cloned().unwrap_or_else(|| unseen(user))).collect())
    }
}

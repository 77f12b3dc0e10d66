//! The routes about notifications: one's own list, and telling somebody (administrators).
//!
//! Somebody else's notification is answered like one that does not exist. Repeating a mark or a deletion
//! changes nothing, and telling somebody again under the same key finds what they were told.

use crate::commands::{SentCommand, unexpected};
use crate::edge::Edge;
use crate::http::answer;
use crate::http::caller::Caller;
use crate::http::refusal_response::RefusalResponse;
use crate::http::request::{self, JsonBody, NotificationPath, Query};
use crate::refusal::Refusal;
use crate::validate;
use axum::extract::State;
use axum::response::Response;
use eventflow_ports::NotificationPage;
use eventflow_protocol::command::Command;
use eventflow_protocol::document::Identified as _;
use eventflow_protocol::inbox::{ChangeNotifications, Notification, NotificationChange};
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{ErrorCode, NotificationId, UserId};
use http::HeaderMap;
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /notifications?limit&cursor&skip&unread`: newest first.
pub(crate) async fn list(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    query: Query,
) -> Result<Response, RefusalResponse> {
    let after = query.cursor()?;
    let page = NotificationPage {
        unread_only: query.flag("unread")?,
        after,
        skip: query.skip()?,
        limit: query.limit()?,
    };
    let found = edge.inbox.notifications_of(&caller.user, page).await.map_err(Refusal::from)?;
    let unread = edge.inbox.unread_notifications(&caller.user).await.map_err(Refusal::from)?;
    let is_full = found.len() == usize::try_from(page.limit).unwrap_or(usize::MAX);
    let next = found.last().filter(|_| is_full).map(|last| format!("{}.{}", last.created_at.0, last.id));
    let shown: Vec<Value> = found.iter().map(Notification::shown).collect();
    Ok(answer::ok(
        json!({ "success": true, "notifications": shown, "unreadCount": unread, "nextCursor": next }),
    ))
}

/// `GET /notifications/unread-count`.
pub(crate) async fn unread_count(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
) -> Result<Response, RefusalResponse> {
    let unread = edge.inbox.unread_notifications(&caller.user).await.map_err(Refusal::from)?;
    Ok(answer::ok(json!({ "success": true, "unreadCount": unread })))
}

/// `POST /notifications {userIds|userId, type?, title, message?, data?, threadId?, clientNotificationId?}`:
/// 201 stored, 200 all stored before, 202 if any is queued.
pub(crate) async fn send(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    headers: HeaderMap,
    JsonBody(mut body): JsonBody,
) -> Result<Response, RefusalResponse> {
    request::merge_key(&headers, &mut body, "clientNotificationId")?;
    let mut on_their_way = Vec::new();
    for notify in validate::notification(&mut body, &caller.user, edge.clock.now())? {
        let user = notify.user_id.clone();
        on_their_way.push((user, edge.commands.send_command(&Command::Notify(notify)).await));
    }
    told(on_their_way).await
}

/// `POST /notifications/{id}/read`.
pub(crate) async fn read(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    NotificationPath(id): NotificationPath,
) -> Result<Response, RefusalResponse> {
    change_one(&edge, caller.user, id, NotificationChange::Read).await
}

/// `DELETE /notifications/{id}`.
pub(crate) async fn delete(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    NotificationPath(id): NotificationPath,
) -> Result<Response, RefusalResponse> {
    change_one(&edge, caller.user, id, NotificationChange::Delete).await
}

/// `POST /notifications/read-all`: what there is by now.
pub(crate) async fn read_all(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
) -> Result<Response, RefusalResponse> {
    change(&edge, caller.user, None, NotificationChange::Read).await
}

async fn change_one(
    edge: &Edge,
    user: UserId,
    id: NotificationId,
    what: NotificationChange,
) -> Result<Response, RefusalResponse> {
    let known = edge.inbox.notification(&user, id).await.map_err(Refusal::from)?;
    if known.is_none() {
        return Err(Refusal::not_found("notification").into());
    }
    change(edge, user, Some(id), what).await
}

async fn change(
    edge: &Edge,
    user_id: UserId,
    notification_id: Option<NotificationId>,
    change: NotificationChange,
) -> Result<Response, RefusalResponse> {
    let command = Command::ChangeNotifications(ChangeNotifications {
        user_id,
        notification_id,
        change,
        at: edge.clock.now(),
    });
    match edge.commands.send_command(&command).await?.result().await? {
        CommandResult::Count { count } => Ok(answer::ok(json!({ "success": true, "count": count }))),
        CommandResult::Queued { command } => Ok(answer::queued(command)),
        other => Err(unexpected(&other).into()),
    }
}

/// What became of each person's notification. A refusal of all is an error, and so is a key that was used for
/// something else; of others that were refused, the people are named.
async fn told(
    on_their_way: Vec<(UserId, Result<SentCommand, Refusal>)>,
) -> Result<Response, RefusalResponse> {
    let (mut stored, mut queued, mut failed, mut unwanted, mut last) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), None);
    let mut is_news = false;
    for (user, sent) in on_their_way {
        let done = match sent {
            Ok(sent) => sent.result().await,
            Err(refusal) => Err(refusal),
        };
        match done {
            Ok(CommandResult::Notification { notification, deduplicated }) => {
                is_news |= !deduplicated;
                stored.push(notification.shown());
            }
            Ok(CommandResult::Queued { command }) => queued.push(command),
            // They do not want this kind in the inbox: nothing was stored, as they wished.
            Ok(CommandResult::Done) => unwanted.push(user),
            Ok(other) => (failed.push(user), last = Some(unexpected(&other))).0,
            Err(refusal) if refusal.code == ErrorCode::KeyReused => return Err(refusal.into()),
            Err(refusal) => (failed.push(user), last = Some(refusal)).0,
        }
    }
    if let Some(refusal) = last.filter(|_| stored.is_empty() && queued.is_empty() && unwanted.is_empty()) {
        return Err(refusal.into());
    }
    if let ([], [], [], &[command]) =
        (stored.as_slice(), failed.as_slice(), unwanted.as_slice(), queued.as_slice())
    {
        return Ok(answer::queued(command));
    }
    let is_nothing_new = !is_news && queued.is_empty() && failed.is_empty();
    let is_again = is_nothing_new && !stored.is_empty();
    let first = stored.first().cloned();
    let mut body = json!({ "success": true, "notification": first, "notifications": stored, "queued": queued, "failed": failed,
        "unwanted": unwanted });
    if is_again {
        body["deduplicated"] = json!(true);
    }
    Ok(if is_nothing_new { answer::ok(body) } else { answer::created(body) })
}

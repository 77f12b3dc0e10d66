//! The route by which administrators notify people.
//!
//! With `to`, `sendAt` or `template` the request is a send, of which [`super::sends`] tells. Else one request
//! makes one command per person, and its answer says what became of each. Repeating the request under the
//! same key finds the notifications that are stored.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::body::{self, JsonBody};
use crate::http::caller::Caller;
use crate::http::sends;
use crate::refusal::Refusal;
use axum::extract::State;
use eventflow_protocol::client::answers::{NotifiedAnswer, SendAnswer};
use eventflow_protocol::client::requests::NotificationBody;
use eventflow_protocol::client::{Sorted, Success, WithId};
use eventflow_protocol::command::Command;
use eventflow_protocol::inbox::Notification;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{CommandId, ErrorCode, UserId};
use http::HeaderMap;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// What `POST /notifications` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum NotifyAnswer {
    /// What became of each person's notification.
    Told(NotifiedAnswer),
    /// The send, which goes on.
    Send(SendAnswer),
}

/// `POST /notifications {userIds|userId|to, sendAt?, type?, title, message?, template?, data?, channels?,
/// priority?, threadId?, clientNotificationId?}`: 201 stored or some queued, 200 nothing new, 202 the only
/// one is queued.
pub(crate) async fn send(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    headers: HeaderMap,
    JsonBody(mut body): JsonBody<NotificationBody>,
) -> RouteResult<NotifyAnswer> {
    let key = body.client_notification_id.take();
    body.client_notification_id = body::idempotency_key(&headers, key, "clientNotificationId")?;
    let thread_id = match &body.thread_id {
        Some(thread) => Some(thread.id().ok_or_else(|| Refusal::not_found("thread"))?),
        None => None,
    };
    if body.is_send() {
        return Ok(sends::add(&edge, caller.user, body, thread_id).await?.map(NotifyAnswer::Send));
    }
    // All commands go out before the first answer is waited for, so that a thousand people do not take a
    // thousand round trips.
    let mut published = Vec::new();
    for notify in body.into_commands(&caller.user, thread_id, edge.clock.now())? {
        let user = notify.user_id.clone();
        published.push((user, edge.commands.send_command(&Command::Notify(notify)).await));
    }
    let mut outcomes = Outcomes::default();
    for (user, sent) in published {
        let result = match sent {
            Ok(sent) => sent.result().await,
            Err(refusal) => Err(refusal),
        };
        outcomes.add(user, result)?;
    }
    outcomes.into_answer()
}

/// What became of each person's notification.
#[derive(Default)]
struct Outcomes {
    stored: Vec<Notification>,
    /// At least one of `stored` had not been stored before.
    is_any_new: bool,
    queued: Vec<CommandId>,
    /// People who do not want such notifications in their inbox: nothing was stored, as they wished.
    unwanted: Vec<UserId>,
    failed: Vec<UserId>,
    /// Why the last of `failed` was refused.
    refusal: Option<Refusal>,
}

impl Outcomes {
    /// Takes in one person's outcome. A key that was used for something else refuses the whole request.
    fn add(&mut self, user: UserId, result: Result<CommandResult, Refusal>) -> Result<(), Refusal> {
        match result {
            Ok(CommandResult::Notification { notification, deduplicated }) => {
                self.is_any_new |= !deduplicated;
                self.stored.push(*notification);
            }
            Ok(CommandResult::Queued { command }) => self.queued.push(command),
            Ok(CommandResult::Done) => self.unwanted.push(user),
            Ok(other) => self.fail(user, unexpected(&other)),
            Err(refusal) if refusal.code == ErrorCode::KeyReused => return Err(refusal),
            Err(refusal) => self.fail(user, refusal),
        }
        Ok(())
    }

    fn fail(&mut self, user: UserId, refusal: Refusal) {
        self.failed.push(user);
        self.refusal = Some(refusal);
    }

    /// If everybody's was refused, that is the answer; if some were, the answer names the people.
    fn into_answer(self) -> RouteResult<NotifyAnswer> {
        let has_only_failed = self.stored.is_empty() && self.queued.is_empty() && self.unwanted.is_empty();
        if let Some(refusal) = self.refusal.filter(|_| has_only_failed) {
            return Err(refusal);
        }
        let has_only_queued = self.stored.is_empty() && self.failed.is_empty() && self.unwanted.is_empty();
        if let [command] = self.queued.as_slice()
            && has_only_queued
        {
            return Ok(RouteAnswer::queued(*command));
        }
        let is_nothing_new = !self.is_any_new && self.queued.is_empty() && self.failed.is_empty();
        let notifications: Vec<_> =
            self.stored.into_iter().map(|notification| Sorted(WithId(notification))).collect();
        let answer = NotifiedAnswer {
            deduplicated: is_nothing_new && !notifications.is_empty(),
            failed: self.failed,
            notification: notifications.first().cloned(),
            notifications,
            queued: self.queued,
            success: Success,
            unwanted: self.unwanted,
        };
        let answer = NotifyAnswer::Told(answer);
        Ok(if is_nothing_new { RouteAnswer::Ok(answer) } else { RouteAnswer::Created(answer) })
    }
}

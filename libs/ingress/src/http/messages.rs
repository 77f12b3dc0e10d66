//! The routes about messages: a thread's history, and saying something in it.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer;
use crate::http::caller::Caller;
use crate::http::refusal_response::RefusalResponse;
use crate::http::request::{self, JsonBody, Query, ThreadPath};
use crate::refusal::Refusal;
use crate::validate;
use axum::extract::State;
use axum::response::Response;
use eventflow_ports::{MessagePage, Place};
use eventflow_protocol::document::{Identified as _, Message};
use eventflow_protocol::pairing::Leg;
use eventflow_protocol::reply::CommandResult;
use http::HeaderMap;
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /{threadId}?before&after&beforeTime&afterTime&limit`: ascending by `seq`; without a place the newest.
pub(crate) async fn history(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    ThreadPath(thread): ThreadPath,
    query: Query,
) -> Result<Response, RefusalResponse> {
    let page = page(&query)?;
    edge.commands.require_participant(thread, &caller.user).await?;
    let messages = edge.store.messages(thread, page).await.map_err(Refusal::from)?;
    let messages: Vec<Value> = messages.iter().map(Message::shown).collect();
    Ok(answer::ok(json!({ "success": true, "messages": messages })))
}

/// `POST /{threadId} {content, attachments?, clientMessageId?}`: 201 stored, 200 stored before, 202 queued.
pub(crate) async fn send(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    ThreadPath(thread): ThreadPath,
    headers: HeaderMap,
    JsonBody(mut body): JsonBody,
) -> Result<Response, RefusalResponse> {
    request::merge_key(&headers, &mut body, "clientMessageId")?;
    let mut message = validate::send_message(&mut body, thread, caller.user, edge.clock.now())?;
    validate::paired(&mut message, Leg::Rest, caller.session, None);
    match edge.commands.send_message(message).await?.result().await? {
        CommandResult::Message { message, deduplicated: false } => {
            Ok(answer::created(json!({ "success": true, "message": message.shown() })))
        }
        CommandResult::Message { message, deduplicated: true } => {
            Ok(answer::ok(json!({ "success": true, "message": message.shown(), "deduplicated": true })))
        }
        CommandResult::Queued { command } => Ok(answer::queued(command)),
        other => Err(unexpected(&other).into()),
    }
}

fn page(query: &Query) -> Result<MessagePage, Refusal> {
    let before = query.place("before", "beforeTime")?;
    let after = query.place("after", "afterTime")?;
    if before.is_some() && after.is_some() {
        return Err(Refusal::invalid("before and after exclude each other"));
    }
    Ok(MessagePage { before, after, limit: query.limit()? })
}

impl Query {
    /// A place in a history: a `seq` or a time in `name`, or a time in `time_name`.
    fn place(&self, name: &str, time_name: &str) -> Result<Option<Place>, Refusal> {
        let time = self.time(time_name)?.map(Place::Time);
        let Some(text) = self.text(name) else { return Ok(time) };
        if time.is_some() {
            return Err(Refusal::invalid(format!("{name} and {time_name} exclude each other")));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(self.number(name)?.map(Place::Seq));
        }
        Ok(self.time(name)?.map(Place::Time))
    }
}

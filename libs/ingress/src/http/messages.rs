//! The routes about messages: a thread's history, and saying something in it.

use crate::commands::Done;
use crate::fields::Object;
use crate::http::caller::{Reader, Writer};
use crate::http::failure::Failure;
use crate::http::request::{Body, Query, ThreadPath};
use crate::parts::Edge;
use crate::refusal::Refusal;
use crate::validate;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use eventflow_ports::MessagePage;
use eventflow_protocol::ErrorCode;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

/// The header form of `clientMessageId` (IETF draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// `GET /{threadId}?before&after&limit`: ascending by `seq`; without a cursor the newest.
pub(crate) async fn history(
    State(edge): State<Arc<Edge>>,
    Reader(caller): Reader,
    ThreadPath(thread): ThreadPath,
    query: Query,
) -> Result<Response, Failure> {
    let page = page(&query)?;
    edge.commands.require_participant(thread, &caller.user).await?;
    let messages = edge.store.messages(thread, page).await.map_err(Refusal::from)?;
    Ok(Json(json!({ "success": true, "messages": messages })).into_response())
}

/// `POST /{threadId} {content, attachments?, clientMessageId?}`: 201 stored, 200 stored before, 202 queued.
pub(crate) async fn send(
    State(edge): State<Arc<Edge>>,
    Writer(caller): Writer,
    ThreadPath(thread): ThreadPath,
    headers: HeaderMap,
    Body(mut body): Body,
) -> Result<Response, Failure> {
    merge_key(&headers, &mut body)?;
    let message = validate::send_message(&mut body, thread, caller.user, edge.clock.now())?;
    match edge.commands.send_message(message).await?.done().await? {
        Done::Message { message, deduplicated: false } => {
            Ok((StatusCode::CREATED, Json(json!({ "success": true, "message": message }))).into_response())
        }
        Done::Message { message, deduplicated: true } => {
            Ok(Json(json!({ "success": true, "message": message, "deduplicated": true })).into_response())
        }
        Done::Queued(command) => {
            let body = json!({ "success": true, "status": "queued", "commandId": command });
            Ok((StatusCode::ACCEPTED, Json(body)).into_response())
        }
        Done::Thread { .. } => Err(Refusal::new(ErrorCode::Failed, "the message could not be stored").into()),
    }
}

/// The header is another way to give `clientMessageId`; both may be there if they agree.
fn merge_key(headers: &HeaderMap, body: &mut Object) -> Result<(), Refusal> {
    let Some(header) = headers.get(IDEMPOTENCY_KEY) else { return Ok(()) };
    let key = header.to_str().map_err(|_| Refusal::invalid("Idempotency-Key must be printable ASCII"))?;
    // The draft's form is a quoted string; most clients send it bare.
    let bare = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    let key = validate::idempotency_key(bare.to_owned(), "Idempotency-Key")?;
    match body.get("clientMessageId") {
        None | Some(Value::Null) => {
            body.insert("clientMessageId".to_owned(), Value::String(key));
            Ok(())
        }
        Some(Value::String(other)) if *other == key => Ok(()),
        Some(_) => Err(Refusal::invalid("Idempotency-Key and clientMessageId differ")),
    }
}

fn page(query: &Query) -> Result<MessagePage, Refusal> {
    let (before, after) = (query.number("before")?, query.number("after")?);
    if before.is_some() && after.is_some() {
        return Err(Refusal::invalid("before and after exclude each other"));
    }
    Ok(MessagePage { before, after, limit: query.limit()? })
}

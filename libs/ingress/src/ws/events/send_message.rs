//! `message:send`: in order onto the broker, and the answer to whoever asked when it comes.
//!
//! The check and the place in the publishing order are awaited here, one message of a socket after the other; the worker's
//! answer is awaited on the side. The answer goes to the callback and as `message:sent` or `message:error`; repeating a send with
//! the same `clientMessageId` finds the same message.

use crate::commands::{SentCommand, unexpected};
use crate::fields::Object;
use crate::refusal::Refusal;
use crate::validate;
use crate::ws::answer::Asker;
use crate::ws::application::Shared;
use crate::ws::event::Taken;
use crate::ws::events::taken;
use eventflow_protocol::ErrorCode;
use eventflow_protocol::command::CLIENT_KEY_MAX_BYTES;
use eventflow_protocol::document::Identified;
use eventflow_protocol::pairing::Leg;
use eventflow_protocol::reply::CommandResult;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// What the client may use to recognise which message an answer is about: given back as it came.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Echo {
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_message_id: Option<String>,
}

/// The body of `message:error`, and of the callback.
#[derive(Serialize)]
struct SendError<'a> {
    success: bool,
    error: &'a str,
    code: ErrorCode,
    #[serde(flatten)]
    echo: &'a Echo,
}

/// The body of `message:sent`, and of the callback.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageSent<'a> {
    success: bool,
    message: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deduplicated: bool,
}

impl Shared {
    /// Takes a message.
    pub(crate) async fn take_send(&self, asker: Asker, body: Result<Object, Refusal>) -> Taken {
        let echo = Echo::of(body.as_ref().ok());
        let sent = match body {
            Ok(body) => self.send(&asker, body).await,
            Err(refusal) => Err(refusal),
        };
        match sent {
            Ok(sent) => {
                self.tasks.spawn(async move { answer(&asker, &echo, sent.result().await) });
                Taken::Ok
            }
            Err(refusal) => {
                refuse(&asker, &echo, &refusal);
                taken(&refusal)
            }
        }
    }

    async fn send(&self, asker: &Asker, mut body: Object) -> Result<SentCommand, Refusal> {
        let user = asker.socket.state().user().ok_or_else(Refusal::unauthenticated)?;
        let thread = validate::thread_id(&mut body)?;
        let mut message = validate::send_message(&mut body, thread, user.clone(), self.edge.clock.now())?;
        if let Some(credential) = asker.socket.state().credential() {
            let opened_at = asker.socket.state().opened_at();
            crate::twin::recognise_by_content(&mut message, Leg::Socket, credential.session, Some(opened_at));
        }
        self.edge.commands.send_message(message).await
    }
}

fn answer(asker: &Asker, echo: &Echo, done: Result<CommandResult, Refusal>) {
    match done {
        Ok(CommandResult::Message { message, deduplicated }) => {
            match message.shown_text().and_then(RawValue::from_string) {
                Ok(message) => confirm(asker, echo, &message, deduplicated),
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a message cannot be written as JSON"
                ),
            }
        }
        Ok(CommandResult::Queued { command }) => {
            let body = json!({ "success": true, "status": "queued", "commandId": command, "threadId": echo.thread_id,
                "clientMessageId": echo.client_message_id });
            asker.ack(&body);
            asker.emit("message:queued", &body);
        }
        Ok(other) => refuse(asker, echo, &unexpected(&other)),
        Err(refusal) => refuse(asker, echo, &refusal),
    }
}

fn confirm(asker: &Asker, echo: &Echo, message: &RawValue, deduplicated: bool) {
    let body = MessageSent {
        success: true,
        message,
        client_message_id: echo.client_message_id.as_deref(),
        deduplicated,
    };
    asker.ack(&body);
    asker.emit("message:sent", &body);
}

fn refuse(asker: &Asker, echo: &Echo, refusal: &Refusal) {
    let body = SendError { success: false, error: &refusal.error, code: refusal.code, echo };
    asker.ack(&body);
    asker.emit("message:error", &body);
}

impl Echo {
    fn of(body: Option<&Object>) -> Self {
        Self {
            thread_id: short_text(body, "threadId"),
            client_message_id: short_text(body, "clientMessageId"),
        }
    }
}

/// A text of the client that is short enough to be sent back.
fn short_text(body: Option<&Object>, field: &str) -> Option<String> {
    match body?.get(field)? {
        Value::String(text) if text.len() <= CLIENT_KEY_MAX_BYTES => Some(text.clone()),
        _ => None,
    }
}

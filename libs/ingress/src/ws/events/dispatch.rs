//! Dispatch: what every event of a socket goes through. Budget, parse, handler, reply, count.
//!
//! Events of one socket come here one after the other, and the next one is taken when the handler is done.
//! What a handler only waits for, such as a worker's answer, goes on beside.

use crate::refusal::Refusal;
use crate::ws::events::budget;
use crate::ws::events::caller::Caller;
use crate::ws::events::name::{EventName, outcome_of};
use crate::ws::events::reply::Reply;
use crate::ws::events::request::read;
use crate::ws::events::responder::{Responder, shown};
use crate::ws::events::{
    authenticate, change_message, mark_read, open_thread, presence, save_draft, send_message, sync, typing,
};
use crate::ws::rooms::Rooms;
use crate::ws::sockets::event_budgets::EventKind;
use crate::ws::sockets::handle::ClientSocket;
use eventflow_metrics::EventOutcome;
use eventflow_protocol::ErrorCode;
use eventflow_protocol::client::{self, Object};
use eventflow_socketio::ClientEvent;
use std::sync::Arc;
use tracing::Instrument;

/// Takes one event of a socket, answers it, and counts it.
pub(crate) async fn dispatch(rooms: &Arc<Rooms>, socket: &ClientSocket, event: ClientEvent) {
    let name = EventName::of(&event.name);
    let span = socket.state().connection_span().event(name.name());
    dispatch_named(rooms, socket, name, event).instrument(span).await;
}

async fn dispatch_named(rooms: &Arc<Rooms>, socket: &ClientSocket, name: EventName, event: ClientEvent) {
    if socket.state().user().is_some() && socket.state().note_activity(rooms.edge.clock.now()) {
        rooms.presence.heartbeat.here(socket);
    }
    let outcome = take(rooms, socket, name, &event).await;
    rooms.edge.metrics.edge.events(name, outcome).inc();
    match (name.kind(), outcome) {
        // Typing never holds up a message.
        (EventKind::Typing, _) => {}
        (EventKind::Known | EventKind::Unknown, EventOutcome::Limited) => {
            budget::slow_down(rooms, socket).await;
        }
        (EventKind::Known | EventKind::Unknown, EventOutcome::Ok | EventOutcome::Refused) => {
            socket.state().forgive_refusal();
        }
    }
}

async fn take(
    rooms: &Arc<Rooms>,
    socket: &ClientSocket,
    name: EventName,
    event: &ClientEvent,
) -> EventOutcome {
    let body = match (name.kind(), budget::admit(rooms, socket, name.kind())) {
        // Past its budget, an unknown event is not even worth an answer.
        (EventKind::Unknown, Err(_)) => return EventOutcome::Limited,
        (EventKind::Known | EventKind::Typing, Err(refusal)) => Err(refusal),
        (EventKind::Known | EventKind::Typing, Ok(())) => body_of(event),
        (EventKind::Unknown, Ok(())) => {
            tracing::debug!(socket = %socket.id(), length = event.name.len(), "an unknown event");
            Err(no_such_event(&event.name))
        }
    };
    let unread = if body.is_err() && name == EventName::Send { texts_of(event) } else { Object::new() };
    let responder = Responder::new(rooms, socket, name, event, body.as_ref().unwrap_or(&unread));
    let reply = match body {
        Ok(body) => call_handler(rooms, socket, name, body).await,
        Err(refusal) => Err(refusal),
    };
    match reply {
        Ok(reply) => {
            reply.give(rooms, responder).await;
            EventOutcome::Ok
        }
        Err(refusal) => {
            responder.refuse(&refusal);
            outcome_of(&refusal)
        }
    }
}

/// The one place that says which handler an event has. All but `auth` need a user.
async fn call_handler(
    rooms: &Arc<Rooms>,
    socket: &ClientSocket,
    name: EventName,
    body: Object,
) -> Result<Reply, Refusal> {
    let caller = || Caller::of(rooms, socket);
    match name {
        EventName::Auth => authenticate::authenticate(rooms, socket, read(body)?).await,
        EventName::Send => send_message::send(caller()?, read(body)?).await,
        EventName::Join => open_thread::join(caller()?, &read(body)?).await,
        EventName::Leave => open_thread::leave(caller()?, &read(body)?).await,
        EventName::Edit => change_message::edit(caller()?, read(body)?).await,
        EventName::Delete => change_message::delete(caller()?, &read(body)?).await,
        EventName::React => change_message::react(caller()?, read(body)?).await,
        EventName::Pin => change_message::pin(caller()?, &read(body)?).await,
        EventName::Unpin => change_message::unpin(caller()?, &read(body)?).await,
        EventName::Read => mark_read::read_message(caller()?, read(body)?).await,
        EventName::ReadThread => mark_read::read_thread(caller()?, &read(body)?).await,
        EventName::UnreadThread => mark_read::unread_thread(caller()?, &read(body)?).await,
        EventName::SaveDraft => save_draft::save(caller()?, read(body)?).await,
        EventName::PresenceUpdate => Ok(presence::update(caller()?, read(body)?).await),
        EventName::PresenceSync => presence::sync(caller()?, read(body)?).await,
        EventName::Sync => sync::sync(caller()?, read(body)?).await,
        EventName::TypingStart => typing::start(caller()?, &read(body)?).await,
        EventName::TypingStop => typing::stop(caller()?, &read(body)?).await,
        EventName::Unknown => Err(no_such_event(name.name())),
    }
}

/// The event's first argument, which must be an object. The name is one of the protocol's.
fn body_of(event: &ClientEvent) -> Result<Object, Refusal> {
    let name = &event.name;
    if !event.attachments.is_empty() {
        return Err(Refusal::invalid("binary events are not accepted"));
    }
    let Some(payload) = event.args.first() else {
        return Err(Refusal::invalid(format!("{name} needs one object as its argument, and came without")));
    };
    let kind = match payload.get().as_bytes().first() {
        Some(b'{') | None => return Ok(client::parse_object(payload.get().as_bytes())?),
        Some(b'"') => "a text",
        Some(b'[') => "a list",
        Some(b'n') => "null",
        Some(b't' | b'f') => "true or false",
        Some(_) => "a number",
    };
    Err(Refusal::invalid(format!("{name} needs one object as its argument, and came with {kind}")))
}

/// What can be read of an argument that is refused as a whole, so that the refusal names what it is about.
fn texts_of(event: &ClientEvent) -> Object {
    event.args.first().map(|argument| client::texts_of(argument.get().as_bytes())).unwrap_or_default()
}

fn no_such_event(name: &str) -> Refusal {
    Refusal::new(ErrorCode::Unknown, format!("there is no such event: {}", shown(name)))
}

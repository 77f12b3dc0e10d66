//! The budgets that limit how many events a socket, its user, or an address may send, and what becomes of a
//! socket that goes on nevertheless.

use crate::refusal::Refusal;
use crate::ws::rooms::Rooms;
use crate::ws::sockets::event_budgets::EventKind;
use crate::ws::sockets::handle::ClientSocket;
use std::time::Duration;
use tokio::time::sleep;

/// Penalty: a socket far past its budget has twenty events read in a second, ten times as many as its budget
/// has.
const PENALTY: Duration = Duration::from_millis(50);

/// Takes one event from the budgets of its socket and of whoever uses it. A refused one costs nothing.
pub(super) fn admit(rooms: &Rooms, socket: &ClientSocket, kind: EventKind) -> Result<(), Refusal> {
    let session = socket.state();
    let limit = rooms.edge.events_per_minute;
    match kind {
        EventKind::Known => session.admit_event(limit).map_err(past_budget)?,
        EventKind::Unknown => session.admit_unknown_event(limit).map_err(past_budget)?,
        EventKind::Typing => {}
    }
    let shared = match session.user() {
        Some(user) => rooms.event_budgets.admit(kind, user),
        None => rooms.event_budgets.admit_nobody(session.network()),
    };
    shared.inspect_err(|_| match kind {
        EventKind::Known => session.take_event_back(),
        EventKind::Unknown | EventKind::Typing => {}
    })
}

/// Slows down a socket that goes on far past its budget: its next event is read later. Reading and refusing
/// costs the processor too, so a flood of events that are all refused would take the time of those who are in
/// their budgets. A first budget of refusals costs nothing: a client that is told to wait may have sent more
/// already.
pub(super) async fn slow_down(rooms: &Rooms, socket: &ClientSocket) {
    // 0 switches the budget off, and with it what follows from going past it.
    let limit = rooms.edge.events_per_minute;
    if limit > 0 && socket.state().note_refusal() > limit {
        sleep(PENALTY).await;
    }
}

/// The refusal of an event past the budget of its socket, which has room again after `wait`.
pub(super) fn past_budget(wait: Duration) -> Refusal {
    Refusal::rate_limited("too many events in the last minute", wait)
}

//! `typing:start` and `typing:stop {threadId}`: answered only where a callback asks, and on a budget apart.

use crate::refusal::Refusal;
use crate::ws::events::budget::past_budget;
use crate::ws::events::caller::Caller;
use crate::ws::events::reply::Reply;
use crate::ws::events::request::thread_id;
use eventflow_metrics::ShedKind;
use eventflow_protocol::Participants;
use eventflow_protocol::ThreadId;
use eventflow_protocol::client::requests::ThreadEvent;

/// Handles `typing:start`.
pub(super) async fn start(caller: Caller<'_>, request: &ThreadEvent) -> Result<Reply, Refusal> {
    let thread = thread_id(&request.thread_id)?;
    let people = participants(caller, thread).await?;
    if caller.rooms.shedding.sheds(ShedKind::Typing) {
        return Ok(Reply::Done(thread));
    }
    caller.rooms.presence.open_where_typing(caller.socket, caller.user, thread, &people).await;
    caller.rooms.typing.start(caller.socket, caller.user, thread);
    Ok(Reply::Done(thread))
}

/// Handles `typing:stop`.
pub(super) async fn stop(caller: Caller<'_>, request: &ThreadEvent) -> Result<Reply, Refusal> {
    let thread = thread_id(&request.thread_id)?;
    participants(caller, thread).await?;
    caller.rooms.typing.stop(caller.socket, caller.user, thread);
    Ok(Reply::Done(thread))
}

/// The participants of a thread that the caller is in. Asking the store has a budget, so that a flood of
/// made-up threads does not reach it.
async fn participants(caller: Caller<'_>, thread: ThreadId) -> Result<Participants, Refusal> {
    if let Some(people) = caller.rooms.membership.remembered(thread) {
        return caller.require_among(Some(people));
    }
    caller.session().admit_unknown_event(caller.rooms.edge.events_per_minute).map_err(past_budget)?;
    caller.participants(thread).await
}

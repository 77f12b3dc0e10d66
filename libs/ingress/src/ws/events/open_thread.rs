//! `thread:join` and `thread:leave {threadId}`: the caller opens or closes a thread. Only for participants.
//!
//! Who hears of a thread is decided by membership, not by this; it says whose presence the socket follows.
//! Whoever opens a thread is told how everybody in it is. Both may be repeated.

use crate::refusal::Refusal;
use crate::ws::events::caller::Caller;
use crate::ws::events::reply::Reply;
use crate::ws::events::request::thread_id;
use eventflow_protocol::client::requests::ThreadEvent;

/// Handles `thread:join`.
pub(super) async fn join(caller: Caller<'_>, request: &ThreadEvent) -> Result<Reply, Refusal> {
    let thread = thread_id(&request.thread_id)?;
    let people = caller.participants(thread).await?;
    let followed = caller.rooms.presence.open_thread(caller.socket, caller.user, thread, &people).await?;
    Ok(Reply::ThreadOpened { thread, followed })
}

/// Handles `thread:leave`.
pub(super) async fn leave(caller: Caller<'_>, request: &ThreadEvent) -> Result<Reply, Refusal> {
    let thread = thread_id(&request.thread_id)?;
    caller.participants(thread).await?;
    caller.rooms.presence.close_thread(caller.socket, thread);
    Ok(Reply::Done(thread))
}

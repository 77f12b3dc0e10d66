//! `draft:save`: what the caller has begun to write in a thread, for all their devices.
//!
//! Repeating it changes nothing: the draft says that already.

use crate::refusal::Refusal;
use crate::ws::events::caller::Caller;
use crate::ws::events::command::ThreadCommand;
use crate::ws::events::reply::Reply;
use crate::ws::events::request::thread_id;
use eventflow_protocol::client::requests::DraftEvent;

/// Handles `draft:save`.
pub(super) async fn save(caller: Caller<'_>, request: DraftEvent) -> Result<Reply, Refusal> {
    let edge = &caller.rooms.edge;
    let thread = thread_id(&request.thread_id)?;
    let save = request.body.into_command(thread, caller.user.clone(), edge.clock.now());
    let sent = edge.commands.save_draft(save).await?;
    Ok(Reply::CommandSent(ThreadCommand { thread, sent }))
}

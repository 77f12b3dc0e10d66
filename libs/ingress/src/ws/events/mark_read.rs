//! `message:read` and `thread:read`: the caller has read a thread up to a message, or all there is.
//! `thread:unread`: they want messages to be unread again.
//!
//! All become a cursor of this user in this thread. Reading only raises it, so repeating that, or hearing it
//! late, changes nothing.

use crate::refusal::Refusal;
use crate::ws::events::caller::Caller;
use crate::ws::events::reply::Reply;
use crate::ws::events::request::{message_id, thread_id};
use eventflow_protocol::ThreadId;
use eventflow_protocol::change::{AdvanceCursor, Cursor};
use eventflow_protocol::client::requests::{ReadMessageEvent, ThreadEvent, UnreadThreadEvent};
use eventflow_protocol::command::Command;

/// Handles `message:read`.
pub(super) async fn read_message(caller: Caller<'_>, request: ReadMessageEvent) -> Result<Reply, Refusal> {
    let commands = &caller.rooms.edge.commands;
    match request {
        ReadMessageEvent::Message(message) => {
            let message = commands.message_for(message_id(&message)?, caller.user).await?;
            advance(caller, message.thread_id, Some(message.seq)).await
        }
        ReadMessageEvent::Place { thread, seq } => {
            let thread = thread_id(&thread)?;
            commands.require_participant(thread, caller.user).await?;
            advance(caller, thread, Some(seq)).await
        }
    }
}

/// Handles `thread:read`.
pub(super) async fn read_thread(caller: Caller<'_>, request: &ThreadEvent) -> Result<Reply, Refusal> {
    let commands = &caller.rooms.edge.commands;
    let thread = thread_id(&request.thread_id)?;
    commands.require_participant(thread, caller.user).await?;
    let newest = commands.everything_in(thread).await;
    advance(caller, thread, newest).await
}

/// Handles `thread:unread`.
pub(super) async fn unread_thread(caller: Caller<'_>, request: &UnreadThreadEvent) -> Result<Reply, Refusal> {
    let edge = &caller.rooms.edge;
    let thread = thread_id(&request.thread_id)?;
    let user = caller.user.clone();
    let command = edge.commands.mark_unread(thread, user, request.seq, edge.clock.now()).await?;
    caller.publish(thread, &command).await
}

/// Moves the cursor "read". Without a place the worker decides, by the time at which the command was
/// accepted.
async fn advance(caller: Caller<'_>, thread_id: ThreadId, up_to: Option<u64>) -> Result<Reply, Refusal> {
    let user_id = caller.user.clone();
    let at = caller.rooms.edge.clock.now();
    let advance = AdvanceCursor { thread_id, user_id, cursor: Cursor::Read, up_to, at };
    caller.publish(thread_id, &Command::AdvanceCursor(advance)).await
}

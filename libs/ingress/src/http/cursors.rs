//! Moving a read cursor: what the routes that end in `/read` and `/unread` share. Repeating either changes
//! nothing.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use eventflow_protocol::ThreadId;
use eventflow_protocol::change::AdvanceCursor;
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::CursorAnswer;
use eventflow_protocol::command::Command;
use eventflow_protocol::reply::CommandResult;

/// Moves a cursor and answers where it is.
pub(crate) async fn advance(edge: &Edge, advance: AdvanceCursor) -> RouteResult<CursorAnswer> {
    let thread_id = advance.thread_id;
    move_cursor(edge, thread_id, &Command::AdvanceCursor(advance)).await
}

/// Carries out a command that moves a cursor in this thread, and answers where the cursor is.
pub(crate) async fn move_cursor(
    edge: &Edge,
    thread_id: ThreadId,
    command: &Command,
) -> RouteResult<CursorAnswer> {
    match edge.commands.send_command(command).await?.result().await? {
        CommandResult::Cursor { up_to, unread_count } => {
            Ok(RouteAnswer::Ok(CursorAnswer { seq: up_to, success: Success, thread_id, unread_count }))
        }
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

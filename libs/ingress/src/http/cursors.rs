//! Moving a read cursor: what the routes that end in `/read` share. A cursor never moves back, so repeating
//! it changes nothing.

use crate::commands::unexpected;
use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use eventflow_protocol::change::AdvanceCursor;
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::CursorAnswer;
use eventflow_protocol::command::Command;
use eventflow_protocol::reply::CommandResult;

/// Moves a cursor and answers where it is.
pub(crate) async fn advance(edge: &Edge, advance: AdvanceCursor) -> RouteResult<CursorAnswer> {
    let thread_id = advance.thread_id;
    match edge.commands.send_command(&Command::AdvanceCursor(advance)).await?.result().await? {
        CommandResult::Cursor { up_to, unread_count } => {
            Ok(RouteAnswer::Ok(CursorAnswer { seq: up_to, success: Success, thread_id, unread_count }))
        }
        CommandResult::Queued { command } => Ok(RouteAnswer::queued(command)),
        other => Err(unexpected(&other)),
    }
}

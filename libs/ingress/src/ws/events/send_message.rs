//! `message:send`: in order onto the broker; with `sendAt` it is kept for later.
//!
//! The check and the place in the publishing order are awaited here, one message of a socket after the other;
//! the worker's result is awaited beside, by [`crate::ws::events::message_answer`]. Repeating a send with the
//! same `clientMessageId` finds the same message.

use crate::refusal::Refusal;
use crate::scheduling::{Scheduling, schedule};
use crate::twin::recognise_by_content;
use crate::ws::events::caller::Caller;
use crate::ws::events::command::ThreadCommand;
use crate::ws::events::reply::Reply;
use crate::ws::events::request::thread_id;
use eventflow_protocol::client::requests::SendMessageEvent;
use eventflow_protocol::pairing::Leg;

/// Handles `message:send`.
pub(super) async fn send(caller: Caller<'_>, request: SendMessageEvent) -> Result<Reply, Refusal> {
    let edge = &caller.rooms.edge;
    let SendMessageEvent { thread_id: thread, body } = request;
    let (thread, send_at) = (thread_id(&thread)?, body.send_at);
    let mut message = body.into_command(thread, caller.user.clone(), edge.clock.now());
    if let Some(send_at) = send_at {
        return Ok(match schedule(edge, message, send_at).await? {
            Scheduling::Known(known) => Reply::Scheduled(known),
            Scheduling::Sent(sent) => Reply::CommandSent(ThreadCommand { thread, sent: *sent }),
        });
    }
    if let Some(credential) = caller.session().credential() {
        let opened_at = caller.session().opened_at();
        recognise_by_content(&mut message, Leg::Socket, credential.session, Some(opened_at));
    }
    Ok(Reply::MessageSent(edge.commands.send_message(message).await?))
}

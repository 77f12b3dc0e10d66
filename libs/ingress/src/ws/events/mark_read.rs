//! `message:read` and `thread:read`: somebody has read a thread up to a message, or all there is.
//!
//! Both become a cursor of this user in this thread. It only rises, so repeating them, or hearing them late, changes nothing.

use crate::fields::{self, Object};
use crate::refusal::Refusal;
use crate::validate;
use crate::ws::answer::Asker;
use crate::ws::application::Shared;
use crate::ws::asking::Asked;
use crate::ws::event::{EventName, Taken};
use crate::ws::member::Member;
use eventflow_protocol::change::{AdvanceCursor, Cursor};
use eventflow_protocol::command::Command;
use eventflow_protocol::{ThreadId, UserId};
use eventflow_socketio::Socket;

impl Shared {
    /// Takes one of both.
    pub(crate) async fn take_read(
        &self,
        asker: Asker,
        name: EventName,
        body: Result<Object, Refusal>,
    ) -> Taken {
        let command = match body {
            Ok(body) => self.read(&asker.socket, name, body).await,
            Err(refusal) => Err(refusal),
        };
        self.answer_later(asker, name, command)
    }

    async fn read(
        &self,
        socket: &Socket<Member>,
        name: EventName,
        mut body: Object,
    ) -> Result<Asked, Refusal> {
        let user = socket.state().user().ok_or_else(Refusal::unauthenticated)?;
        let (thread_id, up_to) = match name {
            EventName::ReadThread => {
                let thread = self.own_thread(&mut body, user).await?;
                (thread, self.edge.commands.everything_in(thread).await)
            }
            _ => self.message_read(&mut body, user).await?,
        };
        let at = self.edge.clock.now();
        let advance = AdvanceCursor { thread_id, user_id: user.clone(), cursor: Cursor::Read, up_to, at };
        let sent = self.edge.commands.send_command(&Command::AdvanceCursor(advance)).await?;
        Ok(Asked { thread: thread_id, sent })
    }

    /// A message by `messageId`, or by `threadId` and `seq`.
    async fn message_read(
        &self,
        body: &mut Object,
        user: &UserId,
    ) -> Result<(ThreadId, Option<u64>), Refusal> {
        if body.get("messageId").is_some_and(|id| !id.is_null()) {
            let message = self.edge.commands.message_for(validate::message_id(body)?, user).await?;
            return Ok((message.thread_id, Some(message.seq)));
        }
        if !body.contains_key("threadId") {
            return Err(fields::missing("messageId"));
        }
        let seq = fields::take(body, "seq").ok_or_else(|| fields::missing("seq"))?;
        let seq = seq.as_u64().ok_or_else(|| fields::wrong_type("seq", "a whole number"))?;
        Ok((self.own_thread(body, user).await?, Some(seq)))
    }

    async fn own_thread(&self, body: &mut Object, user: &UserId) -> Result<ThreadId, Refusal> {
        let thread = validate::thread_id(body)?;
        self.edge.commands.require_participant(thread, user).await?;
        Ok(thread)
    }
}

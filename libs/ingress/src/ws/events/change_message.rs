//! `message:edit`, `message:delete` and `reaction:send`: what becomes of a message that exists.
//!
//! Who may is asked twice: here whether they see the message at all, by the worker whether it is theirs to change. Repeating one
//! leads to the same end, but for a reaction that toggles, which is decided once per command.

use crate::fields::Object;
use crate::refusal::Refusal;
use crate::validate;
use crate::ws::answer::Asker;
use crate::ws::application::Shared;
use crate::ws::asking::Asked;
use crate::ws::event::{EventName, Taken};
use crate::ws::member::Member;
use eventflow_protocol::change::{Change, ChangeMessage};
use eventflow_protocol::command::Command;
use eventflow_socketio::Socket;

impl Shared {
    /// Takes one of the three.
    pub(crate) async fn take_change(
        &self,
        asker: Asker,
        name: EventName,
        body: Result<Object, Refusal>,
    ) -> Taken {
        let command = match body {
            Ok(body) => self.change(&asker.socket, name, body).await,
            Err(refusal) => Err(refusal),
        };
        self.answer_later(asker, name, command)
    }

    async fn change(
        &self,
        socket: &Socket<Member>,
        name: EventName,
        mut body: Object,
    ) -> Result<Asked, Refusal> {
        let user = socket.state().user().ok_or_else(Refusal::unauthenticated)?;
        let message_id = validate::message_id(&mut body)?;
        let change = match name {
            EventName::Edit => Change::Edit { content: validate::edit(&mut body)? },
            EventName::React => {
                let (emoji, wish) = validate::reaction(&mut body)?;
                Change::React { emoji, wish }
            }
            _ => Change::Delete,
        };
        let thread = self.edge.commands.thread_of(message_id, user).await?;
        let at = self.edge.clock.now();
        let change = ChangeMessage { thread_id: thread, message_id, by: user.clone(), change, at };
        let sent = self.edge.commands.send_command(&Command::ChangeMessage(change)).await?;
        Ok(Asked { thread, sent })
    }
}

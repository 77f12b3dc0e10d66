//! Events that ask for a change: in order onto the broker, and the worker's answer to the callback when it comes.
//!
//! Here is what they share; [`crate::ws::changing`] and [`crate::ws::reading`] say what each asks for. Without a callback only a
//! refusal is told, by `error`: what was done is heard as an event anyway. All of them may be repeated.

use crate::commands::{SentCommand, unexpected};
use crate::refusal::Refusal;
use crate::ws::answer::Asker;
use crate::ws::application::Shared;
use crate::ws::event::{EventName, Taken};
use crate::ws::events::taken;
use eventflow_protocol::ThreadId;
use eventflow_protocol::change::Effect;
use eventflow_protocol::document::Identified;
use eventflow_protocol::reply::CommandResult;
use serde_json::{Value, json};

/// A command on its way, and the thread it is about.
pub(crate) struct Asked {
    pub(crate) thread: ThreadId,
    pub(crate) sent: SentCommand,
}

impl Shared {
    /// Answers now if it was refused, else when the worker has answered.
    pub(crate) fn answer_later(
        &self,
        asker: Asker,
        name: EventName,
        command: Result<Asked, Refusal>,
    ) -> Taken {
        match command {
            Ok(Asked { thread, sent }) => {
                self.tasks.spawn(async move {
                    match sent.result().await.and_then(|done| shown(done, thread)) {
                        Ok(body) => asker.ack(&body),
                        Err(refusal) => asker.refuse(name.label(), &refusal),
                    }
                });
                Taken::Ok
            }
            Err(refusal) => {
                asker.refuse(name.label(), &refusal);
                taken(&refusal)
            }
        }
    }
}

fn shown(done: CommandResult, thread: ThreadId) -> Result<Value, Refusal> {
    Ok(match done {
        CommandResult::Changed { message, effect } => {
            let action = match effect {
                Effect::Edited => "edited",
                Effect::Deleted => "deleted",
                Effect::Reacted => "added",
                Effect::Unreacted => "removed",
            };
            json!({ "success": true, "message": message.shown(), "action": action })
        }
        CommandResult::Cursor { up_to, unread_count } => {
            json!({ "success": true, "threadId": thread, "seq": up_to, "unreadCount": unread_count })
        }
        CommandResult::Queued { command } => {
            json!({ "success": true, "status": "queued", "commandId": command, "threadId": thread })
        }
        other => return Err(unexpected(&other)),
    })
}

//! Commands on their way to a worker: what events that ask for a change have in common.
//!
//! [`crate::ws::events::change_message`], [`crate::ws::events::mark_read`] and
//! [`crate::ws::events::save_draft`] say what each event asks for.
//! The command is published in order, and the worker's result goes to the callback when it comes. Without a
//! callback only a refusal is told, by `error`: what was done is heard as an event anyway. All of them may be
//! repeated.

use crate::commands::{SentCommand, unexpected};
use crate::ws::events::responder::Responder;
use eventflow_protocol::ThreadId;
use eventflow_protocol::client::answers::{
    ChangeAnswer, CursorAnswer, DraftAnswer, QueuedAnswer, ScheduledAnswer, ShownDraft, ShownScheduled,
};
use eventflow_protocol::client::{Sorted, Success, WithId};
use eventflow_protocol::reply::CommandResult;

/// A command on its way, and the thread it is about.
pub(super) struct ThreadCommand {
    pub(super) thread: ThreadId,
    pub(super) sent: SentCommand,
}

/// Waits for the worker's result and passes it on.
pub(super) async fn answer(responder: Responder, ThreadCommand { thread, sent }: ThreadCommand) {
    match sent.result().await {
        Ok(CommandResult::Changed { message, effect }) => responder.ack(&ChangeAnswer {
            action: Some(effect.into()),
            message: Sorted(WithId(*message)),
            reactions: None,
            success: Success,
        }),
        Ok(CommandResult::Cursor { up_to, unread_count }) => {
            responder.ack(&CursorAnswer { seq: up_to, success: Success, thread_id: thread, unread_count });
        }
        Ok(CommandResult::Draft { draft }) => {
            responder.ack(&DraftAnswer { draft: ShownDraft::from(*draft), success: Success });
        }
        Ok(CommandResult::Scheduled { scheduled, deduplicated }) => {
            let scheduled = ShownScheduled::from(*scheduled);
            responder.ack(&ScheduledAnswer { deduplicated, scheduled, success: Success });
        }
        Ok(CommandResult::Queued { command }) => responder.ack(&QueuedAnswer::in_thread(command, thread)),
        Ok(other) => responder.refuse(&unexpected(&other)),
        Err(refusal) => responder.refuse(&refusal),
    }
}

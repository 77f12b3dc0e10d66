//! Replies: what a handler found out, and how the client is told.

use crate::commands::SentCommand;
use crate::ws::events::command::{self, ThreadCommand};
use crate::ws::events::message_answer;
use crate::ws::events::responder::Responder;
use crate::ws::rooms::Rooms;
use eventflow_protocol::client::answers::{
    AuthAnswer, PresenceChoiceAnswer, PresenceListAnswer, ScheduledAnswer, ShownScheduled, SyncAnswer,
    ThreadAck,
};
use eventflow_protocol::client::events::{AuthSuccess, PresenceSync};
use eventflow_protocol::client::{Sorted, Success};
use eventflow_protocol::presence::{Presence, Status};
use eventflow_protocol::scheduled::ScheduledMessage;
use eventflow_protocol::{ThreadId, UserId};
use std::borrow::Cow;

/// What became of an event that was not refused.
pub(super) enum Reply {
    /// The socket belongs to this user.
    Authenticated(UserId),
    /// Done, in this thread.
    Done(ThreadId),
    /// The thread is open, and these people are followed there.
    ThreadOpened { thread: ThreadId, followed: Box<[UserId]> },
    /// The user wants to be seen like this.
    PresenceChosen(Status),
    /// These people are like this.
    PresenceFound(Vec<Presence>),
    /// What the client has missed.
    Synced(Box<SyncAnswer>),
    /// The message was kept for later before.
    Scheduled(Box<ScheduledMessage>),
    /// The message is on its way to a worker.
    MessageSent(SentCommand),
    /// The command is on its way to a worker.
    CommandSent(ThreadCommand),
}

impl Reply {
    /// Tells the client. A worker's result is awaited beside, so that the socket's next event need not wait
    /// for it.
    pub(super) async fn give(self, rooms: &Rooms, responder: Responder) {
        match self {
            Self::Authenticated(user_id) => {
                responder.ack(&AuthAnswer { success: Success, user_id: user_id.clone() });
                responder.emit(&AuthSuccess { user_id });
            }
            Self::Done(thread_id) => responder.ack(&ThreadAck { success: Success, thread_id }),
            Self::ThreadOpened { thread: thread_id, followed } => {
                responder.ack(&ThreadAck { success: Success, thread_id });
                rooms.presence.show(&responder.socket, &followed).await;
            }
            Self::PresenceChosen(status) => responder.ack(&PresenceChoiceAnswer { status, success: Success }),
            Self::PresenceFound(people) => give_presence(&responder, people),
            Self::Synced(answer) => {
                if responder.has_callback() {
                    responder.ack(&answer);
                } else {
                    responder.emit_now(&*answer);
                }
            }
            Self::Scheduled(known) => {
                let scheduled = ShownScheduled::from(*known);
                responder.ack(&ScheduledAnswer { deduplicated: true, scheduled, success: Success });
            }
            Self::MessageSent(sent) => rooms.background.spawn(message_answer::answer(responder, sent)),
            Self::CommandSent(pending) => rooms.background.spawn(command::answer(responder, pending)),
        }
    }
}

/// As a list to the callback, and as one event for each person.
fn give_presence(responder: &Responder, people: Vec<Presence>) {
    let answer = PresenceListAnswer { presence: Sorted(people), success: Success };
    responder.ack(&answer);
    for person in &answer.presence.0 {
        responder.emit_now(&PresenceSync(Cow::Borrowed(person)));
    }
}

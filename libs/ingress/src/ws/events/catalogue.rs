//! What clients send over a socket, in types: for each event its request and its answers.

use crate::contract::shape::of;
use crate::ws::events::name::EventName;
use eventflow_metrics::Label;
use eventflow_protocol::ErrorBody;
use eventflow_protocol::client::answers::{
    AuthAnswer, ChangeAnswer, CursorAnswer, PresenceChoiceAnswer, PresenceListAnswer, QueuedAnswer,
    SyncAnswer, ThreadAck,
};
use eventflow_protocol::client::catalogue::Describe;
use eventflow_protocol::client::events::{MessageError, MessageQueued, MessageSent};
use eventflow_protocol::client::requests::{
    AuthEvent, EditMessageEvent, MessageEvent, PresenceSyncEvent, PresenceUpdateEvent, ReactionEvent,
    ReadMessageEvent, SendMessageEvent, SyncEvent, ThreadEvent, UnreadThreadEvent,
};

/// An event that clients send.
pub(crate) struct ClientEventShape {
    pub(crate) name: &'static str,
    /// What it does, in one sentence.
    pub(crate) about: &'static str,
    /// Its only argument.
    pub(crate) request: Describe,
    /// What its callback may get if it is not refused.
    pub(crate) answers: &'static [Describe],
    /// What its callback gets if it is refused.
    pub(crate) refusal: Describe,
}

/// All events that clients send.
pub(crate) fn client_events() -> Vec<ClientEventShape> {
    EventName::ALL.iter().filter_map(|name| shape_of(*name)).collect()
}

fn shape_of(name: EventName) -> Option<ClientEventShape> {
    const CHANGED: &[Describe] = &[of::<ChangeAnswer>, of::<QueuedAnswer>];
    const READ: &[Describe] = &[of::<CursorAnswer>, of::<QueuedAnswer>];
    const IN_THREAD: &[Describe] = &[of::<ThreadAck>];
    let thread: Describe = of::<ThreadEvent>;
    let (request, answers, about): (Describe, &'static [Describe], _) = match name {
        EventName::Auth => {
            (of::<AuthEvent>, &[of::<AuthAnswer>], "Signs in a socket that came without a token.")
        }
        EventName::Send => {
            (of::<SendMessageEvent>, &[of::<MessageSent>, of::<MessageQueued>], "Sends a message.")
        }
        EventName::Join => (thread, IN_THREAD, "Opens a thread: its people's presence and typing are told."),
        EventName::Leave => (thread, IN_THREAD, "Closes a thread on this socket; nobody leaves it by that."),
        EventName::Edit => (of::<EditMessageEvent>, CHANGED, "Replaces the text of one's message."),
        EventName::Delete => (of::<MessageEvent>, CHANGED, "Takes one's message back."),
        EventName::React => (of::<ReactionEvent>, CHANGED, "Adds or removes one's reaction."),
        EventName::Pin => (of::<MessageEvent>, CHANGED, "Pins a message to its thread."),
        EventName::Unpin => (of::<MessageEvent>, CHANGED, "Unpins a message."),
        EventName::Read => (of::<ReadMessageEvent>, READ, "Marks a thread as read up to a message."),
        EventName::ReadThread => (thread, READ, "Marks a thread as read to its end."),
        EventName::UnreadThread => {
            (of::<UnreadThreadEvent>, READ, "Makes messages of others unread again for oneself.")
        }
        EventName::PresenceUpdate => {
            (of::<PresenceUpdateEvent>, &[of::<PresenceChoiceAnswer>], "Chooses how one is seen.")
        }
        EventName::PresenceSync => {
            (of::<PresenceSyncEvent>, &[of::<PresenceListAnswer>], "Asks who of these people is online.")
        }
        EventName::Sync => (of::<SyncEvent>, &[of::<SyncAnswer>], "Asks for everything that was missed."),
        EventName::TypingStart => (thread, IN_THREAD, "Tells that one is typing."),
        EventName::TypingStop => (thread, IN_THREAD, "Tells that one has stopped typing."),
        EventName::Unknown => return None,
    };
    // The refusal of a message says which one it is about.
    let refusal: Describe = if name == EventName::Send { of::<MessageError> } else { of::<ErrorBody> };
    Some(ClientEventShape { name: name.name(), about, request, answers, refusal })
}

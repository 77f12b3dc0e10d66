//! What clients send over a socket, in types: for each event its request and its answers.

use crate::contract::shape::of;
use crate::ws::events::name::EventName;
use eventflow_metrics::Label;
use eventflow_protocol::client::answers::{
    AuthAnswer, ChangeAnswer, CursorAnswer, DraftAnswer, PresenceChoiceAnswer, PresenceListAnswer,
    QueuedAnswer, ScheduledAnswer, SyncAnswer, ThreadAck,
};
use eventflow_protocol::client::catalogue::Describe;
use eventflow_protocol::client::events::{MessageError, MessageQueued, MessageSent};
use eventflow_protocol::client::requests::{
    AuthEvent, DraftEvent, EditMessageEvent, MessageEvent, PresenceSyncEvent, PresenceUpdateEvent,
    ReactionEvent, ReadMessageEvent, SendMessageEvent, SyncEvent, ThreadEvent, UnreadThreadEvent,
};
use eventflow_protocol::{ErrorBody, ErrorCode};

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
    pub(crate) words: Words,
}

/// What no type says of an event.
pub(crate) struct Words {
    /// What the socket gets by event, with a callback or without.
    pub(crate) by_event: &'static str,
    /// Codes that it may be refused with, beside those of every event.
    pub(crate) codes: &'static [ErrorCode],
    /// Its limits beside the budget of all events; empty if there is none.
    pub(crate) limits: &'static str,
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
        EventName::Auth => (
            of::<AuthEvent>,
            &[of::<AuthAnswer>],
            "Signs in a socket that came without a token, or renews the token of the same user.",
        ),
        EventName::Send => (
            of::<SendMessageEvent>,
            &[of::<MessageSent>, of::<MessageQueued>, of::<ScheduledAnswer>, of::<QueuedAnswer>],
            "Sends a message, now or at `sendAt`.",
        ),
        EventName::Join => (thread, IN_THREAD, "Opens a thread: its people's presence and typing are told."),
        EventName::Leave => (thread, IN_THREAD, "Closes a thread on this socket; nobody leaves it by that."),
        EventName::Edit => {
            (of::<EditMessageEvent>, CHANGED, "Replaces the text of one's message; `action` is `edited`.")
        }
        EventName::Delete => {
            (of::<MessageEvent>, CHANGED, "Takes one's message back; `action` is `deleted`.")
        }
        EventName::Pin => {
            (of::<MessageEvent>, CHANGED, "Pins a message to its thread; `action` is `pinned`.")
        }
        EventName::Unpin => (of::<MessageEvent>, CHANGED, "Unpins a message; `action` is `unpinned`."),
        EventName::React => (
            of::<ReactionEvent>,
            CHANGED,
            "Adds or removes one's reaction; `action` is `added` or `removed`.",
        ),
        EventName::Read => (
            of::<ReadMessageEvent>,
            READ,
            "Marks a thread as read up to a message: `messageId`, or `threadId` and `seq`.",
        ),
        EventName::ReadThread => (thread, READ, "Marks a thread as read to its end."),
        EventName::UnreadThread => {
            (of::<UnreadThreadEvent>, READ, "Makes messages of others unread again for oneself.")
        }
        EventName::SaveDraft => (
            of::<DraftEvent>,
            &[of::<DraftAnswer>, of::<QueuedAnswer>],
            "Saves what one has begun to write in a thread, for all one's devices; an empty `content` deletes it.",
        ),
        EventName::PresenceUpdate => (
            of::<PresenceUpdateEvent>,
            &[of::<PresenceChoiceAnswer>],
            "Chooses how one is seen. `away` holds until `online`, on all devices that are connected.",
        ),
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
    Some(ClientEventShape { name: name.name(), about, request, answers, refusal, words: words_of(name) })
}

fn words_of(name: EventName) -> Words {
    use ErrorCode::{Conflict, Forbidden, KeyReused, NotFound, TokenExpired, Unauthenticated, Unavailable};
    let (by_event, codes, limits): (_, &'static [ErrorCode], _) = match name {
        EventName::Auth => (
            "`auth:success` or `auth:error`",
            &[Unauthenticated, TokenExpired, Forbidden],
            "a token has at most 8 KiB",
        ),
        EventName::Send => (
            "`message:sent`, `message:queued` or `message:error`; with `sendAt` only `message:error`",
            &[NotFound, KeyReused],
            "as over REST",
        ),
        EventName::Edit => ("nothing", &[NotFound, Forbidden], "as over REST"),
        EventName::Delete => ("nothing", &[NotFound, Forbidden], ""),
        EventName::Pin | EventName::React | EventName::UnreadThread => {
            ("nothing", &[NotFound], "as over REST")
        }
        EventName::Unpin | EventName::Read | EventName::ReadThread | EventName::Leave => {
            ("nothing", &[NotFound], "")
        }
        EventName::Join => {
            ("the presence of the others", &[NotFound], "50 open threads per socket; the oldest makes room")
        }
        EventName::TypingStart | EventName::TypingStop => {
            ("nothing, not even a refusal", &[NotFound], "16 threads per socket; a budget of its own")
        }
        EventName::SaveDraft => (
            "nothing; `draft:updated` goes to all of the person's sockets",
            &[NotFound, Conflict],
            "as over REST",
        ),
        EventName::PresenceUpdate => {
            ("nothing; `presence:chosen` goes to all of the person's sockets", &[], "")
        }
        EventName::PresenceSync => (
            "`presence:sync`, once per person",
            &[Unavailable],
            "200 people per event; 1,000 per socket, the oldest makes room",
        ),
        EventName::Sync => (
            "nothing; without a callback the answer comes as `sync`",
            &[],
            "100 threads, 500 messages, 512 KiB; a thread that one is not in is refused alone, with `not_found`",
        ),
        EventName::Unknown => ("nothing", &[], ""),
    };
    Words { by_event, codes, limits }
}

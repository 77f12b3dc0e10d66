//! What clients hear of an event: its name and its JSON, written once for every gateway and socket.

use eventflow_ports::quotes::hide_before;
use eventflow_protocol::blocks::BlockedPair;
use eventflow_protocol::change::{Cursor, Effect};
use eventflow_protocol::client::answers::{ChangeAction, ShownDraft, ShownScheduled, ThreadMember};
use eventflow_protocol::client::events::{
    BlockUpdated, ChangedThread, DraftUpdated, MembersAdded, MessageDeleted, MessagePinned,
    MessageReadUpdate, MessageReceived, MessageStatusUpdate, MessageUpdated, NotificationReceived,
    NotificationUpdated, PreferencesUpdated, PresenceChosen, ReactionReceived, ScheduledUpdated, ServerEvent,
    ThreadCreated, ThreadLeft, ThreadUpdated, TypingUpdate,
};
use eventflow_protocol::client::{Sorted, WithId};
use eventflow_protocol::codec::{self, CodecError};
use eventflow_protocol::document::Message;
use eventflow_protocol::drafts::Draft;
use eventflow_protocol::event::{DeliveredMessage, Event, GatewayEvent, TYPING_LIFE, Unquoted};
use eventflow_protocol::frame::Envelope;
use eventflow_protocol::group::{Group, Role};
use eventflow_protocol::person::Participant;
use eventflow_protocol::presence::Status;
use eventflow_protocol::scheduled::ScheduledMessage;
use eventflow_protocol::{Participants, ThreadId, Timestamp, UserId};
use std::borrow::Cow;
use std::collections::HashMap;

/// Why an event cannot be delivered.
#[derive(Debug, thiserror::Error)]
pub(super) enum EncodeError {
    /// The client's JSON cannot be written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The delivery cannot be encoded for the gateways.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// The name of an event that clients receive, and its argument as JSON text.
type ClientEvent = (&'static str, String);

/// Whether no gateway hears of the event: this stage alone acts on it.
pub(super) fn concerns_no_gateway(event: &Event) -> bool {
    let is_hidden = matches!(event, Event::NotificationStored { notification, .. } if notification.is_hidden);
    is_hidden || matches!(event, Event::ToldOutside { .. } | Event::GatewayUnlisted { .. })
}

/// Whether the event has lost its worth on the way: that somebody types, of a while ago. That they stopped is
/// always worth telling, since published pages show a typist until they hear of it.
pub(super) fn is_stale(event: &Event, now: Timestamp) -> bool {
    matches!(event, Event::Typing { is_typing: true, at, .. } if at.age_at(now) > TYPING_LIFE)
}

/// The delivery of an event, in the envelope in which it goes to each gateway. `redelivered`: a gateway may
/// have got it before.
///
/// `shown` says how people of new threads are shown, `people` who is in the event's thread.
pub(super) fn delivery(
    event: &Event,
    redelivered: bool,
    shown: &HashMap<UserId, Participant>,
    people: Option<&Participants>,
) -> Result<Envelope, EncodeError> {
    let (name, payload) = client_event(event, shown)?;
    let mut delivery = GatewayEvent::new(event.id(), event.audience(), name, payload, event.accepted_at());
    delivery.repeated = redelivered;
    delivery.unquoted = unquoted(event, shown, people)?;
    match event {
        Event::MessageStored { message, repeated } => {
            delivery.repeated |= *repeated;
            delivery.message = Some(DeliveredMessage {
                id: Some(message.id),
                seq: message.seq,
                sender_id: message.sender_id.clone(),
            });
        }
        Event::MessageChanged { message, .. } => delivery.seq = Some(message.seq),
        Event::CursorAdvanced { user_id, up_to, .. } => {
            delivery.seq = Some(*up_to);
            delivery.actor = Some(user_id.clone());
        }
        Event::ThreadCreated { .. } => delivery.membership_changed = true,
        Event::ParticipantLeft { user_id, .. } => {
            delivery.membership_changed = true;
            delivery.left = Some(user_id.clone());
        }
        Event::Typing { user_id, is_typing, .. } => {
            delivery.ephemeral = *is_typing;
            delivery.except = Some(user_id.clone());
            delivery.actor = Some(user_id.clone());
        }
        Event::BlockChanged { user_id, other, is_blocked, threads, .. } => {
            delivery.block = Some(BlockedPair {
                user_id: user_id.clone(),
                other: other.clone(),
                is_blocked: *is_blocked,
                threads: threads.clone(),
            });
        }
        Event::Revoked { revocation, .. } => delivery.revocation = Some(revocation.clone()),
        Event::PresenceChosen { wants_away, .. } => delivery.wants_away = Some(*wants_away),
        Event::MembersAdded { .. }
        | Event::GroupChanged { .. }
        | Event::ThreadChanged { .. }
        | Event::DraftSaved { .. }
        | Event::ScheduledChanged { .. }
        | Event::NotificationStored { .. }
        | Event::NotificationsChanged { .. }
        | Event::ToldOutside { .. }
        | Event::GatewayUnlisted { .. }
        | Event::PreferencesChanged { .. } => {}
    }
    let body = codec::encode(&delivery)?;
    Ok(Envelope { id: delivery.event_id.0, attempt: 0, body, trace: None })
}

/// The event without its quote, for people who may not see what is quoted. None if everybody may, as nearly
/// always.
fn unquoted(
    event: &Event,
    shown: &HashMap<UserId, Participant>,
    people: Option<&Participants>,
) -> Result<Option<Unquoted>, serde_json::Error> {
    let quoted = quoted_seq(event).filter(|seq| people.is_some_and(|people| !people.all_see(*seq)));
    let Some(seq) = quoted else { return Ok(None) };
    let mut event = event.clone();
    if let Some(message) = message_of(&mut event) {
        hide_before(message, seq);
    }
    let (_, payload) = client_event(&event, shown)?;
    Ok(Some(Unquoted { seq, payload }))
}

/// The message that the event is about.
fn message_of(event: &mut Event) -> Option<&mut Message> {
    if let Event::MessageStored { message, .. } = event {
        return Some(message);
    }
    let Event::MessageChanged { message, .. } = event else { return None };
    Some(message)
}

/// The place of the message that the event quotes.
fn quoted_seq(event: &Event) -> Option<u64> {
    let reply_to = if let Event::MessageStored { message, .. } = event {
        &message.reply_to
    } else {
        let Event::MessageChanged { message, .. } = event else { return None };
        &message.reply_to
    };
    Some(reply_to.as_ref()?.quote.as_ref()?.seq)
}

fn client_event(
    event: &Event,
    shown: &HashMap<UserId, Participant>,
) -> Result<ClientEvent, serde_json::Error> {
    match event {
        Event::MessageStored { message, .. } => written(&MessageReceived::of(message)),
        Event::ThreadCreated { thread, .. } => {
            written(&ThreadCreated::of(thread, members(thread.members(), thread.group.as_ref(), shown)))
        }
        Event::ParticipantLeft { thread_id, user_id, removed_by, participant_count, at, .. } => {
            written(&ThreadLeft {
                left_at: *at,
                participant_count: *participant_count,
                removed_by: removed_by.clone(),
                thread_id: *thread_id,
                user_id: user_id.clone(),
            })
        }
        Event::MembersAdded { thread_id, added, group, by, participant_count, at, .. } => {
            written(&MembersAdded {
                added_at: *at,
                added_by: by.clone(),
                members: members(added, Some(group), shown),
                participant_count: *participant_count,
                thread_id: *thread_id,
            })
        }
        Event::GroupChanged { thread_id, group, at, .. } => written(&ThreadUpdated {
            thread: ChangedThread { group: Some(group.clone()), ..unchanged(*thread_id, *at) },
        }),
        Event::NotificationStored { notification, unread_count } => {
            written(&NotificationReceived::of(notification, *unread_count))
        }
        Event::NotificationsChanged { notification_id, change, unread_count, at, .. } => {
            written(&NotificationUpdated {
                action: (*change).into(),
                notification_id: *notification_id,
                unread_count: *unread_count,
                updated_at: *at,
            })
        }
        Event::BlockChanged { other, is_blocked, at, .. } => {
            written(&BlockUpdated { is_blocked: *is_blocked, updated_at: *at, user_id: other.clone() })
        }
        Event::DraftSaved { draft, .. } => {
            written(&DraftUpdated { draft: ShownDraft::from(Draft::clone(draft)) })
        }
        Event::ScheduledChanged { scheduled, .. } => {
            let scheduled = ShownScheduled::from(ScheduledMessage::clone(scheduled));
            written(&ScheduledUpdated { scheduled })
        }
        Event::PreferencesChanged { preferences, .. } => {
            written(&PreferencesUpdated { preferences: Sorted(Cow::Borrowed(preferences)) })
        }
        Event::PresenceChosen { wants_away, at, .. } => {
            let status = if *wants_away { Status::Away } else { Status::Online };
            written(&PresenceChosen { status, updated_at: *at })
        }
        Event::MessageChanged { message, effect, by, emoji, at, .. } => {
            message_changed(message, *effect, by, emoji.as_deref(), *at)
        }
        Event::CursorAdvanced { thread_id, user_id, cursor, up_to, messages, at, .. } => match cursor {
            Cursor::Read => written(&MessageReadUpdate {
                message_id: messages.last().map(|newest| newest.id),
                messages: Sorted(Cow::Borrowed(messages)),
                read_at: *at,
                seq: *up_to,
                thread_id: *thread_id,
                user_id: user_id.clone(),
            }),
            Cursor::Delivered => written(&MessageStatusUpdate {
                delivered_at: *at,
                message_id: messages.last().map(|newest| newest.id),
                messages: Sorted(Cow::Borrowed(messages)),
                seq: *up_to,
                thread_id: *thread_id,
                user_id: user_id.clone(),
            }),
        },
        Event::ThreadChanged { thread_id, unread_count, status, at, .. } => {
            let (status, unread_count) = (*status, *unread_count);
            let thread = ChangedThread { status, unread_count, ..unchanged(*thread_id, *at) };
            written(&ThreadUpdated { thread })
        }
        Event::Typing { thread_id, user_id, is_typing, .. } => {
            written(&TypingUpdate { is_typing: *is_typing, thread_id: *thread_id, user_id: user_id.clone() })
        }
        // The fan-out stage keeps these to itself.
        Event::ToldOutside { .. } => Ok(("told", "{}".to_owned())),
        Event::GatewayUnlisted { .. } => Ok(("unlisted", "{}".to_owned())),
        // Gateways act on it; no client hears of it.
        Event::Revoked { .. } => Ok(("revoked", "{}".to_owned())),
    }
}

/// How these people are shown with their roles.
fn members(
    people: &[UserId],
    group: Option<&Group>,
    shown: &HashMap<UserId, Participant>,
) -> Vec<ThreadMember> {
    let role = |user: &UserId| group.map_or(Role::Member, |group| group.role(user));
    let member = |user: &UserId| Some(ThreadMember::new(shown.get(user)?.clone(), role(user)));
    people.iter().filter_map(member).collect()
}

/// A thread of which nothing has changed.
fn unchanged(thread: ThreadId, at: Timestamp) -> ChangedThread {
    ChangedThread {
        document_id: thread,
        id: thread,
        group: None,
        status: None,
        unread_count: None,
        updated_at: at,
    }
}

fn message_changed(
    message: &Message,
    effect: Effect,
    by: &UserId,
    emoji: Option<&str>,
    at: Timestamp,
) -> Result<ClientEvent, serde_json::Error> {
    match effect {
        Effect::Edited => written(&MessageUpdated::of(message)),
        Effect::Deleted => written(&MessageDeleted {
            deleted_at: at,
            message_id: message.id,
            seq: message.seq,
            thread_id: message.thread_id,
        }),
        Effect::Pinned | Effect::Unpinned => written(&MessagePinned {
            action: ChangeAction::from(effect),
            message: WithId(Cow::Borrowed(message)),
            user_id: by.clone(),
        }),
        Effect::Reacted | Effect::Unreacted => written(&ReactionReceived {
            action: ChangeAction::from(effect),
            emoji: emoji.map(str::to_owned),
            message_id: message.id,
            reactions: Sorted(Cow::Borrowed(&message.reactions)),
            seq: message.seq,
            thread_id: message.thread_id,
            user_id: by.clone(),
        }),
    }
}

fn written<E: ServerEvent>(event: &E) -> Result<ClientEvent, serde_json::Error> {
    Ok((E::NAME, serde_json::to_string(event)?))
}

//! What carrying out one command came to: its result for whoever waits, its events for the fan-out stage, its
//! outcome for the bus.
//!
//! Each function takes the store's answer to one kind of command. An event that an earlier attempt may not
//! have sent is sent again, under the same id: hence "or redelivered" beside everything that is told only
//! when it is new.

mod drafts;
#[cfg(test)]
mod tests;

use eventflow_bus::handler::{Item, Unavailable};
use eventflow_bus::settle::Outcome;
use eventflow_ports::{AddedSend, Appended, CancelledSend, StoreError};
use eventflow_protocol::change::{
    AdvanceCursor, Advanced, ArchiveThread, Change, ChangeMessage, Changed, Cursor, Effect, MarkUnread,
    MarkedUnread, PINS_MAX, shown_as,
};
use eventflow_protocol::command::{Command, CreateThread};
use eventflow_protocol::document::{Message, Thread, ThreadView};
use eventflow_protocol::event::{CameBack, Event};
use eventflow_protocol::inbox::{
    ChangeNotifications, Notification, NotificationChange, Preferences, ReadThread,
};
use eventflow_protocol::person::Revocation;
use eventflow_protocol::preferences::InvalidChange;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{CommandId, ErrorCode, MessageId, NotificationId, ThreadId, Timestamp, UserId};

/// What carrying out one command came to.
pub(super) struct Applied {
    /// For whoever waits. `None` while the command is to be tried again: the caller has its result when it is
    /// carried out, and is told meanwhile that the command is queued, which it is.
    pub(super) result: Option<CommandResult>,
    /// For the fan-out stage, in this order.
    pub(super) events: Vec<Event>,
    /// For the bus: whether to acknowledge the command, to try it again or to park it.
    pub(super) outcome: Outcome,
}

impl Applied {
    /// Carried out, or refused for good, and news to nobody.
    pub(super) fn quietly(result: CommandResult) -> Self {
        Self { result: Some(result), events: Vec::new(), outcome: Outcome::Done }
    }

    pub(super) fn with_event(result: CommandResult, event: Event) -> Self {
        Self::with_events(result, vec![event])
    }

    pub(super) fn with_events(result: CommandResult, events: Vec<Event>) -> Self {
        Self { result: Some(result), events, outcome: Outcome::Done }
    }

    pub(super) fn refused(code: ErrorCode, error: &str) -> Self {
        Self::quietly(CommandResult::refused(code, error))
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::quietly(CommandResult::not_found(what))
    }

    /// The store did not carry the command out. `Err` if that was no fault of the command: the stage then
    /// waits for the store.
    pub(super) fn store_error(error: StoreError) -> Result<Self, Unavailable> {
        match error {
            StoreError::Unavailable { .. } => Err(Unavailable::new("the store", error)),
            StoreError::Failed { .. } => {
                Ok(Self { result: None, events: Vec::new(), outcome: Outcome::retry_for(&error) })
            }
            StoreError::Refused { .. } => Ok(Self::parked(Outcome::reject_for(&error))),
        }
    }

    /// The store answered for fewer commands than it was given.
    pub(super) fn unanswered() -> Self {
        Self::parked(Outcome::reject("the store gave no answer"))
    }

    fn parked(outcome: Outcome) -> Self {
        Self { result: Some(CommandResult::failed()), events: Vec::new(), outcome }
    }

    /// `created`: the command created the thread, or brought its creator back.
    pub(super) fn thread(item: &Item<Command>, wanted: &CreateThread, thread: Thread, created: bool) -> Self {
        if thread.participants.binary_search(&wanted.created_by).is_err() {
            return Self::refused(ErrorCode::Forbidden, "only an owner of this group can add you to it");
        }
        let result = |thread| CommandResult::Thread { thread, created };
        let existed = thread.created_at != wanted.at;
        let back = existed.then_some(CameBack { command: CommandId(item.id), at: wanted.at });
        // A thread found rather than created may come from an earlier attempt whose event was never sent.
        if created || item.redelivered {
            let event = Event::ThreadCreated { thread: thread.clone(), back };
            return Self::with_event(result(Box::new(thread)), event);
        }
        Self::quietly(result(Box::new(thread)))
    }

    pub(super) fn appended(item: &Item<Command>, appended: Appended) -> Self {
        match appended {
            Appended::Stored(message) => {
                let event = Event::MessageStored { message: message.clone(), repeated: false };
                let result = CommandResult::Message { message: Box::new(message), deduplicated: false };
                Self::with_event(result, event)
            }
            Appended::Duplicate(message) => Self::appended_before(item, message),
            Appended::KeyReused => {
                Self::refused(ErrorCode::KeyReused, "this clientMessageId was used for another message")
            }
            Appended::NotParticipant => Self::not_found("thread"),
            // The ingress says why it would not have the message as a new one.
            Appended::NotRepeated => Self::refused(ErrorCode::Invalid, "the message was not sent before"),
        }
    }

    fn appended_before(item: &Item<Command>, message: Message) -> Self {
        let is_own = message.id == MessageId::from(CommandId(item.id));
        let event = Event::MessageStored { message: message.clone(), repeated: item.redelivered };
        let result = CommandResult::Message { message: Box::new(message), deduplicated: true };
        // This command stored the message on an earlier attempt, whose event may not have been sent. Another
        // command, with the same key or as the other leg of the same click, has sent its event itself.
        if is_own { Self::with_event(result, event) } else { Self::quietly(result) }
    }

    pub(super) fn changed(item: &Item<Command>, wanted: &ChangeMessage, changed: Changed) -> Self {
        let (message, effect, is_new) = match changed {
            Changed::Done(message, effect) => (message, effect, true),
            Changed::Before(message, effect) => (message, effect, false),
            Changed::Nothing(message, effect) => {
                return Self::quietly(CommandResult::Changed { message, effect });
            }
            Changed::NotFound => return Self::not_found("message"),
            Changed::NotSender => {
                return Self::refused(ErrorCode::Forbidden, "only the sender of a message may do that");
            }
            Changed::TooManyReactions => {
                return Self::refused(ErrorCode::Invalid, "the message has too many reactions");
            }
            Changed::TooManyPins => {
                return Self::refused(
                    ErrorCode::Invalid,
                    &format!("a thread has at most {PINS_MAX} pinned messages"),
                );
            }
        };
        if !is_new && !item.redelivered {
            return Self::quietly(CommandResult::Changed { message, effect });
        }
        let event = Event::MessageChanged {
            message: message.clone(),
            effect,
            by: wanted.by.clone(),
            emoji: emoji(&message, &wanted.change),
            mentioned: Vec::new(),
            command: CommandId(item.id),
            at: wanted.at,
        };
        Self::with_event(CommandResult::Changed { message, effect }, event)
    }

    /// The message that was taken back, if that is told.
    pub(super) fn taken_back(&self) -> Option<&Message> {
        self.events.iter().find_map(|event| {
            let Event::MessageChanged { message, effect: Effect::Deleted, .. } = event else { return None };
            Some(&**message)
        })
    }

    /// The message that was edited and mentions somebody, if that is told.
    pub(super) fn edited_to_mention(&self) -> Option<MessageId> {
        self.events.iter().find_map(|event| {
            let Event::MessageChanged { message, effect: Effect::Edited, .. } = event else { return None };
            (!message.mentions.is_empty()).then_some(message.id)
        })
    }

    /// Says whom the edit mentions who was not mentioned before.
    pub(super) fn tell_mentioned(&mut self, users: &[UserId]) {
        for event in &mut self.events {
            if let Event::MessageChanged { mentioned, .. } = event {
                *mentioned = users.to_vec();
            }
        }
    }

    /// Tells people what is left to read after a message was taken back.
    pub(super) fn tell_unread(
        &mut self,
        item: &Item<Command>,
        wanted: &ChangeMessage,
        counts: Vec<(UserId, u64)>,
    ) {
        let changed = |(user_id, unread_count)| Event::ThreadChanged {
            thread_id: wanted.thread_id,
            user_id,
            unread_count: Some(unread_count),
            status: None,
            command: CommandId(item.id),
            at: wanted.at,
        };
        self.events.extend(counts.into_iter().map(changed));
    }

    /// `None`: no such thread, or the user is not in it.
    pub(super) fn advanced(item: &Item<Command>, wanted: &AdvanceCursor, advanced: Option<Advanced>) -> Self {
        let Some(advanced) = advanced else { return Self::not_found("thread") };
        let Advanced { from, told, up_to, unread_count, messages } = advanced;
        let mut applied = Self::quietly(CommandResult::Cursor { up_to, unread_count });
        if up_to <= from && !item.redelivered {
            return applied;
        }
        let is_read = wanted.cursor == Cursor::Read;
        if is_read {
            applied.events.push(unread_now(
                item,
                (wanted.thread_id, &wanted.user_id),
                unread_count,
                wanted.at,
            ));
        }
        // Others know of what was read before. An earlier attempt may have moved the cursor without telling
        // them, but not if this one moves it: it was back where the person had marked messages unread.
        let is_news = up_to > told || (item.redelivered && up_to <= from);
        // A delivery that changed no message is news to nobody.
        if (is_read || !messages.is_empty()) && is_news {
            applied.events.push(Event::CursorAdvanced {
                thread_id: wanted.thread_id,
                user_id: wanted.user_id.clone(),
                cursor: wanted.cursor,
                up_to,
                messages,
                command: CommandId(item.id),
                at: wanted.at,
            });
        }
        applied
    }

    /// `None`: no such thread, or the user is not in it. Only the person's own sockets hear of it.
    pub(super) fn marked_unread(
        item: &Item<Command>,
        wanted: &MarkUnread,
        marked: Option<MarkedUnread>,
    ) -> Self {
        let Some(marked) = marked else { return Self::not_found("thread") };
        let MarkedUnread { is_changed, read_seq, unread_count } = marked;
        let result = CommandResult::Cursor { up_to: read_seq, unread_count };
        if !is_changed && !item.redelivered {
            return Self::quietly(result);
        }
        let thread = (wanted.thread_id, &wanted.user_id);
        Self::with_event(result, unread_now(item, thread, unread_count, wanted.at))
    }

    /// `None`: no such thread, or the user is not in it.
    pub(super) fn archived(item: &Item<Command>, wanted: &ArchiveThread, view: Option<ThreadView>) -> Self {
        let Some(view) = view else { return Self::not_found("thread") };
        let event = Event::ThreadChanged {
            thread_id: wanted.thread_id,
            user_id: wanted.user_id.clone(),
            unread_count: Some(view.unread_count),
            status: Some(view.thread.status),
            command: CommandId(item.id),
            at: wanted.at,
        };
        Self::with_event(CommandResult::Done, event)
    }

    /// Tells a reader that these notifications are read with their thread.
    pub(super) fn tell_read(&mut self, command: CommandId, read: &ReadThread, ids: Vec<NotificationId>) {
        let changed = |id| Event::NotificationsChanged {
            user_id: read.user_id.clone(),
            notification_id: Some(id),
            change: NotificationChange::Read,
            unread_count: None,
            command,
            at: read.at,
        };
        self.events.extend(ids.into_iter().map(changed));
    }

    /// `is_new`: this command stored the notification; else an earlier one had. The sender of a hidden one
    /// hears what they hear if nothing is stored.
    pub(super) fn notified(item: &Item<Command>, notification: Box<Notification>, is_new: bool) -> Self {
        let event = Event::NotificationStored { notification: notification.clone(), unread_count: None };
        let result = if notification.is_hidden {
            CommandResult::Done
        } else {
            CommandResult::Notification { notification, deduplicated: !is_new }
        };
        if is_new || item.redelivered { Self::with_event(result, event) } else { Self::quietly(result) }
    }

    /// So many notifications changed.
    pub(super) fn notifications_changed(
        item: &Item<Command>,
        wanted: &ChangeNotifications,
        count: u64,
    ) -> Self {
        let result = CommandResult::Count { count };
        if count == 0 && !item.redelivered {
            return Self::quietly(result);
        }
        let event = Event::NotificationsChanged {
            user_id: wanted.user_id.clone(),
            notification_id: wanted.notification_id,
            change: wanted.change,
            unread_count: None,
            command: CommandId(item.id),
            at: wanted.at,
        };
        Self::with_event(result, event)
    }

    /// `stored`: the preferences as they are now; later ones may have been there already.
    pub(super) fn preferences_stored(item: &Item<Command>, user: &UserId, stored: Preferences) -> Self {
        let preferences = Box::new(stored);
        let event = Event::PreferencesChanged {
            user_id: user.clone(),
            preferences: preferences.clone(),
            command: CommandId(item.id),
        };
        Self::with_event(CommandResult::Preferences { preferences }, event)
    }

    /// The change does not fit the preferences that are stored.
    pub(super) fn preferences_refused(invalid: InvalidChange) -> Self {
        Self::refused(ErrorCode::Invalid, &invalid.to_string())
    }

    /// The sender's key stands for another notification.
    pub(super) fn notification_key_reused() -> Self {
        Self::refused(ErrorCode::KeyReused, "this key was used for another notification")
    }

    pub(super) fn send_added(added: AddedSend) -> Self {
        match added {
            AddedSend::Stored(send) => Self::quietly(CommandResult::Send { send, deduplicated: false }),
            AddedSend::Before(send) => Self::quietly(CommandResult::Send { send, deduplicated: true }),
            AddedSend::KeyReused => {
                Self::refused(ErrorCode::KeyReused, "this key was used for another notification")
            }
        }
    }

    pub(super) fn send_cancelled(cancelled: CancelledSend) -> Self {
        match cancelled {
            CancelledSend::Done(send) => Self::quietly(CommandResult::Send { send, deduplicated: false }),
            CancelledSend::TooLate => Self::refused(ErrorCode::TooLate, "everybody has been told"),
            CancelledSend::NotFound => Self::not_found("send"),
        }
    }

    pub(super) fn revoked(item: &Item<Command>, revocation: &Revocation) -> Self {
        let event = Event::Revoked { revocation: revocation.clone(), command: CommandId(item.id) };
        Self::with_event(CommandResult::Done, event)
    }
}

/// The emoji of a reaction, in the spelling in which the message shows it.
fn emoji(message: &Message, change: &Change) -> Option<String> {
    match change {
        Change::React { emoji, .. } => Some(shown_as(message, emoji).to_owned()),
        Change::Edit { .. } | Change::Delete | Change::Pin { .. } => None,
    }
}

/// What the person's own sockets hear of a thread in which other messages are unread than before.
fn unread_now(
    item: &Item<Command>,
    (thread_id, user_id): (ThreadId, &UserId),
    unread_count: u64,
    at: Timestamp,
) -> Event {
    Event::ThreadChanged {
        thread_id,
        user_id: user_id.clone(),
        unread_count: Some(unread_count),
        status: None,
        command: CommandId(item.id),
        at,
    }
}

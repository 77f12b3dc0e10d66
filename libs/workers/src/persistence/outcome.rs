//! What became of commands, as events for the next stage and answers for whoever waits.

use eventflow_bus::handler::Item;
use eventflow_bus::settle::Outcome;
use eventflow_ports::Appended;
use eventflow_protocol::change::{Advanced, Change, Changed, Cursor};
use eventflow_protocol::command::Command;
use eventflow_protocol::document::{Message, Thread, ThreadView};
use eventflow_protocol::event::Event;
use eventflow_protocol::inbox::Notification;
use eventflow_protocol::reply::{Answer, ReplyFrame};
use eventflow_protocol::{CommandId, ErrorCode, MessageId};
use std::collections::HashMap;
use std::sync::Arc;

/// What a batch leaves to be told.
#[derive(Default)]
pub struct Announcement {
    pub(super) stored: Vec<Message>,
    pub(super) events: Vec<Event>,
    pub(super) answers: HashMap<Arc<str>, ReplyFrame>,
}

/// What became of one command.
pub(super) enum Became {
    Thread(Box<Thread>, bool),
    Message(Box<Appended>),
    Changed(Changed),
    Advanced(Option<Advanced>),
    Archived(Option<Box<ThreadView>>),
    /// In the inbox now (`true`), or it was before.
    Notified(Box<Notification>, bool),
    /// Its sender's key stands for another notification.
    KeyReused,
    /// The person does not want such notifications in the inbox.
    Unwanted,
    Counted(u64),
    Done,
    /// The store did not do it, and may do it later.
    Failed(String),
    Refused(String),
}

impl Announcement {
    pub(super) fn add(&mut self, item: &Item<Command>, result: Option<Became>) -> Outcome {
        let (answer, outcome) = match result {
            // Whoever waits is answered when it is done, or told meanwhile that it is queued, which it is.
            Some(Became::Failed(reason)) => return Outcome::retry(reason),
            Some(Became::Refused(reason)) => (not_done(), Outcome::Reject { reason }),
            None => (not_done(), Outcome::reject("the store gave no answer")),
            Some(became) => (self.tell(item, became), Outcome::Done),
        };
        if let Some(address) = &item.reply_to {
            self.answers.entry(Arc::clone(address)).or_default().answers.push((CommandId(item.id), answer));
        }
        outcome
    }

    fn tell(&mut self, item: &Item<Command>, became: Became) -> Answer {
        match (became, &item.value) {
            (Became::Thread(thread, created), _) => self.tell_thread(item, thread, created),
            (Became::Message(appended), _) => self.tell_appended(item, *appended),
            (Became::Changed(changed), _) => self.tell_changed(item, changed),
            (Became::Advanced(advanced), _) => self.tell_advanced(item, advanced),
            (Became::Archived(view), _) => self.tell_archived(item, view),
            (Became::Notified(notification, is_new), _) => {
                if is_new || item.redelivered {
                    self.events.push(Event::NotificationStored { notification: notification.clone() });
                }
                Answer::Notification { notification, deduplicated: !is_new }
            }
            (Became::KeyReused, _) => {
                refusal(ErrorCode::KeyReused, "this key was used for another notification")
            }
            (Became::Counted(count), _) => Answer::Count { count },
            (Became::Done, Command::Revoke(revocation)) => {
                self.events
                    .push(Event::Revoked { revocation: revocation.clone(), command: CommandId(item.id) });
                Answer::Done
            }
            (Became::Done | Became::Unwanted, _) => Answer::Done,
            (Became::Refused(_) | Became::Failed(_), _) => not_done(),
        }
    }

    fn tell_thread(&mut self, item: &Item<Command>, thread: Box<Thread>, created: bool) -> Answer {
        // A thread found rather than created may come from an earlier try whose event was never sent.
        if created || item.redelivered {
            self.events.push(Event::ThreadCreated { thread: thread.as_ref().clone() });
        }
        Answer::Thread { thread, created }
    }

    fn tell_appended(&mut self, item: &Item<Command>, appended: Appended) -> Answer {
        match appended {
            Appended::Stored(message) => {
                self.tell_message(&message, false);
                Answer::Message { message: Box::new(message), deduplicated: false }
            }
            Appended::Duplicate(message) => {
                // The same command again: its event may not have been sent. Another command's, by key or as the other leg: that one's was.
                if message.id == MessageId::from(CommandId(item.id)) {
                    self.tell_message(&message, item.redelivered);
                }
                Answer::Message { message: Box::new(message), deduplicated: true }
            }
            Appended::KeyReused => {
                refusal(ErrorCode::KeyReused, "this clientMessageId was used for another message")
            }
            Appended::NotParticipant => no_such("thread"),
        }
    }

    fn tell_message(&mut self, message: &Message, repeated: bool) {
        self.stored.push(message.clone());
        self.events.push(Event::MessageStored { message: message.clone(), repeated });
    }

    fn tell_changed(&mut self, item: &Item<Command>, changed: Changed) -> Answer {
        let Command::ChangeMessage(wanted) = &item.value else { return not_done() };
        let (message, effect, is_new) = match changed {
            Changed::Done(message, effect) => (message, effect, true),
            Changed::Before(message, effect) => (message, effect, false),
            Changed::NotFound => return no_such("message"),
            Changed::NotSender => {
                return refusal(ErrorCode::Forbidden, "only the sender of a message may do that");
            }
            Changed::TooManyReactions => {
                return refusal(ErrorCode::Invalid, "the message has too many reactions");
            }
        };
        if is_new || item.redelivered {
            let emoji = match &wanted.change {
                Change::React { emoji, .. } => Some(emoji.clone()),
                _ => None,
            };
            let (by, command, at) = (wanted.by.clone(), CommandId(item.id), wanted.at);
            self.events.push(Event::MessageChanged {
                message: message.clone(),
                effect,
                by,
                emoji,
                command,
                at,
            });
        }
        Answer::Changed { message, effect }
    }

    fn tell_advanced(&mut self, item: &Item<Command>, advanced: Option<Advanced>) -> Answer {
        let Command::AdvanceCursor(wanted) = &item.value else { return not_done() };
        let Some(Advanced { from, up_to, unread_count, messages }) = advanced else {
            return no_such("thread");
        };
        let (thread_id, user_id, command, at) =
            (wanted.thread_id, wanted.user_id.clone(), CommandId(item.id), wanted.at);
        let is_read = wanted.cursor == Cursor::Read;
        if up_to > from || item.redelivered {
            if is_read {
                let unread_count = Some(unread_count);
                let user_id = user_id.clone();
                self.events.push(Event::ThreadChanged {
                    thread_id,
                    user_id,
                    unread_count,
                    status: None,
                    command,
                    at,
                });
            }
            // Without a changed message a delivery is news to nobody.
            if is_read || !messages.is_empty() {
                let cursor = wanted.cursor;
                self.events.push(Event::CursorAdvanced {
                    thread_id,
                    user_id,
                    cursor,
                    up_to,
                    messages,
                    command,
                    at,
                });
            }
        }
        Answer::Cursor { up_to, unread_count }
    }

    fn tell_archived(&mut self, item: &Item<Command>, view: Option<Box<ThreadView>>) -> Answer {
        let Command::ArchiveThread(wanted) = &item.value else { return not_done() };
        let Some(view) = view else { return no_such("thread") };
        self.events.push(Event::ThreadChanged {
            thread_id: wanted.thread_id,
            user_id: wanted.user_id.clone(),
            unread_count: Some(view.unread_count),
            status: Some(view.thread.status),
            command: CommandId(item.id),
            at: wanted.at,
        });
        Answer::Done
    }
}

fn not_done() -> Answer {
    refusal(ErrorCode::Failed, "the request could not be done")
}

fn no_such(what: &str) -> Answer {
    refusal(ErrorCode::NotFound, &format!("there is no such {what}"))
}

fn refusal(code: ErrorCode, error: &str) -> Answer {
    Answer::Refused { code, error: error.to_owned() }
}

//! Commands: what a client asks for, after the ingress has authenticated, authorised and validated it.
//!
//! Read this file first: a message's way through the system begins here. A command is routed by its thread
//! (or user), travels in an [`crate::frame::Envelope`] under its [`CommandId`], and is carried out once
//! however often it arrives.

use crate::change::{AdvanceCursor, ArchiveThread, ChangeGroup, ChangeMessage, MarkUnread};
use crate::content::{Content, ContentError, Markup};
use crate::document::{Attachment, Message, MessageStatus, Thread, ThreadStatus};
use crate::drafts::SaveDraft;
use crate::fingerprint::{Fingerprint, Said};
use crate::group::Group;
use crate::inbox::{ChangeNotifications, Notify, SetPreferences};
use crate::mail::{ChangeSuppression, MailAddress};
use crate::pairing::Pairing;
use crate::person::{Profile, Revocation, TokenName};
use crate::preferences::ChangePreferences;
use crate::push::{PushDevice, RemovePushDevice};
use crate::quote::ReplyTo;
use crate::sends::{CancelSend, NewSend};
use crate::{CommandId, SendId, ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest idempotency key that a client may give (`clientMessageId`, `Idempotency-Key`), in bytes: keys are
/// index entries.
pub const CLIENT_KEY_MAX_BYTES: usize = 128;

/// A change that somebody asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Command {
    /// Start a thread, or find it.
    CreateThread(CreateThread),
    /// Send a message.
    SendMessage(SendMessage),
    /// Edit a message, take it back, or react to it.
    ChangeMessage(ChangeMessage),
    /// Move a person's delivered or read cursor in a thread.
    AdvanceCursor(AdvanceCursor),
    /// Make messages of a thread unread again for one person.
    MarkUnread(MarkUnread),
    /// Put a thread away for one person, or bring it back.
    ArchiveThread(ArchiveThread),
    /// Take a person out of a thread.
    LeaveThread(LeaveThread),
    /// Change a group: its name, its picture, its people or their roles.
    ChangeGroup(ChangeGroup),
    /// Save what a person has begun to write in a thread.
    SaveDraft(SaveDraft),
    /// Put a notification into one person's inbox.
    Notify(Notify),
    /// Mark notifications as read, or delete them.
    ChangeNotifications(ChangeNotifications),
    /// Replace a person's notification preferences.
    SetPreferences(SetPreferences),
    /// Change some of a person's notification preferences.
    ChangePreferences(ChangePreferences),
    /// Register a device for pushes, or renew its registration.
    RegisterPushDevice(PushDevice),
    /// Send a device no more pushes.
    RemovePushDevice(RemovePushDevice),
    /// Write a person's profile.
    PutProfile(Profile),
    /// Remember the name that a person's token gives.
    NoteTokenName(TokenName),
    /// End credentials.
    Revoke(Revocation),
    /// Put a mail address onto the suppression list, or take it off.
    ChangeSuppression(ChangeSuppression),
    /// Tell many people something, now or later.
    AddSend(NewSend),
    /// Stop a send to many people.
    CancelSend(CancelSend),
}

/// What a command is about. One shard carries out everything about one subject, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A conversation.
    Thread(ThreadId),
    /// A person.
    User(UserId),
    /// A mail address.
    Address(MailAddress),
    /// A send to many people.
    Send(SendId),
}

impl Subject {
    /// The bytes that choose the shard.
    pub fn key(&self) -> Vec<u8> {
        match self {
            Self::Thread(thread) => thread.bytes().to_vec(),
            Self::User(user) => user.as_str().as_bytes().to_vec(),
            Self::Address(address) => address.key().into_bytes(),
            Self::Send(send) => send.bytes().to_vec(),
        }
    }
}

/// As log lines and traces name it: the id alone, and of an address nothing.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thread(thread) => thread.fmt(f),
            Self::User(user) => user.fmt(f),
            Self::Send(send) => send.fmt(f),
            Self::Address(_) => f.write_str("a mail address"),
        }
    }
}

/// Command: start a thread, or find the one that the same people have with equal metadata. A creator who has
/// left that thread comes back to it: nobody else can bring them back. To a group nobody comes back by
/// themselves, since its owners say who is in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreateThread {
    /// [`ThreadId::derive`] of the participants and metadata.
    pub thread_id: ThreadId,
    /// Everybody in the thread, the creator too; sorted, without repeats.
    pub participants: Vec<UserId>,
    /// The client's free-form object.
    #[serde(with = "crate::free_form")]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// The thread is a group that looks like this; a group that exists is as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// The creator.
    pub created_by: UserId,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// Command: take a person out of a thread, because they want to leave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaveThread {
    /// The thread.
    pub thread_id: ThreadId,
    /// Who leaves.
    pub user_id: UserId,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// Command: send a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SendMessage {
    /// The thread.
    pub thread_id: ThreadId,
    /// The sender, who is a participant: the ingress has checked it, and the store checks again.
    pub sender_id: UserId,
    /// What the message says, already clean; empty only beside attachments.
    pub content: Content,
    /// References to files, already checked.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// The message that this one answers. The ingress has found it in the same thread, and quotes it; while
    /// no store answers, it takes the client's word and quotes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<ReplyTo>,
    /// The people whom it mentions, sorted. The ingress has found them in the thread.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// The message is wanted only if it was stored before under its key: as a new one, the ingress would have
    /// refused it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeat_only: bool,
    /// The client's own key: the same key of the same sender is the same message.
    #[serde(default)]
    pub client_message_id: Option<String>,
    /// For a message without a key: how the store recognises its twin that the same click sent over the other
    /// transport.
    #[serde(default)]
    pub pairing: Option<Pairing>,
    /// The fingerprint of what was typed, where the content alone does not say it ([`Markup::Strip`]).
    #[serde(default)]
    pub typed: Option<Fingerprint>,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

impl Command {
    /// The command with every text that people typed in the form in which it is kept. All commands of an
    /// ingress go through here, once.
    ///
    /// Fails if nothing is left of a text.
    pub fn written(self, markup: Markup) -> Result<Self, ContentError> {
        Ok(match self {
            Self::SendMessage(send) => Self::SendMessage(send.written(markup)?),
            Self::ChangeMessage(change) => Self::ChangeMessage(change.written(markup)?),
            Self::SaveDraft(save) => Self::SaveDraft(save.written(markup)),
            Self::Notify(notify) => Self::Notify(notify.written(markup)?),
            Self::PutProfile(profile) => Self::PutProfile(profile.written(markup)?),
            Self::NoteTokenName(name) => Self::NoteTokenName(name.written(markup)?),
            Self::AddSend(new) => Self::AddSend(new.written(markup)?),
            Self::CreateThread(create) => Self::CreateThread(create.written(markup)?),
            Self::ChangeGroup(change) => Self::ChangeGroup(change.written(markup)?),
            Self::AdvanceCursor(_)
            | Self::MarkUnread(_)
            | Self::ArchiveThread(_)
            | Self::LeaveThread(_)
            | Self::ChangeNotifications(_)
            | Self::SetPreferences(_)
            | Self::ChangePreferences(_)
            | Self::RegisterPushDevice(_)
            | Self::RemovePushDevice(_)
            | Self::Revoke(_)
            | Self::ChangeSuppression(_)
            | Self::CancelSend(_) => self,
        })
    }

    /// What the command is about.
    pub fn subject(&self) -> Subject {
        match self {
            Self::CreateThread(create) => Subject::Thread(create.thread_id),
            Self::SendMessage(send) => Subject::Thread(send.thread_id),
            Self::ChangeMessage(change) => Subject::Thread(change.thread_id),
            Self::AdvanceCursor(advance) => Subject::Thread(advance.thread_id),
            Self::MarkUnread(mark) => Subject::Thread(mark.thread_id),
            Self::ArchiveThread(archive) => Subject::Thread(archive.thread_id),
            Self::LeaveThread(leave) => Subject::Thread(leave.thread_id),
            Self::ChangeGroup(change) => Subject::Thread(change.thread_id),
            Self::SaveDraft(save) => Subject::User(save.user_id.clone()),
            Self::Notify(notify) => Subject::User(notify.user_id.clone()),
            Self::ChangeNotifications(change) => Subject::User(change.user_id.clone()),
            Self::SetPreferences(set) => Subject::User(set.user_id.clone()),
            Self::ChangePreferences(change) => Subject::User(change.user_id.clone()),
            Self::RegisterPushDevice(device) => Subject::User(device.user_id.clone()),
            Self::RemovePushDevice(removal) => Subject::User(removal.user_id.clone()),
            Self::PutProfile(profile) => Subject::User(profile.id.clone()),
            Self::NoteTokenName(name) => Subject::User(name.user_id.clone()),
            Self::Revoke(revocation) => Subject::User(revocation.user_id.clone()),
            Self::ChangeSuppression(change) => Subject::Address(change.address.clone()),
            Self::AddSend(new) => Subject::Send(new.id),
            Self::CancelSend(cancel) => Subject::Send(cancel.id),
        }
    }

    /// Whether the command goes with those about cursors, which have queues of their own: what moves one
    /// cursor stays in order.
    pub fn moves_a_cursor(&self) -> bool {
        matches!(self, Self::AdvanceCursor(_) | Self::MarkUnread(_))
    }

    /// Its name between processes and in traces.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::CreateThread(_) => "create_thread",
            Self::SendMessage(_) => "send_message",
            Self::ChangeMessage(_) => "change_message",
            Self::AdvanceCursor(_) => "advance_cursor",
            Self::MarkUnread(_) => "mark_unread",
            Self::ArchiveThread(_) => "archive_thread",
            Self::LeaveThread(_) => "leave_thread",
            Self::ChangeGroup(_) => "change_group",
            Self::SaveDraft(_) => "save_draft",
            Self::Notify(_) => "notify",
            Self::ChangeNotifications(_) => "change_notifications",
            Self::SetPreferences(_) => "set_preferences",
            Self::ChangePreferences(_) => "change_preferences",
            Self::RegisterPushDevice(_) => "register_push_device",
            Self::RemovePushDevice(_) => "remove_push_device",
            Self::PutProfile(_) => "put_profile",
            Self::NoteTokenName(_) => "note_token_name",
            Self::Revoke(_) => "revoke",
            Self::ChangeSuppression(_) => "change_suppression",
            Self::AddSend(_) => "add_send",
            Self::CancelSend(_) => "cancel_send",
        }
    }

    /// When the ingress accepted the command; `None` for commands whose age nobody watches.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::CreateThread(create) => Some(create.at),
            Self::SendMessage(send) => Some(send.at),
            Self::ChangeMessage(change) => Some(change.at),
            Self::AdvanceCursor(advance) => Some(advance.at),
            Self::MarkUnread(mark) => Some(mark.at),
            Self::ArchiveThread(archive) => Some(archive.at),
            Self::LeaveThread(leave) => Some(leave.at),
            Self::ChangeGroup(change) => Some(change.at),
            Self::SaveDraft(save) => Some(save.at),
            Self::Notify(notify) => Some(notify.at),
            Self::ChangeNotifications(change) => Some(change.at),
            Self::ChangePreferences(change) => Some(change.at),
            Self::RegisterPushDevice(device) => Some(device.at),
            Self::RemovePushDevice(removal) => Some(removal.at),
            Self::SetPreferences(_) | Self::PutProfile(_) | Self::NoteTokenName(_) => None,
            Self::Revoke(revocation) => Some(revocation.at),
            Self::ChangeSuppression(change) => Some(change.at),
            Self::AddSend(new) => Some(new.at),
            Self::CancelSend(cancel) => Some(cancel.at),
        }
    }
}

impl CreateThread {
    /// The thread with the name of its group in the form in which it is kept. Fails if nothing is left of the
    /// name.
    pub fn written(mut self, markup: Markup) -> Result<Self, ContentError> {
        self.group = self.group.map(|group| group.written(markup)).transpose()?;
        Ok(self)
    }

    /// The thread as it is stored.
    pub fn to_thread(&self) -> Thread {
        Thread {
            id: self.thread_id,
            participants: self.participants.clone(),
            participant_count: self.participants.len() as u64,
            last_message_id: None,
            last_message_at: None,
            last_seq: 0,
            status: ThreadStatus::Active,
            metadata: self.metadata.clone(),
            group: self.group.clone(),
            created_at: self.at,
            updated_at: self.at,
        }
    }
}

impl SendMessage {
    /// Whether `stored`, which the same sender sent under the same key, is this message.
    ///
    /// What was sent first counts. A store keeps the fingerprint of that, `sent_as`, from the first change of
    /// a keyed message on ([`crate::change::sent_as`]). For a message that was changed before stores did so,
    /// nobody knows any more what was sent first, and it counts as the same.
    pub fn is_again(&self, stored: &Message, sent_as: Option<Fingerprint>) -> bool {
        let is_same_body = match sent_as {
            Some(first) => first == self.fingerprint(),
            None => !stored.is_as_sent() || Said::of(stored).fingerprint() == self.fingerprint(),
        };
        stored.thread_id == self.thread_id && is_same_body
    }

    /// The message in the form in which it is kept. Fails if nothing is left of it.
    pub fn written(mut self, markup: Markup) -> Result<Self, ContentError> {
        let as_typed = self.said().fingerprint_as_typed();
        self.content = self.content.written(markup);
        for attachment in &mut self.attachments {
            attachment.filename = markup.write(&attachment.filename).into_owned();
        }
        if self.content.is_blank() && self.attachments.is_empty() {
            return Err(ContentError::Empty);
        }
        self.typed = Some(as_typed).filter(|as_typed| self.fingerprint() != *as_typed);
        Ok(self)
    }

    /// The fingerprint of what was typed, which is the same in every form in which it may be kept.
    fn fingerprint(&self) -> Fingerprint {
        self.typed.unwrap_or_else(|| self.said().fingerprint())
    }

    /// What the message says, for its fingerprint.
    pub fn said(&self) -> Said<'_> {
        Said {
            content: self.content.as_str(),
            attachments: &self.attachments,
            reply_to: self.reply_to.as_ref(),
            mentions: &self.mentions,
        }
    }

    /// The message as it is stored under this command's id, at this place of its thread.
    pub fn into_message(self, id: CommandId, seq: u64) -> Message {
        Message {
            id: id.into(),
            thread_id: self.thread_id,
            seq,
            sender_id: self.sender_id,
            content: self.content.into_string(),
            attachments: self.attachments,
            reply_to: self.reply_to,
            mentions: self.mentions,
            reactions: Vec::new(),
            status: MessageStatus::Sent,
            read_by: Vec::new(),
            delivered_to: Vec::new(),
            is_draft: false,
            client_message_id: self.client_message_id,
            edited_at: None,
            pinned: None,
            deleted_at: None,
            created_at: self.at,
            updated_at: self.at,
        }
    }
}

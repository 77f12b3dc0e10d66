//! Commands: what a client asks for, after the ingress has authenticated, authorised and validated it.
//!
//! Read this file first: a message's way through the system begins here. A command is routed by its thread
//! (or user), travels in an [`crate::frame::Envelope`] under its [`crate::CommandId`], and is carried out
//! once however often it arrives.

mod person;
mod subject;

pub use self::subject::Subject;
use crate::blocks::ChangeBlock;
mod send;

pub use self::send::SendMessage;
use crate::change::{AdvanceCursor, ArchiveThread, ChangeGroup, ChangeMessage, MarkUnread};
use crate::content::{ContentError, Markup};
use crate::document::{Thread, ThreadStatus};
use crate::drafts::SaveDraft;
use crate::erasure::{ErasePerson, EraseStep};
use crate::group::Group;
use crate::inbox::{ChangeNotifications, Notify, SetPreferences};
use crate::mail::ChangeSuppression;
use crate::person::{Profile, Revocation, TokenName};
use crate::preferences::ChangePreferences;
use crate::push::{PushDevice, RemovePushDevice};
use crate::reports::{HandleReport, ReportMessage};
use crate::scheduled::{ChangeScheduled, ScheduleMessage, SendScheduled};
use crate::sends::{CancelSend, NewSend};
use crate::{ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

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
    /// Block somebody, or end that.
    ChangeBlock(ChangeBlock),
    /// Save what a person has begun to write in a thread.
    SaveDraft(SaveDraft),
    /// Keep a message, to be sent later.
    ScheduleMessage(Box<ScheduleMessage>),
    /// Change what waits for its time, send it now, or do not send it.
    ChangeScheduled(ChangeScheduled),
    /// Send what has waited for its time.
    SendScheduled(SendScheduled),
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
    /// Report a message to the administrators.
    ReportMessage(ReportMessage),
    /// Mark a report as handled.
    HandleReport(HandleReport),
    /// Mark a person as erased, and begin to erase what is there of them.
    ErasePerson(ErasePerson),
    /// Make the next step of an erasure.
    EraseStep(EraseStep),
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
            Self::ScheduleMessage(new) => Self::ScheduleMessage(Box::new(new.written(markup)?)),
            Self::ChangeScheduled(change) => Self::ChangeScheduled(change.written(markup)),
            Self::Notify(notify) => Self::Notify(notify.written(markup)?),
            Self::PutProfile(profile) => Self::PutProfile(profile.written(markup)?),
            Self::NoteTokenName(name) => Self::NoteTokenName(name.written(markup)?),
            Self::AddSend(new) => Self::AddSend(new.written(markup)?),
            Self::ReportMessage(report) => Self::ReportMessage(report.written(markup)?),
            Self::HandleReport(handle) => Self::HandleReport(handle.written(markup)?),
            Self::CreateThread(create) => Self::CreateThread(create.written(markup)?),
            Self::ChangeGroup(change) => Self::ChangeGroup(change.written(markup)?),
            Self::AdvanceCursor(_)
            | Self::MarkUnread(_)
            | Self::ArchiveThread(_)
            | Self::LeaveThread(_)
            | Self::ChangeBlock(_)
            | Self::SendScheduled(_)
            | Self::ChangeNotifications(_)
            | Self::SetPreferences(_)
            | Self::ChangePreferences(_)
            | Self::RegisterPushDevice(_)
            | Self::RemovePushDevice(_)
            | Self::Revoke(_)
            | Self::ChangeSuppression(_)
            | Self::CancelSend(_)
            | Self::ErasePerson(_)
            | Self::EraseStep(_) => self,
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
            Self::ChangeBlock(change) => Subject::User(change.user_id.clone()),
            Self::SaveDraft(save) => Subject::User(save.user_id.clone()),
            Self::ScheduleMessage(new) => Subject::User(new.message.sender_id.clone()),
            Self::ChangeScheduled(change) => Subject::User(change.user_id.clone()),
            Self::SendScheduled(send) => Subject::Thread(send.thread_id),
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
            Self::ReportMessage(report) => Subject::Thread(report.message.thread_id),
            Self::HandleReport(handle) => Subject::Thread(handle.thread_id),
            Self::ErasePerson(erase) => Subject::User(erase.user_id.clone()),
            Self::EraseStep(step) => step.subject(),
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
            Self::ChangeBlock(_) => "change_block",
            Self::SaveDraft(_) => "save_draft",
            Self::ScheduleMessage(_) => "schedule_message",
            Self::ChangeScheduled(_) => "change_scheduled",
            Self::SendScheduled(_) => "send_scheduled",
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
            Self::ReportMessage(_) => "report_message",
            Self::HandleReport(_) => "handle_report",
            Self::ErasePerson(_) => "erase_person",
            Self::EraseStep(_) => "erase_step",
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
            Self::ChangeBlock(change) => Some(change.at),
            Self::SaveDraft(save) => Some(save.at),
            Self::ScheduleMessage(new) => Some(new.message.at),
            Self::ChangeScheduled(change) => Some(change.at),
            Self::SendScheduled(send) => Some(send.at),
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
            Self::ReportMessage(report) => Some(report.at),
            Self::HandleReport(handle) => Some(handle.at),
            Self::ErasePerson(erase) => Some(erase.at),
            Self::EraseStep(step) => Some(step.at),
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

//! Whose doing a command is.

use super::Command;
use crate::UserId;

impl Command {
    /// The person whose doing it is, or whose data it writes: once they are erased it is refused. Nobody for
    /// what administrators and the system do, and for what names its person only in the store.
    pub fn person(&self) -> Option<&UserId> {
        Some(match self {
            Self::CreateThread(create) => &create.created_by,
            Self::SendMessage(send) => &send.sender_id,
            Self::ChangeMessage(change) => &change.by,
            Self::AdvanceCursor(advance) => &advance.user_id,
            Self::MarkUnread(mark) => &mark.user_id,
            Self::ArchiveThread(archive) => &archive.user_id,
            Self::LeaveThread(leave) => &leave.user_id,
            Self::ChangeGroup(change) => &change.by,
            Self::ChangeBlock(change) => &change.user_id,
            Self::SaveDraft(save) => &save.user_id,
            Self::ScheduleMessage(new) => &new.message.sender_id,
            Self::ChangeScheduled(change) => &change.user_id,
            Self::Notify(notify) => &notify.user_id,
            Self::ChangeNotifications(change) => &change.user_id,
            Self::SetPreferences(set) => &set.user_id,
            Self::ChangePreferences(change) => &change.user_id,
            Self::RegisterPushDevice(device) => &device.user_id,
            Self::RemovePushDevice(removal) => &removal.user_id,
            Self::PutProfile(profile) => &profile.id,
            Self::NoteTokenName(name) => &name.user_id,
            Self::ReportMessage(report) => &report.reporter,
            Self::HandleReport(handle) => &handle.by,
            Self::SendScheduled(_)
            | Self::Revoke(_)
            | Self::ChangeSuppression(_)
            | Self::AddSend(_)
            | Self::CancelSend(_)
            | Self::ErasePerson(_)
            | Self::EraseStep(_) => return None,
        })
    }
}

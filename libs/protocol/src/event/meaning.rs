//! What an event means for those who carry it: a number to be told with it, or people to be looked up anew.

use super::Event;
use crate::UserId;

impl Event {
    /// The person whose number of unread notifications the event tells, and the place for that number.
    /// `None` for events that tell no such number.
    pub fn unread_notifications(&mut self) -> Option<(&UserId, &mut Option<u64>)> {
        match self {
            Self::NotificationStored { notification, unread_count } => {
                Some((&notification.user_id, unread_count))
            }
            Self::NotificationsChanged { user_id, unread_count, .. } => Some((user_id, unread_count)),
            Self::ThreadCreated { .. }
            | Self::ParticipantLeft { .. }
            | Self::MembersAdded { .. }
            | Self::GroupChanged { .. }
            | Self::MessageStored { .. }
            | Self::MessageChanged { .. }
            | Self::CursorAdvanced { .. }
            | Self::ThreadChanged { .. }
            | Self::BlockChanged { .. }
            | Self::DraftSaved { .. }
            | Self::ScheduledChanged { .. }
            | Self::ToldOutside { .. }
            | Self::PreferencesChanged { .. }
            | Self::PresenceChosen { .. }
            | Self::Typing { .. }
            | Self::GatewayUnlisted { .. }
            | Self::Revoked { .. } => None,
        }
    }

    /// Whether a thread that existed has other people now, or is away for other people. Then every process
    /// that remembers its people has to know, whoever is connected to it.
    pub fn changes_membership(&self) -> bool {
        match self {
            Self::ThreadCreated { back, .. } => back.is_some(),
            Self::ParticipantLeft { .. } | Self::BlockChanged { .. } => true,
            // The event before it, of the same command, says that the people changed.
            Self::MembersAdded { .. }
            | Self::GroupChanged { .. }
            | Self::MessageStored { .. }
            | Self::MessageChanged { .. }
            | Self::CursorAdvanced { .. }
            | Self::ThreadChanged { .. }
            | Self::DraftSaved { .. }
            | Self::ScheduledChanged { .. }
            | Self::NotificationStored { .. }
            | Self::NotificationsChanged { .. }
            | Self::ToldOutside { .. }
            | Self::PreferencesChanged { .. }
            | Self::PresenceChosen { .. }
            | Self::Typing { .. }
            | Self::GatewayUnlisted { .. }
            | Self::Revoked { .. } => false,
        }
    }
}

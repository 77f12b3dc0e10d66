//! Earlier wordings: what a message said before its sender edited it.
//!
//! A store keeps the wording that an edit replaces in the same write as the edit, and removes all of them
//! when the message is taken back. A message that was edited before stores did so lacks its first wordings,
//! as does one that was edited more often than wordings are kept.

use crate::Timestamp;
use crate::change::{Changed, Effect};
use crate::document::Message;

/// Most earlier wordings that a store keeps of one message, the newest ones: more than anybody reads, and at
/// most 800 KB (10,000 characters of 4 bytes each) of a MongoDB document, which may have 16 MB.
pub const WORDINGS_MAX: usize = 20;

/// What a message said from one time on, until it was edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// The text.
    pub content: String,
    /// When the text was sent, or came by an edit.
    pub written_at: Timestamp,
    /// Whether the text is what was sent, so that nothing came before it.
    pub is_first: bool,
}

impl Wording {
    /// What the message says now.
    pub fn of(message: &Message) -> Self {
        Self {
            content: message.content.clone(),
            written_at: message.edited_at.unwrap_or(message.created_at),
            is_first: message.edited_at.is_none(),
        }
    }

    /// The wording, if the change has replaced it by another.
    pub fn replaced_by(self, changed: &Changed) -> Option<Self> {
        matches!(changed, Changed::Done(_, Effect::Edited)).then_some(self)
    }
}

/// Whether these, oldest first, are all earlier wordings of the message.
pub fn are_all(wordings: &[Wording], message: &Message) -> bool {
    wordings.first().map_or(message.edited_at.is_none(), |oldest| oldest.is_first)
}

#[cfg(test)]
mod tests {
    use super::{Wording, are_all};
    use crate::command::SendMessage;
    use crate::content::Content;
    use crate::document::Message;
    use crate::{CommandId, ThreadId, Timestamp};

    fn message(edited_at: Option<Timestamp>) -> Message {
        let send = SendMessage {
            thread_id: ThreadId::from_bytes([1; 12]),
            sender_id: "ann".parse().unwrap(),
            content: Content::parse("now").unwrap(),
            attachments: Vec::new(),
            client_message_id: None,
            pairing: None,
            typed: None,
            reply_to: None,
            repeat_only: false,
            mentions: Vec::new(),
            at: Timestamp(5),
        };
        Message { edited_at, ..send.into_message(CommandId::new(), 1) }
    }

    #[test]
    fn what_was_edited_before_wordings_were_kept_lacks_the_first() {
        let (sent, edited) = (message(None), message(Some(Timestamp(9))));
        assert!(are_all(&[], &sent));
        assert!(!are_all(&[], &edited));
        assert!(are_all(&[Wording::of(&sent), Wording::of(&edited)], &edited));
        assert!(!are_all(&[Wording::of(&edited)], &edited));
        assert_eq!(
            (Wording::of(&sent).written_at, Wording::of(&edited).written_at),
            (Timestamp(5), Timestamp(9))
        );
    }
}

//! Reports of messages: somebody says to the administrators what is wrong with a message.
//!
//! A person reports a message once. The report has a copy of what the message said then, because its sender
//! may edit it or take it back. Administrators mark it as handled, once.

use crate::content::{ContentError, Markup};
use crate::document::{Attachment, Message};
use crate::id::{DocumentId, OfReport};
use crate::{MessageId, ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The id of a report.
pub type ReportId = DocumentId<OfReport>;

impl ReportId {
    /// The id of this person's report of this message: there is one. SHA-256, first 12 bytes.
    pub fn of(reporter: &UserId, message: MessageId) -> Self {
        let hash = Sha256::new_with_prefix(b"eventflow report\0")
            .chain_update(message.bytes())
            .chain_update(reporter.as_str())
            .finalize();
        let mut bytes = [0; 12];
        bytes.copy_from_slice(&hash[..12]);
        Self::from_bytes(bytes)
    }
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportReason {
    /// Advertisement or fraud.
    Spam,
    /// It insults or pursues somebody.
    Harassment,
    /// It incites hatred against people.
    Hate,
    /// It threatens somebody, or calls for violence.
    Violence,
    /// It is sexual and not wanted.
    Sexual,
    /// Somebody may harm themselves.
    SelfHarm,
    /// It is against the law in another way.
    Illegal,
    /// Something else; the text says what.
    Other,
}

/// What a message said when it was reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportedMessage {
    /// References to its files.
    pub attachments: Vec<Attachment>,
    /// What it said.
    pub content: String,
    /// When it was sent.
    pub created_at: Timestamp,
    /// When its sender had last edited it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// The message.
    pub message_id: MessageId,
    /// Who sent it.
    pub sender_id: UserId,
    /// Its place in its thread.
    pub seq: u64,
    /// Its thread.
    pub thread_id: ThreadId,
}

impl From<&Message> for ReportedMessage {
    fn from(message: &Message) -> Self {
        Self {
            attachments: message.attachments.clone(),
            content: message.content.clone(),
            created_at: message.created_at,
            edited_at: message.edited_at,
            message_id: message.id,
            sender_id: message.sender_id.clone(),
            seq: message.seq,
            thread_id: message.thread_id,
        }
    }
}

/// Command: report a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportMessage {
    /// Who reports it, who may see it.
    pub reporter: UserId,
    /// What is wrong with it.
    pub reason: ReportReason,
    /// More about that, as one line; empty if nothing was said.
    pub text: String,
    /// What the message says now.
    pub message: ReportedMessage,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

impl ReportMessage {
    /// The report with its text in the form in which it is kept. Fails if nothing is left of one.
    pub fn written(mut self, markup: Markup) -> Result<Self, ContentError> {
        if !self.text.is_empty() {
            self.text = markup.write_visible(&self.text)?;
        }
        Ok(self)
    }
}

/// Command: mark a report as handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandleReport {
    /// The report, which exists.
    pub id: ReportId,
    /// The thread of the reported message.
    pub thread_id: ThreadId,
    /// The administrator.
    pub by: UserId,
    /// What came of it, as one line; empty if nothing was said.
    pub note: String,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

impl HandleReport {
    /// The command with its note in the form in which it is kept. Fails if nothing is left of one.
    pub fn written(mut self, markup: Markup) -> Result<Self, ContentError> {
        if !self.note.is_empty() {
            self.note = markup.write_visible(&self.note)?;
        }
        Ok(self)
    }
}

/// A report as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Its id.
    pub id: ReportId,
    /// Who reported the message.
    pub reporter: UserId,
    /// What is wrong with it.
    pub reason: ReportReason,
    /// More about that; empty if nothing was said.
    pub text: String,
    /// What the message said then.
    pub message: ReportedMessage,
    /// When it was reported.
    pub created_at: Timestamp,
    /// What became of the report, once somebody has handled it.
    #[serde(default)]
    pub handled: Option<Handled>,
}

/// That a report is handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Handled {
    /// When.
    pub at: Timestamp,
    /// By which administrator.
    pub by: UserId,
    /// What came of it; empty if nothing was said.
    pub note: String,
}

impl Report {
    /// A report that nobody has handled.
    pub fn new(wanted: ReportMessage) -> Self {
        let ReportMessage { reporter, reason, text, message, at } = wanted;
        let id = ReportId::of(&reporter, message.message_id);
        Self { id, reporter, reason, text, message, created_at: at, handled: None }
    }

    /// Marks it as handled. `false` if it was before: the first word about it stays.
    pub fn handle(&mut self, wanted: &HandleReport) -> bool {
        if self.handled.is_some() {
            return false;
        }
        let HandleReport { by, note, at, .. } = wanted;
        self.handled = Some(Handled { at: *at, by: by.clone(), note: note.clone() });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_one_report_of_a_message_and_it_is_handled_once() {
        let [ann, ben, root] = ["ann", "ben", "root"].map(|id| id.parse::<UserId>().unwrap());
        let message = MessageId::from_bytes([1; 12]);
        assert_ne!(ReportId::of(&ann, message), ReportId::of(&ben, message));
        assert_ne!(ReportId::of(&ann, message), ReportId::of(&ann, MessageId::from_bytes([2; 12])));
        let reported = ReportedMessage {
            attachments: Vec::new(),
            content: "buy this".to_owned(),
            created_at: Timestamp(1),
            edited_at: None,
            message_id: message,
            sender_id: ben,
            seq: 1,
            thread_id: ThreadId::from_bytes([3; 12]),
        };
        let (reason, text) = (ReportReason::Spam, "every <b>day".to_owned());
        let wanted = ReportMessage { reporter: ann, reason, text, message: reported, at: Timestamp(2) };
        let mut report = Report::new(wanted.written(Markup::Neutralise).unwrap());
        assert!(report.text.starts_with("every <\u{2060}b>"), "{}", report.text);
        let handle = |note: &str, at| HandleReport {
            id: report.id,
            thread_id: report.message.thread_id,
            by: root.clone(),
            note: note.to_owned(),
            at: Timestamp(at),
        };
        let (first, second) = (handle("warned", 3), handle("again", 4));
        assert!(report.handle(&first) && !report.handle(&second));
        assert_eq!(report.handled.unwrap().note, "warned");
    }
}

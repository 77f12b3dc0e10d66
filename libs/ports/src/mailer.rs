//! The mailer port: hands one mail to a mail server.
//!
//! A [`Mail`] is typed. Nothing from outside becomes a header by itself: addresses are [`MailAddress`]es, ids
//! are made by this system, and texts go through the encoding of the adapter. Sending a mail again is the
//! caller's decision; the mail then carries the same [`MailId`], by which mail clients recognise it.

use async_trait::async_trait;
use eventflow_protocol::{MailAddress, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest subject in Unicode scalar values that a caller should give: clients show about 70.
pub const SUBJECT_MAX_CHARS: usize = 150;
/// Longest display name in Unicode scalar values.
pub const DISPLAY_NAME_MAX_CHARS: usize = 100;

/// Longest part of a mail's id: two of them fit a line of a mail.
const ID_PART_MAX_CHARS: usize = 255;

/// Hands mails to a mail server.
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    /// Hands one mail over. `Ok` means that the server has taken responsibility for it (RFC 5321, 4.2.5).
    ///
    /// Answers within [`SEND_LIMIT`], whatever the server does.
    async fn send(&self, mail: &Mail) -> Result<Accepted, MailError>;

    /// Connects, signs in if there is something to sign in with, and offers a mail from this address without
    /// sending one: whether mails could be sent now.
    async fn probe(&self, from: &MailAddress) -> Result<(), MailError>;

    /// The name of the provider for the delivery log, such as `postmark`.
    fn provider(&self) -> &'static str;
}

/// Time limit of one mail, from connecting to the server's last answer.
pub const SEND_LIMIT: std::time::Duration = std::time::Duration::from_secs(90);

/// A mail to one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Who sends it.
    pub from: Mailbox,
    /// Who gets it.
    pub to: Mailbox,
    /// One line of any text; the adapter encodes it.
    pub subject: String,
    /// The body for readers without HTML.
    pub text: String,
    /// The body for readers with HTML.
    pub html: String,
    /// The identity of the mail, the same on every repetition.
    pub id: MailId,
    /// The mail that this one follows in its conversation, so that mail clients group them.
    pub in_reply_to: Option<MailId>,
    /// Address of the one-click unsubscription (RFC 8058), `https` or `http`.
    pub unsubscribe: Option<String>,
    /// The language of the texts (RFC 5646), such as `de`.
    pub language: String,
    /// The time of the `Date` header.
    pub at: Timestamp,
}

/// An address with a display name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// What the person or system is called: any text; the adapter encodes it.
    pub name: Option<String>,
    /// The address.
    pub address: MailAddress,
}

/// The identity of a mail: `local@domain` between angle brackets in `Message-ID` (RFC 5322, 3.6.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailId(String);

impl MailId {
    /// The id `kind.name@domain`. Characters of `name` that an id may not have become hyphens.
    pub fn new(kind: &'static str, name: &str, domain: &str) -> Self {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let domain_plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        let name: String = name.chars().take(ID_PART_MAX_CHARS).map(plain).collect();
        let domain: String = domain.chars().take(ID_PART_MAX_CHARS).map(domain_plain).collect();
        Self(format!("<{kind}.{name}@{domain}>"))
    }
}

/// With its angle brackets.
impl fmt::Display for MailId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The server's answer to a mail that it accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// One line of the answer, such as `250 2.0.0 queued as 4F2A`, without addresses.
    pub answer: String,
}

/// Why a mail was not handed over. The texts hold no address and nothing of the mail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// It may succeed later: a 4xx answer, or no answer.
    #[error("the mail server could not take it now: {answer}")]
    Temporary {
        /// Whether the mail or the server is to blame.
        blame: Blame,
        /// One line: the answer of the server, or what happened.
        answer: String,
        /// Whether the server may have accepted the mail all the same: the connection ended between the last
        /// line of the mail and the answer.
        perhaps_sent: bool,
    },
    /// The server will never take this mail: a 5xx answer to the recipient or to the content.
    #[error("the mail server refused it: {answer}")]
    Refused {
        /// What the server does not like.
        what: RefusedPart,
        /// One line: the answer of the server.
        answer: String,
    },
    /// The server takes no mail from this system at all until an operator changes something: it refused the
    /// credentials or the sender.
    #[error("the mail server takes no mail from this system: {answer}")]
    Broken {
        /// One line: the answer of the server.
        answer: String,
    },
}

/// Who is to blame for a failure that may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// This mail or its recipient; others may succeed.
    Mail,
    /// The server or the way to it; other mails fail too.
    Provider,
}

/// What a server refused for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedPart {
    /// The address: it does not exist, or takes no mail.
    Address,
    /// The mail: too large, or against a policy.
    Mail,
}

impl MailError {
    /// One line about it for the delivery log.
    pub fn answer(&self) -> &str {
        match self {
            Self::Temporary { answer, .. } | Self::Refused { answer, .. } | Self::Broken { answer } => answer,
        }
    }

    /// Whether other mails would fail for the same reason.
    pub fn is_of_the_provider(&self) -> bool {
        match self {
            Self::Temporary { blame, .. } => *blame == Blame::Provider,
            Self::Refused { .. } => false,
            Self::Broken { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_word_between_brackets_whatever_it_is_made_of() {
        let id = MailId::new("thread", "a\r\nb <c>@d", "ex\r\nample.com>");
        assert_eq!(id.to_string(), "<thread.a--b--c--d@ex--ample.com->");
    }
}

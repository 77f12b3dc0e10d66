//! The outbox port: where mails and pushes go while no provider is configured.
//!
//! A development page shows them, so that a newcomer sees what would have been sent. The outbox is bounded:
//! the oldest item goes when there are too many. [`crate::outbox_contract`] checks these promises, and
//! [`OutboxMailer`] is the [`Mailer`] that puts mails here.

use crate::mailer::{Accepted, Blame, Mail, MailError, Mailer};
use crate::store::StoreError;
use async_trait::async_trait;
use eventflow_protocol::outbound::Channel;
use eventflow_protocol::{MailAddress, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most items that an outbox keeps: what a person looks through, in a few megabytes.
pub const OUTBOX_MAX: u32 = 200;

/// What would have been sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxItem {
    /// The identity of the mail or push, the same on every repetition; at most 200 bytes.
    pub id: String,
    /// The way that it would have gone.
    pub channel: Channel,
    /// To whom: an address, or the name of a device.
    pub to: String,
    /// The subject or title.
    pub title: String,
    /// The text for readers without HTML, or the body of a push.
    pub text: String,
    /// The HTML of a mail.
    pub html: Option<String>,
    /// Headers of a mail or of a push that a developer wants to see, in order.
    pub headers: Vec<(String, String)>,
    /// When it would have been sent.
    pub at: Timestamp,
}

/// Keeps what would have been sent.
#[async_trait]
pub trait Outbox: Send + Sync + 'static {
    /// Keeps an item, in the place of one with the same id, and drops the oldest ones past [`OUTBOX_MAX`].
    async fn keep(&self, item: &OutboxItem) -> Result<(), StoreError>;

    /// Reads the newest items, the newest first: at most `limit`, and never more than [`OUTBOX_MAX`].
    async fn kept(&self, limit: u32) -> Result<Vec<OutboxItem>, StoreError>;

    /// Reads one item.
    async fn kept_item(&self, id: &str) -> Result<Option<OutboxItem>, StoreError>;
}

/// A mailer that sends nothing and keeps every mail in the outbox.
pub struct OutboxMailer {
    outbox: Arc<dyn Outbox>,
}

impl OutboxMailer {
    /// A mailer on this outbox.
    pub fn new(outbox: Arc<dyn Outbox>) -> Self {
        Self { outbox }
    }
}

#[async_trait]
impl Mailer for OutboxMailer {
    async fn send(&self, mail: &Mail) -> Result<Accepted, MailError> {
        match self.outbox.keep(&item(mail)).await {
            Ok(()) => Ok(Accepted { answer: "kept in the outbox".to_owned() }),
            Err(StoreError::Unavailable { .. } | StoreError::Failed { .. }) => Err(MailError::Temporary {
                blame: Blame::Provider,
                answer: "the outbox cannot be written".to_owned(),
                perhaps_sent: false,
            }),
            Err(StoreError::Refused { .. }) => {
                Err(MailError::Broken { answer: "the outbox refuses the mail".to_owned() })
            }
        }
    }

    async fn probe(&self, _from: &MailAddress) -> Result<(), MailError> {
        Ok(())
    }

    fn provider(&self) -> &'static str {
        "outbox"
    }
}

fn item(mail: &Mail) -> OutboxItem {
    let mut headers = vec![("From".to_owned(), shown(mail.from.name.as_deref(), mail.from.address.as_str()))];
    headers.push(("Message-ID".to_owned(), mail.id.to_string()));
    headers.extend(mail.in_reply_to.as_ref().map(|id| ("In-Reply-To".to_owned(), id.to_string())));
    headers.extend(mail.unsubscribe.as_ref().map(|url| ("List-Unsubscribe".to_owned(), format!("<{url}>"))));
    OutboxItem {
        id: mail.id.to_string().trim_matches(['<', '>']).to_owned(),
        channel: Channel::Email,
        to: shown(mail.to.name.as_deref(), mail.to.address.as_str()),
        title: mail.subject.clone(),
        text: mail.text.clone(),
        html: Some(mail.html.clone()),
        headers,
        at: mail.at,
    }
}

fn shown(name: Option<&str>, address: &str) -> String {
    name.map_or_else(|| address.to_owned(), |name| format!("{name} <{address}>"))
}

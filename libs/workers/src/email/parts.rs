//! What the e-mail stage is built from.

use crate::email::templates::Templates;
use crate::notify::again::AgainParts;
use eventflow_ports::{Clock, Directory, Mailbox, Mailer, Outbound, People, Suppressions};
use eventflow_protocol::unsubscribe::Unsubscribe;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What the e-mail stage needs.
pub struct EmailParts {
    /// Keeps windows and the delivery log.
    pub outbound: Arc<dyn Outbound>,
    /// What the second decision needs.
    pub again: AgainParts,
    /// Knows addresses.
    pub directory: Arc<dyn Directory>,
    /// Knows how people are shown.
    pub people: People,
    /// Knows the addresses that get no mail.
    pub suppressions: Arc<dyn Suppressions>,
    /// Hands mails over.
    pub mailer: Arc<dyn Mailer>,
    /// Tells the time of day.
    pub clock: Arc<dyn Clock>,
    /// Writes mails.
    pub templates: Templates,
    /// Makes the links by which people stop mails.
    pub unsubscribe: Unsubscribe,
    /// What mails say of the system.
    pub settings: EmailSettings,
    /// Ends a batch early when the process stops.
    pub stop: CancellationToken,
}

/// What mails say of the system that sends them.
#[derive(Clone, Debug)]
pub struct EmailSettings {
    /// Whether mails are sent at all. If not, windows are closed with that reason.
    pub is_enabled: bool,
    /// The sender.
    pub from: Mailbox,
    /// The name of the product.
    pub product: String,
    /// Address at which people find the system, without a slash at its end.
    pub base_url: Option<String>,
    /// Address of the page where people change their notification settings.
    pub settings_url: Option<String>,
}

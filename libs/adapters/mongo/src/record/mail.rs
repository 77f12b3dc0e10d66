//! The suppression list and the outbox as the database keeps them.

use crate::record::values::{date, moment};
use eventflow_ports::OutboxItem;
use eventflow_protocol::mail::{Suppression, SuppressionReason};
use mongodb::bson::DateTime;
use serde::{Deserialize, Serialize};

/// A document of `suppressions`, by the address in lower case. Fields are missing from one that was lifted
/// before it was ever suppressed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SuppressionRecord {
    #[serde(rename = "_id")]
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) address: Option<String>,
    #[serde(default)]
    pub(crate) reason: Option<SuppressionReason>,
    #[serde(default)]
    pub(crate) detail: Option<String>,
    #[serde(default)]
    pub(crate) since: Option<DateTime>,
    #[serde(default)]
    pub(crate) is_active: bool,
    pub(crate) changed_at: DateTime,
}

impl SuppressionRecord {
    /// The suppression; `None` if somebody else has written a document that is none.
    pub(crate) fn into_suppression(self) -> Option<Suppression> {
        Some(Suppression {
            address: self.address?.parse().ok()?,
            reason: self.reason?,
            detail: self.detail.unwrap_or_default(),
            at: moment(self.since?),
        })
    }
}

/// A document of `outbox`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OutboxRecord {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) at: DateTime,
    /// The whole item as JSON: nothing but its id and time is ever asked for.
    pub(crate) item: String,
}

impl From<&OutboxItem> for OutboxRecord {
    fn from(item: &OutboxItem) -> Self {
        let json = serde_json::to_string(item).unwrap_or_default();
        Self { id: item.id.clone(), at: date(item.at), item: json }
    }
}

impl OutboxRecord {
    /// The item; `None` if somebody else has written a document that is none.
    pub(crate) fn into_item(self) -> Option<OutboxItem> {
        serde_json::from_str(&self.item).ok()
    }
}

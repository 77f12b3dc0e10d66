//! Answers about e-mail, for administrators.

use crate::Timestamp;
use crate::client::shape::Success;
use crate::mail::{Suppression, SuppressionReason};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A page of the suppression list: `GET /email/suppressions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SuppressionsAnswer {
    /// The place of the next page; null on the last one.
    pub next_cursor: Option<String>,
    /// Always true.
    pub success: Success,
    /// The addresses, in alphabetical order.
    pub suppressions: Vec<SuppressedAddress>,
}

/// An address that gets no mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SuppressedAddress {
    /// The address.
    pub address: String,
    /// Since when.
    pub at: Timestamp,
    /// More about it, such as the answer of the mail server.
    pub detail: String,
    /// Why.
    pub reason: SuppressionReason,
}

impl From<Suppression> for SuppressedAddress {
    fn from(suppression: Suppression) -> Self {
        let Suppression { address, reason, detail, at } = suppression;
        Self { address: address.into(), at, detail, reason }
    }
}

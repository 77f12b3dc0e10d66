//! Requests about reports of messages.

use crate::client::values::Why;
use crate::document::Message;
use crate::reports::{ReportMessage, ReportReason};
use crate::{Timestamp, UserId};
use schemars::JsonSchema;
use serde::Deserialize;

/// `POST /messages/{id}/report`: say what is wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct ReportBody {
    /// What is wrong with it.
    pub reason: ReportReason,
    /// More about that.
    #[serde(default)]
    pub text: Option<Why>,
}

impl ReportBody {
    /// The command of somebody who sees this message.
    pub fn into_command(self, reporter: UserId, message: &Message, at: Timestamp) -> ReportMessage {
        let text = self.text.map(Why::into_string).unwrap_or_default();
        ReportMessage { reporter, reason: self.reason, text, message: message.into(), at }
    }
}

/// `PUT /reports/{id}/handled`: mark a report as handled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct HandledBody {
    /// What came of it.
    #[serde(default)]
    pub note: Option<Why>,
}

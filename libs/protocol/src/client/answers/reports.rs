//! Answers about reports of messages.

use crate::Timestamp;
use crate::UserId;
use crate::client::shape::Success;
use crate::reports::{Handled, Report, ReportId, ReportReason, ReportedMessage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A message is reported: `POST /messages/{id}/report`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportedAnswer {
    /// The caller had reported the message before; that report is unchanged.
    pub deduplicated: bool,
    /// The report as its author sees it.
    pub report: OwnReport,
    /// Always true.
    pub success: Success,
}

/// A report as its author sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnReport {
    /// When the message was reported.
    pub created_at: Timestamp,
    /// The report.
    pub id: ReportId,
    /// What is wrong with the message.
    pub reason: ReportReason,
    /// More about that; empty if nothing was said.
    pub text: String,
}

impl From<Report> for OwnReport {
    fn from(Report { id, reason, text, created_at, .. }: Report) -> Self {
        Self { created_at, id, reason, text }
    }
}

/// A page of reports: `GET /reports`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportsAnswer {
    /// The `cursor` that asks for the next page; `null` if nothing follows.
    pub next_cursor: Option<String>,
    /// The reports, the newest first.
    pub reports: Vec<ShownReport>,
    /// Always true.
    pub success: Success,
}

/// One report: `PUT /reports/{id}/handled`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportAnswer {
    /// The report as it is stored.
    pub report: ShownReport,
    /// Always true.
    pub success: Success,
}

/// A report as administrators see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownReport {
    /// When the message was reported.
    pub created_at: Timestamp,
    /// Who has handled it, and when; `null` while nobody has.
    pub handled: Option<Handled>,
    /// The report.
    pub id: ReportId,
    /// What the message said then.
    pub message: ReportedMessage,
    /// What is wrong with the message.
    pub reason: ReportReason,
    /// Who reported it.
    pub reporter_id: UserId,
    /// More about that; empty if nothing was said.
    pub text: String,
}

impl From<Report> for ShownReport {
    fn from(report: Report) -> Self {
        let Report { id, reporter, reason, text, message, created_at, handled } = report;
        Self { created_at, handled, id, message, reason, reporter_id: reporter, text }
    }
}

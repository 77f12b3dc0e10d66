//! Reports of messages as the database keeps them.

use crate::record::values::{date, object_id};
use eventflow_protocol::reports::Report;
use mongodb::bson::DateTime;
use mongodb::bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

/// A document of `reports`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReportRecord {
    #[serde(rename = "_id")]
    pub(crate) id: ObjectId,
    created_at: DateTime,
    is_handled: bool,
    /// The whole report as JSON: nothing else of it is ever asked for.
    report: String,
}

impl From<&Report> for ReportRecord {
    fn from(report: &Report) -> Self {
        Self {
            id: object_id(report.id),
            created_at: date(report.created_at),
            is_handled: report.handled.is_some(),
            report: serde_json::to_string(report).unwrap_or_default(),
        }
    }
}

impl ReportRecord {
    /// The report; `None` if somebody else has written a document that is none.
    pub(crate) fn into_report(self) -> Option<Report> {
        serde_json::from_str(&self.report).ok()
    }
}

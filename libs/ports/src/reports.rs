//! The reports port: what people have reported to the administrators.
//!
//! [`Report`] says how a report changes; a store runs these changes one at a time for each report. Every
//! method may be repeated. [`crate::reports_contract`] checks these promises.

use crate::store::StoreError;
use async_trait::async_trait;
use eventflow_protocol::Timestamp;
use eventflow_protocol::reports::{HandleReport, Report, ReportId, ReportMessage};

/// Selects a page of reports. What was reported last comes first; among equal times the larger ids come
/// first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportPage {
    /// `true` selects those that were handled, `false` the others.
    pub is_handled: bool,
    /// Cursor: continue after the report with this time and id.
    pub after: Option<(Timestamp, ReportId)>,
    /// Page size, 1 to [`crate::store::PAGE_MAX`].
    pub limit: u32,
}

/// Keeps reports.
#[async_trait]
pub trait Reports: Send + Sync + 'static {
    /// Stores a report, unless the person has reported the message before. Gives the report that is stored,
    /// and whether it is this one. It is durable then.
    async fn add_report(&self, wanted: &ReportMessage) -> Result<(Report, bool), StoreError>;

    /// Marks a report as handled, and gives it as it is then; `None` if there is no such report. The first
    /// word about it stays.
    async fn handle_report(&self, wanted: &HandleReport) -> Result<Option<Report>, StoreError>;

    /// Reads a report; `None` if there is no such one.
    async fn report(&self, id: ReportId) -> Result<Option<Report>, StoreError>;

    /// Reads a page of reports.
    async fn reports(&self, page: ReportPage) -> Result<Vec<Report>, StoreError>;
}

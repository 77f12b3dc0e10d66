//! Reports of messages to the administrators. Nobody hears of one by an event. Safe to repeat because a
//! report has an id that follows from person and message, and is handled once.

use super::Persistence;
use super::applied::Applied;
use eventflow_ports::StoreError;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::reports::{HandleReport, ReportMessage};

impl Persistence {
    pub(super) async fn report_message(&self, wanted: &ReportMessage) -> Result<Applied, StoreError> {
        let (report, is_new) = self.parts.reports.add_report(wanted).await?;
        Ok(Applied::quietly(CommandResult::Report { report: Box::new(report), deduplicated: !is_new }))
    }

    pub(super) async fn handle_report(&self, wanted: &HandleReport) -> Result<Applied, StoreError> {
        Ok(match self.parts.reports.handle_report(wanted).await? {
            Some(report) => {
                Applied::quietly(CommandResult::Report { report: Box::new(report), deduplicated: false })
            }
            None => Applied::not_found("report"),
        })
    }
}

//! Reports in memory.

use async_trait::async_trait;
use eventflow_ports::{ReportPage, Reports, StoreError};
use eventflow_protocol::ErrorCode;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::reports::{HandleReport, Report, ReportId, ReportMessage};
use parking_lot::Mutex;
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct TestReports(Mutex<BTreeMap<ReportId, Report>>);

impl TestReports {
    pub(crate) fn add(&self, wanted: ReportMessage) -> CommandResult {
        let (report, mut reports) = (Report::new(wanted), self.0.lock());
        let deduplicated = reports.contains_key(&report.id);
        let report = Box::new(reports.entry(report.id).or_insert(report).clone());
        CommandResult::Report { report, deduplicated }
    }

    pub(crate) fn handle(&self, wanted: &HandleReport) -> CommandResult {
        let mut reports = self.0.lock();
        let Some(report) = reports.get_mut(&wanted.id) else {
            return CommandResult::refused(ErrorCode::NotFound, "no such report");
        };
        let deduplicated = !report.handle(wanted);
        CommandResult::Report { report: Box::new(report.clone()), deduplicated }
    }
}

#[async_trait]
impl Reports for TestReports {
    async fn add_report(&self, _wanted: &ReportMessage) -> Result<(Report, bool), StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn handle_report(&self, _wanted: &HandleReport) -> Result<Option<Report>, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn report(&self, id: ReportId) -> Result<Option<Report>, StoreError> {
        Ok(self.0.lock().get(&id).cloned())
    }
    async fn reports(&self, page: ReportPage) -> Result<Vec<Report>, StoreError> {
        let is_wanted = |report: &&Report| report.handled.is_some() == page.is_handled;
        let mut all: Vec<Report> = self.0.lock().values().filter(is_wanted).cloned().collect();
        all.sort_by_key(|report| std::cmp::Reverse((report.created_at, report.id)));
        all.retain(|report| page.after.is_none_or(|after| (report.created_at, report.id) < after));
        all.truncate(page.limit as usize);
        Ok(all)
    }
}

//! Reports of messages in the data file.
//!
//! Safe to repeat because each change runs in one transaction of the single writer under an id that follows
//! from person and message, and [`Report`] says which changes count.

use super::{EmbeddedStore, column, in_time};
use async_trait::async_trait;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{ReportPage, Reports, StoreError};
use eventflow_protocol::reports::{HandleReport, Report, ReportId, ReportMessage};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

#[async_trait]
impl Reports for EmbeddedStore {
    async fn add_report(&self, wanted: &ReportMessage) -> Result<(Report, bool), StoreError> {
        let wanted = wanted.clone();
        in_time("store a report", self.database.write(move |tx| add(tx, wanted))).await
    }

    async fn handle_report(&self, wanted: &HandleReport) -> Result<Option<Report>, StoreError> {
        let wanted = wanted.clone();
        in_time("handle a report", self.database.write(move |tx| handle(tx, &wanted))).await
    }

    async fn report(&self, id: ReportId) -> Result<Option<Report>, StoreError> {
        in_time("read a report", self.database.read(move |connection| find(connection, id))).await
    }

    async fn reports(&self, page: ReportPage) -> Result<Vec<Report>, StoreError> {
        in_time("list reports", self.database.read(move |connection| self::page(connection, page))).await
    }
}

fn add(connection: &Connection, wanted: ReportMessage) -> Result<(Report, bool)> {
    let report = Report::new(wanted);
    if let Some(known) = find(connection, report.id)? {
        return Ok((known, false));
    }
    write(connection, &report)?;
    Ok((report, true))
}

fn handle(connection: &Connection, wanted: &HandleReport) -> Result<Option<Report>> {
    let Some(mut report) = find(connection, wanted.id)? else { return Ok(None) };
    if report.handle(wanted) {
        write(connection, &report)?;
    }
    Ok(Some(report))
}

fn write(connection: &Connection, report: &Report) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO report (id, created_at, is_handled, report) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let (id, created_at) = (report.id.bytes(), report.created_at.0);
    statement.execute(params![id, created_at, report.handled.is_some(), column::pack(report)?])?;
    Ok(())
}

fn find(connection: &Connection, id: ReportId) -> Result<Option<Report>> {
    let mut statement = connection.prepare_cached("SELECT report FROM report WHERE id = ?1")?;
    statement.query_row([id.bytes()], read).optional()
}

fn page(connection: &Connection, page: ReportPage) -> Result<Vec<Report>> {
    let mut statement = connection.prepare_cached(
        "SELECT report FROM report WHERE is_handled = ?1 AND (?2 IS NULL OR (created_at, id) < (?2, ?3))
         ORDER BY created_at DESC, id DESC LIMIT ?4",
    )?;
    let (at, id) = page.after.map(|(at, id)| (at.0, id.bytes())).unzip();
    let limit = page.limit.clamp(1, PAGE_MAX);
    statement.query_map(params![page.is_handled, at, id, limit], read)?.collect()
}

fn read(row: &Row<'_>) -> Result<Report> {
    column::unpack_exactly(row, "report")
}

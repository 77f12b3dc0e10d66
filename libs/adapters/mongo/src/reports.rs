//! Reports of messages.
//!
//! Safe to repeat because a report is inserted under an id that follows from person and message, and replaced
//! only while nobody has handled it.

use crate::call::CallError;
use crate::connection::{READ_LIMIT, WRITE_LIMIT};
use crate::record::reports::ReportRecord;
use crate::record::values::{date, object_id};
use crate::store::MongoStore;
use async_trait::async_trait;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{ReportPage, Reports, StoreError};
use eventflow_protocol::reports::{HandleReport, Report, ReportId, ReportMessage};
use futures_util::TryStreamExt;
use mongodb::bson::doc;

#[async_trait]
impl Reports for MongoStore {
    async fn add_report(&self, wanted: &ReportMessage) -> Result<(Report, bool), StoreError> {
        let report = Report::new(wanted.clone());
        let (collection, record) = (self.reports.clone(), ReportRecord::from(&report));
        let insert = async move { collection.insert_one(record).await.map(drop) };
        match self.calls.run("store a report", WRITE_LIMIT, insert).await {
            Ok(()) => Ok((report, true)),
            // Reports are never removed, so the one that the insert met is found.
            Err(error) if error.is_duplicate() => {
                Ok((self.find_report(report.id).await?.ok_or(error)?, false))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn handle_report(&self, wanted: &HandleReport) -> Result<Option<Report>, StoreError> {
        let Some(mut report) = self.find_report(wanted.id).await? else { return Ok(None) };
        if !report.handle(wanted) {
            return Ok(Some(report));
        }
        let (collection, record) = (self.reports.clone(), ReportRecord::from(&report));
        let filter = doc! { "_id": record.id, "isHandled": false };
        let write = async move { collection.replace_one(filter, record).await };
        let written = self.calls.run("handle a report", WRITE_LIMIT, write).await?;
        // Somebody else was faster: theirs is the first word about it.
        if written.matched_count == 0 { Ok(self.find_report(wanted.id).await?) } else { Ok(Some(report)) }
    }

    async fn report(&self, id: ReportId) -> Result<Option<Report>, StoreError> {
        Ok(self.find_report(id).await?)
    }

    async fn reports(&self, page: ReportPage) -> Result<Vec<Report>, StoreError> {
        let mut filter = doc! { "isHandled": page.is_handled };
        if let Some((at, id)) = page.after {
            // As for notifications: the first condition bounds the scan.
            filter.insert("createdAt", doc! { "$lte": date(at) });
            let is_after =
                [doc! { "createdAt": { "$lt": date(at) } }, doc! { "_id": { "$lt": object_id(id) } }];
            filter.insert("$or", is_after);
        }
        let (collection, limit) = (self.reports.clone(), i64::from(page.limit.clamp(1, PAGE_MAX)));
        let find = async move {
            let find = collection.find(filter).sort(doc! { "createdAt": -1, "_id": -1 }).limit(limit);
            find.max_time(READ_LIMIT).await?.try_collect::<Vec<_>>().await
        };
        let found = self.calls.run("list reports", READ_LIMIT, find).await?;
        Ok(found.into_iter().filter_map(ReportRecord::into_report).collect())
    }
}

impl MongoStore {
    async fn find_report(&self, id: ReportId) -> Result<Option<Report>, CallError> {
        let (collection, filter) = (self.reports.clone(), doc! { "_id": object_id(id) });
        let find = async move { collection.find_one(filter).max_time(READ_LIMIT).await };
        let found = self.calls.run("read a report", READ_LIMIT, find).await?;
        Ok(found.and_then(ReportRecord::into_report))
    }
}

//! The contract of every [`Reports`], as checks that an adapter's tests call.

use crate::reports::{ReportPage, Reports};
use crate::store_contract::fixtures::{at, fresh_people};
use async_trait::async_trait;
use eventflow_protocol::document::{Attachment, AttachmentKind};
use eventflow_protocol::reports::{
    HandleReport, Report, ReportId, ReportMessage, ReportReason, ReportedMessage,
};
use eventflow_protocol::{CommandId, ThreadId, UserId};
use std::sync::Arc;

/// Gives the suite access to the store under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens one more store over the same data with empty caches, as another process would.
    async fn open(&self) -> Arc<dyn Reports>;
}

fn wanted(reporter: &UserId, sender: &UserId, seconds: i64) -> ReportMessage {
    let attachments = vec![Attachment {
        kind: AttachmentKind::Image,
        url: "https://files.example/a.png".to_owned(),
        filename: "a.png".to_owned(),
        size: 7,
        mime_type: "image/png".to_owned(),
        metadata: serde_json::Map::new(),
        id: None,
        thumbnail_url: None,
        width: None,
        height: None,
    }];
    ReportMessage {
        reporter: reporter.clone(),
        reason: ReportReason::SelfHarm,
        text: "'\"\u{1F600} \u{2060}<b>".to_owned(),
        message: ReportedMessage {
            attachments,
            content: "two\nlines".to_owned(),
            created_at: at(1),
            edited_at: Some(at(2)),
            message_id: CommandId::new().into(),
            sender_id: sender.clone(),
            seq: 7,
            thread_id: ThreadId::from_bytes([3; 12]),
        },
        at: at(seconds),
    }
}

fn handle(report: &Report, by: &UserId, note: &str) -> HandleReport {
    let thread_id = report.message.thread_id;
    HandleReport { id: report.id, thread_id, by: by.clone(), note: note.to_owned(), at: at(99) }
}

async fn all(reports: &dyn Reports, is_handled: bool) -> Vec<Report> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = reports.reports(ReportPage { is_handled, after, limit: 2 }).await.expect("list reports");
        after = page.last().map(|last| (last.created_at, last.id));
        let is_last = page.len() < 2;
        all.extend(page);
        if is_last {
            return all;
        }
    }
}

/// A report comes back as it was stored, and a person has one of each message: the first.
pub async fn a_person_reports_a_message_once(harness: &dyn Harness) {
    let (reports, people) = (harness.open().await, fresh_people(3));
    let first = wanted(&people[0], &people[1], 5);
    let (stored, is_new) = reports.add_report(&first).await.expect("report");
    assert!(is_new);
    assert_eq!(stored, Report::new(first.clone()));
    assert_eq!(stored.message.attachments.len(), 1);
    let again = ReportMessage { reason: ReportReason::Spam, text: String::new(), at: at(6), ..first.clone() };
    for witness in [reports.clone(), harness.open().await] {
        assert_eq!(witness.add_report(&again).await.expect("report"), (stored.clone(), false));
        assert_eq!(witness.report(stored.id).await.expect("read"), Some(stored.clone()));
    }
    let other = ReportMessage { reporter: people[2].clone(), ..first };
    let (other, is_new) = reports.add_report(&other).await.expect("report");
    assert!(is_new && other.id != stored.id, "somebody else reports it too");
    let nobody = ReportId::of(&people[1], stored.message.message_id);
    assert_eq!(reports.report(nobody).await.expect("read"), None);
}

/// A report is handled once, and the first word about it stays.
pub async fn a_report_is_handled_once(harness: &dyn Harness) {
    let (reports, people) = (harness.open().await, fresh_people(3));
    let report = reports.add_report(&wanted(&people[0], &people[1], 5)).await.expect("report").0;
    let handled = reports.handle_report(&handle(&report, &people[2], "warned")).await.expect("handle");
    let mut expected = report.clone();
    assert!(expected.handle(&handle(&report, &people[2], "warned")));
    assert_eq!(handled.as_ref(), Some(&expected));
    let again = harness.open().await.handle_report(&handle(&report, &people[0], "no")).await.expect("handle");
    assert_eq!(again.as_ref(), Some(&expected));
    assert_eq!(reports.add_report(&wanted_again(&report)).await.expect("report"), (expected, false));
    let mut nobody = handle(&report, &people[2], "x");
    nobody.id = ReportId::of(&people[1], report.message.message_id);
    assert_eq!(reports.handle_report(&nobody).await.expect("handle"), None);
}

fn wanted_again(report: &Report) -> ReportMessage {
    let Report { reporter, reason, text, message, created_at, .. } = report.clone();
    ReportMessage { reporter, reason, text, message, at: created_at }
}

/// Pages show each report once, the newest first, in two lists.
pub async fn pages_of_reports_show_each_once(harness: &dyn Harness) {
    let (reports, people) = (harness.open().await, fresh_people(6));
    let mut stored = Vec::new();
    for (person, seconds) in people[1..].iter().zip([1, 2, 2, 3, 3]) {
        stored.push(reports.add_report(&wanted(person, &people[0], seconds)).await.expect("report").0);
    }
    stored.sort_by_key(|report| std::cmp::Reverse((report.created_at, report.id)));
    assert_eq!(all(&*reports, false).await, stored);
    assert_eq!(all(&*reports, true).await, []);
    let mut handled = Vec::new();
    for report in [stored.remove(1), stored.remove(2)] {
        let wanted = handle(&report, &people[0], "");
        handled.extend(reports.handle_report(&wanted).await.expect("handle"));
    }
    assert_eq!((all(&*reports, false).await, all(&*reports, true).await), (stored, handled));
}

//! Reports honour their contract.

use crate::support::run_with_reports;
use eventflow_ports::reports_contract;

#[tokio::test]
async fn a_person_reports_a_message_once() {
    run_with_reports(reports_contract::a_person_reports_a_message_once).await;
}

#[tokio::test]
async fn a_report_is_handled_once() {
    run_with_reports(reports_contract::a_report_is_handled_once).await;
}

#[tokio::test]
async fn pages_of_reports_show_each_once() {
    run_with_reports(reports_contract::pages_of_reports_show_each_once).await;
}

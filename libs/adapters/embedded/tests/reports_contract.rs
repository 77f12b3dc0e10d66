//! `EmbeddedStore` keeps every promise about reports. Each check has a file of its own.

mod support;

use async_trait::async_trait;
use eventflow_ports::{Reports, reports_contract};
use std::sync::Arc;
use support::File;

#[async_trait]
impl reports_contract::Harness for File {
    async fn open(&self) -> Arc<dyn Reports> {
        Arc::new(self.store().await)
    }
}

#[tokio::test]
async fn a_person_reports_a_message_once() {
    reports_contract::a_person_reports_a_message_once(&File::new()).await;
}

#[tokio::test]
async fn a_report_is_handled_once() {
    reports_contract::a_report_is_handled_once(&File::new()).await;
}

#[tokio::test]
async fn pages_of_reports_show_each_once() {
    reports_contract::pages_of_reports_show_each_once(&File::new()).await;
}

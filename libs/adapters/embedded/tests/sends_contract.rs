//! `EmbeddedStore` keeps every promise about sends. Each check has a file of its own.

mod support;

use async_trait::async_trait;
use eventflow_ports::{Sends, sends_contract};
use std::sync::Arc;
use support::File;

#[async_trait]
impl sends_contract::Harness for File {
    async fn open(&self) -> Arc<dyn Sends> {
        Arc::new(self.store().await)
    }
}

#[tokio::test]
async fn a_send_is_stored_once() {
    sends_contract::a_send_is_stored_once(&File::new()).await;
}

#[tokio::test]
async fn one_worker_takes_a_send_that_is_due() {
    sends_contract::one_worker_takes_a_send_that_is_due(&File::new()).await;
}

#[tokio::test]
async fn a_step_counts_once() {
    sends_contract::a_step_counts_once(&File::new()).await;
}

#[tokio::test]
async fn a_cancelled_send_goes_no_further() {
    sends_contract::a_cancelled_send_goes_no_further(&File::new()).await;
}

#[tokio::test]
async fn pages_of_sends_show_each_once() {
    sends_contract::pages_of_sends_show_each_once(&File::new()).await;
}

#[tokio::test]
async fn ended_sends_are_forgotten() {
    sends_contract::ended_sends_are_forgotten(&File::new()).await;
}

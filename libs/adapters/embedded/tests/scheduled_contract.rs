//! `EmbeddedStore` keeps every promise about scheduled messages. Each check has a file of its own.

mod support;

use async_trait::async_trait;
use eventflow_ports::{Scheduled, scheduled_contract};
use std::sync::Arc;
use support::File;

#[async_trait]
impl scheduled_contract::Harness for File {
    async fn open(&self) -> Arc<dyn Scheduled> {
        Arc::new(self.store().await)
    }
}

#[tokio::test]
async fn a_message_is_scheduled_once() {
    scheduled_contract::a_message_is_scheduled_once(&File::new()).await;
}

#[tokio::test]
async fn one_of_many_schedules_a_message() {
    scheduled_contract::one_of_many_schedules_a_message(&File::new()).await;
}

#[tokio::test]
async fn what_waits_is_changed_and_cancelled_by_its_sender() {
    scheduled_contract::what_waits_is_changed_and_cancelled_by_its_sender(&File::new()).await;
}

#[tokio::test]
async fn what_is_due_is_found_in_order_until_it_has_ended() {
    scheduled_contract::what_is_due_is_found_in_order_until_it_has_ended(&File::new()).await;
}

#[tokio::test]
async fn a_message_is_begun_and_ended_once() {
    scheduled_contract::a_message_is_begun_and_ended_once(&File::new()).await;
}

#[tokio::test]
async fn pages_of_scheduled_messages_show_each_once() {
    scheduled_contract::pages_of_scheduled_messages_show_each_once(&File::new()).await;
}

#[tokio::test]
async fn so_many_messages_wait_and_ended_ones_are_forgotten() {
    scheduled_contract::so_many_messages_wait_and_ended_ones_are_forgotten(&File::new()).await;
}

//! `EmbeddedStore` keeps every promise of the outbound port. Each check has a file of its own.

mod support;

use async_trait::async_trait;
use eventflow_ports::{Outbound, outbound_contract};
use std::sync::Arc;
use support::File;

#[async_trait]
impl outbound_contract::Harness for File {
    async fn open(&self) -> Arc<dyn Outbound> {
        Arc::new(self.store().await)
    }
}

#[tokio::test]
async fn a_window_comes_back_unchanged() {
    outbound_contract::a_window_comes_back_unchanged(&File::new()).await;
}

#[tokio::test]
async fn keys_keep_windows_apart() {
    outbound_contract::keys_keep_windows_apart(&File::new()).await;
}

#[tokio::test]
async fn the_earliest_item_decides_when_a_window_is_due() {
    outbound_contract::the_earliest_item_decides_when_a_window_is_due(&File::new()).await;
}

#[tokio::test]
async fn an_item_that_comes_again_is_held_once() {
    outbound_contract::an_item_that_comes_again_is_held_once(&File::new()).await;
}

#[tokio::test]
async fn channels_and_people_are_apart() {
    outbound_contract::channels_and_people_are_apart(&File::new()).await;
}

#[tokio::test]
async fn one_window_is_open_at_a_time() {
    outbound_contract::one_window_is_open_at_a_time(&File::new()).await;
}

#[tokio::test]
async fn a_full_window_is_followed_by_another() {
    outbound_contract::a_full_window_is_followed_by_another(&File::new()).await;
}

#[tokio::test]
async fn a_due_window_is_claimed_once() {
    outbound_contract::a_due_window_is_claimed_once(&File::new()).await;
}

#[tokio::test]
async fn a_claim_runs_out_until_the_job_is_in_a_queue() {
    outbound_contract::a_claim_runs_out_until_the_job_is_in_a_queue(&File::new()).await;
}

#[tokio::test]
async fn a_window_has_one_taker() {
    outbound_contract::a_window_has_one_taker(&File::new()).await;
}

#[tokio::test]
async fn what_does_not_fit_into_a_postponed_window_stays() {
    outbound_contract::what_does_not_fit_into_a_postponed_window_stays(&File::new()).await;
}

#[tokio::test]
async fn a_window_can_wait() {
    outbound_contract::a_window_can_wait(&File::new()).await;
}

#[tokio::test]
async fn what_waits_can_be_let_go_earlier() {
    outbound_contract::what_waits_can_be_let_go_earlier(&File::new()).await;
}

#[tokio::test]
async fn a_window_is_closed_once() {
    outbound_contract::a_window_is_closed_once(&File::new()).await;
}

#[tokio::test]
async fn the_log_is_read_by_person_and_by_notification() {
    outbound_contract::the_log_is_read_by_person_and_by_notification(&File::new()).await;
}

#[tokio::test]
async fn what_was_left_out_is_held_once_more() {
    outbound_contract::what_was_left_out_is_held_once_more(&File::new()).await;
}

#[tokio::test]
async fn a_window_keeps_its_mail() {
    outbound_contract::a_window_keeps_its_mail(&File::new()).await;
}

#[tokio::test]
async fn what_moves_is_told_once() {
    outbound_contract::what_moves_is_told_once(&File::new()).await;
}

#[tokio::test]
async fn a_window_that_may_have_been_sent_stays_as_it_is() {
    outbound_contract::a_window_that_may_have_been_sent_stays_as_it_is(&File::new()).await;
}

#[tokio::test]
async fn what_is_old_is_forgotten_and_what_waits_is_not() {
    outbound_contract::what_is_old_is_forgotten_and_what_waits_is_not(&File::new()).await;
}

//! Sends on a real MongoDB honour their contract.

use crate::support::run_with_sends;
use eventflow_ports::sends_contract;

#[tokio::test]
async fn a_send_is_stored_once() {
    run_with_sends(sends_contract::a_send_is_stored_once).await;
}

#[tokio::test]
async fn one_worker_takes_a_send_that_is_due() {
    run_with_sends(sends_contract::one_worker_takes_a_send_that_is_due).await;
}

#[tokio::test]
async fn a_step_counts_once() {
    run_with_sends(sends_contract::a_step_counts_once).await;
}

#[tokio::test]
async fn a_cancelled_send_goes_no_further() {
    run_with_sends(sends_contract::a_cancelled_send_goes_no_further).await;
}

#[tokio::test]
async fn pages_of_sends_show_each_once() {
    run_with_sends(sends_contract::pages_of_sends_show_each_once).await;
}

#[tokio::test]
async fn ended_sends_are_forgotten() {
    run_with_sends(sends_contract::ended_sends_are_forgotten).await;
}

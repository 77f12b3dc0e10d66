//! Scheduled messages on a real MongoDB honour their contract.

use crate::support::run_with_scheduled;
use eventflow_ports::scheduled_contract;

#[tokio::test]
async fn a_message_is_scheduled_once() {
    run_with_scheduled(scheduled_contract::a_message_is_scheduled_once).await;
}

#[tokio::test]
async fn one_of_many_schedules_a_message() {
    run_with_scheduled(scheduled_contract::one_of_many_schedules_a_message).await;
}

#[tokio::test]
async fn what_waits_is_changed_and_cancelled_by_its_sender() {
    run_with_scheduled(scheduled_contract::what_waits_is_changed_and_cancelled_by_its_sender).await;
}

#[tokio::test]
async fn what_is_due_is_found_in_order_until_it_has_ended() {
    run_with_scheduled(scheduled_contract::what_is_due_is_found_in_order_until_it_has_ended).await;
}

#[tokio::test]
async fn a_message_is_begun_and_ended_once() {
    run_with_scheduled(scheduled_contract::a_message_is_begun_and_ended_once).await;
}

#[tokio::test]
async fn pages_of_scheduled_messages_show_each_once() {
    run_with_scheduled(scheduled_contract::pages_of_scheduled_messages_show_each_once).await;
}

#[tokio::test]
async fn so_many_messages_wait_and_ended_ones_are_forgotten() {
    run_with_scheduled(scheduled_contract::so_many_messages_wait_and_ended_ones_are_forgotten).await;
}

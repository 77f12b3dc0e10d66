//! The outbound port on a real MongoDB: windows and the delivery log.

mod moves;

use crate::support::run_with_outbound;
use eventflow_ports::outbound_contract;

#[tokio::test]
async fn a_window_comes_back_unchanged() {
    run_with_outbound(outbound_contract::a_window_comes_back_unchanged).await;
}

#[tokio::test]
async fn keys_keep_windows_apart() {
    run_with_outbound(outbound_contract::keys_keep_windows_apart).await;
}

#[tokio::test]
async fn the_earliest_item_decides_when_a_window_is_due() {
    run_with_outbound(outbound_contract::the_earliest_item_decides_when_a_window_is_due).await;
}

#[tokio::test]
async fn an_item_that_comes_again_is_held_once() {
    run_with_outbound(outbound_contract::an_item_that_comes_again_is_held_once).await;
}

#[tokio::test]
async fn channels_and_people_are_apart() {
    run_with_outbound(outbound_contract::channels_and_people_are_apart).await;
}

#[tokio::test]
async fn one_window_is_open_at_a_time() {
    run_with_outbound(outbound_contract::one_window_is_open_at_a_time).await;
}

#[tokio::test]
async fn a_full_window_is_followed_by_another() {
    run_with_outbound(outbound_contract::a_full_window_is_followed_by_another).await;
}

#[tokio::test]
async fn a_due_window_is_claimed_once() {
    run_with_outbound(outbound_contract::a_due_window_is_claimed_once).await;
}

#[tokio::test]
async fn a_claim_runs_out_until_the_job_is_in_a_queue() {
    run_with_outbound(outbound_contract::a_claim_runs_out_until_the_job_is_in_a_queue).await;
}

#[tokio::test]
async fn a_window_has_one_taker() {
    run_with_outbound(outbound_contract::a_window_has_one_taker).await;
}

#[tokio::test]
async fn what_does_not_fit_into_a_postponed_window_stays() {
    run_with_outbound(outbound_contract::what_does_not_fit_into_a_postponed_window_stays).await;
}

#[tokio::test]
async fn a_window_can_wait() {
    run_with_outbound(outbound_contract::a_window_can_wait).await;
}

#[tokio::test]
async fn what_waits_can_be_let_go_earlier() {
    run_with_outbound(outbound_contract::what_waits_can_be_let_go_earlier).await;
}

#[tokio::test]
async fn a_window_is_closed_once() {
    run_with_outbound(outbound_contract::a_window_is_closed_once).await;
}

#[tokio::test]
async fn the_log_is_read_by_person_and_by_notification() {
    run_with_outbound(outbound_contract::the_log_is_read_by_person_and_by_notification).await;
}

#[tokio::test]
async fn what_was_left_out_is_held_once_more() {
    run_with_outbound(outbound_contract::what_was_left_out_is_held_once_more).await;
}

#[tokio::test]
async fn a_window_keeps_its_mail() {
    run_with_outbound(outbound_contract::a_window_keeps_its_mail).await;
}

#[tokio::test]
async fn what_moves_is_told_once() {
    run_with_outbound(outbound_contract::what_moves_is_told_once).await;
}

#[tokio::test]
async fn a_window_that_may_have_been_sent_stays_as_it_is() {
    run_with_outbound(outbound_contract::a_window_that_may_have_been_sent_stays_as_it_is).await;
}

#[tokio::test]
async fn what_is_old_is_forgotten_and_what_waits_is_not() {
    run_with_outbound(outbound_contract::what_is_old_is_forgotten_and_what_waits_is_not).await;
}

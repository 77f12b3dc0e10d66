//! Erasures on a real MongoDB honour their contract.

use crate::support::run_with_erasures;
use eventflow_ports::erasures_contract;

#[tokio::test]
async fn a_person_is_marked_once_and_a_step_overwrites_no_newer_one() {
    run_with_erasures(erasures_contract::a_person_is_marked_once_and_a_step_overwrites_no_newer_one).await;
}

#[tokio::test]
async fn erasures_are_due_until_they_have_ended() {
    run_with_erasures(erasures_contract::erasures_are_due_until_they_have_ended).await;
}

#[tokio::test]
async fn every_process_learns_of_every_mark() {
    run_with_erasures(erasures_contract::every_process_learns_of_every_mark).await;
}

#[tokio::test]
async fn the_threads_of_a_person_are_found_also_after_they_left() {
    run_with_erasures(erasures_contract::the_threads_of_a_person_are_found_also_after_they_left).await;
}

#[tokio::test]
async fn the_files_of_a_person_are_listed() {
    run_with_erasures(erasures_contract::the_files_of_a_person_are_listed).await;
}

#[tokio::test]
async fn what_is_a_persons_alone_goes_and_what_others_have_stays() {
    run_with_erasures(erasures_contract::what_is_a_persons_alone_goes_and_what_others_have_stays).await;
}

#[tokio::test]
async fn no_trace_of_an_erased_person_is_left() {
    run_with_erasures(erasures_contract::no_trace_of_an_erased_person_is_left).await;
}

//! What people do with messages that they have read honours the port's contract: marks of messages as unread,
//! pins and mentions.

use crate::support::run;
use eventflow_ports::store_contract::{mark_unread, mentions, pins};

#[tokio::test]
async fn a_mark_takes_the_cursor_back_for_one_person() {
    run(mark_unread::a_mark_takes_the_cursor_back_for_one_person).await;
}

#[tokio::test]
async fn what_is_read_again_is_no_news_to_others() {
    run(mark_unread::what_is_read_again_is_no_news_to_others).await;
}

#[tokio::test]
async fn an_earlier_reading_does_not_undo_a_mark() {
    run(mark_unread::an_earlier_reading_does_not_undo_a_mark).await;
}

#[tokio::test]
async fn a_mark_that_comes_again_changes_nothing() {
    run(mark_unread::a_mark_that_comes_again_changes_nothing).await;
}

#[tokio::test]
async fn strangers_mark_nothing() {
    run(mark_unread::strangers_mark_nothing).await;
}

#[tokio::test]
async fn every_count_agrees_with_the_history() {
    run(mark_unread::every_count_agrees_with_the_history).await;
}

#[tokio::test]
async fn a_message_is_pinned_and_unpinned_by_everybody() {
    run(pins::a_message_is_pinned_and_unpinned_by_everybody).await;
}

#[tokio::test]
async fn pins_are_listed_by_the_time_of_the_pin() {
    run(pins::pins_are_listed_by_the_time_of_the_pin).await;
}

#[tokio::test]
async fn a_pin_goes_with_its_message() {
    run(pins::a_pin_goes_with_its_message).await;
}

#[tokio::test]
async fn a_thread_has_room_for_so_many_pins() {
    run(pins::a_thread_has_room_for_so_many_pins).await;
}

#[tokio::test]
async fn a_message_keeps_whom_it_mentions() {
    run(mentions::a_message_keeps_whom_it_mentions).await;
}

#[tokio::test]
async fn an_edit_says_whom_it_mentions_anew() {
    run(mentions::an_edit_says_whom_it_mentions_anew).await;
}

#[tokio::test]
async fn unread_mentions_are_exact() {
    run(mentions::unread_mentions_are_exact).await;
}

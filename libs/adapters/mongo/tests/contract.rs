//! The store on a real MongoDB honours the port's contract, with and without faults.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod afterwards;
mod blocks;
mod conversation;
mod costs;
mod drafts;
mod erasures;
mod foreign;
mod letters;
mod mail;
mod outbound;
mod people;
mod reports;
mod scheduled;
mod schema;
mod search;
mod sends;
mod support;
mod uploads;

use eventflow_ports::store_contract::Fault;
use eventflow_ports::store_contract::{
    append, counters, faults, groups, keys, leaving, reading, redelivery, replies, threads, wordings, writers,
};
use support::{run, run_with_faults};

#[tokio::test]
async fn each_thread_counts_from_one_in_batch_order() {
    run(append::each_thread_counts_from_one_in_batch_order).await;
}

#[tokio::test]
async fn a_large_batch_is_stored_in_order() {
    run(append::a_large_batch_is_stored_in_order).await;
}

#[tokio::test]
async fn a_newly_opened_store_continues_the_history() {
    run(append::a_newly_opened_store_continues_the_history).await;
}

#[tokio::test]
async fn an_empty_batch_is_answered() {
    run(append::an_empty_batch_is_answered).await;
}

#[tokio::test]
async fn a_stored_message_says_what_was_sent() {
    run(append::a_stored_message_says_what_was_sent).await;
}

#[tokio::test]
async fn content_comes_back_unchanged() {
    run(append::content_comes_back_unchanged).await;
}

#[tokio::test]
async fn metadata_comes_back_unchanged() {
    run(append::metadata_comes_back_unchanged).await;
}

#[tokio::test]
async fn strangers_and_unknown_threads_are_refused_alone() {
    run(append::strangers_and_unknown_threads_are_refused_alone).await;
}

#[tokio::test]
async fn a_thread_that_another_store_just_created_is_found() {
    run(append::a_thread_that_another_store_just_created_is_found).await;
}

#[tokio::test]
async fn a_batch_that_comes_again_whole_is_stored_once() {
    run(redelivery::a_batch_that_comes_again_whole_is_stored_once).await;
}

#[tokio::test]
async fn a_half_written_batch_is_completed() {
    run(redelivery::a_half_written_batch_is_completed).await;
}

#[tokio::test]
async fn old_messages_among_new_ones_are_recognised() {
    run(redelivery::old_messages_among_new_ones_are_recognised).await;
}

#[tokio::test]
async fn a_command_twice_in_one_batch_is_stored_once() {
    run(redelivery::a_command_twice_in_one_batch_is_stored_once).await;
}

#[tokio::test]
async fn a_batch_that_another_store_did_is_recognised() {
    run(redelivery::a_batch_that_another_store_did_is_recognised).await;
}

#[tokio::test]
async fn the_same_key_and_body_is_the_same_message() {
    run(keys::the_same_key_and_body_is_the_same_message).await;
}

#[tokio::test]
async fn a_key_is_compared_byte_by_byte() {
    run(keys::a_key_is_compared_byte_by_byte).await;
}

#[tokio::test]
async fn a_key_stands_for_what_was_typed_in_every_form() {
    run(keys::a_key_stands_for_what_was_typed_in_every_form).await;
}

#[tokio::test]
async fn a_repeat_finds_its_message_and_is_no_new_one() {
    run(keys::a_repeat_finds_its_message_and_is_no_new_one).await;
}

#[tokio::test]
async fn the_same_key_twice_in_one_batch_is_one_message() {
    run(keys::the_same_key_twice_in_one_batch_is_one_message).await;
}

#[tokio::test]
async fn the_same_key_for_another_message_is_refused() {
    run(keys::the_same_key_for_another_message_is_refused).await;
}

#[tokio::test]
async fn a_key_stands_for_what_was_sent_whatever_became_of_it() {
    run(keys::a_key_stands_for_what_was_sent_whatever_became_of_it).await;
}

#[tokio::test]
async fn keys_belong_to_their_sender() {
    run(keys::keys_belong_to_their_sender).await;
}

#[tokio::test]
async fn two_writers_leave_no_gap_and_keep_their_order() {
    run(writers::two_writers_leave_no_gap_and_keep_their_order).await;
}

#[tokio::test]
async fn two_writers_with_the_same_batches_store_them_once() {
    run(writers::two_writers_with_the_same_batches_store_them_once).await;
}

#[tokio::test]
async fn unread_counts_are_the_messages_of_others() {
    run(counters::unread_counts_are_the_messages_of_others).await;
}

#[tokio::test]
async fn the_thread_shows_its_newest_message_by_place() {
    run(counters::the_thread_shows_its_newest_message_by_place).await;
}

#[tokio::test]
async fn touching_again_changes_nothing() {
    run(counters::touching_again_changes_nothing).await;
}

#[tokio::test]
async fn missing_earlier_messages_are_included() {
    run(counters::missing_earlier_messages_are_included).await;
}

#[tokio::test]
async fn concurrent_touches_count_each_message_once() {
    run(counters::concurrent_touches_count_each_message_once).await;
}

#[tokio::test]
async fn counts_are_exact_while_messages_come_in() {
    run(counters::counts_are_exact_while_messages_come_in).await;
}

#[tokio::test]
async fn a_crowd_is_counted_person_by_person() {
    run(counters::a_crowd_is_counted_person_by_person).await;
}

#[tokio::test]
async fn a_creation_race_has_one_winner() {
    run(threads::a_creation_race_has_one_winner).await;
}

#[tokio::test]
async fn metadata_comes_back_as_it_came() {
    run(threads::metadata_comes_back_as_it_came).await;
}

#[tokio::test]
async fn creating_again_finds_the_thread_as_it_is() {
    run(threads::creating_again_finds_the_thread_as_it_is).await;
}

#[tokio::test]
async fn participants_are_known_per_thread() {
    run(threads::participants_are_known_per_thread).await;
}

#[tokio::test]
async fn a_thread_is_seen_by_its_people_only() {
    run(threads::a_thread_is_seen_by_its_people_only).await;
}

#[tokio::test]
async fn threads_are_listed_by_activity() {
    run(threads::threads_are_listed_by_activity).await;
}

#[tokio::test]
async fn pages_of_threads_show_each_once() {
    run(threads::pages_of_threads_show_each_once).await;
}

#[tokio::test]
async fn large_and_small_threads_are_listed_together() {
    run(threads::large_and_small_threads_are_listed_together).await;
}

#[tokio::test]
async fn pages_of_messages_are_cut_at_the_right_places() {
    run(reading::pages_of_messages_are_cut_at_the_right_places).await;
}

#[tokio::test]
async fn there_may_be_nothing_to_read() {
    run(reading::there_may_be_nothing_to_read).await;
}

#[tokio::test]
async fn pages_by_time_show_each_message_once() {
    run(reading::pages_by_time_show_each_message_once).await;
}

#[tokio::test]
async fn the_first_message_after_a_time_is_the_first_by_seq() {
    run(reading::the_first_message_after_a_time_is_the_first_by_seq).await;
}

#[tokio::test]
async fn pages_of_messages_are_cut_at_a_moment() {
    run(reading::pages_of_messages_are_cut_at_a_moment).await;
}

#[tokio::test]
async fn every_operation_fails_in_time_with_broken_connections() {
    run_with_faults(async |harness| faults::every_operation_fails_in_time(harness, Fault::Refused).await)
        .await;
}

#[tokio::test]
async fn every_operation_fails_in_time_with_a_silent_server() {
    run_with_faults(async |harness| faults::every_operation_fails_in_time(harness, Fault::Silent).await)
        .await;
}

#[tokio::test]
async fn every_operation_fails_in_time_with_lost_answers() {
    run_with_faults(async |harness| faults::every_operation_fails_in_time(harness, Fault::AnswersLost).await)
        .await;
}

#[tokio::test]
async fn a_batch_hit_by_broken_connections_is_stored_once() {
    run_with_faults(async |harness| {
        faults::a_batch_hit_by_the_fault_is_stored_once(harness, Fault::Refused).await;
    })
    .await;
}

#[tokio::test]
async fn a_batch_hit_by_a_silent_server_is_stored_once() {
    run_with_faults(async |harness| {
        faults::a_batch_hit_by_the_fault_is_stored_once(harness, Fault::Silent).await;
    })
    .await;
}

#[tokio::test]
async fn a_batch_hit_by_lost_answers_is_stored_once() {
    run_with_faults(async |harness| {
        faults::a_batch_hit_by_the_fault_is_stored_once(harness, Fault::AnswersLost).await;
    })
    .await;
}

#[tokio::test]
async fn a_touch_hit_by_broken_connections_counts_once() {
    run_with_faults(async |harness| {
        faults::a_touch_hit_by_the_fault_counts_once(harness, Fault::Refused).await;
    })
    .await;
}

#[tokio::test]
async fn a_touch_hit_by_a_silent_server_counts_once() {
    run_with_faults(async |harness| {
        faults::a_touch_hit_by_the_fault_counts_once(harness, Fault::Silent).await;
    })
    .await;
}

#[tokio::test]
async fn a_touch_hit_by_lost_answers_counts_once() {
    run_with_faults(async |harness| {
        faults::a_touch_hit_by_the_fault_counts_once(harness, Fault::AnswersLost).await;
    })
    .await;
}

#[tokio::test]
async fn a_stream_of_batches_survives_broken_connections_and_lost_answers() {
    let faults: Vec<Fault> =
        (0..40).map(|i| if i % 2 == 0 { Fault::Refused } else { Fault::AnswersLost }).collect();
    run_with_faults(async |harness| faults::a_stream_of_batches_survives_faults(harness, &faults).await)
        .await;
}

#[tokio::test]
async fn who_has_left_is_a_stranger_and_the_others_go_on() {
    run(leaving::who_has_left_is_a_stranger_and_the_others_go_on).await;
}

#[tokio::test]
async fn the_last_one_leaves_an_empty_thread() {
    run(leaving::the_last_one_leaves_an_empty_thread).await;
}

#[tokio::test]
async fn only_who_has_left_can_come_back() {
    run(leaving::only_who_has_left_can_come_back).await;
}

#[tokio::test]
async fn a_large_thread_shows_some_people_and_counts_all() {
    run(leaving::a_large_thread_shows_some_people_and_counts_all).await;
}

#[tokio::test]
async fn a_reply_keeps_what_it_answers() {
    run(replies::a_reply_keeps_what_it_answers).await;
}

#[tokio::test]
async fn a_key_stands_for_what_is_answered_too() {
    run(replies::a_key_stands_for_what_is_answered_too).await;
}

#[tokio::test]
async fn messages_are_found_by_their_ids() {
    run(replies::messages_are_found_by_their_ids).await;
}

#[tokio::test]
async fn an_edit_keeps_what_it_replaces() {
    run(wordings::an_edit_keeps_what_it_replaces).await;
}

#[tokio::test]
async fn edits_of_one_batch_keep_what_they_replace() {
    run(wordings::edits_of_one_batch_keep_what_they_replace).await;
}

#[tokio::test]
async fn the_oldest_wordings_go_beyond_the_bound() {
    run(wordings::the_oldest_wordings_go_beyond_the_bound).await;
}

#[tokio::test]
async fn wordings_go_with_their_message() {
    run(wordings::wordings_go_with_their_message).await;
}

#[tokio::test]
async fn edits_beside_each_other_lose_no_wording() {
    run(wordings::edits_beside_each_other_lose_no_wording).await;
}

#[tokio::test]
async fn owners_alone_change_a_group() {
    run(groups::owners_alone_change_a_group).await;
}

#[tokio::test]
async fn who_was_added_sees_what_came_then() {
    run(groups::who_was_added_sees_what_came_then).await;
}

#[tokio::test]
async fn pins_are_seen_from_a_place() {
    run(groups::pins_are_seen_from_a_place).await;
}

#[tokio::test]
async fn who_was_removed_is_a_stranger_until_they_are_added_again() {
    run(groups::who_was_removed_is_a_stranger_until_they_are_added_again).await;
}

#[tokio::test]
async fn who_comes_again_and_sees_everything_counts_right() {
    run(groups::who_comes_again_and_sees_everything_counts_right).await;
}

#[tokio::test]
async fn the_last_owner_who_leaves_hands_over() {
    run(groups::the_last_owner_who_leaves_hands_over).await;
}

#[tokio::test]
async fn a_repeated_command_changes_no_group() {
    run(groups::a_repeated_command_changes_no_group).await;
}

#[tokio::test]
async fn a_refused_change_leaves_the_group_as_it_was() {
    run(groups::a_refused_change_leaves_the_group_as_it_was).await;
}

#[tokio::test]
async fn people_added_beside_each_other_and_beside_messages_count_right() {
    run(groups::people_added_beside_each_other_and_beside_messages_count_right).await;
}

#[tokio::test]
async fn mentions_of_before_are_not_unread() {
    run(groups::mentions_of_before_are_not_unread).await;
}

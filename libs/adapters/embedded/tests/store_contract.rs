//! `EmbeddedStore` keeps every promise of the store port. Each check has a file of its own.
//!
//! [`faults`](eventflow_ports::store_contract::faults) speaks of a store behind a network; what can go wrong
//! with a file is in `store_faults.rs` and `store_crash.rs`.

mod support;

use async_trait::async_trait;
use eventflow_ports::Store;
use eventflow_ports::store_contract::{
    Harness, append, archive, change_log, changes, counters, cursors, groups, keys, leaving, long_way,
    mark_unread, mentions, pairing, pins, reading, redelivery, replies, taken_back, threads, together,
    wordings, writers,
};
use std::sync::Arc;
use support::File;

#[async_trait]
impl Harness for File {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.store().await)
    }
}

#[tokio::test]
async fn each_thread_counts_from_one_in_batch_order() {
    append::each_thread_counts_from_one_in_batch_order(&File::new()).await;
}

#[tokio::test]
async fn a_large_batch_is_stored_in_order() {
    append::a_large_batch_is_stored_in_order(&File::new()).await;
}

#[tokio::test]
async fn a_newly_opened_store_continues_the_history() {
    append::a_newly_opened_store_continues_the_history(&File::new()).await;
}

#[tokio::test]
async fn an_empty_batch_is_answered() {
    append::an_empty_batch_is_answered(&File::new()).await;
}

#[tokio::test]
async fn a_stored_message_says_what_was_sent() {
    append::a_stored_message_says_what_was_sent(&File::new()).await;
}

#[tokio::test]
async fn content_comes_back_unchanged() {
    append::content_comes_back_unchanged(&File::new()).await;
}

#[tokio::test]
async fn metadata_comes_back_unchanged() {
    append::metadata_comes_back_unchanged(&File::new()).await;
}

#[tokio::test]
async fn strangers_and_unknown_threads_are_refused_alone() {
    append::strangers_and_unknown_threads_are_refused_alone(&File::new()).await;
}

#[tokio::test]
async fn a_thread_that_another_store_just_created_is_found() {
    append::a_thread_that_another_store_just_created_is_found(&File::new()).await;
}

#[tokio::test]
async fn a_batch_that_comes_again_whole_is_stored_once() {
    redelivery::a_batch_that_comes_again_whole_is_stored_once(&File::new()).await;
}

#[tokio::test]
async fn a_half_written_batch_is_completed() {
    redelivery::a_half_written_batch_is_completed(&File::new()).await;
}

#[tokio::test]
async fn old_messages_among_new_ones_are_recognised() {
    redelivery::old_messages_among_new_ones_are_recognised(&File::new()).await;
}

#[tokio::test]
async fn a_command_twice_in_one_batch_is_stored_once() {
    redelivery::a_command_twice_in_one_batch_is_stored_once(&File::new()).await;
}

#[tokio::test]
async fn a_batch_that_another_store_did_is_recognised() {
    redelivery::a_batch_that_another_store_did_is_recognised(&File::new()).await;
}

#[tokio::test]
async fn the_same_key_and_body_is_the_same_message() {
    keys::the_same_key_and_body_is_the_same_message(&File::new()).await;
}

#[tokio::test]
async fn a_key_is_compared_byte_by_byte() {
    keys::a_key_is_compared_byte_by_byte(&File::new()).await;
}

#[tokio::test]
async fn a_key_stands_for_what_was_typed_in_every_form() {
    keys::a_key_stands_for_what_was_typed_in_every_form(&File::new()).await;
}

#[tokio::test]
async fn a_repeat_finds_its_message_and_is_no_new_one() {
    keys::a_repeat_finds_its_message_and_is_no_new_one(&File::new()).await;
}

#[tokio::test]
async fn the_same_key_twice_in_one_batch_is_one_message() {
    keys::the_same_key_twice_in_one_batch_is_one_message(&File::new()).await;
}

#[tokio::test]
async fn the_same_key_for_another_message_is_refused() {
    keys::the_same_key_for_another_message_is_refused(&File::new()).await;
}

#[tokio::test]
async fn a_key_stands_for_what_was_sent_whatever_became_of_it() {
    keys::a_key_stands_for_what_was_sent_whatever_became_of_it(&File::new()).await;
}

#[tokio::test]
async fn keys_belong_to_their_sender() {
    keys::keys_belong_to_their_sender(&File::new()).await;
}

#[tokio::test]
async fn two_writers_leave_no_gap_and_keep_their_order() {
    writers::two_writers_leave_no_gap_and_keep_their_order(&File::new()).await;
}

#[tokio::test]
async fn two_writers_with_the_same_batches_store_them_once() {
    writers::two_writers_with_the_same_batches_store_them_once(&File::new()).await;
}

#[tokio::test]
async fn unread_counts_are_the_messages_of_others() {
    counters::unread_counts_are_the_messages_of_others(&File::new()).await;
}

#[tokio::test]
async fn the_thread_shows_its_newest_message_by_place() {
    counters::the_thread_shows_its_newest_message_by_place(&File::new()).await;
}

#[tokio::test]
async fn touching_again_changes_nothing() {
    counters::touching_again_changes_nothing(&File::new()).await;
}

#[tokio::test]
async fn missing_earlier_messages_are_included() {
    counters::missing_earlier_messages_are_included(&File::new()).await;
}

#[tokio::test]
async fn concurrent_touches_count_each_message_once() {
    counters::concurrent_touches_count_each_message_once(&File::new()).await;
}

#[tokio::test]
async fn counts_are_exact_while_messages_come_in() {
    counters::counts_are_exact_while_messages_come_in(&File::new()).await;
}

#[tokio::test]
async fn a_crowd_is_counted_person_by_person() {
    counters::a_crowd_is_counted_person_by_person(&File::new()).await;
}

#[tokio::test]
async fn a_creation_race_has_one_winner() {
    threads::a_creation_race_has_one_winner(&File::new()).await;
}

#[tokio::test]
async fn metadata_comes_back_as_it_came() {
    threads::metadata_comes_back_as_it_came(&File::new()).await;
}

#[tokio::test]
async fn creating_again_finds_the_thread_as_it_is() {
    threads::creating_again_finds_the_thread_as_it_is(&File::new()).await;
}

#[tokio::test]
async fn participants_are_known_per_thread() {
    threads::participants_are_known_per_thread(&File::new()).await;
}

#[tokio::test]
async fn a_thread_is_seen_by_its_people_only() {
    threads::a_thread_is_seen_by_its_people_only(&File::new()).await;
}

#[tokio::test]
async fn threads_are_listed_by_activity() {
    threads::threads_are_listed_by_activity(&File::new()).await;
}

#[tokio::test]
async fn pages_of_threads_show_each_once() {
    threads::pages_of_threads_show_each_once(&File::new()).await;
}

#[tokio::test]
async fn pages_of_messages_are_cut_at_the_right_places() {
    reading::pages_of_messages_are_cut_at_the_right_places(&File::new()).await;
}

#[tokio::test]
async fn there_may_be_nothing_to_read() {
    reading::there_may_be_nothing_to_read(&File::new()).await;
}

#[tokio::test]
async fn pages_by_time_show_each_message_once() {
    reading::pages_by_time_show_each_message_once(&File::new()).await;
}

#[tokio::test]
async fn the_first_message_after_a_time_is_the_first_by_seq() {
    reading::the_first_message_after_a_time_is_the_first_by_seq(&File::new()).await;
}

#[tokio::test]
async fn pages_of_messages_are_cut_at_a_moment() {
    reading::pages_of_messages_are_cut_at_a_moment(&File::new()).await;
}

#[tokio::test]
async fn clicks_that_arrive_twice_are_stored_once() {
    pairing::clicks_that_arrive_twice_are_stored_once(&File::new()).await;
}

#[tokio::test]
async fn clicks_by_rest_alone_are_all_stored() {
    pairing::clicks_by_rest_alone_are_all_stored(&File::new()).await;
}

#[tokio::test]
async fn clicks_by_socket_alone_are_all_stored() {
    pairing::clicks_by_socket_alone_are_all_stored(&File::new()).await;
}

#[tokio::test]
async fn lost_legs_cost_no_more_than_they_must() {
    pairing::lost_legs_cost_no_more_than_they_must(&File::new()).await;
}

#[tokio::test]
async fn the_second_leg_finds_the_message_of_the_first() {
    pairing::the_second_leg_finds_the_message_of_the_first(&File::new()).await;
}

#[tokio::test]
async fn a_leg_joins_only_what_still_is_as_it_was_sent() {
    pairing::a_leg_joins_only_what_still_is_as_it_was_sent(&File::new()).await;
}

#[tokio::test]
async fn legs_of_one_batch_find_each_other() {
    pairing::legs_of_one_batch_find_each_other(&File::new()).await;
}

#[tokio::test]
async fn legs_at_two_writers_find_each_other() {
    pairing::legs_at_two_writers_find_each_other(&File::new()).await;
}

#[tokio::test]
async fn a_client_that_was_offline_reaches_further_back() {
    pairing::a_client_that_was_offline_reaches_further_back(&File::new()).await;
}

#[tokio::test]
async fn a_rest_leg_may_come_late() {
    pairing::a_rest_leg_may_come_late(&File::new()).await;
}

#[tokio::test]
async fn a_keyed_message_never_pairs() {
    pairing::a_keyed_message_never_pairs(&File::new()).await;
}

#[tokio::test]
async fn what_differs_in_anything_stays_apart() {
    pairing::what_differs_in_anything_stays_apart(&File::new()).await;
}

#[tokio::test]
async fn an_edited_message_says_the_new_text() {
    changes::an_edited_message_says_the_new_text(&File::new()).await;
}

#[tokio::test]
async fn spellings_of_one_emoji_are_one_reaction() {
    changes::spellings_of_one_emoji_are_one_reaction(&File::new()).await;
}

#[tokio::test]
async fn an_edit_that_changes_nothing_is_no_edit() {
    changes::an_edit_that_changes_nothing_is_no_edit(&File::new()).await;
}

#[tokio::test]
async fn a_message_is_found_by_its_id() {
    changes::a_message_is_found_by_its_id(&File::new()).await;
}

#[tokio::test]
async fn a_deleted_message_keeps_its_place() {
    changes::a_deleted_message_keeps_its_place(&File::new()).await;
}

#[tokio::test]
async fn a_change_that_comes_again_is_done_once() {
    changes::a_change_that_comes_again_is_done_once(&File::new()).await;
}

#[tokio::test]
async fn changes_of_one_batch_are_made_in_its_order() {
    changes::changes_of_one_batch_are_made_in_its_order(&File::new()).await;
}

#[tokio::test]
async fn only_its_sender_edits_and_deletes_a_message() {
    changes::only_its_sender_edits_and_deletes_a_message(&File::new()).await;
}

#[tokio::test]
async fn one_person_puts_so_many_signs_on_a_message() {
    changes::one_person_puts_so_many_signs_on_a_message(&File::new()).await;
}

#[tokio::test]
async fn toggles_of_many_people_at_once_all_land() {
    changes::toggles_of_many_people_at_once_all_land(&File::new()).await;
}

#[tokio::test]
async fn the_same_toggle_at_two_writers_is_done_once() {
    changes::the_same_toggle_at_two_writers_is_done_once(&File::new()).await;
}

#[tokio::test]
async fn changes_and_receipts_do_not_undo_each_other() {
    changes::changes_and_receipts_do_not_undo_each_other(&File::new()).await;
}

#[tokio::test]
async fn a_key_still_names_a_message_that_was_changed() {
    changes::a_key_still_names_a_message_that_was_changed(&File::new()).await;
}

#[tokio::test]
async fn a_cursor_only_rises_and_stops_at_the_newest_message() {
    cursors::a_cursor_only_rises_and_stops_at_the_newest_message(&File::new()).await;
}

#[tokio::test]
async fn an_empty_thread_has_nothing_to_read() {
    cursors::an_empty_thread_has_nothing_to_read(&File::new()).await;
}

#[tokio::test]
async fn reading_leaves_what_is_beyond_the_cursor_unread() {
    cursors::reading_leaves_what_is_beyond_the_cursor_unread(&File::new()).await;
}

#[tokio::test]
async fn what_is_not_yet_counted_can_be_read() {
    cursors::what_is_not_yet_counted_can_be_read(&File::new()).await;
}

#[tokio::test]
async fn receipts_of_two_people_make_the_status() {
    cursors::receipts_of_two_people_make_the_status(&File::new()).await;
}

#[tokio::test]
async fn receipts_of_three_people_wait_for_the_last() {
    cursors::receipts_of_three_people_wait_for_the_last(&File::new()).await;
}

#[tokio::test]
async fn an_advance_that_comes_again_changes_nothing() {
    cursors::an_advance_that_comes_again_changes_nothing(&File::new()).await;
}

#[tokio::test]
async fn reading_everything_leaves_what_came_later() {
    cursors::reading_everything_leaves_what_came_later(&File::new()).await;
}

#[tokio::test]
async fn reading_everything_before_the_first_message_reads_nothing() {
    cursors::reading_everything_before_the_first_message_reads_nothing(&File::new()).await;
}

#[tokio::test]
async fn strangers_have_no_cursor() {
    cursors::strangers_have_no_cursor(&File::new()).await;
}

#[tokio::test]
async fn an_advance_names_the_newest_of_many() {
    cursors::an_advance_names_the_newest_of_many(&File::new()).await;
}

#[tokio::test]
async fn a_crowd_has_cursors_and_no_receipts() {
    cursors::a_crowd_has_cursors_and_no_receipts(&File::new()).await;
}

#[tokio::test]
async fn every_answer_is_what_the_history_says() {
    cursors::every_answer_is_what_the_history_says(&File::new()).await;
}

#[tokio::test]
async fn counts_are_exact_while_people_write_and_read() {
    cursors::counts_are_exact_while_people_write_and_read(&File::new()).await;
}

#[tokio::test]
async fn a_thread_is_put_away_for_one_person() {
    archive::a_thread_is_put_away_for_one_person(&File::new()).await;
}

#[tokio::test]
async fn a_thread_is_brought_back() {
    archive::a_thread_is_brought_back(&File::new()).await;
}

#[tokio::test]
async fn strangers_put_nothing_away() {
    archive::strangers_put_nothing_away(&File::new()).await;
}

#[tokio::test]
async fn somebody_elses_message_brings_a_thread_back() {
    archive::somebody_elses_message_brings_a_thread_back(&File::new()).await;
}

#[tokio::test]
async fn an_archive_that_comes_again_changes_nothing() {
    archive::an_archive_that_comes_again_changes_nothing(&File::new()).await;
}

#[tokio::test]
async fn many_archives_that_come_again_change_nothing() {
    archive::many_archives_that_come_again_change_nothing(&File::new()).await;
}

#[tokio::test]
async fn an_old_message_brings_nothing_back() {
    archive::an_old_message_brings_nothing_back(&File::new()).await;
}

#[tokio::test]
async fn advances_together_end_as_one_after_another() {
    together::advances_together_end_as_one_after_another(&File::new()).await;
}

#[tokio::test]
async fn a_crowd_that_reads_at_once_is_counted_once_each() {
    together::a_crowd_that_reads_at_once_is_counted_once_each(&File::new()).await;
}

#[tokio::test]
async fn a_long_step_beside_short_ones_names_its_newest() {
    together::a_long_step_beside_short_ones_names_its_newest(&File::new()).await;
}

#[tokio::test]
async fn what_is_taken_back_is_not_left_to_read() {
    taken_back::what_is_taken_back_is_not_left_to_read(&File::new()).await;
}

#[tokio::test]
async fn what_was_read_before_takes_nothing_off() {
    taken_back::what_was_read_before_takes_nothing_off(&File::new()).await;
}

#[tokio::test]
async fn what_is_not_yet_counted_can_be_taken_back() {
    taken_back::what_is_not_yet_counted_can_be_taken_back(&File::new()).await;
}

#[tokio::test]
async fn who_had_not_read_it_is_named() {
    taken_back::who_had_not_read_it_is_named(&File::new()).await;
}

#[tokio::test]
async fn a_list_shows_the_newest_message_that_is_left() {
    taken_back::a_list_shows_the_newest_message_that_is_left(&File::new()).await;
}

#[tokio::test]
async fn every_count_is_what_is_left_in_the_history() {
    taken_back::every_count_is_what_is_left_in_the_history(&File::new()).await;
}

#[tokio::test]
async fn counts_are_exact_while_people_take_back() {
    taken_back::counts_are_exact_while_people_take_back(&File::new()).await;
}

#[tokio::test]
async fn a_long_way_ends_as_one_step() {
    long_way::a_long_way_ends_as_one_step(&File::new()).await;
}

#[tokio::test]
async fn large_and_small_threads_are_listed_together() {
    threads::large_and_small_threads_are_listed_together(&File::new()).await;
}

#[tokio::test]
async fn who_has_left_is_a_stranger_and_the_others_go_on() {
    leaving::who_has_left_is_a_stranger_and_the_others_go_on(&File::new()).await;
}

#[tokio::test]
async fn the_last_one_leaves_an_empty_thread() {
    leaving::the_last_one_leaves_an_empty_thread(&File::new()).await;
}

#[tokio::test]
async fn only_who_has_left_can_come_back() {
    leaving::only_who_has_left_can_come_back(&File::new()).await;
}

#[tokio::test]
async fn a_large_thread_shows_some_people_and_counts_all() {
    leaving::a_large_thread_shows_some_people_and_counts_all(&File::new()).await;
}

#[tokio::test]
async fn what_changed_since_a_number_is_told_in_order() {
    change_log::what_changed_since_a_number_is_told_in_order(&File::new()).await;
}

#[tokio::test]
async fn pages_of_changes_tell_of_each_message() {
    change_log::pages_of_changes_tell_of_each_message(&File::new()).await;
}

#[tokio::test]
async fn a_change_that_comes_again_is_told() {
    change_log::a_change_that_comes_again_is_told(&File::new()).await;
}

#[tokio::test]
async fn a_number_of_another_life_is_recognised() {
    change_log::a_number_of_another_life_is_recognised(&File::new()).await;
}

#[tokio::test]
async fn a_reader_beside_two_writers_misses_no_change() {
    change_log::a_reader_beside_two_writers_misses_no_change(&File::new()).await;
}

#[tokio::test]
async fn cursors_are_told_as_they_are() {
    change_log::cursors_are_told_as_they_are(&File::new()).await;
}

#[tokio::test]
async fn a_reply_keeps_what_it_answers() {
    replies::a_reply_keeps_what_it_answers(&File::new()).await;
}

#[tokio::test]
async fn a_key_stands_for_what_is_answered_too() {
    replies::a_key_stands_for_what_is_answered_too(&File::new()).await;
}

#[tokio::test]
async fn messages_are_found_by_their_ids() {
    replies::messages_are_found_by_their_ids(&File::new()).await;
}

#[tokio::test]
async fn an_edit_keeps_what_it_replaces() {
    wordings::an_edit_keeps_what_it_replaces(&File::new()).await;
}

#[tokio::test]
async fn edits_of_one_batch_keep_what_they_replace() {
    wordings::edits_of_one_batch_keep_what_they_replace(&File::new()).await;
}

#[tokio::test]
async fn the_oldest_wordings_go_beyond_the_bound() {
    wordings::the_oldest_wordings_go_beyond_the_bound(&File::new()).await;
}

#[tokio::test]
async fn wordings_go_with_their_message() {
    wordings::wordings_go_with_their_message(&File::new()).await;
}

#[tokio::test]
async fn edits_beside_each_other_lose_no_wording() {
    wordings::edits_beside_each_other_lose_no_wording(&File::new()).await;
}

#[tokio::test]
async fn a_mark_takes_the_cursor_back_for_one_person() {
    mark_unread::a_mark_takes_the_cursor_back_for_one_person(&File::new()).await;
}

#[tokio::test]
async fn what_is_read_again_is_no_news_to_others() {
    mark_unread::what_is_read_again_is_no_news_to_others(&File::new()).await;
}

#[tokio::test]
async fn an_earlier_reading_does_not_undo_a_mark() {
    mark_unread::an_earlier_reading_does_not_undo_a_mark(&File::new()).await;
}

#[tokio::test]
async fn a_mark_that_comes_again_changes_nothing() {
    mark_unread::a_mark_that_comes_again_changes_nothing(&File::new()).await;
}

#[tokio::test]
async fn strangers_mark_nothing() {
    mark_unread::strangers_mark_nothing(&File::new()).await;
}

#[tokio::test]
async fn every_count_agrees_with_the_history() {
    mark_unread::every_count_agrees_with_the_history(&File::new()).await;
}

#[test]
fn a_mark_reaches_back_so_far() {
    mark_unread::a_mark_reaches_back_so_far();
}

#[tokio::test]
async fn a_message_is_pinned_and_unpinned_by_everybody() {
    pins::a_message_is_pinned_and_unpinned_by_everybody(&File::new()).await;
}

#[tokio::test]
async fn pins_are_listed_by_the_time_of_the_pin() {
    pins::pins_are_listed_by_the_time_of_the_pin(&File::new()).await;
}

#[tokio::test]
async fn a_pin_goes_with_its_message() {
    pins::a_pin_goes_with_its_message(&File::new()).await;
}

#[tokio::test]
async fn a_thread_has_room_for_so_many_pins() {
    pins::a_thread_has_room_for_so_many_pins(&File::new()).await;
}

#[tokio::test]
async fn a_message_keeps_whom_it_mentions() {
    mentions::a_message_keeps_whom_it_mentions(&File::new()).await;
}

#[tokio::test]
async fn an_edit_says_whom_it_mentions_anew() {
    mentions::an_edit_says_whom_it_mentions_anew(&File::new()).await;
}

#[tokio::test]
async fn unread_mentions_are_exact() {
    mentions::unread_mentions_are_exact(&File::new()).await;
}

#[tokio::test]
async fn owners_alone_change_a_group() {
    groups::owners_alone_change_a_group(&File::new()).await;
}

#[tokio::test]
async fn who_was_added_sees_what_came_then() {
    groups::who_was_added_sees_what_came_then(&File::new()).await;
}

#[tokio::test]
async fn pins_are_seen_from_a_place() {
    groups::pins_are_seen_from_a_place(&File::new()).await;
}

#[tokio::test]
async fn who_was_removed_is_a_stranger_until_they_are_added_again() {
    groups::who_was_removed_is_a_stranger_until_they_are_added_again(&File::new()).await;
}

#[tokio::test]
async fn who_comes_again_and_sees_everything_counts_right() {
    groups::who_comes_again_and_sees_everything_counts_right(&File::new()).await;
}

#[tokio::test]
async fn the_last_owner_who_leaves_hands_over() {
    groups::the_last_owner_who_leaves_hands_over(&File::new()).await;
}

#[tokio::test]
async fn a_repeated_command_changes_no_group() {
    groups::a_repeated_command_changes_no_group(&File::new()).await;
}

#[tokio::test]
async fn a_refused_change_leaves_the_group_as_it_was() {
    groups::a_refused_change_leaves_the_group_as_it_was(&File::new()).await;
}

#[tokio::test]
async fn people_added_beside_each_other_and_beside_messages_count_right() {
    groups::people_added_beside_each_other_and_beside_messages_count_right(&File::new()).await;
}

#[tokio::test]
async fn mentions_of_before_are_not_unread() {
    groups::mentions_of_before_are_not_unread(&File::new()).await;
}

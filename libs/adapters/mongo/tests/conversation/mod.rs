//! What happens to messages and threads once they are there, or arrive twice, honours the port's contract.

use crate::support::{run, run_with_faults};
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::store_contract::fixtures::{Scene, at, change, history, present, unread};
use eventflow_ports::store_contract::{
    Fault, FaultHarness, archive, change_log, changes, cursors, long_way, pairing, taken_back, together,
};
use eventflow_ports::{ChangePage, NewMessage, Store, StoreError};
use eventflow_protocol::change::{AdvanceCursor, Change, Cursor, Wish};
use eventflow_protocol::document::{Message, MessageStatus};
use eventflow_protocol::fingerprint::Said;
use eventflow_protocol::pairing::{Leg, Pairing, key};
use std::sync::Arc;
use std::time::Duration;

/// How long a passing fault lasts: longer than a write takes, shorter than a caller waits.
const LASTS: Duration = Duration::from_millis(40);
/// Faults, each hitting one click, one reaction and one reading.
const FAULTS: usize = 12;

#[tokio::test]
async fn an_edited_message_says_the_new_text() {
    run(changes::an_edited_message_says_the_new_text).await;
}

#[tokio::test]
async fn spellings_of_one_emoji_are_one_reaction() {
    run(changes::spellings_of_one_emoji_are_one_reaction).await;
}

#[tokio::test]
async fn an_edit_that_changes_nothing_is_no_edit() {
    run(changes::an_edit_that_changes_nothing_is_no_edit).await;
}

#[tokio::test]
async fn a_message_is_found_by_its_id() {
    run(changes::a_message_is_found_by_its_id).await;
}

#[tokio::test]
async fn a_deleted_message_keeps_its_place() {
    run(changes::a_deleted_message_keeps_its_place).await;
}

#[tokio::test]
async fn a_change_that_comes_again_is_done_once() {
    run(changes::a_change_that_comes_again_is_done_once).await;
}

#[tokio::test]
async fn changes_of_one_batch_are_made_in_its_order() {
    run(changes::changes_of_one_batch_are_made_in_its_order).await;
}

#[tokio::test]
async fn only_its_sender_edits_and_deletes_a_message() {
    run(changes::only_its_sender_edits_and_deletes_a_message).await;
}

#[tokio::test]
async fn one_person_puts_so_many_signs_on_a_message() {
    run(changes::one_person_puts_so_many_signs_on_a_message).await;
}

#[tokio::test]
async fn toggles_of_many_people_at_once_all_land() {
    run(changes::toggles_of_many_people_at_once_all_land).await;
}

#[tokio::test]
async fn the_same_toggle_at_two_writers_is_done_once() {
    run(changes::the_same_toggle_at_two_writers_is_done_once).await;
}

#[tokio::test]
async fn changes_and_receipts_do_not_undo_each_other() {
    run(changes::changes_and_receipts_do_not_undo_each_other).await;
}

#[tokio::test]
async fn a_key_still_names_a_message_that_was_changed() {
    run(changes::a_key_still_names_a_message_that_was_changed).await;
}

#[tokio::test]
async fn advances_together_end_as_one_after_another() {
    run(together::advances_together_end_as_one_after_another).await;
}

#[tokio::test]
async fn a_crowd_that_reads_at_once_is_counted_once_each() {
    run(together::a_crowd_that_reads_at_once_is_counted_once_each).await;
}

#[tokio::test]
async fn a_long_step_beside_short_ones_names_its_newest() {
    run(together::a_long_step_beside_short_ones_names_its_newest).await;
}

#[tokio::test]
async fn a_cursor_only_rises_and_stops_at_the_newest_message() {
    run(cursors::a_cursor_only_rises_and_stops_at_the_newest_message).await;
}

#[tokio::test]
async fn an_empty_thread_has_nothing_to_read() {
    run(cursors::an_empty_thread_has_nothing_to_read).await;
}

#[tokio::test]
async fn reading_leaves_what_is_beyond_the_cursor_unread() {
    run(cursors::reading_leaves_what_is_beyond_the_cursor_unread).await;
}

#[tokio::test]
async fn what_is_not_yet_counted_can_be_read() {
    run(cursors::what_is_not_yet_counted_can_be_read).await;
}

#[tokio::test]
async fn receipts_of_two_people_make_the_status() {
    run(cursors::receipts_of_two_people_make_the_status).await;
}

#[tokio::test]
async fn receipts_of_three_people_wait_for_the_last() {
    run(cursors::receipts_of_three_people_wait_for_the_last).await;
}

#[tokio::test]
async fn an_advance_that_comes_again_changes_nothing() {
    run(cursors::an_advance_that_comes_again_changes_nothing).await;
}

#[tokio::test]
async fn reading_everything_leaves_what_came_later() {
    run(cursors::reading_everything_leaves_what_came_later).await;
}

#[tokio::test]
async fn reading_everything_before_the_first_message_reads_nothing() {
    run(cursors::reading_everything_before_the_first_message_reads_nothing).await;
}

#[tokio::test]
async fn strangers_have_no_cursor() {
    run(cursors::strangers_have_no_cursor).await;
}

#[tokio::test]
async fn an_advance_names_the_newest_of_many() {
    run(cursors::an_advance_names_the_newest_of_many).await;
}

#[tokio::test]
async fn a_crowd_has_cursors_and_no_receipts() {
    run(cursors::a_crowd_has_cursors_and_no_receipts).await;
}

#[tokio::test]
async fn every_answer_is_what_the_history_says() {
    run(cursors::every_answer_is_what_the_history_says).await;
}

#[tokio::test]
async fn counts_are_exact_while_people_write_and_read() {
    run(cursors::counts_are_exact_while_people_write_and_read).await;
}

#[tokio::test]
async fn what_is_taken_back_is_not_left_to_read() {
    run(taken_back::what_is_taken_back_is_not_left_to_read).await;
}

#[tokio::test]
async fn what_was_read_before_takes_nothing_off() {
    run(taken_back::what_was_read_before_takes_nothing_off).await;
}

#[tokio::test]
async fn what_is_not_yet_counted_can_be_taken_back() {
    run(taken_back::what_is_not_yet_counted_can_be_taken_back).await;
}

#[tokio::test]
async fn who_had_not_read_it_is_named() {
    run(taken_back::who_had_not_read_it_is_named).await;
}

#[tokio::test]
async fn a_list_shows_the_newest_message_that_is_left() {
    run(taken_back::a_list_shows_the_newest_message_that_is_left).await;
}

#[tokio::test]
async fn every_count_is_what_is_left_in_the_history() {
    run(taken_back::every_count_is_what_is_left_in_the_history).await;
}

#[tokio::test]
async fn counts_are_exact_while_people_take_back() {
    run(taken_back::counts_are_exact_while_people_take_back).await;
}

#[tokio::test]
async fn a_long_way_ends_as_one_step() {
    run(long_way::a_long_way_ends_as_one_step).await;
}

#[tokio::test]
async fn clicks_that_arrive_twice_are_stored_once() {
    run(pairing::clicks_that_arrive_twice_are_stored_once).await;
}

#[tokio::test]
async fn clicks_by_rest_alone_are_all_stored() {
    run(pairing::clicks_by_rest_alone_are_all_stored).await;
}

#[tokio::test]
async fn clicks_by_socket_alone_are_all_stored() {
    run(pairing::clicks_by_socket_alone_are_all_stored).await;
}

#[tokio::test]
async fn lost_legs_cost_no_more_than_they_must() {
    run(pairing::lost_legs_cost_no_more_than_they_must).await;
}

#[tokio::test]
async fn the_second_leg_finds_the_message_of_the_first() {
    run(pairing::the_second_leg_finds_the_message_of_the_first).await;
}

#[tokio::test]
async fn a_leg_joins_only_what_still_is_as_it_was_sent() {
    run(pairing::a_leg_joins_only_what_still_is_as_it_was_sent).await;
}

#[tokio::test]
async fn legs_of_one_batch_find_each_other() {
    run(pairing::legs_of_one_batch_find_each_other).await;
}

#[tokio::test]
async fn legs_at_two_writers_find_each_other() {
    run(pairing::legs_at_two_writers_find_each_other).await;
}

#[tokio::test]
async fn a_client_that_was_offline_reaches_further_back() {
    run(pairing::a_client_that_was_offline_reaches_further_back).await;
}

#[tokio::test]
async fn a_rest_leg_may_come_late() {
    run(pairing::a_rest_leg_may_come_late).await;
}

#[tokio::test]
async fn a_keyed_message_never_pairs() {
    run(pairing::a_keyed_message_never_pairs).await;
}

#[tokio::test]
async fn what_differs_in_anything_stays_apart() {
    run(pairing::what_differs_in_anything_stays_apart).await;
}

#[tokio::test]
async fn a_thread_is_put_away_for_one_person() {
    run(archive::a_thread_is_put_away_for_one_person).await;
}

#[tokio::test]
async fn a_thread_is_brought_back() {
    run(archive::a_thread_is_brought_back).await;
}

#[tokio::test]
async fn strangers_put_nothing_away() {
    run(archive::strangers_put_nothing_away).await;
}

#[tokio::test]
async fn somebody_elses_message_brings_a_thread_back() {
    run(archive::somebody_elses_message_brings_a_thread_back).await;
}

#[tokio::test]
async fn an_archive_that_comes_again_changes_nothing() {
    run(archive::an_archive_that_comes_again_changes_nothing).await;
}

#[tokio::test]
async fn many_archives_that_come_again_change_nothing() {
    run(archive::many_archives_that_come_again_change_nothing).await;
}

#[tokio::test]
async fn an_old_message_brings_nothing_back() {
    run(archive::an_old_message_brings_nothing_back).await;
}

#[tokio::test]
async fn what_changed_since_a_number_is_told_in_order() {
    run(change_log::what_changed_since_a_number_is_told_in_order).await;
}

#[tokio::test]
async fn pages_of_changes_tell_of_each_message() {
    run(change_log::pages_of_changes_tell_of_each_message).await;
}

#[tokio::test]
async fn a_change_that_comes_again_is_told() {
    run(change_log::a_change_that_comes_again_is_told).await;
}

#[tokio::test]
async fn a_number_of_another_life_is_recognised() {
    run(change_log::a_number_of_another_life_is_recognised).await;
}

#[tokio::test]
async fn a_reader_beside_two_writers_misses_no_change() {
    run(change_log::a_reader_beside_two_writers_misses_no_change).await;
}

#[tokio::test]
async fn cursors_are_told_as_they_are() {
    run(change_log::cursors_are_told_as_they_are).await;
}

#[tokio::test]
async fn clicks_reactions_and_readings_hit_by_faults_are_done_once() {
    run_with_faults(async |harness| {
        let store = harness.open().await;
        let scene = Scene::with_people(&*store, 2).await;
        for i in 0..FAULTS {
            let fault = if i % 2 == 0 { Fault::Refused } else { Fault::AnswersLost };
            tokio::join!(click_react_and_read(&store, &scene, i), trouble(harness, fault));
        }
        let all = history(&*store, scene.thread).await;
        assert_eq!(all.len(), FAULTS, "each click is one message");
        for message in all {
            assert_eq!(
                (message.reactions.len(), message.read_by.len(), message.delivered_to.len()),
                (1, 1, 1)
            );
            assert_eq!(message.status, MessageStatus::Read);
        }
        assert_eq!(unread(&*store, &scene).await, [0, 0]);
        let page = ChangePage { after: 0, limit: PAGE_MAX };
        let changed = store.changes(scene.thread, page).await.unwrap().messages;
        assert_eq!(changed.len(), FAULTS, "each reaction is told to whoever was away");
    })
    .await;
}

async fn trouble(harness: &dyn FaultHarness, fault: Fault) {
    harness.suffer(fault).await;
    // sleep: so long the fault lasts
    tokio::time::sleep(LASTS).await;
    harness.mend().await;
}

/// Both legs of a click become one message; the other person reacts to it and reads it.
async fn click_react_and_read(store: &Arc<dyn Store>, scene: &Scene, i: usize) {
    let mut messages: Vec<Message> = Vec::new();
    for leg in [Leg::Rest, Leg::Socket] {
        let batch = [leg_of(scene, i, leg)];
        messages.extend(until_answered(|| store.append_messages(&batch)).await.into_iter().map(present));
    }
    assert_eq!(messages[0].id, messages[1].id, "the second leg joins the first");
    let toggle = Change::React { emoji: "👍".to_owned(), wish: Wish::Toggle };
    let changes = [change(&messages[0], &scene.people[1], toggle, 2)];
    until_answered(|| store.change_messages(&changes)).await;
    until_answered(|| store.touch_threads(&messages)).await;
    let (thread_id, user_id) = (scene.thread, scene.people[1].clone());
    let wanted = [AdvanceCursor { thread_id, user_id, cursor: Cursor::Read, up_to: None, at: at(3) }];
    let advanced = until_answered(|| store.advance(&wanted)).await.remove(0).unwrap();
    assert_eq!((advanced.up_to, advanced.unread_count), (messages[0].seq, 0));
}

fn leg_of(scene: &Scene, i: usize, leg: Leg) -> NewMessage {
    let mut new = scene.say(0, &format!("click {i}"));
    let said = Said { content: new.send.content.as_str(), attachments: &[], reply_to: None, mentions: &[] };
    let key = key(&[0; 32], &new.send.sender_id, new.send.thread_id, said);
    new.send.pairing = Some(Pairing { leg, key, opened_at: None });
    new
}

/// Repeats as a consumer does.
async fn until_answered<T, F: Future<Output = Result<T, StoreError>>>(call: impl Fn() -> F) -> T {
    loop {
        match call().await {
            Ok(answer) => return answer,
            // sleep: between two tries, as a consumer pauses
            Err(StoreError::Unavailable { .. }) => tokio::time::sleep(LASTS).await,
            Err(refused) => panic!("the store refused: {refused:?}"),
        }
    }
}

use super::*;
use crate::dead_letters::Work;
use crate::event::{DeliveredMessage, Event, GatewayEvent};
use crate::{EventId, NotificationId};
use std::time::Duration;

const AT: Timestamp = Timestamp(1_700_000_000_000);

fn user(id: &str) -> UserId {
    id.parse().unwrap()
}

fn thread(n: u8) -> ThreadId {
    ThreadId::from_bytes([n; 12])
}

fn erasure() -> Erasure {
    let (user_id, by) = (user("ann"), user("root"));
    let asked_at = AT.minus(Duration::from_mins(1));
    Erasure::new(&ErasePerson { user_id, by, why: "asked".to_owned(), at: asked_at }, AT)
}

#[test]
fn a_pass_goes_through_the_threads_that_were_found_and_then_searches_on() {
    let mut erasure = erasure();
    erasure.found(vec![thread(1), thread(2)], Some(thread(9)));
    let mut seen = Vec::new();
    while let Subject::Thread(id) = erasure.next_step(AT).subject() {
        seen.push(id);
        erasure.thread_done();
    }
    assert_eq!(seen, [thread(1), thread(2)]);
    assert_eq!(erasure.place, ErasurePlace::Search { after: Some(thread(9)) });
    erasure.found(Vec::new(), Some(thread(20)));
    assert_eq!(erasure.place, ErasurePlace::Search { after: Some(thread(20)) }, "a page may have none");
    erasure.found(vec![thread(21)], None);
    erasure.thread_done();
    assert_eq!(erasure.place, ErasurePlace::Reports { is_handled: false, after: None });
}

#[test]
fn the_second_pass_waits_until_nobody_has_anything_in_hand_and_ends_it() {
    let mut erasure = erasure();
    let soon = AT.plus(Duration::from_secs(1));
    erasure.end_pass(soon);
    let second = (erasure.pass, erasure.state, erasure.due_at);
    assert_eq!(second, (2, ErasureState::Running, Some(soon.plus(SETTLE))));
    let end = soon.plus(SETTLE).plus(Duration::from_secs(1));
    erasure.end_pass(end);
    assert_eq!((erasure.state, erasure.ended_at), (ErasureState::Done, Some(end)));
    assert_eq!(erasure.due_at, Some(end.plus(LAST_LOOK)), "a day later somebody looks once more");
    erasure.end_pass(end.plus(LAST_LOOK));
    assert_eq!((erasure.state, erasure.due_at, erasure.ended_at), (ErasureState::Done, None, Some(end)));
}

#[test]
fn steps_go_to_the_queue_of_their_thread_or_of_the_person() {
    let mut erasure = erasure();
    assert_eq!(erasure.next_step(AT).subject(), Subject::User(user("ann")));
    erasure.found(vec![thread(3)], None);
    assert_eq!(erasure.next_step(AT).subject(), Subject::Thread(thread(3)));
}

#[test]
fn the_commands_of_an_erasure_are_the_same_each_time_and_differ_from_each_other() {
    let (first, again) = (erasure(), erasure());
    let message = |n: u8| Some(MessageId::from_bytes([n; 12]));
    let of = |erasure: &Erasure| {
        [
            erasure.command_for("take back", message(1), thread(1)),
            erasure.command_for("take back", message(2), thread(1)),
            erasure.command_for("👍", message(1), thread(1)),
            erasure.command_for("leave", None, thread(1)),
            erasure.command_for("leave", None, thread(2)),
        ]
    };
    assert_eq!(of(&first), of(&again));
    let distinct: std::collections::HashSet<_> = of(&first).into_iter().collect();
    assert_eq!(distinct.len(), 5);
}

#[test]
fn what_administrators_know_of_an_erasure_survives_its_way_between_processes() {
    let mut erasure = erasure();
    erasure.found(vec![thread(1)], Some(thread(2)));
    erasure.counts.messages = 3;
    let read: Erasure = crate::codec::decode(&crate::codec::encode(&erasure).unwrap()).unwrap();
    assert_eq!(read, erasure);
}

#[test]
fn dead_work_is_of_a_person_if_it_is_their_doing_or_tells_their_words() {
    let ann = user("ann");
    let gateway = |sender: &str| {
        let audience = crate::event::Audience::Thread(thread(1));
        let id = EventId::notification_stored(NotificationId::from_bytes([1; 12]));
        let mut event = GatewayEvent::new(id, audience, "message:received", "{}".to_owned(), AT);
        event.message = Some(DeliveredMessage { id: None, seq: 1, sender_id: user(sender) });
        Work::GatewayEvent(Box::new(event))
    };
    assert!(tells_of(&gateway("ann"), &ann));
    assert!(!tells_of(&gateway("bob"), &ann));
    let name = crate::person::TokenName { user_id: ann.clone(), name: "Ann".to_owned() };
    let command = |command| Work::Command(Box::new(command));
    assert!(tells_of(&command(crate::command::Command::NoteTokenName(name)), &ann));
    let leave = crate::command::LeaveThread { thread_id: thread(1), user_id: user("bob"), at: AT };
    assert!(!tells_of(&command(crate::command::Command::LeaveThread(leave)), &ann));
    let typing =
        Event::ToldOutside { thread_id: thread(1), user_id: ann.clone(), command: CommandId::new(), at: AT };
    assert!(!tells_of(&Work::Event(Box::new(typing)), &ann), "it has only ids");
}

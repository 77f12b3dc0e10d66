use super::*;
use crate::codec;
use crate::command::{Command, Subject};
use serde_json::{Value, json};
use uuid::Uuid;

const CONTENT: &str = "meet me at the bridge";

fn notify() -> Value {
    json!({
        "kind": "notify", "user_id": "ann", "type": "news", "title": CONTENT, "text": CONTENT,
        "data": {CONTENT: [98765, {"b": CONTENT}, -0.5, true, null]}, "thread_id": null, "key": null,
        "typed": null, "at": "2026-01-13T22:40:00.000Z",
    })
}

fn send() -> Value {
    json!({
        "kind": "send_message", "thread_id": "0123456789abcdef01234567", "sender_id": "ann", "content": CONTENT,
        "client_message_id": CONTENT, "at": "2026-01-13T22:40:00.000Z",
    })
}

fn arrival(at: i64, body: &'static [u8]) -> Arrival {
    Arrival {
        id: DeadLetterId::of_envelope(Carried::Command, Uuid::from_u128(7)),
        queue: "persist.0".into(),
        origin: "persist.0".into(),
        kind: Some("send_message".into()),
        cause: Cause::GaveUp,
        reason: "store says no".into(),
        attempts: 7,
        body: body.into(),
        at: Timestamp(at),
    }
}

fn replayed(replay: ReplayId) -> Replayed {
    Replayed { replay, by: "root".parse().unwrap(), why: "repaired".into() }
}

#[test]
fn an_id_reads_back_and_nothing_else_is_one() {
    for carried in Carried::ALL {
        let id = DeadLetterId::of_envelope(carried, Uuid::from_u128(9));
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    let message = DeadLetterId::of_message("persist.0", b"x");
    assert_eq!(message, DeadLetterId::of_message("persist.0", b"x"));
    assert_ne!(message, DeadLetterId::of_message("persist.1", b"x"));
    for bad in ["", "command", "command-", "command-1", "$where-00000000-0000-0000-0000-000000000000"] {
        assert_eq!(bad.parse::<DeadLetterId>(), Err(NotALetterId), "{bad}");
    }
}

#[test]
fn what_fails_again_joins_its_history_and_what_comes_twice_does_not() {
    let mut letter = DeadLetter::new(&arrival(1, b"a"));
    assert!(!letter.arrive(&arrival(2, b"a")), "delivered twice");
    let replay = ReplayId::new();
    assert!(letter.change(&LetterChange::Take(replay), Timestamp(3)));
    assert!(!letter.change(&LetterChange::Take(ReplayId::new()), Timestamp(3)), "another replay");
    assert!(letter.change(&LetterChange::Take(replay), Timestamp(3)), "its own worker has died");
    assert!(letter.change(&LetterChange::Confirm(replayed(replay)), Timestamp(4)));
    assert!(!letter.change(&LetterChange::Confirm(replayed(replay)), Timestamp(4)), "once");
    assert_eq!((letter.state, letter.ended_at), (LetterState::Replayed, Some(Timestamp(4))));
    assert!(letter.arrive(&arrival(5, b"a")));
    assert_eq!((letter.failures, letter.replays, letter.version()), (2, 1, 1));
    assert_eq!((letter.state, letter.ended_at, letter.last_at), (LetterState::Waiting, None, Timestamp(5)));
    assert_eq!(letter.history.len(), 3);
}

#[test]
fn what_fails_before_its_replay_could_note_it_is_replayed_once() {
    let mut letter = DeadLetter::new(&arrival(1, b"a"));
    let replay = ReplayId::new();
    letter.change(&LetterChange::Take(replay), Timestamp(2));
    assert!(letter.arrive(&arrival(3, b"a")));
    assert_eq!((letter.failures, letter.replays, letter.state), (2, 1, LetterState::Waiting));
    assert!(!letter.change(&LetterChange::Confirm(replayed(replay)), Timestamp(4)), "it is not in hand");
}

#[test]
fn an_edit_makes_a_version_and_only_of_the_newest() {
    let mut letter = DeadLetter::new(&arrival(1, b"a"));
    let by: UserId = "root".parse().unwrap();
    let edit = Edit { version: 1, body: "bb".into(), by: by.clone(), why: "typo".into() };
    assert!(letter.change(&LetterChange::Edit(edit.clone()), Timestamp(2)));
    assert!(!letter.change(&LetterChange::Edit(edit), Timestamp(3)), "somebody was faster");
    assert_eq!((letter.version(), letter.size(), letter.versions[1].by.as_ref()), (2, 2, Some(&by)));
    let discard = LetterChange::Discard { by, why: "old".into() };
    assert!(letter.change(&discard, Timestamp(4)) && !letter.change(&discard, Timestamp(5)));
    assert!(!letter.change(&LetterChange::Take(ReplayId::new()), Timestamp(6)), "it is discarded");
}

#[test]
fn a_history_is_bounded_and_keeps_its_beginning() {
    let mut letter = DeadLetter::new(&arrival(1, b"a"));
    for at in 2..300 {
        letter.change(&LetterChange::Take(ReplayId::new()), Timestamp(at));
        letter.arrive(&arrival(at, b"a"));
    }
    assert_eq!(
        (letter.history.len(), letter.history[0].at, letter.failures),
        (HISTORY_MAX, Timestamp(1), 299)
    );
    let kept = serde_json::to_string(&letter).unwrap();
    assert_eq!(serde_json::from_str::<DeadLetter>(&kept).unwrap(), letter);
}

#[test]
fn work_passes_through_its_json_unchanged() {
    for json in [send(), notify()] {
        let command: Command = serde_json::from_value(json).unwrap();
        let body = codec::encode(&command).unwrap();
        let work = Work::read(Carried::Command, &body).unwrap();
        let again = Work::from_json(Carried::Command, work.json()).unwrap();
        assert_eq!(again, work);
        assert_eq!(again.encode().unwrap(), body);
        assert!(again.is_about_the_same(&work));
        assert!(matches!(work.subject(), Some(Subject::Thread(_) | Subject::User(_))));
    }
    let refused = Work::from_json(Carried::Command, json!({"kind": "send_message"})).unwrap_err().to_string();
    assert!(refused.contains("thread_id"), "{refused}");
    assert!(Work::read(Carried::Event, b"\x01junk").is_err());
}

#[test]
fn nothing_that_a_person_typed_is_seen_through_the_mask() {
    for json in [send(), notify()] {
        let shown = masked(&json).to_string();
        assert!(!shown.contains("bridge") && !shown.contains("0.5") && !shown.contains("98765"), "{shown}");
        assert!(shown.contains("ann") && shown.contains("2026-01-13"), "{shown}");
    }
    let odd = json!({"at": CONTENT, "kind": CONTENT, "user_id": [CONTENT, "ann"], "new_field": "x"});
    let hidden = json!({"at": "•••", "kind": "•••", "user_id": ["•••", "ann"], "new_field": "•••"});
    assert_eq!(masked(&odd), hidden);
}

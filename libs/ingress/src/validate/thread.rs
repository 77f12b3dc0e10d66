//! Threads: a client's JSON in, the command that creates or finds a thread out.

use crate::fields::Object;
use crate::refusal::Refusal;
use crate::validate::metadata;
use crate::validate::people::user_ids;
use eventflow_protocol::command::CreateThread;
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use serde_json::Value;

/// Most people in a thread, the creator included: what one fan-out and one membership entry are sized for.
pub const PARTICIPANTS_MAX: usize = 5_000;

/// A new thread from the fields `participants` and `metadata`; the creator is in it whether named or not.
pub fn create_thread(body: &mut Object, created_by: UserId, at: Timestamp) -> Result<CreateThread, Refusal> {
    let participants = participants(body, &created_by)?;
    let metadata = metadata::take(body, "metadata")?;
    let canonical = Value::Object(metadata.clone()).to_string();
    let thread_id = ThreadId::derive(&participants, &canonical);
    Ok(CreateThread { thread_id, participants, metadata, created_by, at })
}

fn participants(body: &mut Object, creator: &UserId) -> Result<Vec<UserId>, Refusal> {
    let mut people = user_ids(body, "participants", PARTICIPANTS_MAX)?;
    people.push(creator.clone());
    people.sort_unstable();
    people.dedup();
    match people.len() {
        0 | 1 => Err(Refusal::invalid("participants must name somebody else")),
        2..=PARTICIPANTS_MAX => Ok(people),
        _ => Err(Refusal::invalid(format!("a thread has at most {PARTICIPANTS_MAX} participants"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields;
    use serde_json::json;

    fn object(value: Value) -> Object {
        match value {
            Value::Object(object) => object,
            other => panic!("{other} is no object"),
        }
    }

    fn ann() -> UserId {
        "ann".parse().unwrap()
    }

    fn create(body: Value) -> Result<CreateThread, Refusal> {
        create_thread(&mut object(body), ann(), Timestamp(5))
    }

    #[test]
    fn a_thread_has_its_creator_and_nobody_twice() {
        let command =
            create(json!({"participants": ["zoe", "bob", "zoe"], "metadata": {"subject": "x"}})).unwrap();
        let people: Vec<&str> = command.participants.iter().map(UserId::as_str).collect();
        assert_eq!(people, ["ann", "bob", "zoe"]);
        let again =
            create(json!({"participants": ["ann", "zoe", "bob"], "metadata": {"subject": "x"}})).unwrap();
        assert_eq!(again.thread_id, command.thread_id);
        assert_ne!(create(json!({"participants": ["zoe", "bob"]})).unwrap().thread_id, command.thread_id);
    }

    #[test]
    fn the_order_of_metadata_keys_does_not_make_another_thread() {
        let id = |text: &str| {
            let mut body = fields::parse(text.as_bytes()).unwrap();
            create_thread(&mut body, ann(), Timestamp(0)).unwrap().thread_id
        };
        assert_eq!(
            id(r#"{"participants":["bob"],"metadata":{"a":1,"b":{"c":2,"d":3}}}"#),
            id(r#"{"participants":["bob"],"metadata":{"b":{"d":3,"c":2},"a":1}}"#)
        );
    }

    #[test]
    fn participants_are_two_to_five_thousand_ids() {
        let many = |count: usize| (0..count).map(|n| format!("u{n}")).collect::<Vec<_>>();
        assert_eq!(create(json!({"participants": many(4_999)})).unwrap().participants.len(), 5_000);
        for bad in [
            json!({}),
            json!({"participants": []}),
            json!({"participants": ["ann"]}),
            json!({"participants": "bob"}),
            json!({"participants": [{"$ne": 1}]}),
            json!({"participants": ["a.b"]}),
            json!({"participants": ["bob", 7]}),
            json!({"participants": many(5_000)}),
            json!({"participants": many(5_001)}),
        ] {
            assert!(create(bad).is_err());
        }
        assert_eq!(
            create(json!({"participants": ["bob", 7]})).unwrap_err().error,
            "participants[1] must be a text"
        );
    }
}

//! Each JSON example of the protocol page is what the system takes or gives: read with its types, and written again.
//!
//! An example says in its fence what it is, e.g. `json client:message:send`. What a client sends goes through the gateways' own
//! validation and through the encoding between processes; what it gets is read as a document and has to come out the same.

use crate::repository::read;
use eventflow_ingress::fields::{self, Object};
use eventflow_ingress::validate;
use eventflow_protocol::codec;
use eventflow_protocol::command::Command;
use eventflow_protocol::document::{Message, Thread, ThreadView};
use eventflow_protocol::{CommandId, ErrorBody, ThreadId, Timestamp, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeSet;

const PAGE: &str = "docs/PROTOCOL.md";
/// What the page has to show.
const KINDS: [&str; 12] = [
    "request:create-thread",
    "request:send-message",
    "answer:thread",
    "answer:message",
    "answer:queued",
    "answer:error",
    "client:auth",
    "client:message:send",
    "client:thread:join",
    "server:message:received",
    "server:message:error",
    "server:thread:created",
];

#[test]
fn every_example_of_the_protocol_page_is_what_the_system_takes_or_gives() {
    let page = read(PAGE);
    let mut seen = BTreeSet::new();
    for (kind, text) in examples(&page) {
        check(kind, text);
        seen.insert(kind);
    }
    assert_eq!(seen, KINDS.into_iter().collect(), "the kinds of examples on {PAGE}");
}

/// What a block is said to be, and its text.
fn examples(page: &str) -> impl Iterator<Item = (&str, &str)> {
    page.split("\n```json").skip(1).map(|rest| {
        let (kind, rest) = rest.split_once('\n').expect("a block has a first line");
        (kind.trim(), rest.split_once("\n```").expect("a block ends").0)
    })
}

fn check(kind: &str, text: &str) {
    match kind {
        "request:create-thread" => create_thread(body(text)),
        "request:send-message" => send_message(kind, body(text), thread()),
        "client:message:send" => {
            let mut body = body(text);
            let thread = validate::thread_id(&mut body).unwrap_or_else(|refusal| panic!("{kind}: {refusal}"));
            send_message(kind, body, thread);
        }
        "client:thread:join" => {
            let mut body = body(text);
            validate::thread_id(&mut body).unwrap_or_else(|refusal| panic!("{kind}: {refusal}"));
            nothing_left(kind, &body);
        }
        "client:auth" => has_only(kind, &body(text), &["userId", "token"]),
        "answer:thread" => comes_out_the_same::<ThreadView>(kind, part(text, "thread"), &["participant"]),
        "answer:message" | "server:message:received" => {
            comes_out_the_same::<Message>(kind, part(text, "message"), &[])
        }
        "server:thread:created" => comes_out_the_same::<Thread>(kind, part(text, "thread"), &[]),
        "answer:error" => comes_out_the_same::<ErrorBody>(kind, Value::Object(body(text)), &[]),
        "server:message:error" => {
            comes_out_the_same::<ErrorBody>(
                kind,
                Value::Object(body(text)),
                &["threadId", "clientMessageId"],
            );
        }
        "answer:queued" => {
            has_only(kind, &body(text), &["success", "status", "commandId"]);
            comes_out_the_same::<CommandId>(kind, part(text, "commandId"), &[]);
        }
        _ => panic!("{PAGE}: no check for an example of `{kind}`"),
    }
}

fn create_thread(mut body: Object) {
    let create = validate::create_thread(&mut body, user(), Timestamp(0))
        .unwrap_or_else(|refusal| panic!("{refusal}"));
    nothing_left("request:create-thread", &body);
    travels(&Command::CreateThread(create));
}

fn send_message(kind: &str, mut body: Object, thread: ThreadId) {
    let send = validate::send_message(&mut body, thread, user(), Timestamp(0));
    let send = send.unwrap_or_else(|refusal| panic!("{kind}: {refusal}"));
    nothing_left(kind, &body);
    travels(&Command::SendMessage(send));
}

/// From a gateway to a worker.
fn travels(command: &Command) {
    let bytes = codec::encode(command).expect("a valid command can be encoded");
    let arrived: Command = codec::decode(&bytes).expect("what was encoded can be decoded");
    assert_eq!(&arrived, command);
}

/// Reads a value as `T` and writes it again; `beside` are fields that the answer adds to it.
fn comes_out_the_same<T: Serialize + DeserializeOwned>(kind: &str, mut shown: Value, beside: &[&str]) {
    if let Value::Object(fields) = &mut shown {
        for field in beside {
            assert!(fields.remove(*field).is_some(), "{kind} does not show `{field}`");
        }
    }
    let read: T = serde_json::from_value(shown.clone()).unwrap_or_else(|error| panic!("{kind}: {error}"));
    let written = serde_json::to_value(&read).expect("a document has a JSON form");
    assert_eq!(written, shown, "{kind}");
}

fn body(text: &str) -> Object {
    fields::parse(text.as_bytes()).unwrap_or_else(|refusal| panic!("{refusal}: {text}"))
}

fn part(text: &str, field: &str) -> Value {
    fields::take(&mut body(text), field).unwrap_or_else(|| panic!("there is no `{field}` in {text}"))
}

/// Validation takes out what it knows.
fn nothing_left(kind: &str, body: &Object) {
    has_only(kind, body, &[]);
}

fn has_only(kind: &str, body: &Object, known: &[&str]) {
    let unknown: Vec<&String> = body.keys().filter(|key| !known.contains(&key.as_str())).collect();
    assert!(unknown.is_empty(), "{kind} shows fields that nobody reads: {unknown:?}");
}

fn user() -> UserId {
    "ann".parse().expect("a user id")
}

fn thread() -> ThreadId {
    "5f0c8a1be7d2434c9a6b1e02".parse().expect("a thread id")
}

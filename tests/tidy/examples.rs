//! Examples: each JSON example of the protocol page is read with the system's types and written again.
//!
//! An example names its kind in its fence, e.g. `json client:message:send`. What a client sends is read as a
//! request and passes through the encoding between processes. What a client gets is read as an answer or
//! event and must be written unchanged.

use crate::repository::read;
use eventflow_protocol::client::answers::{
    AttachmentAnswer, DeliveriesAnswer, DraftAnswer, EditsAnswer, ErasureAnswer, ExportRecord, MessageAnswer,
    NotificationsAnswer, PreferencesAnswer, QueuedAnswer, ThreadAnswer, UploadAnswer,
};
use eventflow_protocol::client::events::{DraftUpdated, MessageError, MessageReceived, ThreadCreated};
use eventflow_protocol::client::requests::{
    AuthEvent, CreateThreadBody, DraftBody, DraftEvent, EraseBody, NotificationBody, PreferencesBody,
    SendMessageBody, SendMessageEvent, SyncEvent, ThreadEvent,
};
use eventflow_protocol::command::Command;
use eventflow_protocol::{ErrorBody, ThreadId, Timestamp, UserId, client, codec};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeSet;

const PAGE: &str = "docs/PROTOCOL.md";
/// Kinds of examples that the page must show.
const KINDS: [&str; 29] = [
    "request:create-thread",
    "request:send-message",
    "request:notify",
    "request:preferences",
    "request:save-draft",
    "request:schedule",
    "request:erase",
    "answer:erasure",
    "answer:export",
    "answer:thread",
    "answer:message",
    "answer:notifications",
    "answer:preferences",
    "answer:deliveries",
    "answer:draft",
    "answer:attachment",
    "answer:upload",
    "answer:edits",
    "answer:queued",
    "answer:error",
    "client:auth",
    "client:draft:save",
    "client:message:send",
    "client:sync",
    "client:thread:join",
    "server:draft:updated",
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

/// The kind and the text of every example.
fn examples(page: &str) -> impl Iterator<Item = (&str, &str)> {
    page.split("\n```json").skip(1).map(|rest| {
        let (kind, rest) = rest.split_once('\n').expect("a block has a first line");
        (kind.trim(), rest.split_once("\n```").expect("a block ends").0)
    })
}

fn check(kind: &str, text: &str) {
    match kind {
        "request:create-thread" => {
            let body: CreateThreadBody = request(kind, text);
            travels(&Command::CreateThread(body.into_command(user(), Timestamp(0)).expect("a good request")));
        }
        "request:send-message" | "request:schedule" => send(request(kind, text), thread()),
        "client:message:send" => {
            let SendMessageEvent { thread_id: thread, body } = request(kind, text);
            send(body, thread.id().expect("a thread id"));
        }
        "request:save-draft" => {
            let body: DraftBody = request(kind, text);
            travels(&Command::SaveDraft(body.into_command(thread(), user(), Timestamp(0))));
        }
        "client:draft:save" => {
            let DraftEvent { thread_id: thread, body } = request(kind, text);
            let thread = thread.id().expect("a thread id");
            travels(&Command::SaveDraft(body.into_command(thread, user(), Timestamp(0))));
        }
        "client:sync" => {
            let event: SyncEvent = request(kind, text);
            assert!(
                event.threads.0.iter().all(|place| place.changes_after.is_some()),
                "{kind} asks for changes"
            );
        }
        "client:thread:join" => {
            let event: ThreadEvent = request(kind, text);
            assert!(event.thread_id.id().is_some(), "{kind} names a thread");
        }
        "client:auth" => drop(request::<AuthEvent>(kind, text)),
        "request:notify" => drop(request::<NotificationBody>(kind, text)),
        "request:preferences" => drop(request::<PreferencesBody>(kind, text)),
        "answer:notifications" => comes_out_the_same::<NotificationsAnswer>(kind, text),
        "answer:preferences" => comes_out_the_same::<PreferencesAnswer>(kind, text),
        "answer:deliveries" => comes_out_the_same::<DeliveriesAnswer>(kind, text),
        "answer:draft" => comes_out_the_same::<DraftAnswer>(kind, text),
        "answer:attachment" => comes_out_the_same::<AttachmentAnswer>(kind, text),
        "request:erase" => drop(request::<EraseBody>(kind, text)),
        "answer:erasure" => comes_out_the_same::<ErasureAnswer>(kind, text),
        "answer:export" => comes_out_the_same::<ExportRecord>(kind, text),
        "answer:upload" => comes_out_the_same::<UploadAnswer>(kind, text),
        "answer:edits" => comes_out_the_same::<EditsAnswer>(kind, text),
        "answer:thread" => comes_out_the_same::<ThreadAnswer>(kind, text),
        "answer:message" => comes_out_the_same::<MessageAnswer>(kind, text),
        "answer:error" => comes_out_the_same::<ErrorBody>(kind, text),
        "answer:queued" => comes_out_the_same::<QueuedAnswer>(kind, text),
        "server:draft:updated" => comes_out_the_same::<DraftUpdated>(kind, text),
        "server:message:received" => comes_out_the_same::<MessageReceived<'_>>(kind, text),
        "server:message:error" => comes_out_the_same::<MessageError>(kind, text),
        "server:thread:created" => comes_out_the_same::<ThreadCreated>(kind, text),
        _ => panic!("{PAGE}: no check for an example of `{kind}`"),
    }
}

/// Reads an example as a request. It may show only fields that the request has.
fn request<T: DeserializeOwned + JsonSchema>(kind: &str, text: &str) -> T {
    let schema = SchemaSettings::default().for_deserialize().into_generator().into_root_schema_for::<T>();
    let known = schema.get("properties").and_then(Value::as_object).expect("a request has fields");
    let shown = client::parse_object(text.as_bytes()).unwrap_or_else(|refused| panic!("{kind}: {refused}"));
    let unknown: Vec<&String> = shown.keys().filter(|field| !known.contains_key(*field)).collect();
    assert!(unknown.is_empty(), "{kind} shows fields that nobody reads: {unknown:?}");
    client::parse(text.as_bytes()).unwrap_or_else(|refused| panic!("{kind}: {refused}"))
}

fn send(body: SendMessageBody, thread: ThreadId) {
    travels(&Command::SendMessage(body.into_command(thread, user(), Timestamp(0))));
}

/// Encodes and decodes a command as on its way from a gateway to a worker.
fn travels(command: &Command) {
    let bytes = codec::encode(command).expect("a valid command can be encoded");
    let arrived: Command = codec::decode(&bytes).expect("what was encoded can be decoded");
    assert_eq!(&arrived, command);
}

/// Reads an example as `T` and writes it again. Documents carry an `id` beside their `_id`, which the page
/// does not repeat.
fn comes_out_the_same<T: Serialize + DeserializeOwned>(kind: &str, text: &str) {
    let shown: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{kind}: {error}"));
    // From the value: numbers in flattened fields cannot be read from text with exact digits.
    let read: T = serde_json::from_value(shown.clone()).unwrap_or_else(|error| panic!("{kind}: {error}"));
    let mut written = serde_json::to_value(&read).expect("what a client gets has a JSON form");
    without_second_id(kind, &mut written);
    assert_eq!(written, shown, "{kind}");
}

fn without_second_id(kind: &str, value: &mut Value) {
    if let Value::Array(items) = value {
        for item in items.iter_mut() {
            without_second_id(kind, item);
        }
    }
    let Value::Object(fields) = value else { return };
    if let Some(id) = fields.get("_id").cloned() {
        assert_eq!(fields.remove("id"), Some(id), "{kind}");
    }
    fields.values_mut().for_each(|inner| without_second_id(kind, inner));
}

fn user() -> UserId {
    "ann".parse().expect("a user id")
}

fn thread() -> ThreadId {
    "5f0c8a1be7d2434c9a6b1e02".parse().expect("a thread id")
}

//! The AsyncAPI 3.1 document of the socket: what clients send and get, made of the types of the events.
//!
//! The document is the server's: it receives what clients send.

use crate::contract::examples;
use crate::contract::schemas::Schemas;
use crate::contract::told::{TOLD, Told};
use crate::ws::events::catalogue::{ClientEventShape, client_events};
use eventflow_protocol::client::catalogue::SERVER_EVENTS;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The only channel: one Socket.IO connection.
const CHANNEL: &str = "socket";
const ABOUT: &str = "Socket.IO 4 in its default namespace, over WebSocket or long-polling. Each event has one \
    JSON object as its argument. A client may give a callback: it gets the answer, or an error as REST has it. \
    Routes over REST are in `openapi.json`.";

/// The document.
pub fn asyncapi() -> Value {
    // AsyncAPI builds on draft 07.
    let mut schemas = Schemas::new(SchemaSettings::draft07());
    let mut messages = Map::new();
    let mut operations = Map::new();
    for event in client_events() {
        receive(&event, &mut schemas, &mut messages, &mut operations);
    }
    for (name, describe) in SERVER_EVENTS {
        let key = format!("server:{name}");
        let payload = schemas.answer(*describe);
        let words = words_of(name);
        messages.insert(message_key(&key), message(name, words.when, &payload));
        let sent = json!({
            "action": "send",
            "summary": words.when,
            "description": format!("To {}.", words.to),
            "channel": channel(),
            "messages": [of_channel(&key)],
        });
        operations.insert(operation_key("send", name), sent);
    }
    let names: Vec<String> = messages.keys().cloned().collect();
    let in_channel: Map<String, Value> = names
        .iter()
        .map(|name| (name.clone(), json!({ "$ref": format!("#/components/messages/{name}") })))
        .collect();
    let mut document = json!({
        "asyncapi": "3.1.0",
        "id": "urn:eventflow:messaging",
        "info": {
            "title": "EventFlow messaging events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": env!("CARGO_PKG_LICENSE") },
            "tags": [{ "name": "socket.io" }],
        },
        "defaultContentType": "application/json",
        "servers": { "server": {
            "host": "{host}", "pathname": "/socket.io/", "protocol": "wss",
            "variables": { "host": { "default": "localhost", "description": "Where the server is." } },
        } },
        "channels": { CHANNEL: {
            "address": "/", "title": "The connection", "description": ABOUT, "messages": in_channel,
        } },
        "operations": operations,
        "components": { "messages": messages, "schemas": {} },
    });
    schemas.finish(&mut document);
    document
}

/// An event that clients send, with the answers to its callback.
fn receive(
    event: &ClientEventShape,
    schemas: &mut Schemas,
    messages: &mut Map<String, Value>,
    operations: &mut Map<String, Value>,
) {
    let key = format!("client:{}", event.name);
    let mut sent = message(event.name, event.about, &schemas.request(event.request));
    if let Some(example) = examples::of(event.name) {
        sent["examples"] = json!([{ "payload": example }]);
    }
    messages.insert(message_key(&key), sent);
    let mut answers: Vec<Value> = event.answers.iter().map(|answer| schemas.answer(*answer)).collect();
    answers.push(schemas.answer(event.refusal));
    let answer_key = format!("answer:{}", event.name);
    let about = "The callback gets it.";
    messages.insert(message_key(&answer_key), message(event.name, about, &json!({ "anyOf": answers })));
    let mut received = json!({
        "action": "receive",
        "summary": event.about,
        "description": format!("By event the socket gets {}.", event.words.by_event),
        "x-refused-with": event.words.codes,
        "channel": channel(),
        "messages": [of_channel(&key)],
        "reply": { "channel": channel(), "messages": [of_channel(&answer_key)] },
    });
    if !event.words.limits.is_empty() {
        received["x-limits"] = event.words.limits.into();
    }
    operations.insert(operation_key("receive", event.name), received);
}

fn words_of(name: &str) -> &'static Told {
    TOLD.iter().find(|told| told.name == name).expect("a test holds the two tables against each other")
}

fn message(name: &str, about: &str, payload: &Value) -> Value {
    json!({ "name": name, "title": name, "summary": about, "payload": payload })
}

/// The name of a message in the document, which allows no colons.
fn message_key(key: &str) -> String {
    key.replace(':', "_")
}

fn operation_key(action: &str, event: &str) -> String {
    format!("{action}_{}", message_key(event))
}

fn channel() -> Value {
    json!({ "$ref": format!("#/channels/{CHANNEL}") })
}

fn of_channel(key: &str) -> Value {
    json!({ "$ref": format!("#/channels/{CHANNEL}/messages/{}", message_key(key)) })
}

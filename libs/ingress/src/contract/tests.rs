//! The documents fit the tables, the types and their examples.

use super::operations::OPERATIONS;
use super::told::TOLD;
use super::*;
use crate::http::routes::ROUTES;
use crate::ws::events::catalogue::client_events;
use eventflow_protocol::client::catalogue::SERVER_EVENTS;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Every reference in a document.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str() {
                    Some(text) if key == "$ref" => found.push(text),
                    _ => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn broken_references(document: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    references(document, &mut found);
    assert!(found.len() > 100, "{}", found.len());
    // In a pointer `/` separates and `~1` is a `/`, which no name here has.
    found.retain(|reference| document.pointer(&reference[1..]).is_none());
    found
}

#[test]
fn every_route_is_described_once_and_nothing_else_is() {
    let routes: Vec<_> = ROUTES.iter().map(|route| (route.method.as_str(), route.path)).collect();
    let described: Vec<_> = OPERATIONS.iter().map(|words| (words.method, words.path)).collect();
    assert_eq!(described, routes);
    let ids: BTreeSet<_> = OPERATIONS.iter().map(|words| words.id).collect();
    assert_eq!(ids.len(), OPERATIONS.len(), "a name stands for one operation");
}

#[test]
fn a_route_has_parameters_in_its_description_exactly_if_its_handler_reads_the_query() {
    for (route, words) in ROUTES.iter().zip(OPERATIONS) {
        let shape = (route.endpoint.shape)();
        assert_eq!(shape.has_query, !words.query.is_empty(), "{}", words.id);
        assert_eq!(shape.path.is_some(), route.path.contains("{id}"), "{}", words.id);
    }
}

#[test]
fn examples_are_read_as_the_server_would() {
    let mut read = 0;
    for (route, words) in ROUTES.iter().zip(OPERATIONS) {
        let Some(example) = examples::of(words.id) else { continue };
        let body = (route.endpoint.shape)().body.expect("only bodies have examples");
        assert_eq!((body.check)(example.to_string().as_bytes()), Ok(()), "{}", words.id);
        read += 1;
    }
    assert!(read > 10, "{read}");
}

#[test]
fn every_reference_names_something() {
    assert_eq!(broken_references(&openapi()), [""; 0]);
    assert_eq!(broken_references(&asyncapi()), [""; 0]);
}

#[test]
fn every_event_is_in_the_document() {
    let document = asyncapi();
    let operations = document["operations"].as_object().unwrap();
    assert_eq!(operations.len(), client_events().len() + SERVER_EVENTS.len());
    for event in client_events() {
        let example = examples::of(event.name);
        assert!(example.is_some() || event.name == "sync", "{}", event.name);
    }
}

#[test]
fn every_event_of_a_server_is_told_of_once_and_nothing_else_is() {
    let mut told: Vec<_> = TOLD.iter().map(|told| told.name).collect();
    told.sort_unstable();
    let mut events: Vec<_> = SERVER_EVENTS.iter().map(|(name, _)| *name).collect();
    events.sort_unstable();
    assert_eq!(told, events);
}

#[test]
fn a_request_may_have_null_where_it_may_leave_a_field_out_and_an_answer_may_not() {
    let document = openapi();
    let schemas = &document["components"]["schemas"];
    let null = serde_json::json!({ "type": "null" });
    let nullable = |name: &str, field: &str| {
        let property = &schemas[name]["properties"][field];
        let has = |list: &Value, word: &Value| list.as_array().is_some_and(|all| all.contains(word));
        has(&property["type"], &Value::from("null")) || has(&property["anyOf"], &null)
    };
    for (name, field) in
        [("CreateThreadBody", "metadata"), ("ReactionBody", "action"), ("DeviceBody", "name")]
    {
        assert!(nullable(name, field), "{name}.{field}");
    }
    for (name, field) in
        [("ReactionBody", "emoji"), ("ErrorBody", "retryAfterMs"), ("MessageWithId", "editedAt")]
    {
        assert!(!nullable(name, field), "{name}.{field}");
    }
}

#[test]
fn a_refusal_that_may_pass_says_when_in_a_header() {
    let responses = &openapi()["components"]["responses"];
    for (name, header) in [
        ("RateLimited", "Retry-After"),
        ("Unavailable", "Retry-After"),
        ("BodyTooSlow", "Retry-After"),
        ("Unauthenticated", "WWW-Authenticate"),
    ] {
        assert_eq!(responses[name]["headers"][header]["required"], true, "{name}");
    }
    assert!(responses["Invalid"].get("headers").is_none());
}

#[test]
fn the_page_has_every_route_and_event_and_asks_for_nothing() {
    let page = page::page(&openapi(), &asyncapi());
    for words in OPERATIONS {
        assert!(page.contains(&format!("id=\"{}\"", words.id)), "{}", words.id);
    }
    for (name, _) in SERVER_EVENTS {
        assert!(page.contains(&format!("<code>{name}</code>")), "{name}");
    }
    for asked in ["<script", "<img", "<link", "http://", "https://", "@import", "url(", "$serde_json", "`"] {
        assert!(!page.contains(asked), "{asked}");
    }
}

/// The files are what the server gives: whoever changes the contract sees the change in them.
#[test]
fn the_documents_in_docs_are_those_of_this_version() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for (name, document) in [("openapi", openapi()), ("asyncapi", asyncapi())] {
        let file = std::fs::read_to_string(docs.join(format!("{name}.json"))).unwrap_or_default();
        assert!(
            file == written(&document),
            "docs/{name}.json is of another version: cargo run --release -- contract {name} > docs/{name}.json"
        );
    }
}

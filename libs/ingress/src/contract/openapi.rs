//! The OpenAPI 3.1 document of the REST routes, made of the table of routes and the types of its handlers.

use crate::contract::files;
use crate::contract::operations::{OPERATIONS, Operation, Succeeds, Tag};
use crate::contract::schemas::Schemas;
use crate::contract::shape::{Shape, of};
use crate::http::routes::{Needs, ROUTES, Route};
use crate::http::webhook::SECRET_HEADER;
use crate::identity::COOKIE_NAME;
use eventflow_protocol::ErrorBody;
use eventflow_protocol::client::answers::{DoneAnswer, ExportRecord, QueuedAnswer};
use eventflow_protocol::command::CLIENT_KEY_MAX_BYTES;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// Where the routes are.
const BASE: &str = "/api";
/// The header that repeats a write's own key.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The document.
pub fn openapi() -> Value {
    let mut schemas = Schemas::new(SchemaSettings::draft2020_12());
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let words = words_of(route);
        let described = operation(route, words, &mut schemas);
        let item = paths.entry(format!("{BASE}{}", route.path)).or_insert_with(|| json!({}));
        item[route.method.as_str().to_lowercase()] = described;
    }
    open_paths(&mut paths, &mut schemas);
    let refusal = schemas.answer(of::<ErrorBody>);
    let refusals: Map<String, Value> = REFUSALS
        .iter()
        .map(|(name, status, about)| {
            let content = json!({ "application/json": { "schema": refusal } });
            let mut response = json!({ "description": about, "content": content });
            if let Some(headers) = headers_of(*status) {
                response["headers"] = headers;
            }
            ((*name).to_owned(), response)
        })
        .collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "EventFlow messaging",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Threads, messages and notifications over REST.",
            "description": ABOUT,
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [{ "url": "/", "description": "The server that gave this document." }],
        "security": [{ "token": [] }, { "session": [] }],
        "tags": Tag::ALL.map(|tag| json!({ "name": tag.name(), "description": tag.about() })),
        "paths": paths,
        "components": {
            "responses": refusals,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": TOKEN },
                "session": { "type": "apiKey", "in": "cookie", "name": COOKIE_NAME, "description": SESSION },
                "webhookUser": { "type": "http", "scheme": "basic", "description": WEBHOOK },
                "webhookSecret": { "type": "apiKey", "in": "header", "name": SECRET_HEADER, "description": WEBHOOK },
            },
        },
    });
    schemas.finish(&mut document);
    document
}

const ABOUT: &str = "Every answer is JSON. It has `success: true`, or is an error with a sentence for people \
    and a `code` for programs. The status 202 says that a write was accepted and will be carried out; sent \
    again with the same key it finds its result. Events over Socket.IO are in `asyncapi.json`.";
const TOKEN: &str = "A token that the host application signs for its user.";
const SESSION: &str = "The same token in the host application's cookie. Writes then need the header \
    `X-CSRF-Token`, whose value `GET /api/v2/csrf-token` gives.";
/// Who may use the link of a mail.
const WITH_LINK: &str = "For whoever has the link.";
const WEBHOOK: &str = "The secret of the webhook, as the password of any user or in a header.";

/// Refusals: the name of the response, its status, and when it comes.
const REFUSALS: &[(&str, u16, &str)] = &[
    ("Invalid", 400, "A field is missing, of the wrong type or out of its bounds (`invalid`)."),
    ("Unauthenticated", 401, "There is no credential that holds (`unauthenticated`, `token_expired`)."),
    ("Forbidden", 403, "The user may not do this (`forbidden`, `csrf_failed`)."),
    ("NotFound", 404, "There is no such thing, or none that this user may see (`not_found`)."),
    ("BodyTooSlow", 408, "The body did not arrive in time (`unavailable`)."),
    (
        "TooLate",
        409,
        "What the request would change is over (`too_late`), is newer than what it is based on (`conflict`), or is no \
         group (`not_group`).",
    ),
    ("Erased", 410, "The person was erased: nothing is done in their name any more (`erased`)."),
    ("NotSpoken", 412, "The version of tus in `Tus-Resumable` is not spoken here (`invalid`)."),
    (
        "TooLarge",
        413,
        "The body or the file is larger than any limit (`too_large`), or the user's files would be more than they may have \
         (`quota_exceeded`).",
    ),
    (
        "NotJson",
        415,
        "The body is not of the type that the route takes (`invalid`), or the file is of a type that is not taken (`wrong_type`).",
    ),
    ("NoSuchRange", 416, "The file has no bytes in that range (`invalid`)."),
    ("KeyReused", 422, "The same key was used with another body (`key_reused`)."),
    (
        "Locked",
        423,
        "Another request writes the same upload: `Retry-After` says when to try again (`locked`).",
    ),
    ("RateLimited", 429, "The budget is used up: `Retry-After` says when to try again (`rate_limited`)."),
    ("Failed", 500, "Accepted, but it could not be carried out (`failed`)."),
    ("Unavailable", 503, "A part that this needs is down: try again with the same key (`unavailable`)."),
];

/// The headers that say what a client may do about a refusal.
fn headers_of(status: u16) -> Option<Value> {
    let header = |name: &str, about: &str, schema: Value| {
        let described = json!({ "description": about, "required": true, "schema": schema });
        Some(json!({ name: described }))
    };
    match status {
        401 => header(
            "WWW-Authenticate",
            "The scheme, and whether the token has ended.",
            json!({ "type": "string" }),
        ),
        408 | 423 | 429 | 503 => header(
            "Retry-After",
            "When to send again, in whole seconds.",
            json!({ "type": "integer", "minimum": 1 }),
        ),
        _ => None,
    }
}

fn words_of(route: &Route) -> &'static Operation {
    let is_it = |words: &&Operation| words.method == route.method.as_str() && words.path == route.path;
    OPERATIONS.iter().find(is_it).expect("a test holds the two tables against each other")
}

fn operation(route: &Route, words: &Operation, schemas: &mut Schemas) -> Value {
    let shape = (route.endpoint.shape)();
    let mut operation = json!({
        "operationId": words.id,
        "tags": [words.tag.name()],
        "summary": words.summary,
        "description": who_may(route.needs),
        "responses": responses(route, words, &shape, schemas),
    });
    let parameters = parameters(route, words, &shape, schemas);
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(body) = &shape.body {
        let mut content = json!({ "schema": schemas.request(body.schema) });
        if let Some(example) = crate::contract::examples::of(words.id) {
            content["example"] = example;
        }
        operation["requestBody"] =
            json!({ "required": body.is_required, "content": { "application/json": content } });
    }
    if shape.streams {
        operation["requestBody"] = files::body(words.id);
    }
    operation
}

fn who_may(needs: Needs) -> &'static str {
    match needs {
        Needs::Login => "For everybody who is signed in.",
        Needs::Thread => "For the people of the thread.",
        Needs::Message => "For the people of the message's thread.",
        Needs::Sender => "For the sender of the message.",
        Needs::GroupOwner => "For the owners of the group.",
        Needs::Owner => "For the person to whom it belongs.",
        Needs::File => "For its owner, and for those who may see a message with it.",
        Needs::OwnerOrAdmin => "For the person to whom it belongs, and administrators.",
        Needs::Admin => "For administrators.",
    }
}

fn parameters(route: &Route, words: &Operation, shape: &Shape, schemas: &mut Schemas) -> Vec<Value> {
    let mut parameters = Vec::new();
    for (name, id) in [("id", shape.path), ("member", shape.member)] {
        if let Some(id) = id {
            let schema = schemas.request(id);
            parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
        }
    }
    for one in words.query {
        parameters.push(json!({
            "name": one.name, "in": "query", "description": one.about, "schema": one.kind.schema(),
            "required": one.kind.is_required(), "style": "form", "explode": false,
        }));
    }
    if let Some(about) = about_key(words.id) {
        // Bare or quoted.
        let most = CLIENT_KEY_MAX_BYTES + 2;
        let schema = json!({ "type": "string", "minLength": 1, "maxLength": most });
        parameters
            .push(json!({ "name": IDEMPOTENCY_KEY, "in": "header", "description": about, "schema": schema }));
    }
    parameters.extend(files::parameters(words.id));
    if !route.method.is_safe() {
        let about = "Needed if the token is in the cookie.";
        let schema = json!({ "type": "string" });
        parameters
            .push(json!({ "name": "X-CSRF-Token", "in": "header", "description": about, "schema": schema }));
    }
    parameters
}

/// What the key in a header does, for the operations that take one.
fn about_key(operation: &str) -> Option<&'static str> {
    match operation {
        "sendMessage" | "notify" => {
            Some("The write's own key, as in the body: a repetition under it finds what was made.")
        }
        "changeGroup" | "addMembers" | "removeMember" | "setMemberRole" | "changeScheduled"
        | "sendScheduled" | "cancelScheduled" | "blockUser" | "unblockUser" => {
            Some("The change's own key: a repetition under it changes nothing.")
        }
        _ => None,
    }
}

fn responses(route: &Route, words: &Operation, shape: &Shape, schemas: &mut Schemas) -> Map<String, Value> {
    let mut responses = Map::new();
    for status in words.succeeds.statuses() {
        if words.succeeds == Succeeds::Lines {
            responses.insert(status.to_string(), files::lines(&schemas.answer(of::<ExportRecord>)));
            continue;
        }
        let Some(answer) = shape.answer else {
            responses.insert(status.to_string(), files::response(words.succeeds, *status));
            continue;
        };
        let (about, schema) = match (status, words.succeeds) {
            (200, Succeeds::Makes) => ("Dry run: nothing is changed.", schemas.answer(answer)),
            (200, Succeeds::MakesByCommand) => ("Made before: there is nothing new.", schemas.answer(answer)),
            (200, _) => ("Done.", schemas.answer(answer)),
            (201, _) => ("Made: it is stored.", schemas.answer(answer)),
            _ => ("Queued: it will be carried out.", schemas.answer(of::<QueuedAnswer>)),
        };
        let content = json!({ "application/json": { "schema": schema } });
        responses.insert(status.to_string(), json!({ "description": about, "content": content }));
    }
    for (name, status, _) in REFUSALS {
        if can_refuse(route, words, shape, *status) {
            responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
        }
    }
    responses
}

/// Whether a route may refuse with this status.
fn can_refuse(route: &Route, words: &Operation, shape: &Shape, status: u16) -> bool {
    // The one thing of others that a query can name.
    let names_thread = words.query.iter().any(|one| one.name == "threadId");
    let is_write = !route.method.is_safe();
    match status {
        400 => shape.body.is_some() || shape.streams || shape.has_query || shape.path.is_some(),
        403 => is_write || route.needs == Needs::Admin,
        404 => shape.path.is_some() || shape.body.is_some() || names_thread,
        408 | 413 | 415 => shape.body.is_some() || shape.streams,
        412 => files::is_tus(route),
        416 => words.succeeds == Succeeds::Streams,
        423 => files::is_tus(route) && shape.streams,
        409 if words.id == "showFile" => true,
        500 if words.succeeds == Succeeds::Streams => true,
        409 | 410 | 422 | 500 => is_write,
        _ => true,
    }
}

/// The routes for callers without a login.
fn open_paths(paths: &mut Map<String, Value>, schemas: &mut Schemas) {
    let token = json!({ "name": "token", "in": "path", "required": true, "schema": { "type": "string" },
        "description": "The token of the link in a mail." });
    let page = |about: &str| json!({ "description": about, "content": { "text/html": { "schema": { "type": "string" } } } });
    let pages = json!({
        "200": page("A page for people."),
        "202": page("Queued: it will be carried out."),
        "404": page("The link is not one of ours."),
        "410": page("The link is too old."),
        "429": { "$ref": "#/components/responses/RateLimited" },
        "503": page("It cannot be done now."),
    });
    let open = json!([]);
    paths.insert(format!("{BASE}/v2/unsubscribe/{{token}}"), json!({
        "parameters": [token],
        "get": { "operationId": "askUnsubscribe", "tags": [Tag::Mail.name()], "security": open,
            "description": WITH_LINK,
            "summary": "Asks whether to unsubscribe; never acts.", "responses": pages },
        "post": { "operationId": "unsubscribe", "tags": [Tag::Mail.name()], "security": open,
            "description": WITH_LINK,
            "summary": "Unsubscribes from mails, also as the one click of RFC 8058.", "responses": pages },
    }));
    let done = schemas.answer(of::<DoneAnswer>);
    paths.insert(format!("{BASE}/v2/email/webhook"), json!({
        "post": { "operationId": "reportMail", "tags": [Tag::Mail.name()],
            "security": [{ "webhookUser": [] }, { "webhookSecret": [] }],
            "description": "For the mail provider, which has the secret.",
            "summary": "Takes the mail provider's reports of bounces and complaints, in Postmark's format.",
            "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": "object" } } } },
            "responses": {
                "200": { "description": "The broker has it.", "content": { "application/json": { "schema": done } } },
                "400": { "$ref": "#/components/responses/Invalid" },
                "401": { "$ref": "#/components/responses/Unauthenticated" },
                "404": { "$ref": "#/components/responses/NotFound" },
                "408": { "$ref": "#/components/responses/BodyTooSlow" },
                "413": { "$ref": "#/components/responses/TooLarge" },
                "415": { "$ref": "#/components/responses/NotJson" },
                "429": { "$ref": "#/components/responses/RateLimited" },
                "503": { "$ref": "#/components/responses/Unavailable" },
            } },
    }));
}

//! The page at `/`: a messaging client without a build step. Two demo people chat in it, so that a newcomer
//! sees the system work.
//!
//! The page is always served. Signing in as a demo person works only while the demo is enabled. Everybody
//! else opens the page with a token of the host application.

use crate::secret;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use eventflow_config::Config;
use eventflow_ingress::identity::Tokens;
use eventflow_ports::Clock;
use eventflow_protocol::UserId;
use serde_json::json;
use std::sync::Arc;

/// The demo people: id and name.
const PEOPLE: [(&str, &str); 2] = [("ann", "Ann"), ("ben", "Ben")];
/// Validity of a demo sign-in, in seconds: a working day.
const DEMO_TOKEN_LIFE_S: i64 = 12 * 3_600;
/// The page may run its own files and talk to its own server, and nothing else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self' ws: wss:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

/// The page's files: path, content type and content.
const FILES: &[(&str, &str, &str)] = &[
    ("/", HTML, include_str!("../../web/index.html")),
    ("/style.css", STYLE, include_str!("../../web/style.css")),
    ("/conversation.css", STYLE, include_str!("../../web/conversation.css")),
    ("/assets/avatar.svg", PICTURE, include_str!("../../web/avatar.svg")),
    ("/api.js", SCRIPT, include_str!("../../web/api.js")),
    ("/app.js", SCRIPT, include_str!("../../web/app.js")),
    ("/bubble.js", SCRIPT, include_str!("../../web/bubble.js")),
    ("/composer.js", SCRIPT, include_str!("../../web/composer.js")),
    ("/connection.js", SCRIPT, include_str!("../../web/connection.js")),
    ("/conversation.js", SCRIPT, include_str!("../../web/conversation.js")),
    ("/days.js", SCRIPT, include_str!("../../web/days.js")),
    ("/elements.js", SCRIPT, include_str!("../../web/elements.js")),
    ("/header.js", SCRIPT, include_str!("../../web/header.js")),
    ("/history.js", SCRIPT, include_str!("../../web/history.js")),
    ("/inbox.js", SCRIPT, include_str!("../../web/inbox.js")),
    ("/message-actions.js", SCRIPT, include_str!("../../web/message-actions.js")),
    ("/new-thread.js", SCRIPT, include_str!("../../web/new-thread.js")),
    ("/notice.js", SCRIPT, include_str!("../../web/notice.js")),
    ("/outbox.js", SCRIPT, include_str!("../../web/outbox.js")),
    ("/people.js", SCRIPT, include_str!("../../web/people.js")),
    ("/presence.js", SCRIPT, include_str!("../../web/presence.js")),
    ("/reading.js", SCRIPT, include_str!("../../web/reading.js")),
    ("/receipts.js", SCRIPT, include_str!("../../web/receipts.js")),
    ("/refusal.js", SCRIPT, include_str!("../../web/refusal.js")),
    ("/scroller.js", SCRIPT, include_str!("../../web/scroller.js")),
    ("/sign-in.js", SCRIPT, include_str!("../../web/sign-in.js")),
    ("/socket.js", SCRIPT, include_str!("../../web/socket.js")),
    ("/storage.js", SCRIPT, include_str!("../../web/storage.js")),
    ("/thread-list.js", SCRIPT, include_str!("../../web/thread-list.js")),
    ("/threads.js", SCRIPT, include_str!("../../web/threads.js")),
    ("/times.js", SCRIPT, include_str!("../../web/times.js")),
    ("/typing.js", SCRIPT, include_str!("../../web/typing.js")),
];

/// State of the demo sign-in route.
#[derive(Clone)]
struct DemoSignIn {
    tokens: Arc<Tokens>,
}

/// The routes of the page's files, and of the demo sign-in if it is enabled.
pub fn router(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Router> {
    let mut router = Router::new();
    for &(path, kind, text) in FILES {
        router = router.route(path, get(async move || file(kind, text)));
    }
    if !config.demo_enabled() {
        return Ok(router.route("/demo/people", get(async || Json(json!({"people": []})))));
    }
    let tokens = secret::tokens(config, clock)?;
    let demo = Router::new()
        .route("/demo/people", get(people))
        .route("/demo/sign-in/{person}", post(sign_in))
        .with_state(DemoSignIn { tokens: Arc::new(tokens) });
    Ok(router.merge(demo))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    ];
    (headers, text).into_response()
}

async fn people() -> Json<serde_json::Value> {
    let people = PEOPLE.map(|(id, name)| json!({"id": id, "name": name}));
    Json(json!({"people": people}))
}

async fn sign_in(State(demo): State<DemoSignIn>, Path(person): Path<String>) -> Response {
    let Some((id, name)) = PEOPLE.into_iter().find(|(id, _)| *id == person) else {
        return (
            StatusCode::NOT_FOUND,
            Json(json!({"success": false, "code": "not_found", "error": "no such demo person"})),
        )
            .into_response();
    };
    let user: UserId = id.parse().expect("demo people have valid ids");
    let token = demo.tokens.mint(&user, name, DEMO_TOKEN_LIFE_S);
    Json(json!({"success": true, "token": token, "user": {"id": id, "name": name}})).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_the_page_asks_for_is_served() {
        for (path, _, text) in FILES {
            let is_file = |part: &&str| part.starts_with('/') && part.contains('.') && !part.contains(' ');
            for asked in text.split(['\'', '"']).filter(is_file) {
                assert!(FILES.iter().any(|(served, ..)| *served == asked), "{path} asks for {asked}");
            }
        }
    }

    #[test]
    fn every_file_of_the_page_is_served() {
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../web")).unwrap();
        assert_eq!(files.count(), FILES.len());
    }
}

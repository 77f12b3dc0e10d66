//! The page at `/`: a small client in which two demo people chat, so that a newcomer sees the system work.
//!
//! The page is always there; signing in as a demo person only while the demo is enabled. Everybody else opens it with a
//! token of the host application.

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

/// The demo people.
const PEOPLE: [(&str, &str); 2] = [("ann", "Ann"), ("ben", "Ben")];
/// How long a demo sign-in holds, in seconds: a working day.
const DEMO_TOKEN_LIFE_S: i64 = 12 * 3_600;
/// The page runs its own files and talks to its own server, nothing else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self' ws: wss:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const FILES: [(&str, &str, &str); 5] = [
    ("/", "text/html; charset=utf-8", include_str!("../../web/index.html")),
    ("/app.js", "text/javascript; charset=utf-8", include_str!("../../web/app.js")),
    ("/socket.js", "text/javascript; charset=utf-8", include_str!("../../web/socket.js")),
    ("/style.css", "text/css; charset=utf-8", include_str!("../../web/style.css")),
    ("/assets/avatar.svg", "image/svg+xml", include_str!("../../web/avatar.svg")),
];

#[derive(Clone)]
struct Demo {
    tokens: Arc<Tokens>,
}

/// The page's files, and the demo sign-in if it is enabled.
pub fn router(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Router> {
    let mut router = Router::new();
    for (path, kind, text) in FILES {
        router = router.route(path, get(async move || file(kind, text)));
    }
    if !config.demo_enabled() {
        return Ok(router.route("/demo/people", get(async || Json(json!({"people": []})))));
    }
    let tokens = secret::tokens(config, clock)?;
    let demo = Router::new()
        .route("/demo/people", get(people))
        .route("/demo/sign-in/{person}", post(sign_in))
        .with_state(Demo { tokens: Arc::new(tokens) });
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

async fn sign_in(State(demo): State<Demo>, Path(person): Path<String>) -> Response {
    let Some((id, name)) = PEOPLE.into_iter().find(|(id, _)| *id == person) else {
        return (StatusCode::NOT_FOUND, Json(json!({"success": false, "code": "not_found", "error": "no such demo person"})))
            .into_response();
    };
    let user: UserId = id.parse().expect("demo people have valid ids");
    let token = demo.tokens.mint(&user, name, DEMO_TOKEN_LIFE_S);
    Json(json!({"success": true, "token": token, "user": {"id": id, "name": name}})).into_response()
}

//! REST side of the fake: create a thread and read its history.

use super::{Shared, user_of};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Create {
    participants: Vec<String>,
}

#[derive(Deserialize)]
struct Page {
    after: u32,
    limit: usize,
}

pub(super) fn router(world: Shared) -> Router {
    Router::new()
        .route("/api/v2/messages/threads", post(create))
        .route("/api/v2/messages/{thread}", get(history))
        .with_state(world)
}

async fn create(
    State(world): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<Create>,
) -> (StatusCode, Json<Value>) {
    let mut members = body.participants;
    members.push(caller(&headers));
    let id = world.lock().unwrap().create_thread(members);
    (StatusCode::CREATED, Json(json!({ "success": true, "thread": { "_id": id } })))
}

async fn history(
    State(world): State<Shared>,
    headers: HeaderMap,
    Path(thread): Path<String>,
    Query(page): Query<Page>,
) -> (StatusCode, Json<Value>) {
    match world.lock().unwrap().history(&caller(&headers), &thread, page.after, page.limit) {
        Some(messages) => (StatusCode::OK, Json(json!({ "success": true, "messages": messages }))),
        None => (
            StatusCode::NOT_FOUND,
            Json(json!({ "success": false, "error": "no such thread", "code": "not_found" })),
        ),
    }
}

fn caller(headers: &HeaderMap) -> String {
    user_of(headers["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap())
}

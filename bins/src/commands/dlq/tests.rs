//! The commands about dead letters against routes that answer as the server's own do.

use super::*;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use eventflow_config::Secret;
use eventflow_ingress::identity::Tokens;
use eventflow_ports::FixedClock;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;

const SECRET: &str = "a secret of thirty-two bytes, or more";
/// Letters that the route discards at a time.
const ROUND: usize = 2;

fn which(ids: &[&str], queue: Option<&str>, all: bool) -> Which {
    let filter = Filter { queue: queue.map(str::to_owned), cause: None, kind: None, from: None, to: None };
    let ids = ids.iter().map(|id| (*id).to_owned()).collect();
    Which { ids, filter, all, why: "mended".to_owned() }
}

#[test]
fn everything_is_meant_only_by_saying_so() {
    assert!(which(&[], None, false).body().is_err());
    assert!(which(&["command-1"], Some("persist.0"), false).body().is_err());
    for (which, expected) in [
        (which(&[], None, true), json!({"filter": {}, "why": "mended"})),
        (which(&["command-1"], None, false), json!({"ids": ["command-1"], "why": "mended"})),
        (which(&[], Some("email"), true), json!({"filter": {"queue": "email"}, "why": "mended"})),
    ] {
        assert_eq!(Value::Object(which.body().unwrap()), expected);
    }
}

#[test]
fn what_goes_into_a_path_is_escaped() {
    assert_eq!(escaped("a b/ä:1"), "a%20b%2F%C3%A4:1");
}

/// A server with letters that failed at these times, in milliseconds. Whenever letters are discarded another
/// one fails, and the time of an operator's token passes between two requests.
struct Fake {
    letters: Mutex<Vec<i64>>,
    /// How often it was asked to discard.
    discards: AtomicUsize,
    clock: Arc<FixedClock>,
    tokens: Tokens,
}

impl Fake {
    /// The server, and a client of it.
    #[allow(clippy::disallowed_methods, reason = "the server ends with the runtime of the test")]
    async fn serve(letters: impl Iterator<Item = i64>) -> (Arc<Self>, Api) {
        let clock = Arc::new(FixedClock::at(Timestamp(1_768_000_000_000)));
        let tokens = Tokens::new(SECRET.as_bytes(), clock.clone()).expect("the secret is long enough");
        let fake = Arc::new(Self {
            letters: Mutex::new(letters.collect()),
            discards: AtomicUsize::new(0),
            clock: clock.clone(),
            tokens,
        });
        let routes = Router::new()
            .route("/api/v2/ops/dead-letters", get(list_letters))
            .route("/api/v2/ops/discards", post(discard_letters))
            .with_state(Arc::clone(&fake));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let server = listener.local_addr().expect("it is bound");
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let mut config = eventflow_config::defaults();
        config.auth.jwt_secret = Secret::new(SECRET);
        let arguments =
            ServerArguments { server: Some(format!("http://{server}/")), by: "operator".to_owned() };
        (fake, Api::with_clock(&arguments, &config, clock).expect("it is configured"))
    }

    /// Whether the request has a token that holds. Long before the next request this one has run out.
    fn admits(&self, headers: &HeaderMap) -> bool {
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let is_admitted = self.tokens.verify(token).is_ok();
        self.clock.advance(3_600_000);
        is_admitted
    }
}

fn refused() -> (StatusCode, Json<Value>) {
    (StatusCode::UNAUTHORIZED, Json(json!({ "success": false, "error": "the token has expired" })))
}

/// Newest first, up to 100 at a time, as the route.
async fn list_letters(
    State(fake): State<Arc<Fake>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> (StatusCode, Json<Value>) {
    if !fake.admits(&headers) {
        return refused();
    }
    let limit: usize = query["limit"].parse().unwrap_or_default();
    if !(1..=100).contains(&limit) {
        let error = json!({ "success": false, "error": "limit must be 1 to 100" });
        return (StatusCode::BAD_REQUEST, Json(error));
    }
    let before = query.get("cursor").and_then(|cursor| cursor.parse().ok()).unwrap_or(i64::MAX);
    let mut letters: Vec<i64> = fake.letters.lock().iter().copied().filter(|at| *at < before).collect();
    letters.sort_unstable_by(|one, other| other.cmp(one));
    letters.truncate(limit);
    let next = letters.last().filter(|_| letters.len() == limit).map(ToString::to_string);
    let shown: Vec<Value> = letters
        .iter()
        .map(|at| json!({ "_id": format!("command-{at}"), "lastAt": Timestamp(*at).to_iso() }))
        .collect();
    (StatusCode::OK, Json(json!({ "letters": shown, "nextCursor": next, "success": true })))
}

async fn discard_letters(
    State(fake): State<Arc<Fake>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    if !fake.admits(&headers) {
        return refused();
    }
    fake.discards.fetch_add(1, Ordering::SeqCst);
    let end = body["filter"]["to"].as_str().and_then(Timestamp::from_iso).map_or(i64::MAX, |end| end.0);
    let mut letters = fake.letters.lock();
    let before = letters.len();
    let mut room = ROUND;
    letters.retain(|at| {
        let is_kept = *at >= end || room == 0;
        room -= usize::from(!is_kept);
        is_kept
    });
    let discarded = before - letters.len();
    // As long as the rounds go on, letters fail.
    if let Some(newest) = letters.iter().max().copied().filter(|newest| *newest < 100) {
        letters.push(newest + 1);
    }
    let left = letters.iter().filter(|at| **at < end).count();
    (StatusCode::OK, Json(json!({ "success": true, "discarded": discarded, "left": left })))
}

#[tokio::test]
async fn a_long_command_goes_on_after_the_time_of_its_first_token() {
    let (_, api) = Fake::serve(1..=250).await;
    for _ in 0..3 {
        letters(&api, &which(&[], None, true).filter, "waiting", 1).await.unwrap();
    }
}

#[tokio::test]
async fn more_letters_than_a_page_has_are_listed_and_what_is_left_out_is_told() {
    let (_, api) = Fake::serve(1..=250).await;
    let filter = which(&[], None, true).filter;
    for (limit, expected, more) in [(230, 230, true), (300, 250, false), (50, 50, true)] {
        let (answer, words) = list(&api, &filter, "waiting", limit).await.unwrap();
        let ids: Vec<String> = listed(&answer["letters"]).map(|letter| text(&letter["_id"])).collect();
        assert_eq!(ids.len(), expected, "{limit}");
        assert_eq!((ids[0].as_str(), ids[49].as_str()), ("command-250", "command-201"));
        assert_eq!(words.contains("there are more"), more, "{limit}");
        assert_eq!(answer["nextCursor"].is_string(), more, "{limit}");
    }
    assert!(list(&api, &filter, "waiting", 0).await.is_err());
}

#[tokio::test]
async fn letters_that_fail_while_others_are_discarded_are_kept() {
    let (fake, api) = Fake::serve(1..=5).await;
    let (answer, words) = discard(&api, &which(&[], None, true)).await.unwrap();
    assert_eq!(words, "5 discarded, 0 left\n");
    assert_eq!(answer["discarded"], 5);
    let left = fake.letters.lock().clone();
    assert!(!left.is_empty() && left.iter().all(|at| *at > 5), "{left:?}");
    assert_eq!(fake.discards.load(Ordering::SeqCst), 3, "two at a time");
}

#[tokio::test]
async fn where_nothing_waits_nothing_is_discarded() {
    let (fake, api) = Fake::serve(std::iter::empty()).await;
    let (answer, words) = discard(&api, &which(&[], None, true)).await.unwrap();
    assert_eq!(answer, json!({ "success": true, "discarded": 0, "left": 0 }));
    assert_eq!(words, "0 discarded: nothing waits\n");
    assert_eq!(fake.discards.load(Ordering::SeqCst), 0, "what fails now, nobody has looked at");
}

#[tokio::test]
async fn where_nothing_waits_no_replay_is_recorded() {
    // The stand-in knows no replays: asking for one would fail.
    let (_, api) = Fake::serve(std::iter::empty()).await;
    let (answer, words) = replay(&api, &which(&[], None, true), None, true).await.unwrap();
    assert_eq!(answer, json!({ "success": true, "replay": null }));
    assert_eq!(words, "0 replayed: nothing waits\n");
}

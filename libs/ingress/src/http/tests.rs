//! The routes as a client sees them: statuses, bodies, headers.

mod attachments;
mod blocks;
mod changes;
mod dead_letters;
mod deliveries;
mod devices;
mod drafts;
mod erasures;
mod groups;
mod history;
mod inbox;
mod mail;
mod matrix;
mod ops;
mod people;
mod people_search;
mod repeats;
mod requests;
mod scheduled;
mod search;
mod sends;
mod threads;
mod token_places;

use crate::IngressConfig;
use crate::testing::World;
use axum::Router;
use axum::body::{Body, to_bytes};
use eventflow_protocol::ErrorCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, ORIGIN, RETRY_AFTER};
use http::{HeaderMap, Method, Request};
use serde_json::{Value, json};
use std::sync::atomic::Ordering::SeqCst;
use tower::ServiceExt as _;

const THREADS: &str = "/api/v2/messages/threads";

struct Rig {
    world: World,
    router: Router,
}

/// A request to be changed and sent.
struct Call<'a> {
    rig: &'a Rig,
    request: Request<Body>,
}

struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Rig {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(configure: impl FnOnce(&mut IngressConfig)) -> Self {
        let world = World::with(configure).await;
        let router = crate::http::router(&world.parts).unwrap();
        Self { world, router }
    }

    fn call(&self, method: Method, path: &str) -> Call<'_> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "chat.test")
            .body(Body::empty())
            .unwrap();
        Call { rig: self, request }
    }

    fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    fn post(&self, path: &str, body: &Value) -> Call<'_> {
        let call = self.call(Method::POST, path).header(CONTENT_TYPE.as_str(), "application/json");
        call.body(body.to_string())
    }
}

impl Call<'_> {
    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.request.headers_mut().append(name, value.parse().unwrap());
        self
    }

    fn body(mut self, body: impl Into<Body>) -> Self {
        *self.request.body_mut() = body.into();
        self
    }

    /// With a bearer token.
    fn of(self, user: &str) -> Self {
        let token = self.rig.world.token(user);
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    /// With the bearer token of an administrator.
    fn of_admin(self) -> Self {
        let token = self.rig.world.token_as("root", "admin");
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    async fn send(self) -> Reply {
        let response = self.rig.router.clone().oneshot(self.request).await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).unwrap_or_else(|_| text())
        };
        Reply { status, headers, body }
    }
}

impl Reply {
    /// The body of an answer with this status.
    fn expect(self, status: u16) -> Value {
        assert_eq!((self.status, &self.body["success"]), (status, &json!(true)), "{}", self.body);
        self.body
    }

    /// A body that is no JSON.
    fn text(&self) -> &str {
        self.body.as_str().unwrap()
    }

    fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert_eq!(self.body["success"], json!(false));
        assert!(self.body["error"].as_str().is_some_and(|error| !error.is_empty()), "{}", self.body);
    }
}

#[tokio::test]
async fn a_thread_is_created_once_and_then_found() {
    let rig = Rig::new().await;
    let body = json!({"participants": ["bob"], "metadata": {"subject": "Project"}});
    let created = rig.post(THREADS, &body).of("ann").send().await;
    assert_eq!(created.status, 201, "{}", created.body);
    let thread = &created.body["thread"];
    assert_eq!(thread["participants"], json!(["ann", "bob"]));
    assert_eq!(thread["participant"], json!({"id": "bob", "name": "bob", "avatar": "/assets/avatar.svg"}));
    assert_eq!((&thread["unreadCount"], &thread["metadata"]["subject"]), (&json!(0), &json!("Project")));
    let found = rig.post(THREADS, &body).of("ann").send().await;
    assert_eq!((found.status, &found.body["thread"]["_id"]), (200, &thread["_id"]));
    let shown = rig.get(&format!("{THREADS}/{}", thread["_id"].as_str().unwrap())).of("bob").send().await;
    assert_eq!((shown.status, &shown.body["thread"]["participant"]["id"]), (200, &json!("ann")));
    assert_eq!(shown.body["thread"]["id"], shown.body["thread"]["_id"]);
}

#[tokio::test]
async fn a_message_is_stored_and_read_back_unchanged() {
    let rig = Rig::new().await;
    let path = format!("/api/v2/messages/{}", rig.world.store.thread_of(&["ann", "bob"]));
    let body = json!({"content": "a < b && c > d <3", "attachments": [], "clientMessageId": "k1"});
    let sent = rig.post(&path, &body).of("ann").send().await;
    assert_eq!(
        (sent.status, &sent.body["message"]["content"]),
        (201, &json!("a < b && c > d <3")),
        "{}",
        sent.body
    );
    let again = rig.post(&path, &body).of("ann").send().await;
    assert_eq!((again.status, &again.body["deduplicated"]), (200, &json!(true)));
    assert_eq!(again.body["message"]["_id"], sent.body["message"]["_id"]);
    let history = rig.get(&path).of("bob").send().await;
    assert_eq!((history.status, &history.body["success"]), (200, &json!(true)));
    assert_eq!(history.body["messages"], json!([sent.body["message"]]));
}

#[tokio::test]
async fn threads_are_listed_with_a_cursor_to_the_next_page() {
    let rig = Rig::new().await;
    for other in ["bob", "cat", "dan"] {
        rig.world.store.thread_of(&["ann", other]);
    }
    let first = rig.get(&format!("{THREADS}?limit=2&status=active")).of("ann").send().await;
    assert_eq!(first.body["threads"].as_array().unwrap().len(), 2);
    let next = first.body["nextCursor"].as_str().unwrap();
    let second = rig.get(&format!("{THREADS}?limit=2&cursor={next}")).of("ann").send().await;
    assert_eq!(
        (second.body["threads"].as_array().unwrap().len(), &second.body["nextCursor"]),
        (1, &Value::Null)
    );
    assert_eq!(rig.get(THREADS).of("zoe").send().await.body["threads"], json!([]));
    for bad in
        ["status=deleted", "status=x", "cursor=abc", "cursor=1.zz", "cursor=after.1", "skip=10001", "skip=-1"]
    {
        rig.get(&format!("{THREADS}?{bad}")).of("ann").send().await.refused(400, "invalid");
    }
}

#[tokio::test]
async fn strangers_and_the_signed_out_learn_nothing() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let unknown = "0123456789abcdef01234567";
    for id in [
        thread.to_string(),
        unknown.to_owned(),
        "thread123".to_owned(),
        "%2e%2e".to_owned(),
        "%FF".to_owned(),
    ] {
        let path = format!("/api/v2/messages/{id}");
        let shown = format!("{THREADS}/{id}");
        rig.get(&path).of("eve").send().await.refused(404, "not_found");
        rig.get(&shown).of("eve").send().await.refused(404, "not_found");
        rig.post(&path, &json!({"content": "x"})).of("eve").send().await.refused(404, "not_found");
        rig.get(&path).send().await.refused(401, "unauthenticated");
        rig.post(&path, &json!({"content": "x"})).send().await.refused(401, "unauthenticated");
    }
    let to_stranger = rig.get(&format!("/api/v2/messages/{thread}")).of("eve").send().await.body;
    let to_anybody = rig.get(&format!("/api/v2/messages/{unknown}")).of("eve").send().await.body;
    assert_eq!(to_stranger, to_anybody, "both get the same words");
}

#[tokio::test]
async fn an_expired_token_says_so() {
    let rig = Rig::new().await;
    let call = rig.get(THREADS).of("ann");
    rig.world.clock.advance(3_661_000);
    call.send().await.refused(401, "token_expired");
    rig.get(THREADS).header("authorization", "Bearer nonsense").send().await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_cookie_writes_only_with_the_csrf_token_of_its_session_and_from_our_pages() {
    let rig = Rig::new().await;
    let path = format!("/api/v2/messages/{}", rig.world.store.thread_of(&["ann", "bob"]));
    let cookie = |user: &str| format!("token={}", rig.world.token(user));
    let ann = cookie("ann");
    let other_login = cookie("ann");
    let issued = rig.get("/api/v2/csrf-token").header("cookie", &ann).send().await;
    let token = issued.body["csrfToken"].as_str().unwrap().to_owned();
    let foreign = rig.get("/api/v2/csrf-token").header("cookie", &other_login).send().await;
    let foreign = foreign.body["csrfToken"].as_str().unwrap().to_owned();
    let write = |headers: Vec<(&'static str, String)>| {
        let call = rig.post(&path, &json!({"content": "x"})).header(COOKIE.as_str(), &ann);
        headers.into_iter().fold(call, |call, (name, value)| call.header(name, &value)).send()
    };
    let ours: String = "https://chat.test".into();
    let same_site: String = "same-site".into();
    assert_eq!(write(vec![("x-csrf-token", token.clone()), ("origin", ours.clone())]).await.status, 201);
    assert_eq!(
        write(vec![("x-csrf-token", token.clone()), ("sec-fetch-site", "same-origin".into())]).await.status,
        201
    );
    write(vec![("origin", ours.clone())]).await.refused(403, "csrf_failed");
    write(vec![("origin", ours.clone()), ("x-csrf-token", foreign)]).await.refused(403, "csrf_failed");
    write(vec![("origin", ours), ("x-csrf-token", "x".into())]).await.refused(403, "csrf_failed");
    write(vec![("x-csrf-token", token.clone())]).await.refused(403, "csrf_failed");
    write(vec![("x-csrf-token", token.clone()), ("sec-fetch-site", same_site)])
        .await
        .refused(403, "csrf_failed");
    write(vec![("x-csrf-token", token), ("origin", "https://evil.test".into())])
        .await
        .refused(403, "forbidden");
    assert_eq!(rig.get(THREADS).header("cookie", &ann).send().await.status, 200, "reading needs no token");
}

#[tokio::test]
async fn foreign_origins_are_refused_and_ours_may_read_answers() {
    let rig = Rig::new().await;
    for origin in ["https://evil.test", "null", "https://chat.test.evil.test"] {
        let refused = rig.get(THREADS).of("ann").header(ORIGIN.as_str(), origin).send().await;
        refused.refused(403, "forbidden");
        assert!(!refused.headers.contains_key("access-control-allow-origin"));
    }
    let ours = rig.get(THREADS).of("ann").header(ORIGIN.as_str(), "https://chat.test").send().await;
    assert_eq!(ours.headers["access-control-allow-origin"], "https://chat.test");
    let preflight = rig.call(Method::OPTIONS, THREADS).header("origin", "https://chat.test");
    let preflight = preflight.header("access-control-request-method", "POST").send().await;
    assert_eq!(
        (preflight.status, &preflight.headers["access-control-allow-origin"]),
        (204, &"https://chat.test".parse().unwrap())
    );
    let foreign = rig.call(Method::OPTIONS, THREADS).header("origin", "https://evil.test");
    foreign.header("access-control-request-method", "POST").send().await.refused(403, "forbidden");
}

#[tokio::test]
async fn an_idempotency_key_header_is_the_client_message_id() {
    let rig = Rig::new().await;
    let path = format!("/api/v2/messages/{}", rig.world.store.thread_of(&["ann", "bob"]));
    let send = |key: &'static str, body: Value| {
        rig.post(&path, &body).of("ann").header("idempotency-key", key).send()
    };
    let first = send("k1", json!({"content": "x"})).await;
    assert_eq!((first.status, &first.body["message"]["clientMessageId"]), (201, &json!("k1")));
    assert_eq!(send("\"k1\"", json!({"content": "x"})).await.status, 200);
    let mail = send("<m@mail.example>", json!({"content": "y"})).await;
    assert_eq!((mail.status, &mail.body["message"]["clientMessageId"]), (201, &json!("<m@mail.example>")));
    assert_eq!(send("k2", json!({"content": "x", "clientMessageId": "k2"})).await.status, 201);
    send("k3", json!({"content": "x", "clientMessageId": "other"})).await.refused(400, "invalid");
    send("", json!({"content": "x"})).await.refused(400, "invalid");
}

#[tokio::test]
async fn every_error_has_the_common_shape() {
    let rig = Rig::new().await;
    let path = format!("/api/v2/messages/{}", rig.world.store.thread_of(&["ann", "bob"]));
    let text = |kind: &str, body: &'static str| {
        rig.call(Method::POST, &path).of("ann").header("content-type", kind).body(body).send()
    };
    text("application/json", "{").await.refused(400, "invalid");
    text("application/json", "[]").await.refused(400, "invalid");
    text("application/json", "{\"content\":{}}").await.refused(400, "invalid");
    text("text/plain", "{\"content\":\"x\"}").await.refused(415, "invalid");
    assert_eq!(text("application/json; charset=utf-8", "{\"content\":\"x\"}").await.status, 201);
    let large = "x".repeat(crate::http::BODY_MAX_BYTES);
    rig.post(&path, &json!({ "content": large })).of("ann").send().await.refused(413, "too_large");
    rig.post(&path, &json!({"content": "x".repeat(10_001)})).of("ann").send().await.refused(400, "invalid");
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(1_000), "]".repeat(1_000));
    rig.call(Method::POST, &path)
        .of("ann")
        .header("content-type", "application/json")
        .body(deep)
        .send()
        .await
        .refused(400, "invalid");
    rig.get("/api/v2/nothing").send().await.refused(404, "unknown");
    rig.get("/api/messages").send().await.refused(404, "unknown");
    let method = rig.call(Method::DELETE, THREADS).of("ann").send().await;
    method.refused(405, "unknown");
    assert_eq!(
        (&method.headers["cache-control"], &method.headers["x-content-type-options"]),
        (&"no-store".parse().unwrap(), &"nosniff".parse().unwrap())
    );
}

#[tokio::test]
async fn a_broker_that_is_away_is_a_503_at_once_without_internals() {
    let rig = Rig::new().await;
    let path = format!("/api/v2/messages/{}", rig.world.store.thread_of(&["ann", "bob"]));
    rig.world.disconnect_broker();
    let refused = rig.post(&path, &json!({"content": "x"})).of("ann").send().await;
    refused.refused(503, "unavailable");
    assert_eq!(refused.headers[RETRY_AFTER], "1");
    assert!(!refused.body.to_string().contains("secret-host"));
    assert_eq!(rig.get(&path).of("ann").send().await.body["messages"], json!([]), "nothing was stored");
}

#[tokio::test]
async fn a_store_that_is_away_is_a_503_without_internals() {
    let rig = Rig::new().await;
    rig.world.store.is_down.store(true, SeqCst);
    let refused = rig.get(THREADS).of("ann").send().await;
    refused.refused(503, "unavailable");
    assert!(!refused.body.to_string().contains("secret-host"));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_does_not_answer_in_three_seconds_means_queued() {
    let rig = Rig::new().await;
    let path = format!("/api/v2/messages/{}", rig.world.store.thread_of(&["ann", "bob"]));
    rig.world.silence_worker();
    let queued = rig.post(&path, &json!({"content": "x"})).of("ann").send().await;
    assert_eq!((queued.status, &queued.body["status"]), (202, &json!("queued")), "{}", queued.body);
    assert!(queued.body["commandId"].as_str().is_some_and(|id| id.len() == 36));
    let thread = rig.post(THREADS, &json!({"participants": ["zoe"]})).of("ann").send().await;
    assert_eq!((thread.status, thread.body["threadId"].as_str().map(str::len)), (202, Some(24)));
}

#[tokio::test]
async fn a_refusal_of_the_worker_keeps_its_code() {
    let rig = Rig::new().await;
    let path = format!("/api/v2/messages/{}", rig.world.store.thread_of(&["ann", "bob"]));
    for (code, status, name) in
        [(ErrorCode::KeyReused, 422, "key_reused"), (ErrorCode::NotFound, 404, "not_found")]
    {
        rig.world.refuse_all(code);
        rig.post(&path, &json!({"content": "x"})).of("ann").send().await.refused(status, name);
    }
}

#[tokio::test]
async fn requests_are_counted_by_route_pattern_and_never_by_path() {
    let rig = Rig::new().await;
    for n in 0..20 {
        rig.get(&format!("/api/v2/messages/{n:024x}")).of("ann").send().await;
        rig.get(&format!("/api/random{n}")).send().await;
    }
    let text = rig.world.parts.metrics.render().unwrap();
    let series: Vec<&str> =
        text.lines().filter(|line| line.starts_with("eventflow_http_requests_total{")).collect();
    assert_eq!(series.len(), 2, "{series:?}");
    assert!(
        series.iter().any(|line| line.contains("/api/v2/messages/{id}") && line.ends_with(" 20")),
        "{series:?}"
    );
}

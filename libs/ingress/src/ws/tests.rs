//! The gateway as a client sees it, over a real `WebSocket` on loopback.

use crate::IngressConfig;
use crate::testing::{NOW, World};
use crate::ws::application::AUTHENTICATION_TIMEOUT;
use crate::ws::{Gateway, upkeep};
use eventflow_bus::handler::{Handler as _, Item};
use eventflow_ports::Registry as _;
use eventflow_protocol::event::Delivery;
use eventflow_protocol::{ErrorCode, EventId, GatewayId, ThreadId, UserId};
use eventflow_socketio::Config;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::sync::CancellationToken;

/// Nothing here takes this long; it only keeps a broken test from hanging.
const PATIENCE: Duration = Duration::from_secs(10);

struct Rig {
    world: World,
    gateway: Gateway,
    address: SocketAddr,
    shutdown: CancellationToken,
}

impl Rig {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(configure: impl FnOnce(&mut IngressConfig)) -> Self {
        Self::start(World::with(configure).await, AUTHENTICATION_TIMEOUT).await
    }

    async fn with_deadline(authentication_timeout: Duration) -> Self {
        Self::start(World::new().await, authentication_timeout).await
    }

    async fn start(world: World, timeout: Duration) -> Self {
        let id = GatewayId::from("g1");
        let (gateway, upkeep) = Gateway::with_deadline(&world.parts, id, Config::default(), timeout).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
        let router = gateway.router();
        world.tracker.spawn(upkeep.run(shutdown.clone()));
        let stop = shutdown.clone();
        world.tracker.spawn(async move {
            let served = axum::serve(listener, router);
            tokio::select! {
                result = served => result.unwrap(),
                () = stop.cancelled() => {}
            }
        });
        Self { world, gateway, address, shutdown }
    }

    /// Opens a WebSocket with these headers.
    async fn open(&self, headers: &[(&'static str, String)]) -> Result<Client, Error> {
        let mut request = format!("ws://{}/socket.io/?EIO=4&transport=websocket", self.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, _) = client_async(request, TcpStream::connect(self.address).await.unwrap()).await?;
        let mut client = Client { socket, acks: 0 };
        assert!(client.frame().await.starts_with('0'), "the OPEN packet comes first");
        Ok(client)
    }

    /// A client that presents a token in the handshake.
    async fn client(&self, user: &str) -> Client {
        let mut client = self.open(&[]).await.unwrap();
        let connected = client.connect(&json!({"token": self.world.token(user)})).await;
        assert!(connected.starts_with("40{"), "{connected}");
        client
    }

    fn cookie(&self, user: &str) -> Vec<(&'static str, String)> {
        vec![("cookie", format!("token={}", self.world.token(user))), ("origin", format!("http://{}", self.address))]
    }

    /// What fan-out would send for a stored message.
    async fn deliver(&self, id: EventId, thread: ThreadId, content: &str) {
        let payload = json!({"message": {"threadId": thread, "content": content}}).to_string();
        let item = item(id, thread, "message:received", payload);
        self.gateway.deliveries().perform(&[item]).await.unwrap();
    }

    async fn is_located(&self, user: &str) -> bool {
        let user: UserId = user.parse().unwrap();
        self.world.registry.locate(std::slice::from_ref(&user)).await.unwrap().gateways.contains_key(&user)
    }
}

fn item(event_id: EventId, thread_id: ThreadId, name: &str, payload: String) -> Item<Delivery> {
    let value =
        Delivery { event_id, thread_id, name: name.into(), payload, membership_changed: true, accepted_at: NOW, repeated: false };
    Item { id: event_id.0, attempt: 0, redelivered: false, value, reply_to: None }
}

fn new_event() -> EventId {
    EventId(uuid::Uuid::now_v7())
}

struct Client {
    socket: WebSocketStream<TcpStream>,
    acks: u32,
}

impl Client {
    /// The next frame's text, heartbeats answered; `closed` when the connection ends.
    async fn frame(&mut self) -> String {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a frame in time");
            match next {
                Some(Ok(Message::Text(text))) if text.as_str() == "2" => self.send("3").await,
                Some(Ok(Message::Text(text))) => return text.as_str().to_owned(),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return "closed".to_owned(),
                Some(Ok(_)) => {}
            }
        }
    }

    async fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    async fn connect(&mut self, auth: &Value) -> String {
        self.send(&format!("40{auth}")).await;
        self.frame().await
    }

    async fn emit(&mut self, name: &str, body: &Value) {
        self.send(&format!("42{}", json!([name, body]))).await;
    }

    /// Emits with a callback and gives its argument; events that come before it are dropped.
    async fn ask(&mut self, name: &str, body: &Value) -> Value {
        self.acks += 1;
        let (id, prefix) = (self.acks, format!("43{}", self.acks));
        self.send(&format!("42{id}{}", json!([name, body]))).await;
        loop {
            let frame = self.frame().await;
            assert_ne!(frame, "closed");
            if let Some(arguments) = frame.strip_prefix(&prefix) {
                return serde_json::from_str::<Vec<Value>>(arguments).unwrap().remove(0);
            }
        }
    }

    /// The next event of this name.
    async fn event(&mut self, name: &str) -> Value {
        loop {
            let frame = self.frame().await;
            assert_ne!(frame, "closed", "waiting for {name}");
            let Some(event) = frame.strip_prefix("42") else { continue };
            let mut arguments: Vec<Value> = serde_json::from_str(event).unwrap();
            if arguments[0] == name {
                return arguments.remove(1);
            }
        }
    }

    async fn until_closed(&mut self) {
        while self.frame().await != "closed" {}
    }
}

#[tokio::test]
async fn a_message_is_acknowledged_confirmed_and_heard_by_every_participant() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, mut bob, mut eve) = (rig.client("ann").await, rig.client("bob").await, rig.client("eve").await);
    let body = json!({"threadId": thread, "content": "a < b <3", "attachments": [], "clientMessageId": "k1"});
    let ack = ann.ask("message:send", &body).await;
    assert_eq!(
        (&ack["success"], &ack["message"]["content"], &ack["message"]["seq"]),
        (&json!(true), &json!("a < b <3"), &json!(1))
    );
    let sent = ann.event("message:sent").await;
    assert_eq!((&sent["clientMessageId"], &sent["message"]), (&json!("k1"), &ack["message"]));
    rig.deliver(new_event(), thread, "hello").await;
    for client in [&mut ann, &mut bob] {
        assert_eq!(client.event("message:received").await["message"]["content"], "hello");
    }
    let to_eve = eve.ask("thread:join", &json!({"threadId": thread})).await;
    assert_eq!(to_eve["code"], "not_found", "the first thing eve hears is the answer to her own question");
}

#[tokio::test]
async fn an_event_that_is_delivered_twice_is_heard_once() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    let first = new_event();
    rig.deliver(first, thread, "one").await;
    rig.deliver(first, thread, "one").await;
    rig.deliver(new_event(), thread, "two").await;
    assert_eq!(ann.event("message:received").await["message"]["content"], "one");
    assert_eq!(ann.event("message:received").await["message"]["content"], "two");
    assert_eq!(rig.world.parts.metrics.edge.duplicates.get(), 1);
}

#[tokio::test]
async fn a_delivery_waits_while_the_store_cannot_say_who_is_in_the_thread() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    rig.world.store.is_down.store(true, SeqCst);
    let id = new_event();
    let batch = [item(id, thread, "x", "{}".into())];
    assert!(rig.gateway.deliveries().perform(&batch).await.is_err());
    rig.world.store.is_down.store(false, SeqCst);
    assert!(rig.gateway.deliveries().perform(&batch).await.is_ok());
    assert_eq!(ann.event("x").await, json!({}));
}

#[tokio::test]
async fn the_published_client_signs_in_with_its_cookie_and_confirms_by_auth() {
    let rig = Rig::new().await;
    let mut ann = rig.open(&rig.cookie("ann")).await.unwrap();
    assert!(ann.connect(&json!({})).await.starts_with("40{"));
    ann.emit("auth", &json!({"userId": "ann"})).await;
    assert_eq!(ann.event("auth:success").await, json!({"userId": "ann"}));
    ann.emit("auth", &json!({"userId": "bob"})).await;
    assert_eq!(ann.event("auth:error").await["code"], "forbidden");
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    assert_eq!(ann.ask("thread:join", &json!({"threadId": thread})).await["success"], true, "she is still herself");
}

#[tokio::test]
async fn a_user_id_alone_proves_nothing() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    for headers in [
        vec![],
        vec![("cookie", format!("token={}", rig.world.token("ann")))],
        vec![("cookie", "token=forged".to_owned()), ("origin", format!("http://{}", rig.address))],
    ] {
        let mut client = rig.open(&headers).await.unwrap();
        assert!(client.connect(&json!({})).await.starts_with("40{"), "{headers:?}");
        client.emit("auth", &json!({"userId": "ann"})).await;
        assert_eq!(client.event("auth:error").await["code"], "unauthenticated", "{headers:?}");
        let refused = client.ask("message:send", &json!({"threadId": thread, "content": "x"})).await;
        assert_eq!(refused["code"], "unauthenticated");
        assert!(!rig.is_located("ann").await);
    }
}

#[tokio::test]
async fn a_token_in_the_auth_event_signs_in() {
    let rig = Rig::new().await;
    let mut client = rig.open(&[]).await.unwrap();
    client.connect(&json!({})).await;
    let (ann, bob) = (rig.world.token("ann"), rig.world.token("bob"));
    assert_eq!(client.ask("auth", &json!({"token": ann, "userId": "bob"})).await["code"], "forbidden");
    assert_eq!(client.ask("auth", &json!({"token": "x"})).await["code"], "unauthenticated");
    assert_eq!(client.ask("auth", &json!({"token": ann})).await, json!({"success": true, "userId": "ann"}));
    assert!(rig.is_located("ann").await);
    assert_eq!(client.ask("auth", &json!({"token": bob})).await["code"], "forbidden", "a socket never changes hands");
}

#[tokio::test]
async fn a_bad_token_in_the_handshake_refuses_the_connection_with_a_code() {
    let rig = Rig::new().await;
    let old = rig.world.token("ann");
    rig.world.clock.advance(3_661_000);
    for (auth, code) in [
        (json!({"token": "x"}), "unauthenticated"),
        (json!({"token": old}), "token_expired"),
        (json!({"token": {"a": 1}}), "invalid"),
    ] {
        let mut client = rig.open(&rig.cookie("ann")).await.unwrap();
        let refused = client.connect(&auth).await;
        let body: Value = serde_json::from_str(refused.strip_prefix("44").unwrap()).unwrap();
        assert_eq!(body["data"]["code"], code, "{body}");
    }
    let mut client = rig.open(&[("authorization", "Bearer x".into())]).await.unwrap();
    assert!(client.connect(&json!({})).await.starts_with("44{"));
}

#[tokio::test]
async fn foreign_origins_get_403() {
    let rig = Rig::new().await;
    for origin in ["https://evil.test", "null", "http://127.0.0.1.evil.test"] {
        let refused = rig.open(&[("origin", origin.to_owned())]).await.err();
        assert!(matches!(&refused, Some(Error::Http(response)) if response.status() == 403), "{origin}: {refused:?}");
    }
}

#[tokio::test]
async fn a_user_is_located_before_the_connect_answer_and_forgotten_after_the_drain() {
    let rig = Rig::new().await;
    let _ann = rig.client("ann").await;
    assert!(rig.is_located("ann").await);
    rig.gateway.drain(Duration::ZERO).await;
    rig.shutdown.cancel();
    rig.world.tracker.close();
    drop((rig.gateway, rig.world.parts));
    rig.world.tracker.wait().await;
    let ann: UserId = "ann".parse().unwrap();
    assert!(rig.world.registry.locate(&[ann]).await.unwrap().gateways.is_empty());
}

#[tokio::test]
async fn a_drained_client_gets_no_disconnect_packet() {
    let rig = Rig::new().await;
    let mut ann = rig.client("ann").await;
    let (drained, last) = tokio::join!(rig.gateway.drain(Duration::ZERO), ann.frame());
    assert_eq!(((), "closed"), (drained, last.as_str()));
    assert!(rig.open(&[]).await.is_err(), "nobody is let in any more");
}

#[tokio::test]
async fn malformed_events_are_refused_with_the_reason() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    for (name, body, code) in [
        ("message:send", json!("x"), "invalid"),
        ("message:send", json!([1]), "invalid"),
        ("message:send", json!(null), "invalid"),
        ("message:send", json!({"threadId": thread}), "invalid"),
        ("message:send", json!({"threadId": {"$ne": 1}, "content": "x"}), "invalid"),
        ("message:send", json!({"threadId": "thread123", "content": "x"}), "not_found"),
        ("message:send", json!({"threadId": "0123456789abcdef01234567", "content": "x"}), "not_found"),
        ("message:send", json!({"threadId": thread, "content": "x".repeat(10_001)}), "invalid"),
        ("thread:join", json!({}), "invalid"),
        ("thread:leave", json!({"threadId": "0123456789abcdef01234567"}), "not_found"),
        ("auth", json!({}), "invalid"),
        ("auth", json!({"userId": {"$ne": ""}}), "invalid"),
        ("no:such:event", json!({}), "unknown"),
    ] {
        let ack = ann.ask(name, &body).await;
        assert_eq!((&ack["success"], &ack["code"]), (&json!(false), &json!(code)), "{name} {body}");
    }
    assert_eq!(ann.ask("thread:leave", &json!({"threadId": thread})).await["success"], true);
}

#[tokio::test]
async fn refusals_without_a_callback_come_as_events() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    ann.emit("message:send", &json!({"threadId": thread, "content": "", "clientMessageId": "k9"})).await;
    let error = ann.event("message:error").await;
    assert_eq!(
        (&error["code"], &error["clientMessageId"], &error["threadId"]),
        (&json!("invalid"), &json!("k9"), &json!(thread))
    );
    ann.emit("no:such:event", &json!({})).await;
    assert_eq!(ann.event("error").await["code"], "unknown");
    ann.emit("thread:join", &json!({})).await;
    assert_eq!(ann.event("error").await["event"], "thread:join");
}

#[tokio::test]
async fn a_binary_event_is_refused() {
    let rig = Rig::new().await;
    let mut ann = rig.client("ann").await;
    ann.send(r#"451-["message:send",{"_placeholder":true,"num":0}]"#).await;
    ann.socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    let error = ann.event("message:error").await;
    assert_eq!((&error["code"], &error["error"]), (&json!("invalid"), &json!("binary events are not accepted")));
}

#[tokio::test]
async fn the_event_after_the_limit_is_refused_but_typing_and_unknown_events_cost_nothing() {
    let rig = Rig::with(|config| config.events_per_minute = 5).await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    for n in 0..50 {
        let name = if n % 2 == 0 { "typing:start" } else { "whatever" };
        ann.emit(name, &json!({"threadId": thread})).await;
    }
    let send = json!({"threadId": thread, "content": "x"});
    for _ in 0..5 {
        assert_eq!(ann.ask("message:send", &send).await["success"], true);
    }
    assert_eq!(ann.ask("message:send", &send).await["code"], "rate_limited");
    let mut second = rig.client("ann").await;
    assert_eq!(second.ask("message:send", &send).await["success"], true, "each socket has its own window");
}

#[tokio::test]
async fn messages_of_one_socket_are_stored_in_the_order_they_were_sent() {
    let rig = Rig::with(|config| config.events_per_minute = 0).await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    for n in 0..200 {
        ann.emit("message:send", &json!({"threadId": thread, "content": n.to_string()})).await;
    }
    let mut seqs: Vec<(u64, String)> = Vec::new();
    for _ in 0..200 {
        let sent = ann.event("message:sent").await;
        seqs.push((sent["message"]["seq"].as_u64().unwrap(), sent["message"]["content"].as_str().unwrap().to_owned()));
    }
    seqs.sort();
    assert!(seqs.iter().zip(0_u64..).all(|((seq, content), n)| *seq == n + 1 && *content == n.to_string()));
}

#[tokio::test]
async fn outages_and_refusals_of_the_worker_reach_the_sender_without_internals() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    let send = json!({"threadId": thread, "content": "x", "clientMessageId": "k"});
    rig.world.refuse_all(ErrorCode::KeyReused);
    assert_eq!(ann.ask("message:send", &send).await["code"], "key_reused");
    assert_eq!(ann.event("message:error").await["clientMessageId"], "k");
    rig.world.disconnect_broker();
    let refused = ann.ask("message:send", &send).await;
    assert_eq!(refused["code"], "unavailable");
    assert!(!refused.to_string().contains("secret-host"));
}

#[tokio::test]
async fn a_slow_store_means_queued_after_three_seconds() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    rig.world.silence_worker();
    let ack = ann.ask("message:send", &json!({"threadId": thread, "content": "x"})).await;
    assert_eq!((&ack["success"], &ack["status"]), (&json!(true), &json!("queued")));
    assert_eq!(ann.event("message:queued").await["commandId"], ack["commandId"]);
}

#[tokio::test]
async fn a_recovered_session_gets_what_it_missed_and_one_of_an_older_generation_starts_anew() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let auth = |pid: &str, offset: &str| json!({"token": rig.world.token("ann"), "pid": pid, "offset": offset});
    let mut ann = rig.open(&[]).await.unwrap();
    let connected: Value = serde_json::from_str(&ann.connect(&json!({"token": rig.world.token("ann")})).await[2..]).unwrap();
    let pid = connected["pid"].as_str().unwrap().to_owned();
    rig.deliver(new_event(), thread, "one").await;
    let frame = ann.frame().await;
    let offset = serde_json::from_str::<Vec<Value>>(&frame[2..]).unwrap()[2].as_str().unwrap().to_owned();
    drop(ann);
    rig.deliver(new_event(), thread, "missed").await;
    let mut back = rig.open(&[]).await.unwrap();
    let again: Value = serde_json::from_str(&back.connect(&auth(&pid, &offset)).await[2..]).unwrap();
    assert_eq!(again["sid"], connected["sid"]);
    assert_eq!(back.event("message:received").await["message"]["content"], "missed");
    assert!(rig.is_located("ann").await);

    rig.gateway.restart_sessions();
    back.until_closed().await;
    let mut fresh = rig.open(&[]).await.unwrap();
    let fresh: Value = serde_json::from_str(&fresh.connect(&auth(&pid, &offset)).await[2..]).unwrap();
    assert_ne!(fresh["sid"], connected["sid"]);
}

#[tokio::test]
async fn somebody_else_does_not_recover_the_session() {
    let rig = Rig::new().await;
    let mut ann = rig.open(&[]).await.unwrap();
    let connected: Value = serde_json::from_str(&ann.connect(&json!({"token": rig.world.token("ann")})).await[2..]).unwrap();
    drop(ann);
    for auth in [json!({"pid": connected["pid"], "token": rig.world.token("eve")}), json!({"pid": connected["pid"]})] {
        let mut eve = rig.open(&[]).await.unwrap();
        let other: Value = serde_json::from_str(&eve.connect(&auth).await[2..]).unwrap();
        assert_ne!(other["sid"], connected["sid"]);
    }
}

#[tokio::test]
async fn a_socket_nobody_authenticates_on_is_closed_in_time() {
    let rig = Rig::with_deadline(Duration::from_millis(50)).await;
    let mut client = rig.open(&[]).await.unwrap();
    assert!(client.connect(&json!({})).await.starts_with("40{"));
    assert_eq!(client.event("auth:error").await["code"], "unauthenticated");
    client.until_closed().await;
}

#[tokio::test]
async fn a_socket_ends_with_its_token() {
    let rig = Rig::new().await;
    let mut ann = rig.client("ann").await;
    upkeep::end_expired(&rig.gateway.shared);
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    assert_eq!(ann.ask("thread:join", &json!({"threadId": thread})).await["success"], true, "not before");
    rig.world.clock.advance(3_661_000);
    upkeep::end_expired(&rig.gateway.shared);
    assert_eq!(ann.event("auth:error").await["code"], "token_expired");
    ann.until_closed().await;
}

/// Keeps the rig's parts shareable between tasks, as a server needs them.
#[test]
fn a_gateway_can_be_shared_between_threads() {
    fn is_shareable<T: Send + Sync + Clone + 'static>() {}
    is_shareable::<Gateway>();
    is_shareable::<Arc<crate::ws::Deliveries>>();
}

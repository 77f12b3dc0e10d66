//! The gateway as a client sees it, over a real `WebSocket` on loopback.

mod budgets;
mod change_message;
mod credentials;
mod drafts;
mod groups;
mod joins;
mod leaving;
mod limits;
mod presence;
mod receipts;
mod recovery_room;
mod resume;
mod revocation;
mod rig;
mod scheduled;
mod shedding;
mod sync;
mod token_places;
mod typing;

use crate::ws::Gateway;
use eventflow_bus::handler::BatchHandler as _;
use eventflow_ports::Registry as _;
use eventflow_protocol::{ErrorCode, UserId};
use futures_util::SinkExt as _;
use rig::{Rig, item, new_event};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use tokio_tungstenite::tungstenite::{Error, Message};

#[tokio::test]
async fn a_message_is_acknowledged_confirmed_and_heard_by_every_participant() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    let mut bob = rig.client("bob").await;
    let mut eve = rig.client("eve").await;
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
    assert_eq!(
        ann.ask("thread:join", &json!({"threadId": thread})).await["success"],
        true,
        "she is still herself"
    );
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
    assert_eq!(
        client.ask("auth", &json!({"token": bob})).await["code"],
        "forbidden",
        "a socket never changes hands"
    );
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
        let mut client = rig.open(&[]).await.unwrap();
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
        assert!(
            matches!(&refused, Some(Error::Http(response)) if response.status() == 403),
            "{origin}: {refused:?}"
        );
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
    assert_eq!(
        (&error["code"], &error["error"]),
        (&json!("invalid"), &json!("binary events are not accepted"))
    );
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
    let rig = Rig::with(|config| (config.events_per_minute, config.events_per_minute_user) = (0, 0)).await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    for n in 0..200 {
        ann.emit("message:send", &json!({"threadId": thread, "content": n.to_string()})).await;
    }
    let mut seqs: Vec<(u64, String)> = Vec::new();
    for _ in 0..200 {
        let sent = ann.event("message:sent").await;
        seqs.push((
            sent["message"]["seq"].as_u64().unwrap(),
            sent["message"]["content"].as_str().unwrap().to_owned(),
        ));
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
    let auth =
        |pid: &str, offset: &str| json!({"token": rig.world.token("ann"), "pid": pid, "offset": offset});
    let mut ann = rig.open(&[]).await.unwrap();
    let connected: Value =
        serde_json::from_str(&ann.connect(&json!({"token": rig.world.token("ann")})).await[2..]).unwrap();
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

    rig.gateway.queue_made();
    back.until_closed().await;
    let mut fresh = rig.open(&[]).await.unwrap();
    let fresh: Value = serde_json::from_str(&fresh.connect(&auth(&pid, &offset)).await[2..]).unwrap();
    assert_ne!(fresh["sid"], connected["sid"]);
}

#[tokio::test]
async fn somebody_else_does_not_recover_the_session() {
    let rig = Rig::new().await;
    let mut ann = rig.open(&[]).await.unwrap();
    let connected: Value =
        serde_json::from_str(&ann.connect(&json!({"token": rig.world.token("ann")})).await[2..]).unwrap();
    drop(ann);
    for auth in
        [json!({"pid": connected["pid"], "token": rig.world.token("eve")}), json!({"pid": connected["pid"]})]
    {
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
    assert_eq!(rig.gateway.rooms.connection.expiry.end_expired(), 0);
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    assert_eq!(ann.ask("thread:join", &json!({"threadId": thread})).await["success"], true, "not before");
    rig.world.clock.advance(3_661_000);
    assert_eq!(rig.gateway.rooms.connection.expiry.end_expired(), 1);
    assert_eq!(rig.gateway.rooms.connection.expiry.end_expired(), 0, "what is being ended is counted once");
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

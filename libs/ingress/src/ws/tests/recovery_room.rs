//! What sessions keep for clients that are away has a bound; past it the history serves.

use super::rig::{Client, Rig, message_of, until};
use eventflow_protocol::ThreadId;
use eventflow_socketio::Recovery;
use serde_json::{Value, json};
use std::sync::Arc;

const KIB: usize = 1024;
const BOUNDS: usize = 256 * KIB;

/// A gateway whose sessions of one user may keep so much, and all together [`BOUNDS`].
async fn rig(one: usize) -> Rig {
    let bounds = Recovery { max_bytes_total: BOUNDS, max_bytes_per_account: one, ..Recovery::default() };
    Rig::with_recovery(bounds).await
}

/// Hands a delivery of this message to the gateway, with a text of 4 KiB.
async fn deliver(rig: &Rig, thread: ThreadId, seq: u64) {
    let mut delivery = message_of(thread, "bob", seq);
    let message = json!({"threadId": thread, "seq": seq, "content": "x".repeat(4 * KIB)});
    delivery.payload = json!({ "message": message }).to_string();
    rig.hand(delivery).await;
}

async fn lose(rig: &Rig, client: Client) {
    drop(client);
    let stats = Arc::clone(rig.gateway.server.stats());
    until("the session waits", || stats.parked.get() == 1).await;
}

#[tokio::test]
async fn who_was_away_while_too_much_came_is_not_recovered_and_gets_all_of_it_from_the_history() {
    let rig = rig(BOUNDS).await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.open(&[]).await.unwrap();
    let connected = ann.connect(&json!({"token": rig.world.token("ann")})).await;
    let first: Value = serde_json::from_str(&connected[2..]).unwrap();
    let mut bob = rig.client("bob").await;
    for number in 1..=120 {
        bob.ask("message:send", &json!({"threadId": thread, "content": format!("message {number}")})).await;
    }
    drop(bob);
    deliver(&rig, thread, 1).await;
    ann.event("message:received").await;
    let offset = ann.offset.clone();
    let stats = Arc::clone(rig.gateway.server.stats());
    until("bob waits", || stats.parked.get() == 1).await;
    drop(ann);
    until("ann waits too", || stats.parked.get() == 2).await;
    for seq in 2..=120 {
        deliver(&rig, thread, seq).await;
        assert!(rig.gateway.server.kept_bytes() <= BOUNDS * 9 / 8 + 5 * KIB);
    }
    let mut ann = rig.open(&[]).await.unwrap();
    let auth = json!({"token": rig.world.token("ann"), "pid": first["pid"], "offset": offset});
    let connected = ann.connect(&auth).await;
    assert!(!connected.contains(first["sid"].as_str().unwrap()), "{connected}");
    for seq in 2..=120 {
        assert_eq!(ann.event("message:received").await["message"]["seq"], seq);
    }
}

#[tokio::test]
async fn answers_that_are_kept_for_a_lost_session_count_for_who_asked() {
    let one = BOUNDS / 4;
    let rig = rig(one).await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    let long = json!({"threadId": thread, "content": "\u{1F600}".repeat(8_000), "clientMessageId": "key"});
    ann.ask("message:send", &long).await;
    for _ in 0..20 {
        ann.emit("message:send", &json!({"threadId": thread, "content": "x", "clientMessageId": "key"}))
            .await;
    }
    ann.event("message:sent").await;
    lose(&rig, ann).await;
    let stats = Arc::clone(rig.gateway.server.stats());
    until("some answers are forgotten", || stats.forgotten_for_account.get() >= 10).await;
    assert!(rig.gateway.server.kept_bytes() <= one * 9 / 8 + 33 * KIB);
}

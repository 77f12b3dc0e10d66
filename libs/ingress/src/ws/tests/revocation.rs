//! Credentials that were taken back: their sockets end at once, and nobody comes in on them.

use super::rig::{Client, Rig, new_event, until, user};
use crate::testing::NOW;
use eventflow_protocol::Timestamp;
use eventflow_protocol::event::{Audience, GatewayEvent};
use eventflow_protocol::person::{Disconnection, Revocation};
use serde_json::{Value, json};

/// What fan-out sends to every gateway.
async fn revoke(rig: &Rig, session: Option<String>, at: Timestamp) {
    let revocation = Revocation { user_id: user("ann"), session, at };
    rig.world.directory.add(revocation.clone());
    let mut delivery = GatewayEvent::new(new_event(), Audience::Gateways, "revoked", "{}".into(), at);
    delivery.revocation = Some(revocation);
    rig.hand(delivery).await;
}

#[tokio::test]
async fn every_socket_of_a_user_ends_and_none_comes_back_on_the_old_token() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let old = rig.world.token("ann");
    let mut first = rig.client("ann").await;
    let mut second = rig.client("ann").await;
    let mut bob = rig.client("bob").await;
    revoke(&rig, None, Timestamp(NOW.0 + 1_000)).await;
    for client in [&mut first, &mut second] {
        assert_eq!(client.event("auth:error").await["code"], "unauthenticated");
        client.until_closed().await;
    }
    assert_eq!(bob.ask("thread:join", &json!({"threadId": thread})).await["success"], true, "others stay");
    let mut again = rig.open(&[]).await.unwrap();
    assert!(again.connect(&json!({"token": old})).await.starts_with("44"));
    let mut by_event = rig.open(&[]).await.unwrap();
    by_event.connect(&json!({})).await;
    assert_eq!(by_event.ask("auth", &json!({"token": old})).await["code"], "unauthenticated");
    rig.world.clock.advance(2_000);
    let _fresh = rig.client("ann").await;
}

#[tokio::test]
async fn whom_an_operator_disconnects_is_told_why_and_may_come_back() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    let mut bob = rig.client("bob").await;
    let mut delivery = GatewayEvent::new(new_event(), Audience::Gateways, "disconnected", "{}".into(), NOW);
    delivery.disconnection = Some(Disconnection { user_id: user("ann"), why: "floods the lobby".into() });
    rig.hand(delivery).await;
    assert_eq!(ann.event("session:ended").await, json!({"reason": "floods the lobby"}));
    ann.until_closed().await;
    assert_eq!(bob.ask("thread:join", &json!({"threadId": thread})).await["success"], true, "others stay");
    let mut again = rig.client("ann").await;
    assert_eq!(again.ask("thread:join", &json!({"threadId": thread})).await["success"], true);
}

#[tokio::test]
async fn one_login_ends_and_the_others_of_the_user_stay() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let token = rig.world.token("ann");
    let session = crate::identity::Tokens::new(crate::testing::SECRET, rig.world.clock.clone())
        .unwrap()
        .verify(&token)
        .unwrap()
        .session;
    let mut lost = rig.open(&[]).await.unwrap();
    lost.connect(&json!({ "token": token })).await;
    let mut kept = rig.client("ann").await;
    revoke(&rig, Some(session.to_string()), NOW).await;
    assert_eq!(lost.event("auth:error").await["code"], "unauthenticated");
    lost.until_closed().await;
    assert_eq!(kept.ask("thread:join", &json!({"threadId": thread})).await["success"], true);
}

/// A client that signed in by event, and what it would present to have its session again.
async fn signed_in_by_event(rig: &Rig) -> (Client, Value) {
    let mut ann = rig.open(&[]).await.unwrap();
    let answer = ann.connect(&json!({})).await;
    let session: Value = serde_json::from_str(answer.strip_prefix("40").unwrap()).unwrap();
    assert_eq!(ann.ask("auth", &json!({"token": rig.world.token("ann")})).await["success"], true);
    (ann, json!({ "pid": session["pid"] }))
}

/// What a client that signed in by event and lost its line presents to have its session again.
async fn away_after_signing_in(rig: &Rig) -> Value {
    let (ann, presented) = signed_in_by_event(rig).await;
    let stats = rig.gateway.server.stats();
    drop(ann);
    until("she is parked", || stats.parked.get() == 1).await;
    presented
}

/// Whoever presents this is somebody new, whom nobody knows.
async fn is_nobody(rig: &Rig, presented: &Value) {
    let mut again = rig.open(&[]).await.unwrap();
    assert!(again.connect(presented).await.starts_with("40{"));
    assert_eq!(
        again.ask("thread:join", &json!({"threadId": "5f0c8a1be7d2434c9a6b1e02"})).await["code"],
        "unauthenticated"
    );
}

#[tokio::test]
async fn the_secret_of_a_session_does_not_outlive_its_login() {
    let rig = Rig::new().await;
    let (mut ann, presented) = signed_in_by_event(&rig).await;
    revoke(&rig, None, Timestamp(NOW.0 + 1_000)).await;
    assert_eq!(ann.event("auth:error").await["code"], "unauthenticated");
    ann.until_closed().await;
    is_nobody(&rig, &presented).await;
}

#[tokio::test]
async fn a_session_that_was_away_when_its_login_was_revoked_is_over() {
    let rig = Rig::new().await;
    let presented = away_after_signing_in(&rig).await;
    revoke(&rig, None, Timestamp(NOW.0 + 1_000)).await;
    is_nobody(&rig, &presented).await;
}

#[tokio::test]
async fn a_session_does_not_go_on_after_a_revocation_that_nobody_told_of() {
    let rig = Rig::new().await;
    let presented = away_after_signing_in(&rig).await;
    rig.world.directory.add(Revocation { user_id: user("ann"), session: None, at: Timestamp(NOW.0 + 1_000) });
    rig.gateway.rooms.edge.revocations.forget(&user("ann"));
    is_nobody(&rig, &presented).await;
    let mut again = rig.open(&[]).await.unwrap();
    let with_token = json!({ "pid": presented["pid"], "token": rig.world.token("ann") });
    let refused = again.connect(&with_token).await;
    assert!(refused.starts_with("44{") && refused.contains("revoked"), "{refused}");
}

#[tokio::test]
async fn a_session_does_not_go_on_on_a_token_that_has_expired() {
    let rig = Rig::new().await;
    let presented = away_after_signing_in(&rig).await;
    rig.world.clock.advance(3_700_000);
    // Whether the session is found ended already or ends now, nobody is let in on it.
    let mut again = rig.open(&[]).await.unwrap();
    assert!(again.connect(&presented).await.starts_with("40{"));
    again.send("429[\"thread:join\",{\"threadId\":\"5f0c8a1be7d2434c9a6b1e02\"}]").await;
    let answer = loop {
        let frame = again.frame().await;
        if frame == "closed" || frame.starts_with("439") {
            break frame;
        }
    };
    assert!(answer == "closed" || answer.contains("unauthenticated"), "{answer}");
    is_nobody(&rig, &presented).await;
}

//! Credentials that were taken back: their sockets end at once, and nobody comes in on them.

use super::rig::{Rig, new_event, user};
use crate::testing::NOW;
use eventflow_protocol::Timestamp;
use eventflow_protocol::event::{Audience, Delivery};
use eventflow_protocol::person::Revocation;
use serde_json::json;

/// What fan-out sends to every gateway.
async fn revoke(rig: &Rig, session: Option<String>, at: Timestamp) {
    let revocation = Revocation { user_id: user("ann"), session, at };
    rig.world.directory.add(revocation.clone());
    let mut delivery = Delivery::new(new_event(), Audience::Gateways, "revoked", "{}".into(), at);
    delivery.revocation = Some(revocation);
    rig.hand(delivery).await;
}

#[tokio::test]
async fn every_socket_of_a_user_ends_and_none_comes_back_on_the_old_token() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let old = rig.world.token("ann");
    let (mut first, mut second, mut bob) = (rig.client("ann").await, rig.client("ann").await, rig.client("bob").await);
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
async fn one_login_ends_and_the_others_of_the_user_stay() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let token = rig.world.token("ann");
    let session =
        crate::identity::Tokens::new(crate::testing::SECRET, rig.world.clock.clone()).unwrap().verify(&token).unwrap().session;
    let mut lost = rig.open(&[]).await.unwrap();
    lost.connect(&json!({ "token": token })).await;
    let mut kept = rig.client("ann").await;
    revoke(&rig, Some(session.to_string()), NOW).await;
    assert_eq!(lost.event("auth:error").await["code"], "unauthenticated");
    lost.until_closed().await;
    assert_eq!(kept.ask("thread:join", &json!({"threadId": thread})).await["success"], true);
}

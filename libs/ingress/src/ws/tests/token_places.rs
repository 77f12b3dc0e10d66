//! Where a token may stand, and what it is taken for on a connection that joins again.

use super::rig::{Rig, new_event, until};
use serde_json::{Value, json};
use std::sync::Arc;

#[tokio::test]
async fn a_token_is_understood_with_the_word_bearer_and_without_at_every_door() {
    let rig = Rig::new().await;
    let ann = rig.world.token("ann");
    for token in [ann.clone(), format!("Bearer {ann}"), format!("bearer  {ann} ")] {
        let mut by_header = rig.open(&[("authorization", token.clone())]).await.unwrap();
        by_header.connect(&json!({})).await;
        assert_eq!(by_header.ask("auth", &json!({"userId": "ann"})).await["success"], true, "{token}");
        let mut by_handshake = rig.open(&[]).await.unwrap();
        by_handshake.connect(&json!({"token": token})).await;
        assert_eq!(by_handshake.ask("auth", &json!({"userId": "ann"})).await["success"], true, "{token}");
        let mut by_event = rig.open(&[]).await.unwrap();
        by_event.connect(&json!({})).await;
        assert_eq!(by_event.ask("auth", &json!({"token": token})).await["success"], true, "{token}");
    }
}

#[tokio::test]
async fn a_token_in_the_url_is_answered_with_what_to_do_instead() {
    let rig = Rig::new().await;
    let query = format!("&token={}", rig.world.token("ann"));
    let mut client = rig.open_with(&query, &[]).await.unwrap();
    let refused = client.connect(&json!({})).await;
    let body: Value = serde_json::from_str(refused.strip_prefix("44").unwrap()).unwrap();
    assert_eq!(body["data"]["code"], "unauthenticated");
    assert!(body["message"].as_str().unwrap().contains("auth.token"), "{body}");
    let mut client = rig.open_with(&query, &[]).await.unwrap();
    let connected = client.connect(&json!({"token": rig.world.token("ann")})).await;
    assert!(connected.starts_with("40{"), "a token where it belongs counts: {connected}");
}

#[tokio::test]
async fn who_leaves_and_joins_again_on_one_connection_is_who_their_cookie_says() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.open(&rig.cookie("ann")).await.unwrap();
    ann.connect(&json!({})).await;
    ann.send("41").await;
    assert!(ann.connect(&json!({})).await.starts_with("40{"));
    assert_eq!(ann.ask("thread:join", &json!({"threadId": thread})).await["success"], true);
    rig.deliver(new_event(), thread, "hello").await;
    assert_eq!(ann.event("message:received").await["message"]["content"], "hello");
}

#[tokio::test]
async fn a_connection_on_which_nobody_signs_in_leaves_no_session_behind() {
    let rig = Rig::new().await;
    let mut client = rig.open(&[]).await.unwrap();
    client.connect(&json!({})).await;
    let _ann = rig.client("ann").await;
    drop(client);
    let stats = Arc::clone(rig.gateway.server.stats());
    until("it is gone", || stats.connected.get() == 1).await;
    assert_eq!(stats.parked.get(), 0);
}

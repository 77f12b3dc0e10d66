//! Typing: a flood of keys in, a few events out, and no message lost to it.

use super::rig::{Rig, until, user};
use eventflow_protocol::event::{Audience, GatewayEvent};
use eventflow_protocol::{EventId, Timestamp};
use serde_json::json;
use std::time::Instant;

#[tokio::test]
async fn a_minute_of_keys_costs_no_message_and_becomes_a_few_events() {
    let rig = Rig::with(|config| config.events_per_minute = 100).await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    let started = Instant::now();
    for n in 0..600 {
        ann.emit("typing:start", &json!({"threadId": thread})).await;
        if n % 6 == 0 {
            let sent = ann.ask("message:send", &json!({"threadId": thread, "content": n.to_string()})).await;
            assert_eq!(sent["success"], true, "{sent}");
        }
    }
    until("a start goes out", || !rig.typed().is_empty()).await;
    let most = started.elapsed().as_secs() / 2 + 1;
    assert!(rig.typed().len() as u64 <= most, "{:?}", rig.typed());
    assert_eq!(rig.typed()[0], ("ann".to_owned(), true));
}

#[tokio::test]
async fn a_stop_follows_a_start_and_the_end_of_the_connection_is_a_stop() {
    let rig = Rig::new().await;
    let (with_bob, with_eve) =
        (rig.world.store.thread_of(&["ann", "bob"]), rig.world.store.thread_of(&["ann", "eve"]));
    let mut ann = rig.client("ann").await;
    rig.world.clock.advance(7_000);
    assert_eq!(ann.ask("typing:stop", &json!({"threadId": with_bob})).await["success"], true);
    ann.emit("typing:start", &json!({"threadId": with_bob})).await;
    ann.emit("typing:stop", &json!({"threadId": with_bob})).await;
    assert_eq!(ann.ask("typing:start", &json!({"threadId": with_eve})).await["success"], true);
    until("start, stop, start", || rig.typed().len() == 3).await;
    drop(ann);
    until("the stop of the one who left", || rig.typed().len() == 4).await;
    assert_eq!(rig.typed().iter().map(|(_, types)| *types).collect::<Vec<_>>(), [true, false, true, false]);
}

#[tokio::test]
async fn the_stop_of_a_page_that_has_just_come_is_told_though_its_start_was_heard_elsewhere() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    for _ in 0..3 {
        assert_eq!(ann.ask("typing:stop", &json!({"threadId": thread})).await["success"], true);
    }
    until("the stop", || !rig.typed().is_empty()).await;
    assert_eq!(rig.typed(), [("ann".to_owned(), false)], "once");
}

#[tokio::test]
async fn whoever_has_sent_their_message_is_no_longer_shown_as_typing() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut bob = rig.client("bob").await;
    let typing = json!({"threadId": thread, "userId": "ann", "isTyping": true});
    let id = EventId(uuid::Uuid::now_v7());
    let update = "typing:update";
    rig.hand(GatewayEvent::new(id, Audience::Thread(thread), update, typing.to_string(), Timestamp(0))).await;
    assert_eq!(bob.event(update).await, typing);
    for (sender, seq) in [("bob", 1), ("ann", 2), ("ann", 3)] {
        rig.deliver_message(thread, sender, seq).await;
    }
    for seq in [1, 2] {
        assert_eq!(bob.event("message:received").await["message"]["seq"], seq);
    }
    let next = bob.frame().await;
    assert!(next.starts_with("42[\"typing:update\"") && next.contains("\"isTyping\":false"), "{next}");
    assert_eq!(bob.event("message:received").await["message"]["seq"], 3, "once");
}

#[tokio::test]
async fn nobody_hears_a_stranger_type() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut eve = rig.client("eve").await;
    eve.emit("typing:start", &json!({"threadId": thread})).await;
    for bad in [
        json!({"threadId": thread}),
        json!({"threadId": "nonsense"}),
        json!({"threadId": "0123456789abcdef01234567"}),
    ] {
        assert_eq!(eve.ask("typing:start", &bad).await["code"], "not_found");
    }
    assert_eq!(eve.ask("typing:start", &json!({})).await["code"], "invalid");
    let mut nobody = rig.open(&[]).await.unwrap();
    nobody.connect(&json!({})).await;
    assert_eq!(nobody.ask("typing:start", &json!({"threadId": thread})).await["code"], "unauthenticated");
    assert!(rig.typed().is_empty());
}

#[tokio::test]
async fn typing_is_heard_by_the_others_and_not_kept_for_anybody() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, mut bob) = (rig.client("ann").await, rig.client("bob").await);
    let payload = json!({"threadId": thread, "userId": "ann", "isTyping": true});
    let id = EventId(uuid::Uuid::now_v7());
    let mut delivery =
        GatewayEvent::new(id, Audience::Thread(thread), "typing:update", payload.to_string(), Timestamp(0));
    (delivery.ephemeral, delivery.except) = (true, Some(user("ann")));
    rig.hand(delivery).await;
    let frame = bob.frame().await;
    assert_eq!(frame, format!("42[\"typing:update\",{payload}]"), "no offset: it is not recovered");
    ann.send("421[\"thread:join\",{}]").await;
    assert!(
        ann.frame().await.starts_with("431["),
        "the first thing ann hears is the answer to her own question"
    );
}

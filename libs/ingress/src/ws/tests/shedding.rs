//! What an overloaded gateway does without, and what it never does without.

use super::rig::{Client, Rig, new_event, until, user};
use crate::testing::NOW;
use crate::ws::upstream::receipts::ROUND;
use eventflow_metrics::ShedKind;
use eventflow_protocol::ThreadId;
use eventflow_protocol::change::{AdvanceCursor, Cursor};
use eventflow_protocol::command::Command;
use eventflow_protocol::event::{Audience, GatewayEvent};
use serde_json::json;

/// Sheds the first `kinds` kinds from now on.
fn force(rig: &Rig, kinds: u8) {
    rig.gateway.rooms.shedding.force(kinds);
}

fn shed(rig: &Rig, what: ShedKind) -> u64 {
    rig.world.parts.metrics.edge.shed.of(what).get()
}

async fn types(rig: &Rig, thread: ThreadId, is_typing: bool) {
    let typing = json!({"threadId": thread, "userId": "ann", "isTyping": is_typing}).to_string();
    let mut delivery = GatewayEvent::new(new_event(), Audience::Thread(thread), "typing:update", typing, NOW);
    delivery.ephemeral = true;
    rig.hand(delivery).await;
}

async fn goes_away(rig: &Rig, name: &str) {
    let payload = json!({"userId": name, "status": "away", "lastSeen": NOW}).to_string();
    let mut delivery =
        GatewayEvent::new(new_event(), Audience::Watchers(user(name)), "presence:sync", payload, NOW);
    delivery.ephemeral = true;
    rig.hand(delivery).await;
}

/// The name of the next event.
async fn next_name(client: &mut Client) -> String {
    let frame = client.frame().await;
    let event: Vec<serde_json::Value> = serde_json::from_str(frame.trim_start_matches("42")).unwrap();
    event[0].as_str().unwrap().to_owned()
}

fn delivered(rig: &Rig) -> Vec<AdvanceCursor> {
    let changes = rig.changes().into_iter();
    let advances = changes
        .filter_map(|change| if let Command::AdvanceCursor(advance) = change { Some(advance) } else { None });
    advances.filter(|advance| advance.cursor == Cursor::Delivered).collect()
}

#[tokio::test]
async fn typing_goes_first_a_stop_is_told_and_a_message_comes_as_ever() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, mut bob) = (rig.client("ann").await, rig.client("bob").await);
    bob.ask("presence:sync", &json!({"userIds": ["ann"]})).await;
    bob.event("presence:sync").await;
    force(&rig, 1);
    assert_eq!(ann.ask("typing:start", &json!({"threadId": thread})).await["success"], true);
    let eve = rig.client("eve").await.ask("typing:start", &json!({"threadId": thread})).await;
    assert_eq!(eve["code"], "not_found", "{eve}");
    let sent = ann.ask("message:send", &json!({"threadId": thread, "content": "hello"})).await;
    assert_eq!(sent["success"], true, "{sent}");
    types(&rig, thread, true).await;
    types(&rig, thread, false).await;
    goes_away(&rig, "ann").await;
    rig.deliver_message(thread, "ann", 1).await;
    let heard = [next_name(&mut bob).await, next_name(&mut bob).await, next_name(&mut bob).await];
    assert_eq!(heard, ["typing:update", "presence:sync", "presence:update"], "the stop, and presence");
    assert_eq!(next_name(&mut bob).await, "message:received");
    assert!(rig.typed().is_empty(), "{:?}", rig.typed());
    assert_eq!((shed(&rig, ShedKind::Typing), shed(&rig, ShedKind::Presence)), (2, 0));
    force(&rig, 0);
    ann.emit("typing:start", &json!({"threadId": thread})).await;
    until("typing is told again", || !rig.typed().is_empty()).await;
}

#[tokio::test]
async fn presence_goes_second_and_what_is_asked_for_is_answered() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut bob = rig.client("bob").await;
    bob.ask("presence:sync", &json!({"userIds": ["ann"]})).await;
    bob.event("presence:sync").await;
    force(&rig, 2);
    goes_away(&rig, "ann").await;
    rig.deliver_message(thread, "ann", 1).await;
    assert_eq!(next_name(&mut bob).await, "message:received");
    assert_eq!(shed(&rig, ShedKind::Presence), 1);
    assert_eq!(bob.ask("presence:sync", &json!({"userIds": ["ann"]})).await["success"], true);
    assert_eq!(shed(&rig, ShedKind::Receipts), 0);
    until("receipts go", || !delivered(&rig).is_empty()).await;
}

#[tokio::test]
async fn receipts_go_last_and_wait_for_a_calmer_moment() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut bob = rig.client("bob").await;
    force(&rig, 3);
    for seq in 1..=20 {
        rig.deliver_message(thread, "ann", seq).await;
        assert_eq!(bob.event("message:received").await["message"]["seq"], seq);
    }
    let none = tokio::time::timeout(ROUND * 2, until("never", || !delivered(&rig).is_empty())).await;
    assert!(none.is_err(), "{:?}", delivered(&rig));
    assert_eq!(shed(&rig, ShedKind::Receipts), 20);
    force(&rig, 2);
    until("the receipt", || !delivered(&rig).is_empty()).await;
    let told: Vec<_> = delivered(&rig).into_iter().map(|one| (one.user_id, one.up_to)).collect();
    assert_eq!(told, [(user("bob"), Some(20))], "the newest of all that waited");
}

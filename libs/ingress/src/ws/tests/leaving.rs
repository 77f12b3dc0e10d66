//! Somebody leaves a thread: every gateway forgets them, tells them and the others, and shows them nothing
//! more.

use super::rig::{Rig, message_of, new_event, user};
use crate::testing::NOW;
use eventflow_ports::PresenceStore as _;
use eventflow_protocol::ThreadId;
use eventflow_protocol::event::{Audience, GatewayEvent};
use eventflow_protocol::presence::{DeviceSignal, DeviceState};
use serde_json::json;

/// What fan-out sends when somebody has left.
fn left(thread: ThreadId, name: &str) -> GatewayEvent {
    let payload = json!({"threadId": thread, "userId": name}).to_string();
    let mut delivery = GatewayEvent::new(new_event(), Audience::Thread(thread), "thread:left", payload, NOW);
    delivery.membership_changed = true;
    delivery.left = Some(user(name));
    delivery
}

fn came(name: &str) -> GatewayEvent {
    let payload = json!({"userId": name, "status": "online", "lastSeen": NOW}).to_string();
    let mut delivery =
        GatewayEvent::new(new_event(), Audience::Watchers(user(name)), "presence:sync", payload, NOW);
    delivery.ephemeral = true;
    delivery
}

#[tokio::test]
async fn who_has_left_hears_of_it_and_of_nothing_more() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob", "cat"]);
    let (mut ann, mut bob) = (rig.client("ann").await, rig.client("bob").await);
    rig.deliver_message(thread, "cat", 1).await;
    for client in [&mut ann, &mut bob] {
        client.event("message:received").await;
    }
    rig.world.store.remove(thread, "bob");
    rig.hand(left(thread, "bob")).await;
    for client in [&mut ann, &mut bob] {
        assert_eq!(client.event("thread:left").await["userId"], json!("bob"));
    }
    rig.deliver_message(thread, "cat", 2).await;
    assert_eq!(ann.event("message:received").await["message"]["seq"], json!(2));
    assert_eq!(bob.ask("thread:join", &json!({"threadId": thread})).await["code"], json!("not_found"));
    // The next event of his own comes right after his departure: nothing was in between.
    rig.hand(GatewayEvent::new(new_event(), Audience::User(user("bob")), "last", "{}".into(), NOW)).await;
    assert!(bob.frame().await.starts_with("42[\"last\""), "nothing of the thread came in between");
}

#[tokio::test]
async fn everybody_can_leave_and_the_last_one_is_told() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann"]);
    let mut ann = rig.client("ann").await;
    rig.world.store.remove(thread, "ann");
    rig.hand(left(thread, "ann")).await;
    assert_eq!(ann.event("thread:left").await["threadId"], json!(thread));
}

#[tokio::test]
async fn who_left_and_who_stayed_follow_each_other_no_more() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob", "cat"]);
    for name in ["ann", "bob", "cat"] {
        let state = DeviceState::Here { active_at: NOW, wants_away: false, parked: false };
        let signal = DeviceSignal { user_id: user(name), device: "d".into(), state, at: NOW };
        rig.world.presence.record(&[signal]).await.unwrap();
    }
    let (mut ann, mut bob) = (rig.client("ann").await, rig.client("bob").await);
    for client in [&mut ann, &mut bob] {
        client.emit("thread:join", &json!({"threadId": thread})).await;
        // The two others are shown, each under both names.
        for _ in 0..2 {
            client.event("presence:update").await;
        }
    }
    rig.world.store.remove(thread, "bob");
    rig.hand(left(thread, "bob")).await;
    for client in [&mut ann, &mut bob] {
        client.event("thread:left").await;
    }
    for name in ["ann", "bob"] {
        rig.hand(came(name)).await;
    }
    rig.hand(came("cat")).await;
    assert_eq!(ann.event("presence:sync").await["userId"], json!("cat"), "she does not hear of Bob");
    rig.hand(GatewayEvent::new(new_event(), Audience::User(user("bob")), "last", "{}".into(), NOW)).await;
    assert!(bob.frame().await.starts_with("42[\"last\""), "he hears of nobody");
    rig.hand(message_of(thread, "cat", 1)).await;
    ann.event("message:received").await;
}

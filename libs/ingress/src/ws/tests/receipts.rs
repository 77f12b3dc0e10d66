//! "Delivered": what was written to a recipient's socket is told, soon and coalesced.

use super::rig::{Rig, until, user};
use eventflow_protocol::ThreadId;
use eventflow_protocol::change::{AdvanceCursor, Cursor};
use eventflow_protocol::command::Command;
use serde_json::{Value, json};

fn delivered(rig: &Rig) -> Vec<AdvanceCursor> {
    let commands = rig.changes().into_iter();
    let advances =
        commands.filter_map(
            |command| if let Command::AdvanceCursor(advance) = command { Some(advance) } else { None },
        );
    advances.filter(|advance| advance.cursor == Cursor::Delivered).collect()
}

#[tokio::test]
async fn a_burst_becomes_one_receipt_of_each_recipient_who_is_here() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob", "zoe"]);
    let (_ann, mut bob) = (rig.client("ann").await, rig.client("bob").await);
    for seq in 1..=20 {
        rig.deliver_message(thread, "ann", seq).await;
    }
    assert_eq!(bob.event("message:received").await["message"]["seq"], 1);
    until("bob's receipt", || !delivered(&rig).is_empty()).await;
    let told: Vec<_> =
        delivered(&rig).into_iter().map(|one| (one.thread_id, one.user_id, one.up_to)).collect();
    assert_eq!(told, [(thread, user("bob"), Some(20))], "not the sender, not who is away");
}

#[tokio::test]
async fn large_threads_have_no_receipts() {
    let rig = Rig::new().await;
    let names: Vec<String> = (0..101).map(|n| format!("u{n:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (large, small) = (rig.world.store.thread_of(&names), rig.world.store.thread_of(&["u000", "u001"]));
    let _client = rig.client("u001").await;
    rig.deliver_message(large, "u000", 1).await;
    rig.deliver_message(small, "u000", 1).await;
    until("a receipt", || !delivered(&rig).is_empty()).await;
    assert_eq!(delivered(&rig).iter().map(|one| one.thread_id).collect::<Vec<ThreadId>>(), [small]);
}

#[tokio::test]
async fn what_was_kept_for_a_socket_is_delivered_when_it_is_back() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut bob = rig.open(&[]).await.unwrap();
    let connected: Value =
        serde_json::from_str(&bob.connect(&json!({"token": rig.world.token("bob")})).await[2..]).unwrap();
    rig.deliver(super::new_event(), thread, "one").await;
    let frame = bob.frame().await;
    let offset = serde_json::from_str::<Vec<Value>>(&frame[2..]).unwrap()[2].as_str().unwrap().to_owned();
    drop(bob);
    let is_away = || !rig.gateway.rooms.sockets.hub.sockets().iter().any(|socket| socket.0.is_connected());
    until("bob is away", is_away).await;
    rig.deliver_message(thread, "ann", 7).await;
    let mut back = rig.open(&[]).await.unwrap();
    back.connect(&json!({"token": rig.world.token("bob"), "pid": connected["pid"], "offset": offset})).await;
    assert_eq!(back.event("message:received").await["message"]["seq"], 7);
    until("bob's receipt", || !delivered(&rig).is_empty()).await;
    assert_eq!(delivered(&rig)[0].up_to, Some(7));
}

#[tokio::test]
async fn a_receipt_waits_while_the_broker_is_away() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let _bob = rig.client("bob").await;
    rig.world.disconnect_broker();
    rig.deliver_message(thread, "ann", 3).await;
    let series = |rig: &Rig| delivered(rig).len();
    tokio::time::timeout(crate::ws::upstream::receipts::ROUND * 3, until("never", || series(&rig) > 0))
        .await
        .unwrap_err();
    rig.world.reconnect_broker();
    until("the receipt", || series(&rig) == 1).await;
}

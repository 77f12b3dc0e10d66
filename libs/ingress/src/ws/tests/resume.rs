//! Clients whose gateway is another one now: every message exactly once, in order.

use super::rig::{Client, PATIENCE, Rig, incoming, message_of};
use eventflow_bus::handler::BatchHandler as _;
use eventflow_metrics::ResumeOutcome;
use eventflow_protocol::ThreadId;
use serde_json::{Value, json};
use std::sync::atomic::Ordering::SeqCst;

/// What a client remembers.
struct Memory {
    pid: Value,
    offset: Option<String>,
}

fn memory_of(connected: &str, offset: Option<&String>) -> Memory {
    let answer: Value = serde_json::from_str(connected.strip_prefix("40").unwrap()).unwrap();
    Memory { pid: answer["pid"].clone(), offset: offset.cloned() }
}

async fn come(rig: &Rig, user: &str, memory: Option<&Memory>) -> (Client, String) {
    let mut client = rig.open(&[]).await.unwrap();
    let mut auth = json!({ "token": rig.world.token(user) });
    if let Some(memory) = memory {
        auth["pid"] = memory.pid.clone();
        auth["offset"] = json!(memory.offset);
    }
    let connected = client.connect(&auth).await;
    (client, connected)
}

/// Stores messages without anybody hearing of them.
async fn store(rig: &Rig, thread: ThreadId, contents: &[&str]) {
    let mut bob = rig.client("bob").await;
    for content in contents {
        let stored = bob.ask("message:send", &json!({"threadId": thread, "content": content})).await;
        assert_eq!(stored["success"], true, "{stored}");
    }
}

async fn heard(client: &mut Client, count: usize) -> Vec<u64> {
    let mut seqs = Vec::new();
    for _ in 0..count {
        seqs.push(client.event("message:received").await["message"]["seq"].as_u64().unwrap());
    }
    seqs
}

/// A client that has heard the first of two stored messages, and then has to go.
async fn one_of_two_heard() -> (Rig, ThreadId, Memory) {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, connected) = come(&rig, "ann", None).await;
    store(&rig, thread, &["one", "two"]).await;
    rig.deliver_message(thread, "bob", 1).await;
    assert_eq!(heard(&mut ann, 1).await, [1]);
    let memory = memory_of(&connected, ann.offset.as_ref());
    (rig, thread, memory)
}

#[tokio::test]
async fn what_was_missed_comes_from_the_store_before_what_arrives_meanwhile() {
    let (rig, thread, memory) = one_of_two_heard().await;
    let rig = rig.with_another_gateway().await;
    let (mut ann, connected) = come(&rig, "ann", Some(&memory)).await;
    assert!(!connected.contains(memory.pid.as_str().unwrap()), "the session is a new one");
    store(&rig, thread, &["three"]).await;
    rig.deliver_message(thread, "bob", 3).await;
    rig.deliver_message(thread, "bob", 2).await;
    assert_eq!(heard(&mut ann, 2).await, [2, 3]);
    store(&rig, thread, &["four"]).await;
    for seq in [2, 3, 4] {
        rig.deliver_message(thread, "bob", seq).await;
    }
    assert_eq!(heard(&mut ann, 1).await, [4], "what she has is not repeated");
    assert_eq!(rig.world.parts.metrics.edge.resumed.of(ResumeOutcome::Resumed).get(), 1);
}

#[tokio::test]
async fn a_thread_that_was_silent_before_is_caught_up_from_the_beginning_of_the_session() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    store(&rig, thread, &["before she came"]).await;
    rig.world.clock.advance(1_000);
    let (ann, connected) = come(&rig, "ann", None).await;
    let memory = memory_of(&connected, ann.offset.as_ref());
    rig.world.clock.advance(1_000);
    store(&rig, thread, &["after"]).await;
    let rig = rig.with_another_gateway().await;
    let (mut ann, _) = come(&rig, "ann", Some(&memory)).await;
    assert_eq!(heard(&mut ann, 1).await, [2]);
}

#[tokio::test]
async fn while_the_store_is_away_live_messages_wait_too() {
    let (rig, thread, memory) = one_of_two_heard().await;
    let rig = rig.with_another_gateway().await;
    rig.deliver_message(thread, "bob", 1).await;
    let (mut ann, _) = come(&rig, "ann", Some(&memory)).await;
    store(&rig, thread, &["three"]).await;
    rig.world.store.is_down.store(true, SeqCst);
    rig.deliver_message(thread, "bob", 3).await;
    // sleep: so long the store is away
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    rig.world.store.is_down.store(false, SeqCst);
    assert_eq!(heard(&mut ann, 2).await, [2, 3]);
}

#[tokio::test]
async fn who_leaves_a_thread_while_being_caught_up_hears_nothing_more_of_it() {
    let (rig, thread, memory) = one_of_two_heard().await;
    let rig = rig.with_another_gateway().await;
    rig.world.store.is_down.store(true, SeqCst);
    let (mut ann, _) = come(&rig, "ann", Some(&memory)).await;
    rig.deliver_message(thread, "bob", 2).await;
    rig.world.store.remove(thread, "ann");
    rig.world.store.is_down.store(false, SeqCst);
    let own = rig.world.store.thread_of(&["ann", "bob", "cat"]);
    store(&rig, own, &["in another thread"]).await;
    rig.deliver_message(own, "bob", 1).await;
    let heard = ann.event("message:received").await;
    assert_eq!((&heard["message"]["threadId"], &heard["message"]["seq"]), (&json!(own), &json!(1)));
}

#[tokio::test]
async fn who_loses_the_line_while_being_caught_up_gets_the_rest_on_the_next_one() {
    let (rig, _, memory) = one_of_two_heard().await;
    let rig = rig.with_another_gateway().await;
    rig.world.store.is_down.store(true, SeqCst);
    let (ann, connected) = come(&rig, "ann", Some(&memory)).await;
    let own = memory_of(&connected, None);
    drop(ann);
    let (mut ann, connected) = come(&rig, "ann", Some(&own)).await;
    assert!(connected.contains(own.pid.as_str().unwrap()), "the session goes on");
    rig.world.store.is_down.store(false, SeqCst);
    assert_eq!(heard(&mut ann, 1).await, [2]);
}

#[tokio::test]
async fn without_a_journal_only_what_arrives_is_heard() {
    let (rig, thread, mut memory) = one_of_two_heard().await;
    memory.pid = json!("aaaaaaaaaaaaaaaaaaaa.nowhere.abcd1.1.1");
    let rig = rig.with_another_gateway().await;
    let (mut ann, _) = come(&rig, "ann", Some(&memory)).await;
    store(&rig, thread, &["three"]).await;
    rig.deliver_message(thread, "bob", 3).await;
    assert_eq!(heard(&mut ann, 1).await, [3]);
    assert_eq!(rig.world.parts.metrics.edge.resumed.of(ResumeOutcome::Unknown).get(), 1);
}

#[tokio::test]
async fn a_session_of_somebody_else_brings_nothing_of_theirs() {
    let (rig, _, memory) = one_of_two_heard().await;
    let rig = rig.with_another_gateway().await;
    let (mut eve, _) = come(&rig, "eve", Some(&memory)).await;
    let own = rig.world.store.thread_of(&["eve", "bob"]);
    store(&rig, own, &["for eve"]).await;
    rig.deliver_message(own, "bob", 1).await;
    let first = eve.event("message:received").await;
    assert_eq!(first["message"]["threadId"], json!(own));
}

#[tokio::test]
async fn when_something_addressed_to_this_gateway_was_lost_its_own_journal_serves() {
    let (rig, _, memory) = one_of_two_heard().await;
    rig.gateway.queue_made();
    let (mut ann, connected) = come(&rig, "ann", Some(&memory)).await;
    assert!(!connected.contains(memory.pid.as_str().unwrap()));
    assert_eq!(heard(&mut ann, 1).await, [2]);
}

#[tokio::test]
async fn another_change_of_gateways_repeats_nothing() {
    let (rig, thread, memory) = one_of_two_heard().await;
    let rig = rig.with_another_gateway().await;
    let (mut ann, connected) = come(&rig, "ann", Some(&memory)).await;
    assert_eq!(heard(&mut ann, 1).await, [2]);
    let memory = memory_of(&connected, ann.offset.as_ref());
    store(&rig, thread, &["three"]).await;
    let rig = rig.with_another_gateway().await;
    let (mut ann, _) = come(&rig, "ann", Some(&memory)).await;
    assert_eq!(heard(&mut ann, 1).await, [3]);
}

#[tokio::test]
async fn another_change_of_gateways_while_being_caught_up_loses_nothing() {
    let (rig, thread, memory) = one_of_two_heard().await;
    let rig = rig.with_another_gateway().await;
    store(&rig, thread, &["three"]).await;
    rig.deliver_message(thread, "bob", 1).await;
    rig.world.store.is_down.store(true, SeqCst);
    let (mut ann, connected) = come(&rig, "ann", Some(&memory)).await;
    // Everybody else hears it, and she gets something behind it.
    rig.deliver_message(thread, "bob", 3).await;
    ann.emit("message:edit", &json!({})).await;
    ann.event("error").await;
    let memory = memory_of(&connected, ann.offset.as_ref());
    rig.gateway.rooms.background.stop();
    drop(ann);
    rig.world.store.is_down.store(false, SeqCst);
    let rig = rig.with_another_gateway().await;
    let (mut ann, _) = come(&rig, "ann", Some(&memory)).await;
    assert_eq!(heard(&mut ann, 2).await, [2, 3]);
}

#[tokio::test]
async fn what_arrived_live_after_a_catch_up_is_not_repeated_by_the_next_gateway() {
    let (rig, thread, memory) = one_of_two_heard().await;
    let rig = rig.with_another_gateway().await;
    let (mut ann, connected) = come(&rig, "ann", Some(&memory)).await;
    assert_eq!(heard(&mut ann, 1).await, [2]);
    store(&rig, thread, &["three", "four"]).await;
    rig.deliver_message(thread, "bob", 3).await;
    assert_eq!(heard(&mut ann, 1).await, [3]);
    let memory = memory_of(&connected, ann.offset.as_ref());
    let rig = rig.with_another_gateway().await;
    let (mut ann, _) = come(&rig, "ann", Some(&memory)).await;
    assert_eq!(heard(&mut ann, 1).await, [4]);
}

#[tokio::test]
async fn nothing_jumps_over_what_a_lost_queue_took_with_it() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, connected) = come(&rig, "ann", None).await;
    store(&rig, thread, &["one", "two", "three"]).await;
    rig.deliver_message(thread, "bob", 1).await;
    rig.gateway.queue_made();
    rig.deliver_message(thread, "bob", 3).await;
    ann.until_closed().await;
    let memory = memory_of(&connected, ann.offset.as_ref());
    let (mut ann, _) = come(&rig, "ann", Some(&memory)).await;
    assert_eq!(heard(&mut ann, 2).await, [2, 3]);
}

#[tokio::test]
async fn a_thread_that_was_silent_before_a_queue_was_lost_is_caught_up_too() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, connected) = come(&rig, "ann", None).await;
    store(&rig, thread, &["one", "two"]).await;
    rig.gateway.queue_made();
    rig.deliver_message(thread, "bob", 2).await;
    ann.until_closed().await;
    let memory = memory_of(&connected, ann.offset.as_ref());
    let (mut ann, _) = come(&rig, "ann", Some(&memory)).await;
    assert_eq!(heard(&mut ann, 2).await, [1, 2]);
}

#[tokio::test]
async fn an_answer_that_overtakes_a_message_does_not_count_it_as_heard() {
    let (rig, journal) = Rig::with_held_journal().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, connected) = come(&rig, "ann", None).await;
    store(&rig, thread, &["one"]).await;
    journal.hold(true);
    let answered = async {
        ann.emit("message:edit", &json!({})).await;
        ann.event("error").await;
    };
    tokio::select! {
        () = rig.deliver_message(thread, "bob", 1) => panic!("it was to be held up"),
        () = answered => {}
    }
    let memory = memory_of(&connected, ann.offset.as_ref());
    journal.hold(false);
    let rig = rig.with_another_gateway().await;
    let (mut ann, _) = come(&rig, "ann", Some(&memory)).await;
    assert_eq!(heard(&mut ann, 1).await, [1]);
}

#[tokio::test]
async fn what_was_heard_while_the_journal_did_not_answer_in_time_is_not_sent_again() {
    let (rig, journal) = Rig::with_held_journal().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, connected) = come(&rig, "ann", None).await;
    store(&rig, thread, &["one", "two", "three"]).await;
    rig.deliver_message(thread, "bob", 1).await;
    journal.fail(1);
    rig.deliver_message(thread, "bob", 2).await;
    assert_eq!(heard(&mut ann, 2).await, [1, 2]);
    let memory = memory_of(&connected, ann.offset.as_ref());
    let rig = rig.with_another_gateway().await;
    let (mut ann, _) = come(&rig, "ann", Some(&memory)).await;
    assert_eq!(heard(&mut ann, 1).await, [3]);
}

#[tokio::test]
async fn what_was_heard_without_a_journal_is_written_once_it_works_again() {
    let (rig, journal) = Rig::with_held_journal().await;
    let [thread, other] = [(); 2].map(|()| rig.world.store.thread_of(&["ann", "bob"]));
    let (mut ann, connected) = come(&rig, "ann", None).await;
    store(&rig, thread, &["one", "two", "three"]).await;
    rig.deliver_message(thread, "bob", 1).await;
    journal.fail(u32::MAX);
    rig.deliver_message(thread, "bob", 2).await;
    journal.fail(0);
    rig.deliver_message(other, "bob", 1).await;
    assert_eq!(heard(&mut ann, 3).await, [1, 2, 1]);
    let memory = memory_of(&connected, ann.offset.as_ref());
    let rig = rig.with_another_gateway().await;
    let (mut ann, _) = come(&rig, "ann", Some(&memory)).await;
    assert_eq!(heard(&mut ann, 1).await, [3]);
}

#[tokio::test]
async fn a_batch_whose_handling_was_cut_short_is_delivered_when_it_comes_again() {
    let (rig, journal) = Rig::with_held_journal().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, _) = come(&rig, "ann", None).await;
    let delivery = message_of(thread, "bob", 1);
    journal.hold(true);
    let cut_short =
        tokio::time::timeout(std::time::Duration::from_millis(50), rig.hand(delivery.clone())).await;
    assert!(cut_short.is_err(), "it was to be held up");
    journal.hold(false);
    let batch = [delivery.clone(), delivery.clone()].map(incoming);
    rig.gateway.deliveries().perform(&batch).await.unwrap();
    rig.hand(delivery).await;
    rig.deliver_message(thread, "bob", 2).await;
    assert_eq!(heard(&mut ann, 2).await, [1, 2]);
}

#[tokio::test]
async fn what_was_in_the_history_when_a_session_began_is_not_sent_to_it() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, _) = come(&rig, "ann", None).await;
    store(&rig, thread, &["one", "two", "three"]).await;
    rig.deliver_message(thread, "bob", 1).await;
    assert_eq!(heard(&mut ann, 1).await, [1]);
    drop(ann);
    rig.world.clock.advance(60_000);
    let (ann, connected) = come(&rig, "ann", None).await;
    rig.world.clock.advance(1_000);
    store(&rig, thread, &["four"]).await;
    let memory = memory_of(&connected, ann.offset.as_ref());
    let rig = rig.with_another_gateway().await;
    let (mut ann, _) = come(&rig, "ann", Some(&memory)).await;
    assert_eq!(heard(&mut ann, 1).await, [4]);
}

#[tokio::test]
async fn who_reads_slowly_while_being_caught_up_is_not_cut_and_holds_up_nobody() {
    let rig = Rig::with(|config| (config.events_per_minute, config.events_per_minute_user) = (0, 0)).await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, connected) = come(&rig, "ann", None).await;
    let long = "\u{1F600}".repeat(9_000);
    store(&rig, thread, &["one"]).await;
    rig.deliver_message(thread, "bob", 1).await;
    assert_eq!(heard(&mut ann, 1).await, [1]);
    let memory = memory_of(&connected, ann.offset.as_ref());
    store(&rig, thread, &vec![&*long; 400]).await;
    let rig = rig.with_another_gateway().await;
    let (mut ann, _) = come(&rig, "ann", Some(&memory)).await;
    // sleep: nothing is to happen for so long
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    let reads = &rig.gateway.rooms.presence.reads;
    assert_eq!(reads.available_permits(), crate::ws::resume::catch_up::READS_MAX, "nobody is read for");
    assert_eq!(
        rig.world.parts.metrics.edge.resumed.of(ResumeOutcome::Resumed).get(),
        0,
        "it waits for the client"
    );
    let all = tokio::time::timeout(PATIENCE, heard(&mut ann, 400)).await.unwrap();
    assert_eq!(all, (2..=401).collect::<Vec<u64>>());
}

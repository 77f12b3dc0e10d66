//! `sync`: what was missed, out of the store.

use super::rig::{Client, Rig, until};
use crate::testing::NOW;
use eventflow_protocol::ThreadId;
use eventflow_protocol::change::Cursor;
use eventflow_protocol::command::Command;
use serde_json::{Value, json};

async fn say(client: &mut Client, thread: ThreadId, count: usize, content: &str) {
    for n in 0..count {
        client.emit("message:send", &json!({"threadId": thread, "content": format!("{n} {content}")})).await;
    }
    for _ in 0..count {
        client.event("message:sent").await;
    }
}

fn seqs(part: &Value) -> Vec<u64> {
    part["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn everything_missed_comes_in_order_over_as_many_calls_as_it_takes() {
    let rig = Rig::with(|config| (config.events_per_minute, config.events_per_minute_user) = (0, 0)).await;
    let (first, second) =
        (rig.world.store.thread_of(&["ann", "bob"]), rig.world.store.thread_of(&["ann", "bob", "zoe"]));
    let (mut ann, mut bob) = (rig.client("ann").await, rig.client("bob").await);
    say(&mut ann, first, 620, "x").await;
    say(&mut ann, second, 3, "y").await;
    let (mut after, mut found) = ([5, 0], [Vec::new(), Vec::new()]);
    let mut calls = 0;
    loop {
        let threads =
            json!([{"threadId": first, "after": after[0]}, {"threadId": second, "after": after[1]}]);
        let answer = bob.ask("sync", &json!({ "threads": threads })).await;
        assert_eq!(answer["success"], true, "{answer}");
        calls += 1;
        let parts = answer["threads"].as_array().unwrap();
        for (index, part) in parts.iter().enumerate() {
            assert_eq!(part["gap"], false);
            found[index].extend(seqs(part));
            after[index] = found[index].last().copied().unwrap_or(after[index]);
        }
        if parts.iter().all(|part| part["complete"] == true) {
            break;
        }
    }
    assert_eq!(found, [(6..=620).collect::<Vec<u64>>(), vec![1, 2, 3]]);
    assert_eq!(calls, 2);
}

#[tokio::test]
async fn an_answer_is_bounded_by_what_was_asked_and_by_its_size() {
    let rig = Rig::with(|config| (config.events_per_minute, config.events_per_minute_user) = (0, 0)).await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, mut bob) = (rig.client("ann").await, rig.client("bob").await);
    say(&mut ann, thread, 80, &"long ".repeat(1_990)).await;
    let three = bob.ask("sync", &json!({"threads": [{"threadId": thread, "after": 2}], "limit": 3})).await;
    assert_eq!(
        (seqs(&three["threads"][0]), &three["threads"][0]["complete"]),
        (vec![3, 4, 5], &json!(false))
    );
    let large = bob.ask("sync", &json!({"threads": [{"threadId": thread}]})).await;
    assert!(large.to_string().len() < 600_000 && !seqs(&large["threads"][0]).is_empty());
    assert_eq!(large["threads"][0]["complete"], false);
    let all = bob.ask("sync", &json!({"threads": [{"threadId": thread, "after": 78}], "limit": 2})).await;
    assert_eq!((seqs(&all["threads"][0]), &all["threads"][0]["complete"]), (vec![79, 80], &json!(true)));
}

#[tokio::test]
async fn a_place_the_store_cannot_fill_is_said() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    say(&mut ann, thread, 2, "x").await;
    let part = |answer: &Value| answer["threads"][0].clone();
    let beyond = part(&ann.ask("sync", &json!({"threads": [{"threadId": thread, "after": 9}]})).await);
    assert_eq!((&beyond["gap"], &beyond["complete"], seqs(&beyond)), (&json!(true), &json!(true), vec![]));
    let known = part(&ann.ask("sync", &json!({"threads": [{"threadId": thread, "after": 2}]})).await);
    assert_eq!((&known["gap"], &known["complete"], seqs(&known)), (&json!(false), &json!(true), vec![]));
}

#[tokio::test]
async fn threads_of_others_are_refused_one_by_one_and_malformed_questions_as_a_whole() {
    let rig = Rig::new().await;
    let (own, other) =
        (rig.world.store.thread_of(&["ann", "bob"]), rig.world.store.thread_of(&["bob", "eve"]));
    let (mut ann, mut bob) = (rig.client("ann").await, rig.client("bob").await);
    say(&mut bob, own, 1, "x").await;
    let threads =
        json!([{"threadId": other}, {"threadId": "nonsense", "after": 1}, {"threadId": own, "after": null}]);
    let answer = ann.ask("sync", &json!({ "threads": threads })).await;
    assert_eq!(
        (&answer["threads"][0]["code"], &answer["threads"][1]["code"]),
        (&json!("not_found"), &json!("not_found"))
    );
    assert_eq!((&answer["threads"][0]["threadId"], seqs(&answer["threads"][2])), (&json!(other), vec![1]));
    let delivered = |command: &Command| matches!(command, Command::AdvanceCursor(one) if one.cursor == Cursor::Delivered && one.up_to == Some(1));
    until("what was read so is delivered", || rig.changes().iter().any(delivered)).await;
    for bad in [
        json!({"threads": "x"}),
        json!({"threads": [1]}),
        json!({"threads": [{}]}),
        json!({"threads": [{"threadId": own, "after": "1"}]}),
        json!({"threads": vec![json!({"threadId": own}); 101]}),
        json!({"limit": 0}),
        json!({"threadsAfter": "yesterday"}),
    ] {
        assert_eq!(ann.ask("sync", &bad).await["code"], "invalid", "{bad}");
    }
    rig.world.store.is_down.store(true, std::sync::atomic::Ordering::SeqCst);
    let away = ann.ask("sync", &json!({"threads": [{"threadId": own}]})).await;
    assert_eq!(away["code"], "unavailable");
}

#[tokio::test]
async fn threads_that_are_new_are_named_and_without_a_callback_the_answer_is_an_event() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    rig.world.store.thread_of(&["bob", "eve"]);
    let mut ann = rig.client("ann").await;
    let before = eventflow_protocol::Timestamp(NOW.0 - 1);
    ann.emit("sync", &json!({"threadsAfter": before})).await;
    assert_eq!(ann.event("sync").await["newThreads"], json!([thread]));
    assert_eq!(ann.ask("sync", &json!({"threadsAfter": NOW})).await["newThreads"], json!([]));
}

#[tokio::test]
async fn an_old_thread_that_was_written_to_is_named_as_new_threads_are() {
    let rig = Rig::new().await;
    let quiet = rig.world.store.thread_of(&["ann", "zoe"]);
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    rig.world.clock.advance(5_000);
    let mut bob = rig.client("bob").await;
    say(&mut bob, thread, 1, "are you there?").await;
    let mut ann = rig.client("ann").await;
    let since = |at| json!({"threadsAfter": eventflow_protocol::Timestamp(at)});
    assert_eq!(ann.ask("sync", &since(NOW.0 + 1)).await["newThreads"], json!([thread]));
    assert_eq!(ann.ask("sync", &since(NOW.0 - 1)).await["newThreads"], json!([thread, quiet]));
    assert_eq!(ann.ask("sync", &since(NOW.0 + 5_000)).await["newThreads"], json!([]));
}

#[tokio::test]
async fn what_changed_while_somebody_was_away_is_told() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, mut bob) = (rig.client("ann").await, rig.client("bob").await);
    say(&mut ann, thread, 4, "x").await;
    let first = bob.ask("sync", &json!({"threads": [{"threadId": thread}]})).await["threads"][0].clone();
    assert_eq!((&first["lastChange"], &first["changed"]), (&json!(0), &Value::Null));
    let ids: Vec<String> =
        first["messages"].as_array().unwrap().iter().map(|m| m["_id"].as_str().unwrap().into()).collect();
    for (event, body) in [
        ("message:edit", json!({"messageId": ids[0], "content": "edited"})),
        ("message:delete", json!({"messageId": ids[1]})),
        ("reaction:send", json!({"messageId": ids[3], "emoji": "👍"})),
        ("message:read", json!({"threadId": thread, "seq": 4})),
    ] {
        assert_eq!(ann.ask(event, &body).await["success"], true, "{event}");
    }
    say(&mut ann, thread, 1, "y").await;
    let ask = |after: u64, changes: u64, limit: u64| json!({"threads": [{"threadId": thread, "after": after, "changesAfter": changes}], "limit": limit});
    // Bob has three messages: the fourth and the fifth come as messages, as they are by now.
    let missed = bob.ask("sync", &ask(3, 0, 500)).await["threads"][0].clone();
    let changed = missed["changed"].as_array().unwrap();
    assert_eq!(changed.iter().map(|m| m["seq"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((&changed[0]["content"], &changed[1]["content"]), (&json!("edited"), &json!("")));
    assert_eq!((seqs(&missed), &missed["messages"][0]["reactions"][0]["emoji"]), (vec![4, 5], &json!("👍")));
    assert_eq!((&missed["complete"], &missed["gap"]), (&json!(true), &json!(false)));
    let anns = missed["cursors"].as_array().unwrap().iter().find(|one| one["userId"] == "ann").unwrap();
    assert_eq!(anns["readSeq"], 4);
    let last = missed["lastChange"].as_u64().unwrap();
    let nothing = bob.ask("sync", &ask(5, last, 500)).await["threads"][0].clone();
    assert_eq!((&nothing["changed"], seqs(&nothing)), (&json!([]), vec![]));
    let ahead = bob.ask("sync", &ask(5, last + 1, 500)).await["threads"][0].clone();
    assert_eq!((&ahead["gap"], &ahead["lastChange"]), (&json!(true), &json!(last)));
}

#[tokio::test]
async fn what_changed_is_told_over_as_many_calls_as_it_takes() {
    let rig = Rig::with(|config| config.events_per_minute = 0).await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, mut bob) = (rig.client("ann").await, rig.client("bob").await);
    say(&mut ann, thread, 90, "x").await;
    let all = bob.ask("sync", &json!({"threads": [{"threadId": thread}]})).await;
    let long = "long ".repeat(1_990);
    for message in all["threads"][0]["messages"].as_array().unwrap() {
        let body = json!({"messageId": message["_id"], "content": long});
        assert_eq!(ann.ask("message:edit", &body).await["success"], true);
    }
    let (mut told, mut calls) = (Vec::new(), 0);
    let mut changes = 0;
    loop {
        let threads = json!([{"threadId": thread, "after": 90, "changesAfter": changes}]);
        let answer = bob.ask("sync", &json!({ "threads": threads })).await;
        assert!(answer.to_string().len() < 600_000, "an answer is bounded");
        let part = &answer["threads"][0];
        told.extend(part["changed"].as_array().unwrap().iter().map(|m| m["seq"].as_u64().unwrap()));
        changes = part["lastChange"].as_u64().unwrap();
        calls += 1;
        if part["complete"] == true {
            break;
        }
        assert_eq!(part["cursors"], Value::Null, "they come with the last answer");
    }
    assert_eq!((told, calls), ((1..=90).collect::<Vec<u64>>(), 2));
}

#[tokio::test]
async fn an_answer_is_bounded_by_what_is_written_of_attachments_too() {
    let rig = Rig::with(|config| (config.events_per_minute, config.events_per_minute_user) = (0, 0)).await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, mut bob) = (rig.client("ann").await, rig.client("bob").await);
    let url = format!("/uploads/{}", "u".repeat(1_900));
    let attachment =
        json!({"type": "image", "url": url, "filename": "a.png", "size": 1, "mimeType": "image/png"});
    let attachments = vec![attachment; 10];
    for n in 0..60 {
        let send = json!({"threadId": thread, "content": n.to_string(), "attachments": attachments});
        assert_eq!(ann.ask("message:send", &send).await["success"], true);
    }
    let answer = bob.ask("sync", &json!({"threads": [{"threadId": thread}]})).await;
    assert!(answer.to_string().len() < 600_000, "{}", answer.to_string().len());
    assert_eq!(answer["threads"][0]["complete"], false);
}

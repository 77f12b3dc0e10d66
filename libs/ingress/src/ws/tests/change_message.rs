//! Editing, deleting, reacting and reading.

use super::rig::{Client, Rig, user};
use eventflow_protocol::change::{Change, Cursor, Wish};
use eventflow_protocol::command::Command;
use eventflow_protocol::pairing::Leg;
use eventflow_protocol::{ErrorCode, ThreadId, Timestamp};
use serde_json::{Value, json};

async fn sent(client: &mut Client, thread: ThreadId, content: &str) -> Value {
    client.ask("message:send", &json!({"threadId": thread, "content": content})).await["message"].clone()
}

#[tokio::test]
async fn a_message_is_edited_reacted_to_and_deleted() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, mut bob) = (rig.client("ann").await, rig.client("bob").await);
    let id = sent(&mut ann, thread, "helo").await["id"].clone();
    assert!(id.is_string(), "answers have id beside _id");
    let edited = ann.ask("message:edit", &json!({"messageId": id, "content": "hello"})).await;
    assert_eq!(
        (&edited["success"], &edited["message"]["content"], &edited["message"]["id"]),
        (&json!(true), &json!("hello"), &id)
    );
    let reacted = bob.ask("reaction:send", &json!({"messageId": id, "emoji": "👍"})).await;
    assert_eq!(
        (&reacted["action"], &reacted["message"]["reactions"][0]["emoji"]),
        (&json!("added"), &json!("👍"))
    );
    let again = bob.ask("reaction:send", &json!({"messageId": id, "emoji": "👍"})).await;
    assert_eq!((&again["action"], &again["message"]["reactions"]), (&json!("removed"), &json!([])));
    let deleted = ann.ask("message:delete", &json!({"messageId": id})).await;
    assert_eq!((&deleted["action"], &deleted["message"]["content"]), (&json!("deleted"), &json!("")));
    let wishes: Vec<_> = rig
        .changes()
        .into_iter()
        .filter_map(|command| match command {
            Command::ChangeMessage(change) => Some((change.by, change.change)),
            _ => None,
        })
        .collect();
    assert_eq!(wishes.len(), 4);
    assert_eq!(wishes[1], (user("bob"), Change::React { emoji: "👍".into(), wish: Wish::Toggle }));
}

#[tokio::test]
async fn strangers_and_made_up_messages_get_the_same_answer_and_only_the_sender_may_edit() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    let mut bob = rig.client("bob").await;
    let mut eve = rig.client("eve").await;
    let id = sent(&mut ann, thread, "hello").await["id"].clone();
    for name in ["message:edit", "message:delete", "reaction:send", "message:read"] {
        let body = |id: &Value| json!({"messageId": id, "content": "x", "emoji": "x"});
        let of_others = eve.ask(name, &body(&id)).await;
        let of_nobody = eve.ask(name, &body(&json!("0123456789abcdef01234567"))).await;
        assert_eq!((&of_others["code"], &of_others), (&json!("not_found"), &of_nobody), "{name}");
        assert_eq!(eve.ask(name, &json!({"messageId": {"$ne": 1}})).await["code"], "invalid", "{name}");
    }
    assert_eq!(bob.ask("message:edit", &json!({"messageId": id, "content": "x"})).await["success"], false);
    for bad in [
        json!({"messageId": id}),
        json!({"messageId": id, "emoji": "<b>"}),
        json!({"messageId": id, "emoji": "x", "action": "?"}),
    ] {
        assert_eq!(bob.ask("reaction:send", &bad).await["code"], "invalid", "{bad}");
    }
    rig.world.refuse_all(ErrorCode::Forbidden);
    bob.emit("message:delete", &json!({"messageId": id})).await;
    let error = bob.event("error").await;
    assert_eq!((&error["code"], &error["event"]), (&json!("forbidden"), &json!("message:delete")));
}

#[tokio::test]
async fn reading_a_message_or_a_thread_moves_the_cursor() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, mut bob) = (rig.client("ann").await, rig.client("bob").await);
    for content in ["1", "2", "3"] {
        sent(&mut ann, thread, content).await;
    }
    let fourth = sent(&mut ann, thread, "4").await["id"].clone();
    sent(&mut ann, thread, "5").await;
    let read = |seq: u64, unread: u64| json!({"success": true, "threadId": thread, "seq": seq, "unreadCount": unread});
    assert_eq!(bob.ask("message:read", &json!({"threadId": thread, "seq": 2})).await, read(2, 3));
    assert_eq!(bob.ask("message:read", &json!({"messageId": fourth})).await, read(4, 1));
    assert_eq!(
        bob.ask("message:read", &json!({"threadId": thread, "seq": 1})).await,
        read(4, 1),
        "it only rises"
    );
    assert_eq!(bob.ask("thread:read", &json!({"threadId": thread})).await, read(5, 0));
    for bad in [
        json!({}),
        json!({"threadId": thread}),
        json!({"threadId": thread, "seq": "2"}),
        json!({"threadId": thread, "seq": -1}),
    ] {
        assert_eq!(bob.ask("message:read", &bad).await["code"], "invalid", "{bad}");
    }
    let mut eve = rig.client("eve").await;
    assert_eq!(eve.ask("thread:read", &json!({"threadId": thread})).await["code"], "not_found");
    assert_eq!(eve.ask("message:read", &json!({"threadId": thread, "seq": 1})).await["code"], "not_found");
    let reads = rig
        .changes()
        .into_iter()
        .filter(|one| matches!(one, Command::AdvanceCursor(of) if of.cursor == Cursor::Read));
    assert_eq!(reads.count(), 4);
}

#[tokio::test]
async fn a_message_without_a_key_says_which_click_it_may_belong_to() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    sent(&mut ann, thread, "a").await;
    ann.ask("message:send", &json!({"threadId": thread, "content": "a", "clientMessageId": "k"})).await;
    let pairings: Vec<_> = rig
        .world
        .commands()
        .into_iter()
        .filter_map(|command| match command {
            Command::SendMessage(send) => Some(send.pairing),
            _ => None,
        })
        .collect();
    let pairing = pairings[0].clone().unwrap();
    assert_eq!((pairing.leg, pairing.opened_at), (Leg::Socket, Some(Timestamp(crate::testing::NOW.0))));
    assert_eq!(pairings[1], None, "a key never pairs");
}

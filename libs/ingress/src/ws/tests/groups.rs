//! Somebody was added to a group: they hear what is sent then, and nothing of before, not even as a quote.

use super::rig::{Rig, message_of, new_event, user};
use crate::testing::NOW;
use eventflow_protocol::change::{ChangeGroup, GroupChange, GroupChanged};
use eventflow_protocol::command::SendMessage;
use eventflow_protocol::content::Content;
use eventflow_protocol::event::{Audience, GatewayEvent, Unquoted};
use eventflow_protocol::{CommandId, ThreadId};
use serde_json::json;
use std::sync::atomic::Ordering::SeqCst;

/// A group of Ann and Bob with so many messages, to which Cat was added then.
fn grown(rig: &Rig, messages: u64) -> ThreadId {
    let thread_id = rig.world.store.group_of(&["ann", "bob"]);
    for _ in 0..messages {
        let send = SendMessage {
            thread_id,
            sender_id: user("ann"),
            content: Content::parse("before").unwrap(),
            attachments: Vec::new(),
            repeat_only: false,
            mentions: Vec::new(),
            reply_to: None,
            client_message_id: None,
            pairing: None,
            typed: None,
            at: NOW,
        };
        rig.world.store.append(CommandId::new(), send);
    }
    add(rig, thread_id, "cat");
    thread_id
}

/// Ann adds somebody; no gateway hears of it.
fn add(rig: &Rig, thread_id: ThreadId, name: &str) {
    let change = GroupChange::Add { people: vec![user(name)], people_max: None };
    let add = ChangeGroup { thread_id, by: user("ann"), change, key: None, at: NOW };
    assert!(matches!(rig.world.store.change_one_group(CommandId::new(), &add), GroupChanged::Done(_)));
}

#[tokio::test]
async fn who_was_added_is_let_in_before_their_gateway_hears_of_it() {
    let rig = Rig::new().await;
    let thread = rig.world.store.group_of(&["ann", "bob"]);
    let (mut ann, mut stranger) = (rig.client("ann").await, rig.client("zoe").await);
    let argument = json!({"threadId": thread, "content": "hello"});
    let place = json!({"threads": [{"threadId": thread}]});
    for name in ["cat", "dan", "eve"] {
        assert_eq!(ann.ask("message:send", &argument).await["success"], json!(true));
        assert!(rig.world.parts.membership.remembered(thread).is_some(), "its people are remembered");
        let mut client = rig.client(name).await;
        assert_eq!(client.ask("thread:join", &json!({"threadId": thread})).await["code"], json!("not_found"));
        add(&rig, thread, name);
        let answer = match name {
            "cat" => client.ask("message:send", &argument).await,
            "dan" => client.ask("thread:join", &json!({"threadId": thread})).await,
            _ => client.ask("sync", &place).await["threads"][0].clone(),
        };
        assert_eq!(answer["code"], json!(null), "{name}: {answer}");
    }
    rig.world.store.is_down.store(true, SeqCst);
    let refused = stranger.ask("message:send", &argument).await;
    assert_eq!(refused["code"], json!("unavailable"), "nobody knows whether she was added");
}

#[tokio::test]
async fn who_was_added_hears_nothing_of_what_was_before() {
    let rig = Rig::new().await;
    let thread = grown(&rig, 3);
    let (mut bob, mut cat) = (rig.client("bob").await, rig.client("cat").await);
    rig.deliver_message(thread, "ann", 3).await;
    let payload = json!({"message": {"threadId": thread, "seq": 2}}).to_string();
    let mut edited =
        GatewayEvent::new(new_event(), Audience::Thread(thread), "message:updated", payload, NOW);
    edited.seq = Some(2);
    rig.hand(edited).await;
    rig.deliver_message(thread, "ann", 4).await;
    assert_eq!(bob.event("message:received").await["message"]["seq"], json!(3));
    assert_eq!(bob.event("message:updated").await["message"]["seq"], json!(2));
    assert_eq!(bob.event("message:received").await["message"]["seq"], json!(4));
    let frame = cat.frame().await;
    assert!(frame.starts_with("42[\"message:received\"") && frame.contains("\"seq\":4"), "{frame}");
}

#[tokio::test]
async fn what_somebody_may_not_see_is_quoted_to_the_others_only() {
    let rig = Rig::new().await;
    let thread = grown(&rig, 3);
    let (mut bob, mut cat) = (rig.client("bob").await, rig.client("cat").await);
    let mut reply = message_of(thread, "ann", 4);
    reply.payload = json!({"message": {"seq": 4, "replyTo": {"quote": "before"}}}).to_string();
    let payload = json!({"message": {"seq": 4, "replyTo": {}}}).to_string();
    reply.unquoted = Some(Unquoted { seq: 3, payload });
    rig.hand(reply).await;
    assert_eq!(bob.event("message:received").await["message"]["replyTo"], json!({"quote": "before"}));
    assert_eq!(cat.event("message:received").await["message"]["replyTo"], json!({}));
}

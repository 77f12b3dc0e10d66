//! Somebody was added to a group: they hear what is sent then, and nothing of before, not even as a quote.

use super::rig::{Rig, message_of, new_event, user};
use crate::testing::NOW;
use eventflow_protocol::change::{ChangeGroup, GroupChange, GroupChanged};
use eventflow_protocol::command::SendMessage;
use eventflow_protocol::content::Content;
use eventflow_protocol::event::{Audience, GatewayEvent, Unquoted};
use eventflow_protocol::{CommandId, ThreadId};
use serde_json::json;

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
    let change = GroupChange::Add { people: vec![user("cat")] };
    let add = ChangeGroup { thread_id, by: user("ann"), change, key: None, at: NOW };
    assert!(matches!(rig.world.store.change_one_group(CommandId::new(), &add), GroupChanged::Done(_)));
    thread_id
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

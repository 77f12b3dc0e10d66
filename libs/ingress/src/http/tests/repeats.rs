//! Messages that come again under their key when a new one would be refused.

use super::{Reply, Rig};
use eventflow_protocol::command::Command;
use serde_json::{Value, json};

async fn say(rig: &Rig, path: &str, body: &Value) -> Reply {
    rig.post(path, body).of("ann").send().await
}

#[tokio::test(start_paused = true)]
async fn what_it_mentions_or_answers_may_have_gone_since() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob", "cat"]);
    let path = format!("/api/v2/messages/{thread}");
    let body = json!({"content": "you", "mentions": ["cat"], "clientMessageId": "k"});
    let first = say(&rig, &path, &body).await.expect(201);
    rig.world.store.remove(thread, "cat");
    rig.world.parts.membership.forget(thread);
    let again = say(&rig, &path, &body).await.expect(200);
    assert_eq!(again["message"]["_id"], first["message"]["_id"]);
    let nothing = json!({"content": "you", "replyTo": "0123456789abcdef01234567", "clientMessageId": "l"});
    for unknown in [json!({"content": "you", "mentions": ["cat"], "clientMessageId": "l"}), nothing] {
        say(&rig, &path, &unknown).await.refused(400, "invalid");
        let Some(Command::SendMessage(sent)) = rig.world.commands().pop() else { panic!("it is asked for") };
        assert!(sent.repeat_only, "nothing new is stored");
    }
    let sent = rig.world.commands().len();
    say(&rig, &path, &json!({"content": "you", "mentions": ["cat"]})).await.refused(400, "invalid");
    assert_eq!(rig.world.commands().len(), sent, "without a key there is nothing to look for");
    // Who is told "queued" never asks again, so it is not said of what may be refused.
    rig.world.silence_worker();
    say(&rig, &path, &body).await.refused(503, "unavailable");
}

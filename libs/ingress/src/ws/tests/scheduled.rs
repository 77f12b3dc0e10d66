//! Messages that are sent later, by socket.

use super::rig::Rig;
use crate::testing::NOW;
use serde_json::json;

#[tokio::test]
async fn a_message_for_later_is_answered_to_its_callback_and_found_under_its_key() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    let body =
        json!({"threadId": thread, "content": "later", "sendAt": NOW.0 + 60_000, "clientMessageId": "k"});
    let kept = ann.ask("message:send", &body).await;
    assert_eq!((&kept["success"], &kept["scheduled"]["state"]), (&json!(true), &json!("waiting")));
    let again = ann.ask("message:send", &body).await;
    assert_eq!((&again["deduplicated"], &again["scheduled"]), (&json!(true), &kept["scheduled"]));
    let near = json!({"threadId": thread, "content": "x", "sendAt": NOW.0 + 1_000});
    assert_eq!(ann.ask("message:send", &near).await["code"], "invalid");
}

//! Drafts, by socket.

use super::rig::Rig;
use eventflow_protocol::ErrorCode;
use serde_json::json;

#[tokio::test]
async fn a_draft_is_saved_and_a_save_on_an_older_one_is_refused() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, mut eve) = (rig.client("ann").await, rig.client("eve").await);
    for (content, revision) in [("He", 1), ("Hello", 2), ("", 3)] {
        let body = json!({"threadId": thread, "content": content, "basedOn": revision - 1});
        let saved = ann.ask("draft:save", &body).await;
        assert_eq!((&saved["success"], &saved["draft"]["content"]), (&json!(true), &json!(content)));
        assert_eq!(
            (&saved["draft"]["revision"], &saved["draft"]["threadId"]),
            (&json!(revision), &json!(thread))
        );
    }
    let late = ann.ask("draft:save", &json!({"threadId": thread, "content": "late", "basedOn": 1})).await;
    assert_eq!((&late["success"], &late["code"]), (&json!(false), &json!("conflict")));
    let of_others = eve.ask("draft:save", &json!({"threadId": thread, "content": "x"})).await;
    let of_nobody = eve.ask("draft:save", &json!({"threadId": "made up", "content": "x"})).await;
    assert_eq!((&of_others["code"], &of_others), (&json!("not_found"), &of_nobody));
    for body in
        [json!({"content": "x"}), json!({"threadId": thread}), json!({"threadId": thread, "content": {}})]
    {
        assert_eq!(ann.ask("draft:save", &body).await["code"], "invalid", "{body}");
    }
    rig.world.refuse_all(ErrorCode::Conflict);
    ann.emit("draft:save", &json!({"threadId": thread, "content": "nobody waits"})).await;
    let error = ann.event("error").await;
    assert_eq!((&error["code"], &error["event"]), (&json!("conflict"), &json!("draft:save")));
}

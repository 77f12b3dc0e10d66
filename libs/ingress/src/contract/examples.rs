//! Examples of requests, by the name of the operation or event. A test reads each as the server would.

use serde_json::{Value, json};

/// The example of a request.
pub(super) fn of(name: &str) -> Option<Value> {
    let thread = "68f0c1a2b3d4e5f607182930";
    let message = "68f0c1a2b3d4e5f607182931";
    Some(match name {
        "createThread" => json!({ "participants": ["ben"], "metadata": { "subject": "Catering on Friday" } }),
        "changeGroup" => json!({ "name": "Catering", "picture": "/pictures/catering.png" }),
        "addMembers" => json!({ "userIds": ["cleo", "dan"] }),
        "reportMessage" => json!({ "reason": "spam", "text": "The same advertisement every day" }),
        "handleReport" => json!({ "note": "The sender was warned" }),
        "setMemberRole" => json!({ "role": "owner" }),
        "readThread" | "markThreadUnread" => json!({ "seq": 41 }),
        "saveDraft" => json!({ "content": "Hello, I", "basedOn": 3 }),
        "changeScheduled" => json!({ "sendAt": "2026-12-24T18:00:00.000Z" }),
        "sendMessage" => {
            json!({ "content": "Hello!", "clientMessageId": "4b1d6c52-6c5e-4f0a-9d7c-6a3e2f1b8c90" })
        }
        "editMessage" | "patchMessage" => json!({ "content": "Hello, Ben!" }),
        "react" => json!({ "emoji": "👍", "action": "add" }),
        "notify" => {
            json!({ "userIds": ["ben"], "title": "Your booking is confirmed", "message": "See you on Friday." })
        }
        "changePreferences" => json!({
            "email": true,
            "quietHours": { "from": "22:00", "until": "07:00" },
            "timeZone": "Europe/Berlin",
        }),
        "muteThread" => json!({ "until": "2026-12-24T18:00:00.000Z" }),
        "registerDevice" => json!({ "fcmToken": "dQw4w9WgXcQ:APA91bH" }),
        "putUser" => json!({ "name": "Ben Example", "email": "ben@example.org" }),
        "eraseUser" => json!({ "userId": "ben", "why": "they asked for it" }),
        "disconnectUser" => json!({ "why": "their device was stolen" }),
        "beginReplay" => {
            json!({ "filter": { "queue": "email" }, "why": "the mail server is back", "dryRun": true })
        }
        "discardDeadLetters" => {
            json!({ "filter": { "queue": "email" }, "why": "nobody waits for them any more" })
        }
        "auth" => json!({ "token": "eyJhbGciOiJIUzI1NiJ9.e30.ZRrHA1JJJW8opsbCGfG_HACGpVUMN_a9IV7pAx_Zmeo" }),
        "message:send" => json!({ "threadId": thread, "content": "Hello!", "clientMessageId": "4b1d6c52" }),
        "thread:join" | "thread:leave" | "thread:read" | "typing:start" | "typing:stop" => {
            json!({ "threadId": thread })
        }
        "thread:unread" => json!({ "threadId": thread, "seq": 41 }),
        "draft:save" => json!({ "threadId": thread, "content": "Hello, I", "basedOn": 3 }),
        "message:edit" => json!({ "messageId": message, "content": "Hello, Ben!" }),
        "message:delete" | "message:read" | "message:pin" | "message:unpin" => {
            json!({ "messageId": message })
        }
        "reaction:send" => json!({ "messageId": message, "emoji": "👍", "action": "add" }),
        "presence:update" => json!({ "status": "away" }),
        "presence:sync" => json!({ "userIds": ["ben"] }),
        _ => return None,
    })
}

//! Appending: a store keeps messages in the given order, gives each the next `seq` of its thread, and returns
//! them unchanged.

use super::Harness;
use super::fixtures::{Scene, append, at, creation, expect_history, fresh_people, history, say, stored};
use crate::store::Appended;
use eventflow_protocol::AttachmentId;
use eventflow_protocol::document::{Attachment, AttachmentKind, Message, MessageStatus};
use serde_json::{Map, Value, json};

/// Number of messages in a batch that is larger than any page and chunk.
const MANY: usize = 600;
/// Nesting depth of an attachment's metadata: less than `serde_json` reads (128) and more than some databases
/// allow (100).
const DEEP: usize = 110;

/// Each thread numbers its messages 1, 2, 3 … in the order of the batch, however the batch mixes threads.
pub async fn each_thread_counts_from_one_in_batch_order(harness: &dyn Harness) {
    let store = harness.open().await;
    let (left, right) = (Scene::with_people(&*store, 2).await, Scene::with_people(&*store, 3).await);
    let (a, b) = (left.talk(5), right.talk(5));
    let mixed: Vec<_> = a.iter().zip(&b).flat_map(|(x, y)| [x.clone(), y.clone()]).collect();
    let mut answers = append(&*store, &mixed[..3]).await;
    answers.extend(append(&*store, &mixed[3..]).await);
    assert_eq!(answers.iter().map(|message| message.seq).collect::<Vec<_>>(), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
    expect_history(&*store, left.thread, &a).await;
    expect_history(&*store, right.thread, &b).await;
}

/// A batch larger than any page is stored in order.
pub async fn a_large_batch_is_stored_in_order(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let batch = scene.talk(MANY);
    let answers = append(&*store, &batch).await;
    assert_eq!(expect_history(&*store, scene.thread, &batch).await, answers);
}

/// A newly opened store continues after the newest message, even if the thread document was not updated.
pub async fn a_newly_opened_store_continues_the_history(harness: &dyn Harness) {
    let first = harness.open().await;
    let scene = Scene::with_people(&*first, 2).await;
    let batch = scene.talk(9);
    let answers = append(&*first, &batch[..4]).await;
    first.touch_threads(&answers[..2]).await.expect("touch");
    let second = harness.open().await;
    append(&*second, &batch[4..]).await;
    expect_history(&*first, scene.thread, &batch).await;
}

/// An empty batch gets an empty answer.
pub async fn an_empty_batch_is_answered(harness: &dyn Harness) {
    let store = harness.open().await;
    assert_eq!(store.append_messages(&[]).await.expect("append nothing"), []);
    store.touch_threads(&[]).await.expect("touch nothing");
}

/// A stored message holds what its command said, with the status of a new message.
pub async fn a_stored_message_says_what_was_sent(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let new = scene.say_keyed(1, "hello", "key-1");
    let message = append(&*store, std::slice::from_ref(&new)).await.remove(0);
    let expected = Message {
        id: new.command_id.into(),
        thread_id: scene.thread,
        seq: 1,
        sender_id: scene.people[1].clone(),
        content: "hello".to_owned(),
        attachments: Vec::new(),
        reply_to: None,
        mentions: Vec::new(),
        reactions: Vec::new(),
        status: MessageStatus::Sent,
        read_by: Vec::new(),
        delivered_to: Vec::new(),
        is_draft: false,
        client_message_id: Some("key-1".to_owned()),
        edited_at: None,
        pinned: None,
        deleted_at: None,
        created_at: at(1),
        updated_at: at(1),
    };
    assert_eq!(message, expected);
    assert_eq!(history(&*store, scene.thread).await, [expected]);
}

/// The store does not interpret text and free-form objects. Neither operators nor paths, extended JSON or
/// number types of a database have an effect.
pub async fn content_comes_back_unchanged(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let texts = [
        "👍 ünïcödé \u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}",
        "$set {\"$gt\": \"\"} a.b.c",
        "'; DROP TABLE messages; --",
        "a\tb\nc",
        "a < b && c > d <3",
    ];
    let mut batch: Vec<_> = texts.iter().map(|text| scene.say(0, text)).collect();
    let key = "key: $ . ü '\"";
    batch.push(scene.say_keyed(0, "with attachments", key));
    batch[5].send.attachments = odd_objects().into_iter().map(attachment).collect();
    let answers = append(&*store, &batch).await;
    for (answer, text) in answers.iter().zip(texts) {
        assert_eq!(answer.content, text);
    }
    assert_eq!(answers[5].attachments, batch[5].send.attachments);
    assert_eq!(answers[5].client_message_id.as_deref(), Some(key));
    assert_eq!(
        history(&*harness.open().await, scene.thread).await,
        answers,
        "what is read later is what was answered"
    );
}

/// The store does not interpret a thread's free-form metadata either.
pub async fn metadata_comes_back_unchanged(harness: &dyn Harness) {
    let store = harness.open().await;
    for object in odd_objects() {
        let mut create = creation(&fresh_people(2), 0);
        create.metadata.extend(object);
        let (thread, _) = store.create_thread(&create).await.expect("create");
        assert_eq!(thread.metadata, create.metadata);
        let read = harness.open().await.thread(thread.id).await.expect("read").expect("the thread exists");
        assert_eq!(read, thread);
    }
}

/// A refused message takes no `seq`, and the other messages of its batch are stored.
pub async fn strangers_and_unknown_threads_are_refused_alone(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let stranger = fresh_people(1).remove(0);
    let nowhere = creation(&scene.people, 0).thread_id;
    let batch = [
        scene.say(0, "one"),
        say(scene.thread, &stranger, "let me in"),
        say(nowhere, &scene.people[0], "anybody?"),
        scene.say(1, "two"),
    ];
    let mut answers = store.append_messages(&batch).await.expect("append");
    assert_eq!(stored(answers.remove(3)).seq, 2);
    assert_eq!(answers.remove(2), Appended::NotParticipant);
    assert_eq!(answers.remove(1), Appended::NotParticipant);
    assert_eq!(stored(answers.remove(0)).seq, 1);
    assert_eq!(history(&*store, scene.thread).await.len(), 2);
    assert_eq!(history(&*store, nowhere).await, []);
}

/// The store does not cache that a thread was missing.
pub async fn a_thread_that_another_store_just_created_is_found(harness: &dyn Harness) {
    let (store, other) = (harness.open().await, harness.open().await);
    let people = fresh_people(2);
    let create = creation(&people, 0);
    let early = say(create.thread_id, &people[0], "too early");
    assert_eq!(
        store.append_messages(std::slice::from_ref(&early)).await.expect("append"),
        [Appended::NotParticipant]
    );
    assert_eq!(store.participants(&[create.thread_id]).await.expect("ask").len(), 0);
    other.create_thread(&create).await.expect("create");
    assert_eq!(append(&*store, &[early]).await[0].seq, 1);
    assert_eq!(store.participants(&[create.thread_id]).await.expect("ask").len(), 1);
}

fn attachment(metadata: Map<String, Value>) -> Attachment {
    Attachment {
        kind: AttachmentKind::Document,
        url: "https://files.example/a?b=c&d=$e".to_owned(),
        filename: "résumé.v1.2.pdf".to_owned(),
        size: 5_000_000_000,
        mime_type: "application/pdf".to_owned(),
        metadata,
        id: Some(AttachmentId::from_bytes([7; 12])),
        thumbnail_url: Some("/t".to_owned()),
        width: Some(u32::MAX),
        height: Some(1),
    }
}

/// Objects that a database may misread as something special.
fn odd_objects() -> Vec<Map<String, Value>> {
    let deep = (0..DEEP).fold(json!(1), |inner, _| json!([inner]));
    [
        json!({}),
        json!({"$where": "1", "a.b": 1, "": "empty", "ü": [null, true, 1.5, -7, "x"], "nested": {"$set": {"a.b": {}}}}),
        json!({"$oid": "65a27d000000000000000000"}),
        json!({"$json": "{}"}),
        json!({"when": {"$date": "2024-01-13T12:00:00Z"}, "long": {"$numberLong": "1"}, "raw": {"$json": "[]"}}),
        json!({"largest": u64::MAX, "smallest": i64::MIN, "whole": 1.0, "big": 1e300, "i": 3_000_000_000_u64}),
        json!({"nul\u{0}key": "nul\u{0}value"}),
        json!({"deep": deep}),
    ]
    .into_iter()
    .map(|value| value.as_object().expect("an object").clone())
    .collect()
}

//! Keys: a sender's own key names one message. The same key with the same body is the same message; with
//! another body it is an error.

use super::Harness;
use super::fixtures::{Scene, append, change, change_one, duplicate, expect_history, history, stored};
use crate::store::{Appended, NewMessage};
use eventflow_protocol::change::{Change, Changed};
use eventflow_protocol::content::{Content, Markup};
use eventflow_protocol::document::{Attachment, AttachmentKind};

/// The message is sent again under its key, as another command and in another batch.
pub async fn the_same_key_and_body_is_the_same_message(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let first = append(&*store, &[scene.say_keyed(0, "hi", "k")]).await;
    for witness in [store.clone(), harness.open().await] {
        let batch = [scene.say(1, "before"), scene.say_keyed(0, "hi", "k"), scene.say(1, "after")];
        let mut answers = witness.append_messages(&batch).await.expect("append");
        let after = stored(answers.remove(2));
        let again = duplicate(answers.remove(1));
        let before = stored(answers.remove(0));
        assert_eq!(again, first[0]);
        assert_eq!(after.seq, before.seq + 1, "a duplicate takes no place");
    }
    assert_eq!(history(&*store, scene.thread).await.len(), 5);
}

/// A key is opaque: whatever bytes it has, it names one message, and keys that differ in one byte differ.
pub async fn a_key_is_compared_byte_by_byte(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let long = "k".repeat(128);
    let keys = [
        "<m@mail.example>",
        "m@mail.example",
        "$set",
        "a",
        "a\u{0}",
        "a\u{0}b",
        "A",
        " a",
        "é",
        "e\u{301}",
        &long,
    ];
    let batch: Vec<_> = keys.iter().map(|key| scene.say_keyed(0, "hi", key)).collect();
    let sent = append(&*store, &batch).await;
    let again: Vec<_> = keys.iter().map(|key| scene.say_keyed(0, "hi", key)).collect();
    let found = harness.open().await.append_messages(&again).await.expect("append again");
    let found: Vec<_> = found.into_iter().map(duplicate).collect();
    assert_eq!(found, sent);
    let shown: Vec<_> = found.iter().filter_map(|message| message.client_message_id.as_deref()).collect();
    assert_eq!(shown, keys, "a key comes back as it came");
}

/// A key stands for what was typed, in whichever form it is kept: a retry finds its message also after the
/// setting was changed, and another text is another text even if nothing tells the two apart any more.
pub async fn a_key_stands_for_what_was_typed_in_every_form(harness: &dyn Harness) {
    let forms = [Markup::Neutralise, Markup::Keep, Markup::Strip];
    for first in forms {
        let store = harness.open().await;
        let scene = Scene::with_people(&*store, 2).await;
        let send = |text: &str, markup| {
            let new = scene.say_keyed(0, text, "k");
            let send = new.send.written(markup).expect("something is left");
            NewMessage { send, ..new }
        };
        let message = append(&*store, &[send("a Vec<String>", first)]).await.remove(0);
        for edited in [false, true] {
            if edited {
                let edit =
                    Change::Edit { content: Content::parse("a Vec").expect("it is content"), mentions: None };
                change_one(&*store, &change(&message, &scene.people[0], edit, 9)).await;
            }
            for form in forms {
                let retry = [send("a Vec<String>", form), send("a Vec<Int>", form), send("a Vec", form)];
                let mut answers = harness.open().await.append_messages(&retry).await.expect("append");
                assert_eq!(
                    answers.split_off(1),
                    [Appended::KeyReused, Appended::KeyReused],
                    "{first:?} {form:?}"
                );
                assert_eq!(duplicate(answers.remove(0)).id, message.id, "{first:?} {form:?}");
            }
        }
    }
}

/// Both messages are in one batch.
pub async fn the_same_key_twice_in_one_batch_is_one_message(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let batch = [
        scene.say_keyed(0, "hi", "k"),
        scene.say_keyed(0, "hi", "k"),
        scene.say_keyed(0, "no", "k"),
        scene.say(0, "next"),
    ];
    let mut answers = store.append_messages(&batch).await.expect("append");
    assert_eq!(stored(answers.remove(3)).seq, 2);
    assert_eq!(answers.remove(2), Appended::KeyReused);
    let again = duplicate(answers.remove(1));
    assert_eq!(stored(answers.remove(0)), again);
    expect_history(&*store, scene.thread, &[batch[0].clone(), batch[3].clone()]).await;
}

/// What is wanted only as a repeat finds the message of its key, also one that is stored in the same batch,
/// and is never stored itself.
pub async fn a_repeat_finds_its_message_and_is_no_new_one(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let repeat = |text: &str, key: &str| {
        let mut new = scene.say_keyed(0, text, key);
        new.send.repeat_only = true;
        new
    };
    let batch = [
        repeat("hi", "k"),
        scene.say_keyed(0, "hi", "k"),
        repeat("hi", "k"),
        repeat("ho", "k"),
        scene.say(0, "next"),
    ];
    let mut answers = store.append_messages(&batch).await.expect("append");
    assert_eq!(stored(answers.remove(4)).seq, 2);
    assert_eq!(answers.remove(3), Appended::KeyReused);
    let found = duplicate(answers.remove(2));
    assert_eq!(stored(answers.remove(1)), found);
    assert_eq!(answers.remove(0), Appended::NotRepeated, "nothing had its key yet");
    for witness in [store.clone(), harness.open().await] {
        let later = [repeat("hi", "k"), repeat("hi", "other"), repeat("ho", "k")];
        let mut answers = witness.append_messages(&later).await.expect("append");
        assert_eq!(answers.split_off(1), [Appended::NotRepeated, Appended::KeyReused]);
        assert_eq!(duplicate(answers.remove(0)), found);
    }
    expect_history(&*store, scene.thread, &[batch[1].clone(), batch[4].clone()]).await;
}

/// Another content, attachment or thread under a used key is refused and takes no `seq`.
pub async fn the_same_key_for_another_message_is_refused(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let elsewhere = Scene::between(&*store, scene.people.clone()).await;
    append(&*store, &[scene.say_keyed(0, "hi", "k")]).await;
    let mut attached = scene.say_keyed(0, "hi", "k");
    attached.send.attachments.push(picture());
    let batch =
        [scene.say_keyed(0, "ho", "k"), attached, elsewhere.say_keyed(0, "hi", "k"), scene.say(0, "next")];
    for witness in [store.clone(), harness.open().await] {
        let answers = witness.append_messages(&batch[..3]).await.expect("append");
        assert_eq!(answers, [Appended::KeyReused, Appended::KeyReused, Appended::KeyReused]);
    }
    let mut answers = store.append_messages(&batch).await.expect("append");
    assert_eq!(stored(answers.remove(3)).seq, 2);
    assert_eq!(history(&*store, elsewhere.thread).await, []);
}

/// After an edit and after a deletion the key still belongs to the original body. That body finds the
/// message; every other body is refused, even the one after the edit.
pub async fn a_key_stands_for_what_was_sent_whatever_became_of_it(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let mut first = scene.say_keyed(0, "hi", "k");
    first.send.attachments.push(picture());
    let sent = append(&*store, std::slice::from_ref(&first)).await;
    let send_again = |text: &str, with_picture: bool| {
        let mut again = scene.say_keyed(0, text, "k");
        again.send.attachments.extend(with_picture.then(picture));
        again
    };
    let edits = ["ho", "hum"].map(|text| Change::Edit {
        content: Content::parse(text).expect("the text is content"),
        mentions: None,
    });
    for wish in edits.into_iter().chain([Change::Delete]) {
        let Changed::Done(now, _) = change_one(&*store, &change(&sent[0], &scene.people[0], wish, 9)).await
        else {
            panic!("the message is changed");
        };
        let batch = [
            send_again("hi", true),
            send_again("ho", true),
            send_again("hum", true),
            send_again("hi", false),
        ];
        for witness in [store.clone(), harness.open().await] {
            let mut answers = witness.append_messages(&batch).await.expect("append");
            assert_eq!(answers.split_off(1), [Appended::KeyReused, Appended::KeyReused, Appended::KeyReused]);
            assert_eq!(duplicate(answers.remove(0)), *now);
        }
    }
    assert_eq!(history(&*store, scene.thread).await.len(), 1);
}

/// Equal keys of different senders are independent, and a missing key is not a key.
pub async fn keys_belong_to_their_sender(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 3).await;
    let batch = [
        scene.say_keyed(0, "hi", "k"),
        scene.say_keyed(1, "hi", "k"),
        scene.say_keyed(0, "hi", "K"),
        scene.say(2, "hi"),
        scene.say(2, "hi"),
    ];
    append(&*store, &batch).await;
    expect_history(&*store, scene.thread, &batch).await;
}

fn picture() -> Attachment {
    Attachment {
        kind: AttachmentKind::Image,
        url: "https://files.example/p.png".to_owned(),
        filename: "p.png".to_owned(),
        size: 1,
        mime_type: "image/png".to_owned(),
        metadata: serde_json::Map::new(),
        id: None,
        thumbnail_url: None,
        width: None,
        height: None,
    }
}

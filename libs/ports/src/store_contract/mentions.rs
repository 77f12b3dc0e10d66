//! Mentions: a message keeps whom it mentions, edits change that, and unread mentions are exact.

use super::Harness;
use super::fixtures::{
    Scene, again, append, append_again, at, change, change_one, first_threads, history, view,
};
use crate::store::{Appended, NewMessage, Store, WithCommandId};
use eventflow_protocol::change::{AdvanceCursor, Change, ChangeMessage, Changed, Cursor, Effect, MarkUnread};
use eventflow_protocol::content::Content;
use eventflow_protocol::document::Message;
use eventflow_protocol::{CommandId, UserId};

/// Whom a message mentions is the same wherever the message is read, and is a part of what a key stands for.
pub async fn a_message_keeps_whom_it_mentions(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 3).await;
    let new = mentioning(scene.say_keyed(0, "look", "k"), &scene.people[1..]);
    let batch = std::slice::from_ref(&new);
    let kept = append(&*store, batch).await.remove(0);
    assert_eq!(kept.mentions, scene.people[1..]);
    let other = harness.open().await;
    assert_eq!(append_again(&*other, &again(batch)).await, std::slice::from_ref(&kept));
    assert_eq!(read(&*other, &kept).await, kept);
    assert_eq!(history(&*other, scene.thread).await, std::slice::from_ref(&kept));
    let fewer = mentioning(scene.say_keyed(0, "look", "k"), &scene.people[1..2]);
    let answers = other.append_messages(&[fewer, scene.say_keyed(0, "look", "k")]).await.expect("append");
    assert_eq!(answers, [Appended::KeyReused, Appended::KeyReused]);
    // What was sent first counts, also after an edit of the mentions.
    change_one(&*store, &edit(&scene, &kept, "look", &[])).await;
    let now = read(&*other, &kept).await;
    assert_eq!(other.append_messages(&again(batch)).await.expect("append"), [Appended::Duplicate(now)]);
}

/// An edit sets whom a message mentions, or leaves it. It says whom it mentions anew, also when it comes
/// again.
pub async fn an_edit_says_whom_it_mentions_anew(harness: &dyn Harness) {
    let (store, other) = (harness.open().await, harness.open().await);
    let scene = Scene::with_people(&*store, 4).await;
    let sent = append(&*store, &[mentioning(scene.say(0, "look"), &scene.people[1..2])]).await.remove(0);
    let all = edit(&scene, &sent, "look", &scene.people);
    let Changed::Done(now, Effect::Edited) = change_one(&*store, &all).await else { panic!("it is edited") };
    assert_eq!((now.mentions.as_slice(), now.content.as_str()), (&scene.people[..], "look"));
    let none = edit(&scene, &sent, "look here", &[]);
    let text = Change::Edit { content: Content::parse("look!").expect("it is content"), mentions: None };
    let text = change(&sent, &scene.people[0], text, 9);
    for (edit, mentions) in [(&text, &scene.people[..]), (&none, &[][..])] {
        let Changed::Done(now, _) = change_one(&*other, edit).await else { panic!("it is edited") };
        assert_eq!(now.mentions, mentions);
    }
    for witness in [&store, &other] {
        assert!(matches!(change_one(&**witness, &all).await, Changed::Before(..)), "it undoes nothing");
        assert_eq!(
            mentioned_by(&**witness, &all).await,
            scene.people[2..],
            "without who was, and the sender"
        );
        assert_eq!(mentioned_by(&**witness, &text).await, []);
        assert_eq!(mentioned_by(&**witness, &none).await, []);
    }
    let nobody = store.mentioned_by(sent.id, CommandId::new()).await.expect("read");
    assert_eq!(nobody, []);
}

/// Unread mentions are the unread messages of others that mention the person now: reading, marking unread,
/// edits and taking back are all counted at once.
pub async fn unread_mentions_are_exact(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 3).await;
    let elsewhere = Scene::between(&*store, scene.people.clone()).await;
    let of_ben = std::slice::from_ref(&scene.people[1]);
    let mut sent = append(
        &*store,
        &[
            mentioning(scene.say(0, "one"), of_ben),
            scene.say(0, "two"),
            mentioning(scene.say(1, "three, to myself"), of_ben),
            mentioning(scene.say(2, "four"), &scene.people),
            mentioning(elsewhere.say(0, "five"), of_ben),
        ],
    )
    .await;
    store.touch_threads(&sent).await.expect("touch");
    let other = harness.open().await;
    assert_eq!(counts(&*other, &scene).await, [1, 2, 0]);
    assert_eq!(counts(&*other, &elsewhere).await, [0, 1, 0]);
    read_up_to(&*store, &scene, 1, 1).await;
    assert_eq!(counts(&*other, &scene).await, [1, 1, 0]);
    let two = sent.remove(1);
    change_one(&*store, &edit(&scene, &two, "two", of_ben)).await;
    change_one(&*store, &edit(&scene, &two, "two", of_ben)).await;
    assert_eq!(counts(&*other, &scene).await, [1, 2, 0]);
    let gone = change(&sent[2], &scene.people[2], Change::Delete, 9);
    for _ in 0..2 {
        change_one(&*store, &gone).await;
        assert_eq!(counts(&*other, &scene).await, [0, 1, 0]);
    }
    change_one(&*store, &edit(&scene, &two, "two", &[])).await;
    assert_eq!(counts(&*other, &scene).await, [0, 0, 0]);
    let wanted =
        MarkUnread { thread_id: scene.thread, user_id: scene.people[1].clone(), from: 1, at: at(20) };
    let mark = WithCommandId { command_id: CommandId::new(), wanted };
    store.mark_unread(&mark).await.expect("mark").expect("they are in it");
    assert_eq!(counts(&*other, &scene).await, [0, 1, 0]);
    assert_eq!(counts(&*other, &elsewhere).await, [0, 1, 0]);
}

fn mentioning(mut new: NewMessage, users: &[UserId]) -> NewMessage {
    new.send.mentions = users.to_vec();
    new
}

fn edit(scene: &Scene, message: &Message, text: &str, mentions: &[UserId]) -> WithCommandId<ChangeMessage> {
    let content = Content::parse(text).expect("it is content");
    let sender = &message.sender_id;
    assert!(scene.people.contains(sender));
    change(message, sender, Change::Edit { content, mentions: Some(mentions.to_vec()) }, 5)
}

async fn read(store: &dyn Store, message: &Message) -> Message {
    store.message(message.id).await.expect("read").expect("the message exists")
}

async fn mentioned_by(store: &dyn Store, edit: &WithCommandId<ChangeMessage>) -> Vec<UserId> {
    store.mentioned_by(edit.wanted.message_id, edit.command_id).await.expect("read")
}

async fn read_up_to(store: &dyn Store, scene: &Scene, who: usize, seq: u64) {
    let advance = AdvanceCursor {
        thread_id: scene.thread,
        user_id: scene.people[who].clone(),
        cursor: Cursor::Read,
        up_to: Some(seq),
        at: at(10),
    };
    store.advance(&[advance]).await.expect("advance");
}

/// The unread mentions of each person, as a thread and as its entry in a list show them.
async fn counts(store: &dyn Store, scene: &Scene) -> Vec<u64> {
    let mut counts = Vec::new();
    for person in &scene.people {
        let seen = view(store, scene.thread, person).await;
        let listed = store.threads_of(person, first_threads(10)).await.expect("list");
        let entry = listed.iter().find(|listed| listed.thread.id == scene.thread).expect("it is listed");
        assert_eq!(entry.unread_mentions, seen.unread_mentions);
        assert!(seen.unread_mentions <= seen.unread_count);
        counts.push(seen.unread_mentions);
    }
    counts
}

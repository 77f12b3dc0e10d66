//! Wordings: what a message said before its edits is kept with them, and goes with the message.

use super::Harness;
use super::fixtures::{Scene, append, at, change, change_one};
use crate::store::WithCommandId;
use eventflow_protocol::UserId;
use eventflow_protocol::change::{Change, ChangeMessage, Changed, Wish};
use eventflow_protocol::content::Content;
use eventflow_protocol::document::Message;
use eventflow_protocol::wording::{WORDINGS_MAX, Wording, are_all};
use std::collections::BTreeSet;
use tokio::task::JoinSet;

/// Number of edits of each of two people's processes at once.
const EDITS_AT_ONCE: usize = 6;

/// Every edit keeps what it replaces, once, however often its command comes. What changes no text keeps
/// nothing.
pub async fn an_edit_keeps_what_it_replaces(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let message = append(&*store, &[scene.say(0, "one")]).await.remove(0);
    assert_eq!(store.wordings(message.id).await.expect("read"), []);
    let edits = [edit(&message, "two", 5), edit(&message, "two", 6), edit(&message, "three", 7)];
    for edit in [&edits[0], &edits[0], &edits[1], &edits[2], &edits[0], &edits[2]] {
        change_one(&*harness.open().await, edit).await;
    }
    let emoji = Change::React { emoji: "👍".to_owned(), wish: Wish::Add };
    change_one(&*store, &change(&message, &scene.people[1], emoji, 8)).await;
    let foreign = Change::Edit { content: text("mine"), mentions: None };
    assert_eq!(
        change_one(&*store, &change(&message, &scene.people[1], foreign, 8)).await,
        Changed::NotSender
    );
    let kept = [wording("one", 1, true), wording("two", 5, false)];
    assert_eq!(harness.open().await.wordings(message.id).await.expect("read"), kept);
    let now = store.message(message.id).await.expect("read").expect("it exists");
    assert_eq!((now.content.as_str(), are_all(&kept, &now)), ("three", true));
}

/// Several edits of one batch each keep what they replace.
pub async fn edits_of_one_batch_keep_what_they_replace(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let message = append(&*store, &[scene.say(0, "0")]).await.remove(0);
    let batch: Vec<_> = (1..=3).map(|n| edit(&message, &n.to_string(), n)).collect();
    for _ in 0..2 {
        store.change_messages(&batch).await.expect("edit");
        let kept = store.wordings(message.id).await.expect("read");
        let said: Vec<&str> = kept.iter().map(|wording| wording.content.as_str()).collect();
        assert_eq!(said, ["0", "1", "2"]);
    }
}

/// Beyond the bound the oldest wordings go, and what is left says so.
pub async fn the_oldest_wordings_go_beyond_the_bound(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let message = append(&*store, &[scene.say(0, "0")]).await.remove(0);
    for n in 1..=WORDINGS_MAX + 2 {
        change_one(&*store, &edit(&message, &n.to_string(), 5)).await;
        let kept = store.wordings(message.id).await.expect("read");
        let first = n.saturating_sub(WORDINGS_MAX);
        let wanted: Vec<String> = (first..n).map(|n| n.to_string()).collect();
        assert_eq!(kept.iter().map(|wording| wording.content.clone()).collect::<Vec<_>>(), wanted);
        let now = store.message(message.id).await.expect("read").expect("it exists");
        assert_eq!(are_all(&kept, &now), first == 0, "after {n} edits");
    }
}

/// Of a message that was taken back nothing is left, and other messages keep their wordings.
pub async fn wordings_go_with_their_message(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let messages = append(&*store, &[scene.say(0, "one"), scene.say(0, "two")]).await;
    let edits = [edit(&messages[0], "eins", 5), edit(&messages[1], "zwei", 5)];
    store.change_messages(&edits).await.expect("edit");
    let delete = change(&messages[0], &scene.people[0], Change::Delete, 6);
    for command in [&delete, &edits[0], &delete] {
        change_one(&*store, command).await;
        let witness = harness.open().await;
        assert_eq!(witness.wordings(messages[0].id).await.expect("read"), []);
        assert_eq!(witness.wordings(messages[1].id).await.expect("read"), [wording("two", 1, true)]);
    }
}

/// With several writers every edit keeps what it replaces: together with what the message says now, the
/// wordings are what was sent and all edits.
pub async fn edits_beside_each_other_lose_no_wording(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let message = append(&*store, &[scene.say(0, "sent")]).await.remove(0);
    let mut writers = JoinSet::new();
    for writer in 0..2 {
        let (store, message) = (harness.open().await, message.clone());
        writers.spawn(async move {
            for n in 0..EDITS_AT_ONCE {
                change_one(&*store, &edit(&message, &format!("{writer} {n}"), 5)).await;
            }
        });
    }
    writers.join_all().await;
    let now = store.message(message.id).await.expect("read").expect("it exists");
    let kept = store.wordings(message.id).await.expect("read");
    assert_eq!(kept[0], wording("sent", 1, true));
    let mut said: BTreeSet<String> = kept.into_iter().map(|wording| wording.content).collect();
    said.insert(now.content);
    let edits = (0..2).flat_map(|writer| (0..EDITS_AT_ONCE).map(move |n| format!("{writer} {n}")));
    assert_eq!(said, edits.chain(["sent".to_owned()]).collect());
}

fn text(text: &str) -> Content {
    Content::parse(text).expect("it is content")
}

fn edit(message: &Message, content: &str, seconds: i64) -> WithCommandId<ChangeMessage> {
    let sender: UserId = message.sender_id.clone();
    change(message, &sender, Change::Edit { content: text(content), mentions: None }, seconds)
}

fn wording(content: &str, seconds: i64, is_first: bool) -> Wording {
    Wording { content: content.to_owned(), written_at: at(seconds), is_first }
}

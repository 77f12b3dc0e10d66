//! Pins: everybody pins messages of their thread and unpins them, within a bound, and a list has them by the
//! time of their pins.

use super::Harness;
use super::fixtures::{Scene, append, at, change, change_one};
use crate::store::{ChangePage, PinPage, Store, WithCommandId};
use eventflow_protocol::ThreadId;
use eventflow_protocol::change::{Change, ChangeMessage, Changed, Effect, PINS_MAX};
use eventflow_protocol::document::{Message, Pinned};

/// A message is pinned once, whoever does it and however often, and says by whom and when.
pub async fn a_message_is_pinned_and_unpinned_by_everybody(harness: &dyn Harness) {
    let (store, other) = (harness.open().await, harness.open().await);
    let scene = Scene::with_people(&*store, 3).await;
    let messages = append(&*store, &scene.talk(3)).await;
    let first = pin(&scene, 1, &messages[0], 5);
    let Changed::Done(pinned, Effect::Pinned) = change_one(&*store, &first).await else {
        panic!("it is pinned")
    };
    let by = Pinned { pinned_at: at(5), user_id: scene.people[1].clone() };
    assert_eq!((pinned.pinned.as_ref(), pinned.content.as_str()), (Some(&by), "message 0"));
    for again in [first.clone(), pin(&scene, 2, &messages[0], 6)] {
        let answer = change_one(&*other, &again).await;
        assert!(matches!(answer, Changed::Before(..) | Changed::Nothing(..)), "{answer:?}");
    }
    assert_eq!(other.message(messages[0].id).await.expect("read"), Some(*pinned.clone()));
    let changed =
        other.changes(scene.thread, ChangePage { after: 0, limit: 10 }).await.expect("read changes");
    assert_eq!(changed.messages[0].message, *pinned, "whoever was away learns of it");
    let unpin = unpin(&scene, 0, &messages[0], 7);
    let Changed::Done(gone, Effect::Unpinned) = change_one(&*other, &unpin).await else {
        panic!("it is not")
    };
    assert_eq!((gone.pinned, gone.content.as_str()), (None, "message 0"));
    // Commands that come again undo nothing.
    for late in [&first, &unpin, &first] {
        assert!(matches!(change_one(&*store, late).await, Changed::Before(..)));
        assert_eq!(listed(&*store, scene.thread).await, Vec::<u64>::new());
    }
}

/// What was pinned last comes first, page by page, and threads have lists of their own.
pub async fn pins_are_listed_by_the_time_of_the_pin(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let elsewhere = Scene::between(&*store, scene.people.clone()).await;
    let messages = append(&*store, &scene.talk(6)).await;
    let foreign = append(&*store, &elsewhere.talk(1)).await;
    change_one(&*store, &pin(&elsewhere, 0, &foreign[0], 9)).await;
    for (n, seconds) in [(3, 5), (0, 6), (5, 7), (1, 7)] {
        change_one(&*store, &pin(&scene, 0, &messages[n], seconds)).await;
    }
    let store = harness.open().await;
    assert_eq!(listed(&*store, scene.thread).await, [6, 2, 1, 4]);
    assert_eq!(listed(&*store, elsewhere.thread).await, [1]);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.pins(scene.thread, PinPage { after, since: 0, limit: 1 }).await.expect("list");
        let Some(last) = page.last() else { break };
        after = last.pinned.as_ref().map(|pinned| (pinned.pinned_at, last.seq));
        seen.extend(page.iter().map(|message| message.seq));
    }
    assert_eq!(seen, [6, 2, 1, 4]);
}

/// What was taken back is pinned no more and cannot be pinned; an edit or a reaction leaves the pin.
pub async fn a_pin_goes_with_its_message(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let messages = append(&*store, &scene.talk(2)).await;
    for message in &messages {
        change_one(&*store, &pin(&scene, 1, message, 5)).await;
    }
    let content = eventflow_protocol::content::Content::parse("edited").expect("it is content");
    change_one(&*store, &change(&messages[0], &scene.people[0], Change::Edit { content, mentions: None }, 6))
        .await;
    assert_eq!(listed(&*store, scene.thread).await, [2, 1]);
    change_one(&*store, &change(&messages[0], &scene.people[0], Change::Delete, 7)).await;
    assert_eq!(listed(&*harness.open().await, scene.thread).await, [2]);
    let late = pin(&scene, 1, &messages[0], 8);
    assert_eq!(change_one(&*store, &late).await, Changed::NotFound);
    let gone = store.message(messages[0].id).await.expect("read").expect("it has its place");
    assert_eq!(gone.pinned, None);
}

/// A thread has a bounded number of pinned messages, also if a batch pins more; what is unpinned makes room.
pub async fn a_thread_has_room_for_so_many_pins(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let messages = append(&*store, &scene.talk(PINS_MAX + 3)).await;
    let batch: Vec<_> = messages.iter().map(|message| pin(&scene, 0, message, 5)).collect();
    let mut answers = store.change_messages(&batch).await.expect("pin");
    answers.retain(|answer| *answer == Changed::TooManyPins);
    assert_eq!((answers.len(), listed(&*store, scene.thread).await.len()), (3, PINS_MAX));
    let pinned = listed(&*store, scene.thread).await;
    let left = messages.iter().find(|message| !pinned.contains(&message.seq)).expect("one has no room");
    let wanted = pin(&scene, 1, left, 6);
    assert_eq!(change_one(&*store, &wanted).await, Changed::TooManyPins);
    let is_pinned = |message: &&Message| pinned.contains(&message.seq);
    let one = messages.iter().find(is_pinned).expect("there are pins");
    change_one(&*store, &unpin(&scene, 1, one, 7)).await;
    assert!(change_one(&*harness.open().await, &wanted).await.pins(), "a refused command is not remembered");
    assert_eq!(listed(&*store, scene.thread).await.len(), PINS_MAX);
}

fn pin(scene: &Scene, who: usize, message: &Message, seconds: i64) -> WithCommandId<ChangeMessage> {
    change(message, &scene.people[who], Change::Pin { is_pinned: true }, seconds)
}

fn unpin(scene: &Scene, who: usize, message: &Message, seconds: i64) -> WithCommandId<ChangeMessage> {
    change(message, &scene.people[who], Change::Pin { is_pinned: false }, seconds)
}

async fn listed(store: &dyn Store, thread: ThreadId) -> Vec<u64> {
    let all = store.pins(thread, PinPage { after: None, since: 0, limit: 100 }).await.expect("list");
    all.iter().map(|message| message.seq).collect()
}

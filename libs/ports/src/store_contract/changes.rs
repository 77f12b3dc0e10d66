//! Changes: a stored message is edited, deleted and reacted to as [`eventflow_protocol::change::apply`]
//! defines, each change once.
//!
//! When several writers change one message at the same time, nothing that was answered is lost: neither
//! another change nor a receipt.

use super::Harness;
use super::fixtures::{
    Scene, advance, append, at, change, change_one, creation, duplicate, fresh_people, history, unread, view,
};
use super::random::Random;
use crate::store::{Store, WithCommandId};
use eventflow_protocol::change::{
    Change, ChangeMessage, Changed, Cursor, Effect, REACTIONS_PER_PERSON_MAX, Wish,
};
use eventflow_protocol::content::Content;
use eventflow_protocol::document::{Message, MessageStatus};
use eventflow_protocol::{CommandId, MessageId, UserId};
use std::collections::BTreeSet;
use tokio::task::JoinSet;

/// Number of people who react to one message at the same time.
const REACTING: usize = 20;

/// The new text shows wherever the message is read.
pub async fn an_edited_message_says_the_new_text(harness: &dyn Harness) {
    let store = harness.open().await;
    let (scene, first) = told(&*store).await;
    let (message, effect) =
        done(change_one(&*store, &change(&first, &scene.people[0], edit("better"), 7)).await);
    let expected =
        Message { content: "better".to_owned(), edited_at: Some(at(7)), updated_at: at(7), ..first.clone() };
    assert_eq!((&message, effect), (&expected, Effect::Edited));
    let other = harness.open().await;
    assert_eq!(other.message(first.id).await.expect("read"), Some(expected.clone()));
    assert_eq!(history(&*other, scene.thread).await, std::slice::from_ref(&expected));
    assert_eq!(view(&*other, scene.thread, &scene.people[1]).await.last_message, Some(expected));
}

/// An edit to what the message says already is remembered and leaves the message as it is.
pub async fn an_edit_that_changes_nothing_is_no_edit(harness: &dyn Harness) {
    let store = harness.open().await;
    let (scene, first) = told(&*store).await;
    let ann = &scene.people[0];
    let idle = change(&first, ann, edit(&first.content), 7);
    assert_eq!(change_one(&*store, &idle).await, Changed::Nothing(Box::new(first.clone()), Effect::Edited));
    assert_eq!(read(&*harness.open().await, &first).await, first);
    let (edited, _) = done(change_one(&*store, &change(&first, ann, edit("better"), 8)).await);
    assert_eq!(before(change_one(&*harness.open().await, &idle).await).0, edited, "it undoes nothing");
}

/// An emoji in another spelling is the same reaction, shown as it came first.
pub async fn spellings_of_one_emoji_are_one_reaction(harness: &dyn Harness) {
    let store = harness.open().await;
    let (scene, first) = told(&*store).await;
    let (ann, bob) = (&scene.people[0], &scene.people[1]);
    for (by, emoji, wish, shown) in [
        (ann, "1\u{20E3}", Wish::Toggle, vec![(ann, "1\u{20E3}")]),
        (bob, "1\u{FE0F}\u{20E3}", Wish::Toggle, vec![(ann, "1\u{20E3}"), (bob, "1\u{20E3}")]),
        (ann, "1\u{FE0F}\u{20E3}", Wish::Toggle, vec![(bob, "1\u{20E3}")]),
        (bob, "1\u{FE0F}\u{20E3}", Wish::Remove, vec![]),
    ] {
        let react = change(&first, by, react(emoji, wish), 5);
        let (message, _) = done(change_one(&*harness.open().await, &react).await);
        let found: Vec<_> =
            message.reactions.iter().map(|each| (&each.user_id, each.emoji.as_str())).collect();
        assert_eq!(found, shown);
        assert_eq!(before(change_one(&*store, &react).await).0, message);
    }
}

/// A message is found by its own id and by no other.
pub async fn a_message_is_found_by_its_id(harness: &dyn Harness) {
    let store = harness.open().await;
    let (_, first) = told(&*store).await;
    assert_eq!(store.message(first.id).await.expect("read"), Some(first));
    assert_eq!(store.message(MessageId::from(CommandId::new())).await.expect("read"), None);
}

/// The content of a deleted message is gone. The message keeps its `seq` and no longer counts as unread.
pub async fn a_deleted_message_keeps_its_place(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let messages = append(&*store, &scene.talk(3)).await;
    store.touch_threads(&messages).await.expect("touch");
    change_one(&*store, &change(&messages[0], &scene.people[1], react("👍", Wish::Add), 5)).await;
    let (gone, effect) =
        done(change_one(&*store, &change(&messages[0], &scene.people[0], Change::Delete, 8)).await);
    assert_eq!((gone.content.as_str(), gone.reactions.len(), gone.seq), ("", 0, 1));
    assert_eq!((gone.deleted_at, gone.updated_at, effect), (Some(at(8)), at(8), Effect::Deleted));
    assert_eq!(
        unread(&*store, &scene).await,
        [1, 1],
        "a message that was taken back keeps its place and is not left to read"
    );
    let next = append(&*store, &[scene.say(1, "next")]).await.remove(0);
    assert_eq!(
        history(&*harness.open().await, scene.thread).await,
        [&gone, &messages[1], &messages[2], &next].map(Clone::clone)
    );
}

/// Every kind of change arrives three times, with later changes in between, at two stores.
pub async fn a_change_that_comes_again_is_done_once(harness: &dyn Harness) {
    let (store, other) = (harness.open().await, harness.open().await);
    let (scene, first) = told(&*store).await;
    let (ann, bob) = (&scene.people[0], &scene.people[1]);
    let mut made = Vec::new();
    for (by, wanted) in [
        (ann, edit("one")),
        (bob, react("👍", Wish::Toggle)),
        (ann, edit("two")),
        (bob, react("👍", Wish::Toggle)),
        (bob, react("👍", Wish::Add)),
        (bob, react("🎉", Wish::Toggle)),
        (bob, react("🎉", Wish::Remove)),
    ] {
        made.push(change(&first, by, wanted, 5));
        let (now, effect) = done(change_one(&*store, &made[made.len() - 1]).await);
        for witness in [&store, &other] {
            for old in &made {
                let (again, _) = before(change_one(&**witness, old).await);
                assert_eq!(again, now, "a repeated change changes nothing");
            }
        }
        assert_eq!(before(change_one(&*other, &made[made.len() - 1]).await), (now, effect));
    }
    let now = read(&*store, &first).await;
    assert_eq!((now.content.as_str(), now.reactions.len(), &now.reactions[0].emoji[..]), ("two", 1, "👍"));
    let delete = change(&first, ann, Change::Delete, 9);
    let (gone, _) = done(change_one(&*store, &delete).await);
    for witness in [store, other] {
        assert_eq!(before(change_one(&*witness, &delete).await), (gone.clone(), Effect::Deleted));
    }
}

/// One batch may change one message several times. The answers have the order of the batch.
pub async fn changes_of_one_batch_are_made_in_its_order(harness: &dyn Harness) {
    let store = harness.open().await;
    let (scene, first) = told(&*store).await;
    let (ann, bob) = (&scene.people[0], &scene.people[1]);
    let toggle = change(&first, bob, react("👍", Wish::Toggle), 5);
    let batch = [
        change(&first, ann, edit("one"), 5),
        toggle.clone(),
        change(&first, bob, edit("not mine"), 5),
        change(&first, ann, edit("two"), 5),
        toggle,
        change(&first, ann, Change::Delete, 5),
        change(&first, ann, edit("three"), 5),
    ];
    let answers = store.change_messages(&batch).await.expect("change");
    assert_eq!(answers.len(), batch.len(), "one answer per change");
    let mut answers = answers.into_iter();
    let mut next = || answers.next().expect("one answer per change");
    assert_eq!(done(next()).0.content, "one");
    assert_eq!(done(next()).0.reactions.len(), 1);
    assert_eq!(next(), Changed::NotSender);
    assert_eq!(done(next()).0.content, "two");
    assert_eq!(before(next()).0.reactions.len(), 1);
    assert_eq!(done(next()).1, Effect::Deleted);
    assert_eq!(next(), Changed::NotFound);
    assert_eq!(store.change_messages(&[]).await.expect("change nothing"), []);
}

/// Nobody else may change the message. A missing or deleted message cannot be changed.
pub async fn only_its_sender_edits_and_deletes_a_message(harness: &dyn Harness) {
    let store = harness.open().await;
    let (scene, first) = told(&*store).await;
    let (ann, bob) = (&scene.people[0], &scene.people[1]);
    for wanted in [edit("mine"), Change::Delete] {
        assert_eq!(change_one(&*store, &change(&first, bob, wanted, 5)).await, Changed::NotSender);
    }
    let unknown = Message { id: CommandId::new().into(), ..first.clone() };
    let elsewhere = Message { thread_id: creation(&fresh_people(2), 0).thread_id, ..first.clone() };
    for nowhere in [unknown, elsewhere] {
        for wanted in [edit("mine"), Change::Delete, react("👍", Wish::Add)] {
            assert_eq!(change_one(&*store, &change(&nowhere, ann, wanted, 5)).await, Changed::NotFound);
        }
    }
    assert_eq!(read(&*store, &first).await, first, "what was refused changed nothing");
    change_one(&*store, &change(&first, ann, Change::Delete, 6)).await;
    for (by, wanted) in [(ann, edit("again")), (bob, react("👍", Wish::Toggle)), (bob, Change::Delete)] {
        assert_eq!(change_one(&*store, &change(&first, by, wanted, 7)).await, Changed::NotFound);
    }
}

/// One reaction over the limit is refused and changes nothing.
pub async fn one_person_puts_so_many_signs_on_a_message(harness: &dyn Harness) {
    let store = harness.open().await;
    let (scene, first) = told(&*store).await;
    let sign = |i: usize| change(&first, &scene.people[1], react(&format!("sign {i}"), Wish::Toggle), 5);
    let signs: Vec<_> = (0..REACTIONS_PER_PERSON_MAX).map(sign).collect();
    for answer in store.change_messages(&signs).await.expect("react") {
        done(answer);
    }
    assert_eq!(change_one(&*store, &sign(REACTIONS_PER_PERSON_MAX)).await, Changed::TooManyReactions);
    assert_eq!(read(&*store, &first).await.reactions.len(), REACTIONS_PER_PERSON_MAX);
}

/// Many people toggle reactions on one message at the same time, over two stores, and each reaction is
/// stored.
pub async fn toggles_of_many_people_at_once_all_land(harness: &dyn Harness) {
    let stores = [harness.open().await, harness.open().await];
    let scene = Scene::with_people(&*stores[0], REACTING).await;
    let first = append(&*stores[0], &[scene.say(0, "react!")]).await.remove(0);
    let mut reacting = JoinSet::new();
    for (i, person) in scene.people.iter().enumerate() {
        let (store, toggle) = (stores[i % 2].clone(), change(&first, person, react("👍", Wish::Toggle), 5));
        reacting.spawn(async move { done(change_one(&*store, &toggle).await) });
    }
    for (message, effect) in reacting.join_all().await {
        assert_eq!(effect, Effect::Reacted);
        assert!(!message.reactions.is_empty(), "the answer shows the sign");
    }
    let now = read(&*stores[0], &first).await;
    assert_eq!(now.reactions.len(), REACTING, "each person's sign is there once");
    assert_eq!(reacted(&now), scene.people.iter().cloned().collect::<BTreeSet<_>>());
}

/// Two writers get one command many times at once, and it takes effect once.
pub async fn the_same_toggle_at_two_writers_is_done_once(harness: &dyn Harness) {
    let stores = [harness.open().await, harness.open().await];
    let (scene, first) = told(&*stores[0]).await;
    let toggle = change(&first, &scene.people[1], react("👍", Wish::Toggle), 5);
    let mut reacting = JoinSet::new();
    for i in 0..10 {
        let (store, toggle) = (stores[i % 2].clone(), toggle.clone());
        reacting.spawn(async move { change_one(&*store, &toggle).await });
    }
    let answers = reacting.join_all().await;
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Changed::Done(..))).count(), 1, "{answers:?}");
    assert_eq!(read(&*stores[0], &first).await.reactions.len(), 1);
}

/// One person edits, others react and others read at the same time. At the end the text, the reactions and
/// the receipts are all there.
pub async fn changes_and_receipts_do_not_undo_each_other(harness: &dyn Harness) {
    let setup = harness.open().await;
    let scene = Scene::with_people(&*setup, 6).await;
    let messages = append(&*setup, &(0..8).map(|i| scene.say(0, &format!("{i}"))).collect::<Vec<_>>()).await;
    setup.touch_threads(&messages).await.expect("touch");
    let mut working = JoinSet::new();
    for who in 1..scene.people.len() {
        let (store, scene) = (harness.open().await, scene.clone());
        working.spawn(async move {
            for up_to in 1..=8 {
                advance(&*store, &scene, who, Cursor::Delivered, Some(up_to)).await;
                advance(&*store, &scene, who, Cursor::Read, Some(up_to)).await;
            }
        });
    }
    let (store, wanted) = (harness.open().await, changes_for_all(&scene, &messages));
    working.spawn(async move {
        for change in &wanted {
            done(change_one(&*store, change).await);
        }
    });
    working.join_all().await;
    for message in history(&*setup, scene.thread).await {
        assert_eq!(message.content, format!("edited {}", message.seq));
        assert_eq!(message.reactions.len(), 5);
        assert_eq!(
            (message.read_by.len(), message.delivered_to.len(), message.status),
            (5, 5, MessageStatus::Read)
        );
    }
}

/// The sender's key still finds a message that was edited or deleted.
pub async fn a_key_still_names_a_message_that_was_changed(harness: &dyn Harness) {
    for last in [edit("better"), Change::Delete] {
        let store = harness.open().await;
        let scene = Scene::with_people(&*store, 2).await;
        let first = append(&*store, &[scene.say_keyed(0, "hi", "k")]).await.remove(0);
        let (now, _) = done(change_one(&*store, &change(&first, &scene.people[0], last, 5)).await);
        for witness in [store, harness.open().await] {
            let mut answers =
                witness.append_messages(&[scene.say_keyed(0, "hi", "k")]).await.expect("append");
            assert_eq!(duplicate(answers.remove(0)), now);
        }
    }
}

fn changes_for_all(scene: &Scene, messages: &[Message]) -> Vec<WithCommandId<ChangeMessage>> {
    let mut wanted = Vec::new();
    for message in messages {
        wanted.push(change(message, &scene.people[0], edit(&format!("edited {}", message.seq)), 5));
        wanted.extend(
            scene.people[1..].iter().map(|person| change(message, person, react("👍", Wish::Add), 5)),
        );
    }
    Random::seeded(7).shuffle(&mut wanted);
    wanted
}

/// A thread of two people with one counted message from the first of them.
async fn told(store: &dyn Store) -> (Scene, Message) {
    let scene = Scene::with_people(store, 2).await;
    let messages = append(store, &[scene.say(0, "hello")]).await;
    store.touch_threads(&messages).await.expect("touch");
    (scene, messages[0].clone())
}

async fn read(store: &dyn Store, message: &Message) -> Message {
    store.message(message.id).await.expect("read").expect("the message exists")
}

fn reacted(message: &Message) -> BTreeSet<UserId> {
    message.reactions.iter().map(|reaction| reaction.user_id.clone()).collect()
}

fn edit(text: &str) -> Change {
    Change::Edit { content: Content::parse(text).expect("the text is content"), mentions: None }
}

fn react(emoji: &str, wish: Wish) -> Change {
    Change::React { emoji: emoji.to_owned(), wish }
}

fn done(changed: Changed) -> (Message, Effect) {
    match changed {
        Changed::Done(message, effect) => (*message, effect),
        other => panic!("expected a change made now, got {other:?}"),
    }
}

fn before(changed: Changed) -> (Message, Effect) {
    match changed {
        Changed::Before(message, effect) => (*message, effect),
        other => panic!("expected a change made before, got {other:?}"),
    }
}

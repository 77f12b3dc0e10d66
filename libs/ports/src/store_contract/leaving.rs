//! Leaving: whoever has left a thread sees nothing of it, the others go on, and only they themselves can come
//! back. Documents for clients name some people of a large thread and count all.

use super::Harness;
use super::fixtures::{
    Scene, append, at, commanded, creation, first_threads, fresh_people, say, unread, view,
};
use crate::store::{Appended, Left, Store, WithCommandId};
use eventflow_protocol::change::{AdvanceCursor, Cursor};
use eventflow_protocol::command::{CreateThread, LeaveThread};
use eventflow_protocol::document::PARTICIPANTS_SHOWN_MAX;
use eventflow_protocol::{ThreadId, UserId};

fn leaving(thread_id: ThreadId, user: &UserId) -> WithCommandId<LeaveThread> {
    commanded(LeaveThread { thread_id, user_id: user.clone(), at: at(60) })
}

/// What leaving a thread comes to that is no group.
fn left_behind(was_in: bool, participant_count: u64) -> Left {
    Left { was_in, participant_count, is_back: false, handed_over: None }
}

async fn leave(store: &dyn Store, scene: &Scene, who: usize) -> Left {
    let left = store.leave(&leaving(scene.thread, &scene.people[who])).await.expect("leave");
    left.expect("the thread exists")
}

/// Whoever has left cannot see the thread, write to it or move in it; the others can, and are counted.
pub async fn who_has_left_is_a_stranger_and_the_others_go_on(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 3).await;
    let messages = append(&*store, &[scene.say(0, "before")]).await;
    store.touch_threads(&messages).await.expect("touch");
    assert!(store.is_participant(scene.thread, &scene.people[1]).await.expect("ask"));
    assert_eq!(leave(&*store, &scene, 1).await, left_behind(true, 2));
    assert_eq!(leave(&*store, &scene, 1).await, left_behind(false, 2), "repeated");
    for store in [store.clone(), harness.open().await] {
        let gone = &scene.people[1];
        assert!(!store.is_participant(scene.thread, gone).await.expect("ask"));
        assert_eq!(store.thread_view(scene.thread, gone).await.expect("view"), None);
        assert_eq!(store.threads_of(gone, first_threads(10)).await.expect("list"), []);
        let said = store.append_messages(&[say(scene.thread, gone, "still here?")]).await.expect("append");
        assert_eq!(said, [Appended::NotParticipant]);
        let read = AdvanceCursor {
            thread_id: scene.thread,
            user_id: gone.clone(),
            cursor: Cursor::Read,
            up_to: None,
            at: at(70),
        };
        assert_eq!(store.advance(&[read]).await.expect("advance"), [None]);
        let known = store.participants(&[scene.thread]).await.expect("ask").remove(&scene.thread);
        assert_eq!(known.expect("the thread exists")[..], [scene.people[0].clone(), scene.people[2].clone()]);
    }
    let messages = append(&*store, &[scene.say(2, "after")]).await;
    store.touch_threads(&messages).await.expect("touch");
    let seen = view(&*store, scene.thread, &scene.people[0]).await;
    assert_eq!((seen.thread.participant_count, seen.unread_count), (2, 1));
    assert!(!seen.thread.participants.contains(&scene.people[1]));
}

/// A thread that nobody is in any more still exists, and is nobody's.
pub async fn the_last_one_leaves_an_empty_thread(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    assert_eq!(leave(&*store, &scene, 0).await.participant_count, 1);
    assert_eq!(leave(&*store, &scene, 1).await, left_behind(true, 0));
    let thread = store.thread(scene.thread).await.expect("read").expect("it exists");
    assert_eq!((thread.participants.len(), thread.participant_count), (0, 0));
    let known = store.participants(&[scene.thread]).await.expect("ask");
    assert!(known[&scene.thread].is_empty(), "it exists and is empty");
    let nowhere = creation(&scene.people, 0).thread_id;
    assert_eq!(store.leave(&leaving(nowhere, &scene.people[0])).await.expect("leave"), None);
    assert!(!store.is_participant(nowhere, &scene.people[0]).await.expect("ask"));
}

/// The one who left comes back by starting the thread again; somebody else who starts it does not bring them
/// back. Nothing is unread for who came back, and what comes then counts.
pub async fn only_who_has_left_can_come_back(harness: &dyn Harness) {
    let store = harness.open().await;
    let people = fresh_people(3);
    let create = creation(&people, 0);
    let (thread, _) = store.create_thread(&create).await.expect("create");
    let scene = Scene { thread: thread.id, people };
    let messages = append(&*store, &[scene.say(0, "one"), scene.say(1, "two")]).await;
    store.touch_threads(&messages).await.expect("touch");
    leave(&*store, &scene, 1).await;
    let messages = append(&*store, &[scene.say(0, "three")]).await;
    store.touch_threads(&messages).await.expect("touch");
    let again =
        |who: usize| CreateThread { created_by: scene.people[who].clone(), at: at(90), ..create.clone() };
    let (found, is_news) = store.create_thread(&again(0)).await.expect("start again");
    assert!(!is_news && found.participants == [scene.people[0].clone(), scene.people[2].clone()]);
    let (found, is_news) = store.create_thread(&again(1)).await.expect("come back");
    assert!(is_news, "they came back now");
    assert_eq!((found.participants, found.participant_count), (scene.people.clone(), 3));
    assert_eq!(found.created_at, create.at, "it is the same thread");
    let (_, is_news) = store.create_thread(&again(1)).await.expect("repeat");
    assert!(!is_news, "they are back already");
    assert_eq!(unread(&*store, &scene).await, [1, 0, 3]);
    let messages = append(&*store, &[scene.say(2, "four"), scene.say(1, "five")]).await;
    store.touch_threads(&messages).await.expect("touch");
    assert_eq!(unread(&*store, &scene).await, [3, 1, 4]);
}

/// A view and a list name the first people of a large thread and count all; the thread itself has everybody.
pub async fn a_large_thread_shows_some_people_and_counts_all(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, PARTICIPANTS_SHOWN_MAX + 30).await;
    let last = scene.people.last().expect("there are people");
    let seen = view(&*store, scene.thread, last).await;
    let listed = store.threads_of(last, first_threads(10)).await.expect("list").remove(0);
    for thread in [seen.thread, listed.thread] {
        assert_eq!(thread.participants, scene.people[..PARTICIPANTS_SHOWN_MAX]);
        assert_eq!(thread.participant_count, scene.people.len() as u64);
    }
    let whole = store.thread(scene.thread).await.expect("read").expect("it exists");
    assert_eq!(whole.participants, scene.people);
}

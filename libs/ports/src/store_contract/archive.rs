//! Archiving: each person archives a thread for themselves, and a message of somebody else brings it back.

use super::Harness;
use super::fixtures::{Scene, append, at, creation, first_threads, fresh_people, unread, view};
use crate::store::{Store, ThreadPage, WithCommandId};
use eventflow_protocol::change::ArchiveThread;
use eventflow_protocol::document::ThreadStatus::{self, Active, Archived};
use eventflow_protocol::document::ThreadView;
use eventflow_protocol::{CommandId, ThreadId, UserId};

/// Archiving changes one person's list. Everybody else's list and the thread itself stay.
pub async fn a_thread_is_put_away_for_one_person(harness: &dyn Harness) {
    let store = harness.open().await;
    let (scene, other) = two_threads(&*store, 3).await;
    let messages = append(&*store, &scene.talk(3)).await;
    store.touch_threads(&messages).await.expect("touch");
    let seen = archive(&*store, &scene, 0, true).await;
    assert_eq!(
        (seen.thread.status, seen.unread_count, seen.last_message),
        (Archived, 2, Some(messages[2].clone()))
    );
    for witness in [store, harness.open().await] {
        assert_eq!(statuses(&*witness, &scene).await, [Archived, Active, Active]);
        assert_eq!(listed(&*witness, &scene.people[0], Active).await, [other.thread]);
        assert_eq!(listed(&*witness, &scene.people[0], Archived).await, [scene.thread]);
        assert_eq!(listed(&*witness, &scene.people[1], Active).await, [scene.thread, other.thread]);
        assert_eq!(listed(&*witness, &scene.people[1], Archived).await, []);
        let itself = witness.thread(scene.thread).await.expect("read").expect("the thread exists");
        assert_eq!(itself.status, Active);
        assert_eq!(unread(&*witness, &scene).await, [2, 2, 2]);
    }
}

/// Archiving and bringing back work, also when each is done twice.
pub async fn a_thread_is_brought_back(harness: &dyn Harness) {
    let store = harness.open().await;
    let (scene, other) = two_threads(&*store, 2).await;
    for archived in [true, true, false, false, true] {
        let seen = archive(&*store, &scene, 1, archived).await;
        assert_eq!(seen.thread.status, if archived { Archived } else { Active });
        assert_eq!(seen, view(&*store, scene.thread, &scene.people[1]).await);
        assert_eq!(listed(&*store, &scene.people[1], Archived).await.len(), usize::from(archived));
    }
    assert_eq!(listed(&*store, &scene.people[1], Active).await, [other.thread]);
}

/// A person who is not in a thread cannot archive it.
pub async fn strangers_put_nothing_away(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let stranger = wish(scene.thread, &fresh_people(1)[0], true);
    assert_eq!(store.archive(&stranger).await.expect("archive"), None);
    let nowhere = wish(creation(&scene.people, 0).thread_id, &scene.people[0], true);
    assert_eq!(store.archive(&nowhere).await.expect("archive"), None);
    assert_eq!(statuses(&*store, &scene).await, [Active, Active]);
}

/// A message brings the thread back for everybody except its sender.
pub async fn somebody_elses_message_brings_a_thread_back(harness: &dyn Harness) {
    let (store, writer) = (harness.open().await, harness.open().await);
    let scene = Scene::with_people(&*store, 3).await;
    for who in 0..3 {
        archive(&*store, &scene, who, true).await;
    }
    let first = append(&*writer, &[scene.say(0, "I am still here")]).await;
    writer.touch_threads(&first).await.expect("touch");
    assert_eq!(statuses(&*store, &scene).await, [Archived, Active, Active]);
    let second = append(&*writer, &[scene.say(0, "hello?"), scene.say(1, "yes")]).await;
    writer.touch_threads(&second).await.expect("touch");
    assert_eq!(statuses(&*store, &scene).await, [Active, Active, Active]);
    assert_eq!(listed(&*store, &scene.people[0], Active).await, [scene.thread]);
}

/// Only a later message brings the thread back.
pub async fn an_old_message_brings_nothing_back(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let batch = scene.talk(4);
    let messages = append(&*store, &batch).await;
    store.touch_threads(&messages).await.expect("touch");
    archive(&*store, &scene, 0, true).await;
    for witness in [store.clone(), harness.open().await] {
        witness.append_messages(&super::fixtures::again(&batch)).await.expect("append again");
        witness.touch_threads(&messages).await.expect("touch again");
        assert_eq!(statuses(&*witness, &scene).await, [Archived, Active]);
    }
    let late = append(&*store, &[scene.say(0, "said before, counted after")]).await;
    archive(&*store, &scene, 1, true).await;
    store.touch_threads(&late).await.expect("touch");
    assert_eq!(statuses(&*store, &scene).await, [Archived, Archived]);
}

/// A repeated command changes nothing, even after a message of somebody else or after the opposite command,
/// because it was carried out before.
pub async fn an_archive_that_comes_again_changes_nothing(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let wishes: Vec<_> =
        [true, false, true].map(|archived| wish(scene.thread, &scene.people[0], archived)).into();
    for first in &wishes {
        store.archive(first).await.expect("archive");
    }
    assert_eq!(statuses(&*store, &scene).await, [Archived, Active]);
    for witness in [store.clone(), harness.open().await] {
        witness.archive(&wishes[1]).await.expect("archive again");
        assert_eq!(
            statuses(&*witness, &scene).await,
            [Archived, Active],
            "the thread was put away again since"
        );
    }
    let hello = append(&*store, &[scene.say(1, "are you there?")]).await;
    store.touch_threads(&hello).await.expect("touch");
    for witness in [store.clone(), harness.open().await] {
        for again in &wishes {
            let seen = witness.archive(again).await.expect("archive again").expect("they are in the thread");
            assert_eq!(seen, view(&*witness, scene.thread, &scene.people[0]).await);
            assert_eq!(seen.thread.status, Active, "somebody else's message brought the thread back");
        }
    }
    let theirs =
        WithCommandId { wanted: wish(scene.thread, &scene.people[1], true).wanted, ..wishes[0].clone() };
    store.archive(&theirs).await.expect("archive");
    assert_eq!(statuses(&*store, &scene).await, [Active, Archived], "what one has done another has not");
}

/// This holds however many other commands were carried out since.
pub async fn many_archives_that_come_again_change_nothing(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let wishes: Vec<_> = (0..20).map(|i| wish(scene.thread, &scene.people[0], i % 2 == 0)).collect();
    for first in &wishes {
        store.archive(first).await.expect("archive");
        assert_eq!(statuses(&*store, &scene).await[0], if first.wanted.archived { Archived } else { Active });
    }
    for again in &wishes {
        store.archive(again).await.expect("archive again");
        assert_eq!(statuses(&*store, &scene).await, [Active, Active]);
    }
}

async fn two_threads(store: &dyn Store, people: usize) -> (Scene, Scene) {
    let scene = Scene::with_people(store, people).await;
    let mut create = creation(&scene.people, 0);
    create.at = at(-10);
    let (other, _) = store.create_thread(&create).await.expect("create");
    (scene.clone(), Scene { thread: other.id, people: scene.people })
}

fn wish(thread_id: ThreadId, user: &UserId, archived: bool) -> WithCommandId<ArchiveThread> {
    let wanted = ArchiveThread { thread_id, user_id: user.clone(), archived, at: at(40) };
    WithCommandId { command_id: CommandId::new(), wanted }
}

async fn archive(store: &dyn Store, scene: &Scene, who: usize, archived: bool) -> ThreadView {
    let wish = wish(scene.thread, &scene.people[who], archived);
    store.archive(&wish).await.expect("archive").expect("they are in the thread")
}

async fn statuses(store: &dyn Store, scene: &Scene) -> Vec<ThreadStatus> {
    let mut statuses = Vec::new();
    for person in &scene.people {
        statuses.push(view(store, scene.thread, person).await.thread.status);
    }
    statuses
}

async fn listed(store: &dyn Store, viewer: &UserId, status: ThreadStatus) -> Vec<ThreadId> {
    let page = ThreadPage { status, ..first_threads(10) };
    let views = store.threads_of(viewer, page).await.expect("list threads");
    assert!(views.iter().all(|view| view.thread.status == status), "a listing shows what it was asked for");
    views.iter().map(|view| view.thread.id).collect()
}

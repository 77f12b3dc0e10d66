//! Threads: a thread is created once, only its people see it, and lists are ordered by activity.

use super::Harness;
use super::fixtures::{
    ODD_METADATA, Scene, append, at, creation, first_threads, fresh_people, odd_metadata, say, view,
};
use crate::store::{Store, ThreadPage};
use eventflow_protocol::command::CreateThread;
use eventflow_protocol::document::{Attachment, AttachmentKind, Thread, ThreadStatus, ThreadView};
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use tokio::task::JoinSet;

/// Ten creations run at once over two stores. There is one thread, and exactly one call created it.
pub async fn a_creation_race_has_one_winner(harness: &dyn Harness) {
    let stores = [harness.open().await, harness.open().await];
    let create = creation(&fresh_people(2), 0);
    let mut racing = JoinSet::new();
    for i in 0..10 {
        let (store, mut create) = (stores[i % 2].clone(), create.clone());
        create.at = at(i64::try_from(i).expect("ten fits"));
        racing.spawn(async move { store.create_thread(&create).await.expect("create") });
    }
    let answers = racing.join_all().await;
    assert_eq!(answers.iter().filter(|(_, created)| *created).count(), 1, "exactly one created it");
    for (thread, _) in &answers {
        assert_eq!(thread, &answers[0].0, "all see the same thread");
    }
}

/// A new thread holds what its command asked for. Creating it again returns it unchanged.
pub async fn creating_again_finds_the_thread_as_it_is(harness: &dyn Harness) {
    let store = harness.open().await;
    let create = creation(&fresh_people(3), 0);
    let (thread, created) = store.create_thread(&create).await.expect("create");
    assert!(created);
    let expected = Thread {
        id: create.thread_id,
        participants: create.participants.clone(),
        participant_count: create.participants.len() as u64,
        last_message_id: None,
        last_message_at: None,
        last_seq: 0,
        status: ThreadStatus::Active,
        metadata: create.metadata.clone(),
        group: None,
        created_at: create.at,
        updated_at: create.at,
    };
    assert_eq!(thread, expected);
    let messages = append(&*store, &[say(thread.id, &create.participants[0], "hi")]).await;
    store.touch_threads(&messages).await.expect("touch");
    let later = CreateThread { at: at(500), ..create };
    let (found, created) = harness.open().await.create_thread(&later).await.expect("create again");
    assert!(!created);
    assert_eq!(
        (found.created_at, found.last_seq, found.last_message_id),
        (thread.created_at, 1, Some(messages[0].id))
    );
}

/// Metadata of threads and attachments comes back as it came, digit by digit and with every key.
pub async fn metadata_comes_back_as_it_came(harness: &dyn Harness) {
    let store = harness.open().await;
    let create = CreateThread { metadata: odd_metadata(), ..creation(&fresh_people(2), 0) };
    let (thread, _) = store.create_thread(&create).await.expect("create");
    let mut new = say(thread.id, &create.participants[0], "with a file");
    new.send.attachments.push(Attachment {
        kind: AttachmentKind::Document,
        url: "/f/1".to_owned(),
        filename: String::new(),
        size: 0,
        mime_type: String::new(),
        metadata: odd_metadata(),
        id: None,
        thumbnail_url: None,
        width: None,
        height: None,
    });
    let message = append(&*store, &[new]).await.remove(0);
    let other = harness.open().await;
    let found = other.thread(thread.id).await.expect("read").expect("it is there");
    let read = other.message(message.id).await.expect("read").expect("it is there");
    for metadata in [thread.metadata, found.metadata, read.attachments[0].metadata.clone()] {
        let text = serde_json::to_string(&metadata).expect("an object is JSON");
        assert_eq!(text, ODD_METADATA);
    }
}

/// Known threads return their people, sorted; unknown threads are absent.
pub async fn participants_are_known_per_thread(harness: &dyn Harness) {
    let store = harness.open().await;
    let (two, three) = (Scene::with_people(&*store, 2).await, Scene::with_people(&*store, 3).await);
    let nowhere = creation(&two.people, 0).thread_id;
    let found = store.participants(&[two.thread, nowhere, three.thread, two.thread]).await.expect("ask");
    assert_eq!(found.len(), 2);
    assert_eq!(found[&two.thread][..], two.people[..]);
    assert_eq!(found[&three.thread][..], three.people[..]);
    assert!(store.participants(&[]).await.expect("ask for none").is_empty());
}

/// A stranger sees no thread, and nobody sees a missing one.
pub async fn a_thread_is_seen_by_its_people_only(harness: &dyn Harness) {
    let store = harness.open().await;
    let scene = Scene::with_people(&*store, 2).await;
    let seen = view(&*store, scene.thread, &scene.people[1]).await;
    assert_eq!((seen.unread_count, seen.last_message), (0, None));
    let stranger = fresh_people(1).remove(0);
    let nowhere = creation(&scene.people, 0).thread_id;
    assert_eq!(store.thread_view(scene.thread, &stranger).await.expect("view"), None);
    assert_eq!(store.thread_view(nowhere, &scene.people[0]).await.expect("view"), None);
    assert_eq!(store.thread(nowhere).await.expect("read"), None);
    assert_eq!(store.threads_of(&stranger, first_threads(10)).await.expect("list"), []);
}

/// The most recently active thread comes first, by its newest message, or by its creation if it has none.
pub async fn threads_are_listed_by_activity(harness: &dyn Harness) {
    let store = harness.open().await;
    let people = fresh_people(2);
    let mut threads = Vec::new();
    for seconds in [0, 50, 20] {
        let create = creation(&people, seconds);
        threads.push(store.create_thread(&create).await.expect("create").0.id);
    }
    assert_eq!(listed(&*store, &people[0], first_threads(10)).await, [threads[1], threads[2], threads[0]]);
    let mut new = say(threads[0], &people[0], "bump");
    new.send.at = at(60);
    let messages = append(&*store, &[new]).await;
    store.touch_threads(&messages).await.expect("touch");
    let views = store.threads_of(&people[1], first_threads(10)).await.expect("list");
    assert_eq!(
        views.iter().map(|view| view.thread.id).collect::<Vec<_>>(),
        [threads[0], threads[1], threads[2]]
    );
    assert_eq!(views[0].last_message.as_ref(), Some(&messages[0]));
    assert_eq!((views[0].unread_count, views[1].unread_count), (1, 0));
    assert_eq!(
        views[0],
        view(&*store, threads[0], &people[1]).await,
        "a list shows what a single look shows"
    );
    assert_eq!(store.threads_of(&people[0], first_threads(10)).await.expect("list")[0].unread_count, 0);
}

/// Paging by cursor and by offset shows every thread once, also where activity times are equal.
pub async fn pages_of_threads_show_each_once(harness: &dyn Harness) {
    let store = harness.open().await;
    let people = fresh_people(2);
    for seconds in [3, 1, 2, 2, 2, 2, 1] {
        store.create_thread(&creation(&people, seconds)).await.expect("create");
    }
    let all = store.threads_of(&people[0], first_threads(100)).await.expect("list");
    assert_eq!(all.len(), 7);
    let order: Vec<ThreadId> = all.iter().map(|view| view.thread.id).collect();
    for limit in [1, 2, 3, 7, 100] {
        assert_eq!(by_cursor(&*store, &people[0], limit).await, order, "pages of {limit} by cursor");
        let mut by_skip = Vec::new();
        for skip in (0..7).step_by(limit as usize) {
            by_skip.extend(listed(&*store, &people[0], ThreadPage { skip, ..first_threads(limit) }).await);
        }
        assert_eq!(by_skip, order, "pages of {limit} by skip");
    }
    assert_eq!(listed(&*store, &people[0], ThreadPage { skip: 7, ..first_threads(5) }).await, []);
    let archived = ThreadPage { status: ThreadStatus::Archived, ..first_threads(10) };
    assert_eq!(listed(&*store, &people[0], archived).await, []);
}

/// Threads of few and of many people stand in one list by their activity, and every page shows each once.
pub async fn large_and_small_threads_are_listed_together(harness: &dyn Harness) {
    let store = harness.open().await;
    let (few, many) = (fresh_people(2), fresh_people(60));
    let few = [few[0].clone(), many[0].clone()];
    let mut threads = Vec::new();
    for seconds in [5, 1, 4, 2, 3, 3, 2] {
        for people in [&few[..], &many[..]] {
            threads.push(store.create_thread(&creation(people, seconds)).await.expect("create").0.id);
        }
    }
    let viewer = &many[0];
    assert_eq!(by_cursor(&*store, viewer, 100).await.len(), threads.len());
    let mut bumps = Vec::new();
    for (i, seconds) in [(1, 20), (6, 30), (3, 40), (9, 10)] {
        let mut new = say(threads[i], viewer, "bump");
        new.send.at = at(seconds);
        bumps.extend(append(&*store, &[new]).await);
    }
    store.touch_threads(&bumps).await.expect("touch");
    let views = store.threads_of(viewer, first_threads(100)).await.expect("list");
    let place =
        |view: &ThreadView| (view.thread.last_message_at.unwrap_or(view.thread.created_at), view.thread.id);
    let mut sorted: Vec<_> = views.iter().map(place).collect();
    sorted.sort_unstable_by(|one, other| other.cmp(one));
    assert_eq!(views.iter().map(place).collect::<Vec<_>>(), sorted);
    let order: Vec<ThreadId> = views.iter().map(|view| view.thread.id).collect();
    assert_eq!(order[..4], [threads[3], threads[6], threads[1], threads[9]]);
    assert_eq!(order.len(), threads.len());
    for view in &views {
        assert_eq!(*view, self::view(&*store, view.thread.id, viewer).await);
    }
    for limit in [1, 3, 5, 14] {
        assert_eq!(by_cursor(&*harness.open().await, viewer, limit).await, order, "pages of {limit}");
        let mut by_skip = Vec::new();
        for skip in (0..14).step_by(limit as usize) {
            by_skip.extend(listed(&*store, viewer, ThreadPage { skip, ..first_threads(limit) }).await);
        }
        assert_eq!(by_skip, order, "pages of {limit} by skip");
    }
}

async fn listed(store: &dyn Store, viewer: &UserId, page: ThreadPage) -> Vec<ThreadId> {
    let views = store.threads_of(viewer, page).await.expect("list threads");
    views.iter().map(|view| view.thread.id).collect()
}

async fn by_cursor(store: &dyn Store, viewer: &UserId, limit: u32) -> Vec<ThreadId> {
    let (mut order, mut after): (Vec<ThreadId>, Option<(Timestamp, ThreadId)>) = (Vec::new(), None);
    loop {
        let page = ThreadPage { after, ..first_threads(limit) };
        let views = store.threads_of(viewer, page).await.expect("list threads");
        let Some(last) = views.last() else { return order };
        after = Some((last.thread.last_message_at.unwrap_or(last.thread.created_at), last.thread.id));
        order.extend(views.iter().map(|view| view.thread.id));
    }
}

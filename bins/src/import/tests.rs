//! Imports old threads into the embedded store and checks the history: once, repeatedly, interrupted, and
//! with documents that cannot be mapped.

use super::*;
use eventflow_embedded::{Database, EmbeddedStore};
use eventflow_mongo::{LegacyFile, LegacyReaction};
use eventflow_ports::{MessagePage, Store, ThreadPage};
use eventflow_protocol::content::Markup;
use eventflow_protocol::document::{AttachmentKind, Message, ThreadStatus, ThreadView};
use eventflow_protocol::{Timestamp, UserId};
use std::sync::Arc;
use tempfile::TempDir;

struct World {
    store: Arc<dyn Store>,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let database = tokio::task::spawn_blocking(move || Database::open_in(&path)).await.unwrap().unwrap();
        Self { store: Arc::new(EmbeddedStore::open(database).await.unwrap()), _folder: folder }
    }

    async fn import(&self, threads: &[LegacyThread], messages: &[LegacyMessage]) -> Summary {
        import_into(Some(Arc::clone(&self.store)), 3, threads, messages).await
    }

    async fn threads_of(&self, user: &str) -> Vec<ThreadView> {
        let user: UserId = user.parse().unwrap();
        let page = ThreadPage { status: ThreadStatus::Active, after: None, skip: 0, limit: 100 };
        self.store.threads_of(&user, page).await.unwrap()
    }

    async fn history(&self, thread: &ThreadView) -> Vec<Message> {
        let page = MessagePage { before: None, after: None, since: 0, limit: 100 };
        self.store.messages(thread.thread.id, page).await.unwrap()
    }
}

async fn import_into(
    store: Option<Arc<dyn Store>>,
    batch: usize,
    threads: &[LegacyThread],
    messages: &[LegacyMessage],
) -> Summary {
    let mut import = Import::new(Writer::new(store, batch, Markup::default()));
    for thread in threads {
        import.know(thread.clone());
    }
    let names: std::collections::BTreeSet<&String> =
        messages.iter().filter_map(|message| message.thread.as_ref()).collect();
    for name in names {
        import.expect(name);
    }
    let mut group = Vec::new();
    for message in messages {
        import.take(message.clone(), &mut group).await.unwrap();
    }
    import.write(&mut group).await.unwrap();
    import.write_the_rest().await.unwrap();
    import.writer.finish()
}

fn thread(id: &str, people: &[&str]) -> LegacyThread {
    LegacyThread {
        id: id.to_owned(),
        names: vec![id.to_owned(), format!("{id}-object-id")],
        people: people.iter().map(|person| (*person).to_owned()).collect(),
        created_at: Some(Timestamp(1_000)),
        is_archived_or_deleted: false,
        facts: [
            ("subject".to_owned(), "Wedding <script>".to_owned()),
            ("customerId".to_owned(), "ann".to_owned()),
        ]
        .into(),
    }
}

fn message(id: &str, thread: &str, sender: &str, at: i64) -> LegacyMessage {
    LegacyMessage {
        id: id.to_owned(),
        thread: Some(thread.to_owned()),
        sender: Some(sender.to_owned()),
        text: Some(format!("text of {id}")),
        sent_at: Some(Timestamp(at)),
        ..LegacyMessage::default()
    }
}

fn ids(messages: &[Message]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| message.client_message_id.as_deref().unwrap().strip_prefix("v1:").unwrap())
        .collect()
}

#[tokio::test]
async fn a_thread_becomes_a_thread_with_its_messages_in_order_of_time() {
    let world = World::new().await;
    let sender = |n| if n % 2 == 0 { "ann" } else { "ben" };
    let old: Vec<_> = (0..10).map(|n| message(&format!("m{n}"), "t1", sender(n), 9_000 - n * 100)).collect();
    let summary = world.import(&[thread("t1", &["ann", "ben"])], &old).await;
    assert_eq!((summary.threads.written, summary.messages.written, summary.messages.left_out()), (1, 10, 0));
    let views = world.threads_of("ann").await;
    let [view] = views.as_slice() else { panic!("{views:?}") };
    assert_eq!(view.thread.participants.iter().map(UserId::as_str).collect::<Vec<_>>(), ["ann", "ben"]);
    assert_eq!((view.thread.created_at, view.thread.last_seq), (Timestamp(1_000), 10));
    assert_eq!(view.thread.last_message_at, Some(Timestamp(9_000)));
    assert_eq!(view.thread.metadata["v1"]["id"], "t1");
    assert_eq!(view.thread.metadata["v1"]["customerId"], "ann");
    assert_eq!(view.thread.metadata["subject"], "Wedding <\u{2060}script>");
    let history = world.history(view).await;
    assert_eq!(ids(&history), ["m9", "m8", "m7", "m6", "m5", "m4", "m3", "m2", "m1", "m0"]);
    assert_eq!(
        (history[0].content.as_str(), history[0].sender_id.as_str(), history[0].created_at),
        ("text of m9", "ben", Timestamp(8_100))
    );
}

#[tokio::test]
async fn importing_again_adds_only_what_is_new() {
    let world = World::new().await;
    let threads = [thread("t1", &["ann", "ben"]), thread("t2", &["ann", "cem"])];
    let mut old: Vec<_> = (0..7).map(|n| message(&format!("m{n}"), "t1", "ann", 1_000 + n)).collect();
    world.import(&threads, &old).await;
    let before = world.threads_of("ann").await;
    let again = world.import(&threads, &old).await;
    assert_eq!((again.threads.written, again.threads.known), (0, 2));
    assert_eq!((again.messages.written, again.messages.known), (0, 7));
    assert_eq!(world.threads_of("ann").await, before);
    old.push(message("late", "t1", "ben", 500));
    let third = world.import(&threads, &old).await;
    assert_eq!((third.messages.written, third.messages.known), (1, 7));
    assert_eq!(world.threads_of("ann").await.iter().map(|view| view.thread.last_seq).max(), Some(8));
}

#[tokio::test]
async fn an_interrupted_import_goes_on_with_what_is_missing() {
    let world = World::new().await;
    let old: Vec<_> = (0..8).map(|n| message(&format!("m{n}"), "t1", "ann", 1_000 + n)).collect();
    world.import(&[thread("t1", &["ann", "ben"])], &old[..4]).await;
    let rest = world.import(&[thread("t1", &["ann", "ben"])], &old).await;
    assert_eq!((rest.messages.written, rest.messages.known), (4, 4));
    let history = world.history(&world.threads_of("ben").await[0]).await;
    assert_eq!(ids(&history), ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"]);
    assert_eq!(history.iter().map(|message| message.seq).collect::<Vec<_>>(), (1..=8).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_was_read_stays_read_and_the_rest_is_unread() {
    let world = World::new().await;
    let mut old: Vec<_> = (0..6).map(|n| message(&format!("m{n}"), "t1", "ann", 1_000 + n)).collect();
    old[2].is_read = true;
    old.push(message("answer", "t1", "ben", 1_003));
    let mut named = message("n0", "t2", "ann", 1);
    named.read_by = vec!["ben".into()];
    old.extend([named, message("n1", "t2", "ann", 2)]);
    world.import(&[thread("t1", &["ann", "ben"]), thread("t2", &["ann", "ben", "cem"])], &old).await;
    let unread = async |user: &str| {
        let views = world.threads_of(user).await;
        let mut counts: Vec<_> =
            views.iter().map(|view| (view.thread.participants.len(), view.unread_count)).collect();
        counts.sort_unstable();
        counts
    };
    // The answer arrived with the fourth message and sorts before it.
    assert_eq!(unread("ben").await, [(2, 3), (3, 1)]);
    assert_eq!(unread("ann").await, [(2, 0), (3, 0)]);
    assert_eq!(unread("cem").await, [(3, 2)]);
}

#[tokio::test]
async fn what_cannot_be_mapped_is_counted_by_reason_and_stops_nothing() {
    let world = World::new().await;
    let good = || message("good", "t1", "ann", 5);
    let old = vec![
        LegacyMessage { thread: None, ..message("homeless", "", "ann", 1) },
        LegacyMessage { text: Some("\u{200B}".into()), ..message("empty", "t1", "ann", 1) },
        LegacyMessage { text: Some("x".repeat(10_001)), ..message("long", "t1", "ann", 1) },
        LegacyMessage { text: None, ..message("silent", "t1", "ann", 1) },
        LegacyMessage { sent_at: None, ..message("dateless", "t1", "ann", 1) },
        LegacyMessage { sender: Some("a\u{7}b".into()), ..message("odd", "t1", "ann", 1) },
        LegacyMessage { id: String::new(), ..good() },
        good(),
        message("alone", "t2", "ann", 1),
        message("orphan", "t3", "ann", 1),
        LegacyMessage { recipient: Some("ben".into()), ..message("found", "t4", "ann", 1) },
    ];
    let summary =
        world.import(&[thread("t1", &["ann", "ben", "bad\u{7}id"]), thread("t2", &["ann"])], &old).await;
    assert_eq!((summary.messages.written, summary.messages.left_out()), (2, 9));
    assert_eq!((summary.threads.written, summary.threads.left_out()), (2, 2));
    let text = summary.to_string();
    for line in [
        "threads: 4 read, 2 written, 0 there before, 2 left out",
        "messages: 11 read, 2 written, 0 there before, 9 left out",
        "  left out, it names no thread: 1 (such as homeless)",
        "  left out, the message is empty: 1 (such as empty)",
        "  left out, the message is longer than 10000 characters: 1 (such as long)",
        "  left out, it has no text: 1 (such as silent)",
        "  left out, it has no date: 1 (such as dateless)",
        "  left out, its sender has no usable id: 1 (such as odd)",
        "  left out, it has no id: 1",
        "  left out, its thread was left out: 2 (such as alone, orphan)",
        "  written without people whose id is not usable: 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
}

#[tokio::test]
async fn what_has_a_counterpart_comes_along_and_the_rest_is_counted() {
    let world = World::new().await;
    let file = |url: &str, name: &str| LegacyFile {
        kind: Some("image/png".into()),
        url: Some(url.into()),
        name: Some(name.into()),
        size: Some(7),
        media_type: None,
    };
    let sign = |sign: &str, user: &str| LegacyReaction {
        emoji: Some(sign.into()),
        user: Some(user.into()),
        at: None,
    };
    let old = [
        LegacyMessage {
            attachments: vec![
                file("https://files.example/a.png", "a.png"),
                file("javascript:alert(1)", "b.png"),
                LegacyFile::default(),
            ],
            reactions: vec![sign("👍", "ben"), sign("👍", "ben"), sign("🎉", "cem"), sign("<b>", "ben")],
            ..message("m1", "t1", "ann", 1)
        },
        LegacyMessage {
            text: None,
            attachments: vec![file("/f/c.png", "c.png")],
            ..message("m2", "t1", "ann", 2)
        },
        LegacyMessage {
            is_deleted: true,
            deleted_at: Some(Timestamp(9)),
            text: None,
            attachments: vec![file("/f/d.png", "d.png")],
            reactions: vec![sign("👍", "ben")],
            ..message("m3", "t1", "ann", 3)
        },
    ];
    let mut put_away = thread("t1", &["ann", "ben"]);
    put_away.is_archived_or_deleted = true;
    let summary = world.import(&[put_away.clone()], &old).await;
    let view = world.threads_of("ben").await.remove(0);
    let history = world.history(&view).await;
    let [first, second, third] = history.as_slice() else { panic!("{history:?}") };
    let names: Vec<_> = first
        .attachments
        .iter()
        .map(|file| (file.filename.as_str(), file.kind, file.mime_type.as_str()))
        .collect();
    assert_eq!(names, [("a.png", AttachmentKind::Image, "image/png")]);
    let signs: Vec<_> = first
        .reactions
        .iter()
        .map(|one| (one.emoji.as_str(), one.user_id.as_str(), one.created_at))
        .collect();
    assert_eq!(signs, [("👍", "ben", Timestamp(1))]);
    assert_eq!((second.content.as_str(), second.attachments.len()), ("c.png", 1));
    assert_eq!(
        (third.content.as_str(), third.deleted_at, third.attachments.len()),
        ("", Some(Timestamp(9)), 0)
    );
    assert!(third.reactions.is_empty());
    let text = summary.to_string();
    for line in [
        "messages: 3 read, 3 written, 0 there before, 0 left out",
        "  deleted then, and so deleted here: their place without text, files and reactions: 1",
        "attachments: 4 read, 2 written, 0 there before, 2 left out",
        "  left out, its url is missing: 1 (such as m1)",
        "  left out, its url must be an https address or a path on this site: 1 (such as m1)",
        "reactions: 4 read, 1 written, 1 there before, 2 left out",
        "  left out, it is of nobody in the thread: 1 (such as m1)",
        "  written as active, though archived or deleted: 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    let again = world.import(&[put_away], &old).await;
    assert_eq!(
        (again.messages.written, again.attachments.written, again.reactions.written),
        (0, 0, 0),
        "{again}"
    );
    assert_eq!(world.history(&view).await, history);
}

#[tokio::test]
async fn a_dry_run_counts_the_same_and_needs_no_store() {
    let threads = [thread("t1", &["ann", "ben"])];
    let old = [message("m1", "t1", "ann", 1), LegacyMessage { text: None, ..message("m2", "t1", "ann", 2) }];
    let dry = import_into(None, 256, &threads, &old).await;
    let wet = World::new().await.import(&threads, &old).await;
    assert_eq!((dry.threads.written, dry.messages.written, dry.messages.left_out()), (1, 1, 1));
    assert_eq!((wet.threads.written, wet.messages.written, wet.messages.left_out()), (1, 1, 1));
    assert!(dry.to_string().ends_with("nothing was written: this was a dry run\n"), "{dry}");
}

#[tokio::test]
async fn a_thread_is_known_by_each_of_its_names() {
    let world = World::new().await;
    let old = [
        message("m1", "t1", "ann", 1),
        message("m3", "t1", "ann", 3),
        message("m2", "t1-object-id", "ben", 2),
    ];
    let summary = world.import(&[thread("t1", &["ann", "ben"])], &old).await;
    assert_eq!((summary.threads.written, summary.threads.known, summary.messages.written), (1, 0, 3));
    let views = world.threads_of("ann").await;
    assert_eq!(views.len(), 1);
    assert_eq!(
        ids(&world.history(&views[0]).await),
        ["m1", "m2", "m3"],
        "in order of time, whatever each calls its thread"
    );
}

//! Uploaded files behind the broker: which messages use them, and what the sweeper removes. On the data file
//! and a folder.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use async_trait::async_trait;
use bytes::Bytes;
use eventflow_blobs::FolderBlobs;
use eventflow_bus::handler::{BatchHandler, Item};
use eventflow_bus::port::Broker;
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::{PERSIST, Topology};
use eventflow_embedded::{Database, EmbeddedBroker, EmbeddedStore};
use eventflow_metrics::{Metrics, SweptFile};
use eventflow_ports::store_contract::fixtures::{Scene, at};
use eventflow_ports::{BlobError, BlobKey, BlobStream, Blobs, FixedClock, Store, Uploads};
use eventflow_protocol::change::{Change, ChangeMessage};
use eventflow_protocol::command::Command;
use eventflow_protocol::content::Content;
use eventflow_protocol::document::{Attachment, AttachmentKind};
use eventflow_protocol::uploads::{FileFacts, Staged, Upload, UploadState, Writer};
use eventflow_protocol::{AttachmentId, CommandId, MessageId};
use eventflow_workers::attachments::FileSweeper;
use eventflow_workers::persistence::{Persistence, PersistenceParts};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use tempfile::TempDir;

struct Stage {
    folder: TempDir,
    store: Arc<EmbeddedStore>,
    blobs: Arc<FaultyBlobs>,
    persistence: Persistence,
    metrics: Metrics,
}

/// A folder that can refuse to remove anything.
struct FaultyBlobs {
    folder: FolderBlobs,
    refuses: AtomicBool,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open_in(folder.path()).unwrap();
        let clock = Arc::new(FixedClock::at(at(100)));
        let broker: Arc<dyn Broker> =
            Arc::new(EmbeddedBroker::open(database.clone(), clock.clone()).await.unwrap());
        broker.declare(&Topology::new(1)).await.unwrap();
        let store = Arc::new(EmbeddedStore::open(database).await.unwrap());
        let metrics = Metrics::default();
        let parts = PersistenceParts::over(Arc::clone(&store), broker, clock);
        let persistence = Persistence::open(&PERSIST, 0, parts, &metrics).await.unwrap();
        let files = FolderBlobs::open(&folder.path().join("files")).unwrap();
        let blobs = Arc::new(FaultyBlobs { folder: files, refuses: AtomicBool::new(false) });
        Self { folder, store, blobs, persistence, metrics }
    }

    /// A file of the first person, which expires 60 s after time zero.
    async fn file(&self, scene: &Scene) -> AttachmentId {
        let mut upload = Upload::begin(scene.people[0].clone(), "a".to_owned(), Some(3), 3, at(0));
        self.store.add_upload(&upload).await.unwrap();
        let staged =
            self.blobs.append(upload.id, &Staged::default(), Bytes::from_static(b"abc")).await.unwrap();
        self.blobs.complete(upload.id, &staged).await.unwrap();
        self.blobs.put(BlobKey::Thumbnail(upload.id), Bytes::from_static(b"small")).await.unwrap();
        let file = FileFacts {
            mime_type: "text/plain".to_owned(),
            kind: AttachmentKind::Document,
            size: 3,
            sha256: String::new(),
            pixels: None,
            thumbnail: None,
        };
        upload.finish(file, at(60));
        assert!(self.store.replace_upload(&upload).await.unwrap());
        upload.id
    }

    async fn has_bytes(&self, id: AttachmentId) -> bool {
        let mut found = [false; 2];
        for (found, key) in found.iter_mut().zip([BlobKey::File(id), BlobKey::Thumbnail(id)]) {
            *found = self.blobs.read(key, 0..1).await.is_ok();
        }
        assert_eq!(found[0], found[1]);
        found[0]
    }

    async fn carry_out(&self, item: &Item<Command>) {
        let performed = self.persistence.perform(std::slice::from_ref(item)).await.unwrap();
        assert_eq!(performed.outcomes, [Outcome::Done]);
    }

    fn sweeper(&self, seconds: i64) -> FileSweeper {
        let clock = Arc::new(FixedClock::at(at(seconds)));
        let (uploads, blobs) = (Arc::clone(&self.store) as _, Arc::clone(&self.blobs) as _);
        FileSweeper::new(uploads, blobs, clock, self.metrics.attachments.clone())
    }

    async fn state(&self, id: AttachmentId) -> Option<(UploadState, usize)> {
        self.store.upload(id).await.unwrap().map(|upload| (upload.state, upload.uses.len()))
    }

    fn swept(&self, reason: SweptFile) -> u64 {
        self.metrics.attachments.swept.of(reason).get()
    }
}

fn with_file(scene: &Scene, id: AttachmentId) -> Item<Command> {
    let mut send = scene.say(0, "see").send;
    send.attachments = vec![Attachment {
        kind: AttachmentKind::Document,
        url: "/f".to_owned(),
        filename: "a".to_owned(),
        size: 3,
        mime_type: "text/plain".to_owned(),
        metadata: serde_json::Map::new(),
        id: Some(id),
        thumbnail_url: None,
        width: None,
        height: None,
    }];
    item(Command::SendMessage(send))
}

fn deletion(scene: &Scene, message: MessageId) -> Item<Command> {
    item(Command::ChangeMessage(ChangeMessage {
        thread_id: scene.thread,
        message_id: message,
        by: scene.people[0].clone(),
        change: Change::Delete,
        at: at(50),
    }))
}

fn item(command: Command) -> Item<Command> {
    let (id, reply_to) = (CommandId::new().0, None);
    Item { id, attempt: 0, redelivered: false, value: command, reply_to, trace: None }
}

fn message_of(item: &Item<Command>) -> MessageId {
    CommandId(item.id).into()
}

fn again(item: &Item<Command>) -> Item<Command> {
    Item {
        id: item.id,
        attempt: 1,
        redelivered: true,
        value: item.value.clone(),
        reply_to: None,
        trace: None,
    }
}

#[tokio::test]
async fn a_file_is_used_by_its_messages_and_goes_with_the_last_of_them() {
    let stage = Stage::new().await;
    let scene = Scene::with_people(&*stage.store, 2).await;
    let id = stage.file(&scene).await;
    let (first, second) = (with_file(&scene, id), with_file(&scene, id));
    for sent in [&first, &second, &again(&first)] {
        stage.carry_out(sent).await;
    }
    assert_eq!(
        stage.state(id).await,
        Some((UploadState::Ready, 2)),
        "a command that comes again counts once"
    );
    assert_eq!(stage.sweeper(1_000).sweep().await.unwrap(), 0, "messages use it");
    stage.carry_out(&deletion(&scene, message_of(&first))).await;
    assert_eq!(stage.state(id).await, Some((UploadState::Ready, 1)));
    let last = deletion(&scene, message_of(&second));
    stage.carry_out(&last).await;
    stage.carry_out(&again(&last)).await;
    assert_eq!(stage.state(id).await, Some((UploadState::Deleted, 0)));
    stage.carry_out(&again(&second)).await;
    assert_eq!(stage.state(id).await, Some((UploadState::Deleted, 0)), "it was taken back");
    assert!(stage.has_bytes(id).await);
    assert_eq!(stage.sweeper(50).sweep().await.unwrap(), 1);
    assert_eq!((stage.state(id).await, stage.has_bytes(id).await), (None, false));
    assert_eq!(stage.swept(SweptFile::Deleted), 1);
}

#[tokio::test]
async fn an_edit_leaves_the_files_of_a_message() {
    let stage = Stage::new().await;
    let scene = Scene::with_people(&*stage.store, 2).await;
    let id = stage.file(&scene).await;
    let sent = with_file(&scene, id);
    stage.carry_out(&sent).await;
    let edit = Change::Edit { content: Content::parse("look").unwrap(), mentions: None };
    let Command::ChangeMessage(wanted) = deletion(&scene, message_of(&sent)).value else { unreachable!() };
    stage.carry_out(&item(Command::ChangeMessage(ChangeMessage { change: edit, ..wanted }))).await;
    assert_eq!(stage.state(id).await, Some((UploadState::Ready, 1)));
    let kept = stage.store.message(message_of(&sent)).await.unwrap().unwrap();
    assert_eq!((kept.content.as_str(), kept.attachments[0].id), ("look", Some(id)));
}

#[tokio::test]
async fn what_nobody_sent_is_removed_when_its_time_is_over() {
    let stage = Stage::new().await;
    let scene = Scene::with_people(&*stage.store, 2).await;
    let id = stage.file(&scene).await;
    let written = Upload {
        expires_at: at(60),
        writer: Some(Writer { id: 1, until: at(70) }),
        ..Upload::begin(scene.people[0].clone(), "b".to_owned(), Some(10), 10, at(0))
    };
    stage.store.add_upload(&written).await.unwrap();
    stage.blobs.append(written.id, &Staged::default(), Bytes::from_static(b"half")).await.unwrap();
    assert_eq!(stage.sweeper(59).sweep().await.unwrap(), 0);
    assert_eq!(stage.sweeper(60).sweep().await.unwrap(), 1, "one of them is being written");
    assert_eq!((stage.state(id).await, stage.has_bytes(id).await), (None, false));
    assert_eq!(stage.sweeper(70).sweep().await.unwrap(), 1);
    assert_eq!(stage.swept(SweptFile::Unsent), 2);
    let left = std::fs::read_dir(stage.folder.path().join("files/incoming")).unwrap().count();
    assert_eq!(left, 0, "nothing is left of what was not whole");
}

#[tokio::test]
async fn a_sweeper_that_fails_in_the_middle_is_followed_by_another() {
    let stage = Stage::new().await;
    let scene = Scene::with_people(&*stage.store, 2).await;
    let id = stage.file(&scene).await;
    stage.blobs.refuses.store(true, SeqCst);
    assert_eq!(stage.sweeper(60).sweep().await.unwrap(), 0);
    assert_eq!(stage.state(id).await, Some((UploadState::Deleted, 0)), "nobody gets it any more");
    assert!(stage.has_bytes(id).await);
    assert_eq!(stage.metrics.attachments.sweep_failures.get(), 1);
    stage.blobs.refuses.store(false, SeqCst);
    let (one, other) = (stage.sweeper(60), stage.sweeper(60));
    let (one, other) = tokio::join!(one.sweep(), other.sweep());
    assert_eq!(one.unwrap() + other.unwrap(), 1, "several at a time do no harm");
    assert_eq!((stage.state(id).await, stage.has_bytes(id).await), (None, false));
}

#[async_trait]
impl Blobs for FaultyBlobs {
    async fn append(&self, id: AttachmentId, staged: &Staged, bytes: Bytes) -> Result<Staged, BlobError> {
        self.folder.append(id, staged, bytes).await
    }
    async fn complete(&self, id: AttachmentId, staged: &Staged) -> Result<(), BlobError> {
        self.folder.complete(id, staged).await
    }
    async fn put(&self, key: BlobKey, bytes: Bytes) -> Result<(), BlobError> {
        self.folder.put(key, bytes).await
    }
    async fn read(&self, key: BlobKey, range: Range<u64>) -> Result<BlobStream, BlobError> {
        self.folder.read(key, range).await
    }
    async fn remove(&self, id: AttachmentId, staged: &Staged) -> Result<(), BlobError> {
        if self.refuses.load(SeqCst) {
            return Err(BlobError::Unavailable { what: "test", source: "the disk is read-only".into() });
        }
        self.folder.remove(id, staged).await
    }
}

//! The contract of every [`Uploads`], as checks that an adapter's tests call.

use crate::store_contract::fixtures::{at, fresh_people};
use crate::uploads::{FileUsage, Uploads, change_upload};
use async_trait::async_trait;
use eventflow_protocol::document::AttachmentKind;
use eventflow_protocol::uploads::{
    Attached, FileFacts, FileUse, Staged, Thumbnail, Upload, UploadState, Writer,
};
use eventflow_protocol::{AttachmentId, CommandId, MessageId, ThreadId, UserId};
use std::sync::Arc;
use std::time::Duration;

/// Gives the suite access to the store under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens one more store over the same data with empty caches, as another process would.
    async fn open(&self) -> Arc<dyn Uploads>;
}

/// An upload comes back as it was stored, from every process, with every field.
pub async fn an_upload_is_stored_as_it_was_given(harness: &dyn Harness) {
    let (uploads, ann) = (harness.open().await, fresh_people(1).remove(0));
    let fresh = upload(&ann, 10);
    assert_eq!(uploads.upload(fresh.id).await.expect("read"), None);
    assert!(uploads.add_upload(&fresh).await.expect("add"));
    assert!(!uploads.add_upload(&fresh).await.expect("add again"), "the id is taken");
    assert_eq!(harness.open().await.upload(fresh.id).await.expect("read"), Some(fresh.clone()));
    let mut full = Upload {
        name: "'\"$\u{1F600} \u{2060}<b>".to_owned(),
        length: Some(u64::from(u32::MAX) * 1_000),
        staged: Staged {
            length: 7_000_000_000,
            session: Some("a/b?c=d".to_owned()),
            parts: vec!["\"etag\"".to_owned(); 300],
            tail: 5,
        },
        hash: (0..=255).collect(),
        writer: Some(Writer { id: u64::MAX, until: at(5) }),
        was_taken_over: true,
        ..fresh
    };
    assert!(uploads.replace_upload(&full).await.expect("replace"));
    full.revision += 1;
    assert_eq!(harness.open().await.upload(full.id).await.expect("read"), Some(full.clone()));
    full.finish(facts(7), at(9));
    assert_eq!(full.attach(used(1)), Attached::Done);
    assert!(uploads.replace_upload(&full).await.expect("replace"));
    full.revision += 1;
    assert_eq!(harness.open().await.upload(full.id).await.expect("read"), Some(full));
}

/// A write over another revision changes nothing, and of writes at the same moment one counts.
pub async fn a_write_overwrites_no_newer_one(harness: &dyn Harness) {
    let (one, other) = (harness.open().await, harness.open().await);
    let ann = fresh_people(1).remove(0);
    let fresh = upload(&ann, 10);
    assert!(!one.replace_upload(&fresh).await.expect("replace"), "there is none");
    one.add_upload(&fresh).await.expect("add");
    let named = |name: &str| Upload { name: name.to_owned(), ..fresh.clone() };
    let (first, second) = (named("first"), named("second"));
    let (first, second) = tokio::join!(one.replace_upload(&first), other.replace_upload(&second));
    let written = [first.expect("replace"), second.expect("replace")];
    assert_eq!(written.iter().filter(|written| **written).count(), 1);
    let kept = one.upload(fresh.id).await.expect("read").expect("it is there");
    assert_eq!((kept.name.as_str(), kept.revision), (if written[0] { "first" } else { "second" }, 1));
    assert!(!other.remove_upload(fresh.id, 0).await.expect("remove"));
    assert!(other.remove_upload(fresh.id, 1).await.expect("remove"));
    assert!(!other.remove_upload(fresh.id, 1).await.expect("remove again"));
    assert_eq!(one.upload(fresh.id).await.expect("read"), None);
}

/// Changes at the same moment are all made, one on the other.
pub async fn changes_at_once_are_all_made(harness: &dyn Harness) {
    let (one, other) = (harness.open().await, harness.open().await);
    let ann = fresh_people(1).remove(0);
    let ready = ready(&*one, &ann, 4).await;
    let attach = |store: Arc<dyn Uploads>, number: u8| async move {
        for step in 0..8_u8 {
            let used = used(number + step);
            let changed = change_upload(&*store, ready, |upload| Some(upload.attach(used))).await;
            assert_eq!(changed.expect("change").expect("it is there").1, Attached::Done);
        }
    };
    tokio::join!(attach(one.clone(), 10), attach(other, 20));
    assert_eq!(one.upload(ready).await.expect("read").expect("it is there").uses.len(), 16);
    let left = change_upload(&*one, ready, |_| None::<()>).await.expect("change");
    assert_eq!(left, None);
    let missing = change_upload(&*one, AttachmentId::fresh(), |_| Some(())).await.expect("change");
    assert_eq!(missing, None);
}

/// A message finds the files that use it, until it does not use them any more.
pub async fn a_message_finds_its_files(harness: &dyn Harness) {
    let (uploads, ann) = (harness.open().await, fresh_people(1).remove(0));
    let (first, second) = (ready(&*uploads, &ann, 1).await, ready(&*uploads, &ann, 2).await);
    let [here, there] = [fresh_use(), fresh_use()];
    for (id, used) in [(first, here), (second, here), (second, there)] {
        change_upload(&*uploads, id, |upload| Some(upload.attach(used))).await.expect("change");
    }
    let other = harness.open().await;
    assert_eq!(ids(&*other, here.message_id).await, sorted([first, second]));
    assert_eq!(ids(&*other, there.message_id).await, [second]);
    assert_eq!(ids(&*other, fresh_use().message_id).await, []);
    for id in [first, second] {
        change_upload(&*uploads, id, |upload| upload.detach(here.message_id, at(5)).then_some(()))
            .await
            .expect("change")
            .expect("it was used");
    }
    assert_eq!(ids(&*other, here.message_id).await, []);
    assert_eq!(ids(&*other, there.message_id).await, [second]);
    let gone = other.upload(first).await.expect("read").expect("its record is there");
    assert_eq!(gone.state, UploadState::Deleted);
    assert!(other.remove_upload(second, 4).await.expect("remove"));
    assert_eq!(ids(&*other, there.message_id).await, [], "with the record goes what points to it");
}

/// A person's files count while they are there, and those that no message uses are counted apart.
pub async fn usage_counts_what_is_there(harness: &dyn Harness) {
    let (uploads, people) = (harness.open().await, fresh_people(2));
    let [ann, ben] = [&people[0], &people[1]];
    let usage = async |user: &UserId| harness.open().await.file_usage(user).await.expect("read");
    assert_eq!(usage(ann).await, FileUsage::default());
    let begun = upload(ann, 5_000_000_000);
    uploads.add_upload(&begun).await.expect("add");
    let finished = ready(&*uploads, ann, 10).await;
    ready(&*uploads, ben, 1).await;
    assert_eq!(usage(ann).await, FileUsage { bytes: 5_000_000_010, waiting: 2 });
    change_upload(&*uploads, finished, |upload| Some(upload.attach(fresh_use()))).await.expect("change");
    assert_eq!(usage(ann).await, FileUsage { bytes: 5_000_000_010, waiting: 1 });
    change_upload(&*uploads, begun.id, |upload| {
        upload.delete(at(1));
        Some(())
    })
    .await
    .expect("change");
    assert_eq!(usage(ann).await, FileUsage { bytes: 10, waiting: 0 });
    assert_eq!(usage(ben).await, FileUsage { bytes: 1, waiting: 1 });
}

/// What is due comes in its order, and what messages use never does.
pub async fn what_is_due_comes_in_order(harness: &dyn Harness) {
    let (uploads, ann) = (harness.open().await, fresh_people(1).remove(0));
    let mut expected = Vec::new();
    for seconds in [30, 10, 20, 40] {
        let upload = Upload { expires_at: at(seconds), ..upload(&ann, 1) };
        uploads.add_upload(&upload).await.expect("add");
        expected.push((seconds, upload.id));
    }
    let used = ready(&*uploads, &ann, 1).await;
    change_upload(&*uploads, used, |upload| Some(upload.attach(fresh_use()))).await.expect("change");
    expected.sort_unstable();
    let due = async |seconds, limit| {
        let due = harness.open().await.due_uploads(at(seconds), limit).await.expect("read");
        // Other checks may share the store.
        due.into_iter().filter(|upload| upload.owner_id == ann).map(|upload| upload.id).collect::<Vec<_>>()
    };
    let ids: Vec<AttachmentId> = expected.iter().map(|(_, id)| *id).collect();
    assert_eq!(due(9, 100).await, []);
    assert_eq!(due(10, 100).await, ids[..1]);
    assert_eq!(due(35, 100).await, ids[..3]);
    assert_eq!(due(40, 100).await, ids);
    assert_eq!(due(40, 2).await, ids[..2]);
    change_upload(&*uploads, ids[3], |upload| {
        upload.delete(at(0));
        Some(())
    })
    .await
    .expect("change");
    assert_eq!(due(0, 100).await, ids[3..]);
}

fn upload(owner: &UserId, reserved: u64) -> Upload {
    let begun = Upload::begin(owner.clone(), "a.png".to_owned(), Some(reserved), reserved, at(0));
    Upload { expires_at: at(0).plus(Duration::from_hours(1)), ..begun }
}

/// Stores an upload that is ready, of two revisions.
async fn ready(uploads: &dyn Uploads, owner: &UserId, size: u64) -> AttachmentId {
    let mut upload = upload(owner, size);
    uploads.add_upload(&upload).await.expect("add");
    upload.finish(FileFacts { thumbnail: None, ..facts(size) }, upload.expires_at);
    assert!(uploads.replace_upload(&upload).await.expect("replace"));
    upload.id
}

fn facts(size: u64) -> FileFacts {
    FileFacts {
        mime_type: "image/png".to_owned(),
        kind: AttachmentKind::Image,
        size,
        sha256: "ab".repeat(32),
        pixels: Some((u32::MAX, 1)),
        thumbnail: Some(Thumbnail { mime_type: "image/jpeg".to_owned(), size: 3, sha256: "cd".repeat(32) }),
    }
}

fn used(number: u8) -> FileUse {
    FileUse { message_id: MessageId::from_bytes([number; 12]), thread_id: ThreadId::from_bytes([9; 12]) }
}

fn fresh_use() -> FileUse {
    FileUse { message_id: CommandId::new().into(), ..used(0) }
}

async fn ids(uploads: &dyn Uploads, message: MessageId) -> Vec<AttachmentId> {
    let found = uploads.uploads_in(message).await.expect("read");
    sorted(found.into_iter().map(|upload| upload.id))
}

fn sorted(ids: impl IntoIterator<Item = AttachmentId>) -> Vec<AttachmentId> {
    let mut ids: Vec<_> = ids.into_iter().collect();
    ids.sort_unstable();
    ids
}

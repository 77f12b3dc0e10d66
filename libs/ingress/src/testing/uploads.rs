//! Records of uploaded files in memory, and their bytes.

use async_trait::async_trait;
use bytes::Bytes;
use eventflow_ports::{BlobError, BlobKey, BlobStream, Blobs, FileUsage, StoreError, Uploads};
use eventflow_protocol::document::Message;
use eventflow_protocol::uploads::{FileUse, Staged, Upload, UploadState};
use eventflow_protocol::{AttachmentId, MessageId, Timestamp, UserId};
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Bytes that are read at a time, so that a body comes in several pieces.
const CHUNK: usize = 1_000;

#[derive(Default)]
pub(crate) struct TestUploads(Mutex<BTreeMap<AttachmentId, Upload>>);

impl TestUploads {
    /// What the worker does when it has stored a message.
    pub(crate) fn attach(&self, message: &Message) {
        let used = FileUse { message_id: message.id, thread_id: message.thread_id };
        for id in message.attachments.iter().filter_map(|file| file.id) {
            if let Some(upload) = self.0.lock().get_mut(&id) {
                upload.attach(used);
                upload.revision += 1;
            }
        }
    }

    /// What the worker does when a message was taken back.
    pub(crate) fn detach(&self, message: MessageId, at: Timestamp) {
        for upload in self.0.lock().values_mut() {
            if upload.detach(message, at) {
                upload.revision += 1;
            }
        }
    }

    /// A page of a person's files.
    pub(crate) fn of(&self, owner: &UserId, after: Option<AttachmentId>, limit: u32) -> Vec<Upload> {
        let uploads = self.0.lock();
        let own = uploads.values().filter(|one| one.owner_id == *owner);
        let behind = own.filter(|one| after.is_none_or(|after| one.id > after));
        behind.take(limit as usize).cloned().collect()
    }

    pub(crate) fn get(&self, id: AttachmentId) -> Option<Upload> {
        self.0.lock().get(&id).cloned()
    }
}

#[async_trait]
impl Uploads for TestUploads {
    async fn add_upload(&self, upload: &Upload) -> Result<bool, StoreError> {
        let mut uploads = self.0.lock();
        let is_new = !uploads.contains_key(&upload.id);
        uploads.entry(upload.id).or_insert_with(|| upload.clone());
        Ok(is_new)
    }
    async fn replace_upload(&self, upload: &Upload) -> Result<bool, StoreError> {
        let mut uploads = self.0.lock();
        let Some(known) = uploads.get_mut(&upload.id).filter(|known| known.revision == upload.revision)
        else {
            return Ok(false);
        };
        *known = Upload { revision: upload.revision + 1, ..upload.clone() };
        Ok(true)
    }
    async fn remove_upload(&self, id: AttachmentId, revision: u64) -> Result<bool, StoreError> {
        let mut uploads = self.0.lock();
        let is_it = uploads.get(&id).is_some_and(|upload| upload.revision == revision);
        Ok(is_it && uploads.remove(&id).is_some())
    }
    async fn upload(&self, id: AttachmentId) -> Result<Option<Upload>, StoreError> {
        Ok(self.get(id))
    }
    async fn uploads_in(&self, _message: MessageId) -> Result<Vec<Upload>, StoreError> {
        panic!("the ingress does not ask")
    }
    async fn file_usage(&self, owner: &UserId) -> Result<FileUsage, StoreError> {
        let uploads = self.0.lock();
        let own = uploads.values().filter(|one| one.owner_id == *owner && one.state != UploadState::Deleted);
        Ok(own.fold(FileUsage::default(), |usage, one| FileUsage {
            bytes: usage.bytes + one.reserved,
            waiting: usage.waiting + u64::from(one.is_waiting()),
        }))
    }
    async fn due_uploads(&self, _now: Timestamp, _limit: u32) -> Result<Vec<Upload>, StoreError> {
        panic!("the ingress sweeps nothing")
    }
}

#[derive(Default)]
pub(crate) struct TestBlobs {
    staged: Mutex<HashMap<AttachmentId, Vec<u8>>>,
    whole: Mutex<HashMap<BlobKey, Vec<u8>>>,
    pub(crate) is_down: AtomicBool,
}

impl TestBlobs {
    fn check(&self) -> Result<(), BlobError> {
        if self.is_down.load(SeqCst) {
            return Err(BlobError::Unavailable { what: "test", source: "/secret/path is full".into() });
        }
        Ok(())
    }

    /// Changes bytes that are kept, as a faulty disk would.
    pub(crate) fn spoil(&self, id: AttachmentId) {
        if let Some(bytes) = self.staged.lock().get_mut(&id) {
            bytes[0] ^= 1;
        }
    }

    pub(crate) fn has(&self, key: BlobKey) -> bool {
        self.whole.lock().contains_key(&key)
    }
}

#[async_trait]
impl Blobs for TestBlobs {
    async fn append(&self, id: AttachmentId, staged: &Staged, bytes: Bytes) -> Result<Staged, BlobError> {
        self.check()?;
        let mut all = self.staged.lock();
        let kept = all.entry(id).or_default();
        kept.truncate(usize::try_from(staged.length).unwrap());
        kept.extend_from_slice(&bytes);
        Ok(Staged { length: kept.len() as u64, ..Staged::default() })
    }
    async fn complete(&self, id: AttachmentId, staged: &Staged) -> Result<(), BlobError> {
        self.check()?;
        let bytes = self.staged.lock().get(&id).cloned().unwrap_or_default();
        assert_eq!(bytes.len() as u64, staged.length);
        self.whole.lock().insert(BlobKey::File(id), bytes);
        Ok(())
    }
    async fn put(&self, key: BlobKey, bytes: Bytes) -> Result<(), BlobError> {
        self.check()?;
        self.whole.lock().insert(key, bytes.to_vec());
        Ok(())
    }
    async fn read(&self, key: BlobKey, range: Range<u64>) -> Result<BlobStream, BlobError> {
        self.check()?;
        let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        let found = self.whole.lock().get(&key).map(|bytes| bytes[range].to_vec());
        let bytes = found.ok_or(BlobError::NotFound { what: "test" })?;
        let chunks: Vec<_> = bytes.chunks(CHUNK).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        Ok(stream::iter(chunks).boxed())
    }
    async fn remove(&self, _id: AttachmentId, _staged: &Staged) -> Result<(), BlobError> {
        panic!("the ingress sweeps nothing")
    }
}

//! Takes the bytes of one request into an upload, a part at a time.
//!
//! One request writes an upload at a time: it holds a claim on the record, which it renews, and each part
//! goes to the blobs first and then into the record. So what the record says is always kept, and whoever
//! asks for the offset is told no more than that. The bytes that wait in memory are at most one part. A
//! request that ends in the middle, for whatever reason, keeps what has come.

use crate::files::service::Files;
use crate::refusal::Refusal;
use bytes::{Bytes, BytesMut};
use eventflow_metrics::{FileDirection, UploadRefusal};
use eventflow_ports::blobs::PART_BYTES;
use eventflow_ports::change_upload;
use eventflow_protocol::uploads::{LEASE, NotWritable, Upload, UploadState, Writer};
use eventflow_protocol::{AttachmentId, ErrorCode, UserId};
use futures_util::{Stream, StreamExt};
use sha2::digest::common::hazmat::SerializableState;
use sha2::{Digest as _, Sha256};
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, interval_at, sleep_until, timeout};

/// Renewal: how often a request that waits for bytes says that it is alive; several fit into [`LEASE`].
const RENEWAL: Duration = Duration::from_secs(4);
/// Append limit: shorter than [`LEASE`], so that nobody else writes while an append may still be under way.
const APPEND_LIMIT: Duration = Duration::from_secs(12);
/// Idle limit: how long a client may send nothing.
const IDLE_LIMIT: Duration = Duration::from_secs(30);
/// Request limit: whoever needs longer for one request continues with another.
const REQUEST_LIMIT: Duration = Duration::from_mins(30);
/// Rate: bytes a second that a client has to send on the average, after the time of [`IDLE_LIMIT`]. A phone
/// on the worst line does; one that holds a slot for ever does not.
const RATE_MIN: u64 = 1_024;

/// How a request brings bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// How long it may go on when the process is shut down: one that can be resumed elsewhere ends at once.
    pub(crate) drain_patience: Duration,
}

/// The request that writes an upload.
pub(crate) struct Intake {
    files: Files,
    /// As the store has it.
    upload: Upload,
    writer: u64,
    buffer: BytesMut,
    hash: Sha256,
    /// The most bytes that the upload may have.
    most: u64,
}

impl Intake {
    /// Claims an upload of this person at this offset.
    pub(crate) async fn open(
        files: &Files,
        id: AttachmentId,
        owner: &UserId,
        offset: u64,
    ) -> Result<Self, Refusal> {
        files.own(id, owner).await?;
        let (writer, now) = (rand::random::<u64>(), files.clock.now());
        let mut refused = None;
        let claimed = change_upload(&*files.uploads, id, |upload| {
            refused = None;
            // A file that is finished has left its place of parts: where that ends says nothing any more.
            if upload.state == UploadState::Uploading && upload.staged.length != offset {
                refused = Some(not_there(upload.staged.length));
                return None;
            }
            upload.claim(writer, now).map_err(|why| refused = Some(not_writable(why, now))).ok()
        });
        match (claimed.await?, refused) {
            (Some((upload, ())), _) => Ok(Self::of(files.clone(), upload, writer)),
            (None, Some(refusal)) => {
                files.count(UploadRefusal::Conflict);
                Err(refusal)
            }
            (None, None) => Err(Refusal::not_found("attachment")),
        }
    }

    fn of(files: Files, upload: Upload, writer: u64) -> Self {
        let hash = hash_of(&upload.hash);
        let most = upload.length.unwrap_or(upload.reserved);
        Self { files, upload, writer, buffer: BytesMut::new(), hash, most }
    }

    /// Takes all bytes of a body, whose stream says why if it ends too early. Whatever the outcome, what has
    /// come is kept if it can be.
    pub(crate) async fn take(
        &mut self,
        body: impl Stream<Item = Result<Bytes, Refusal>> + Send,
        manner: Manner,
    ) -> Result<(), Refusal> {
        let taken = self.take_in(body, manner).await;
        let kept = self.flush().await;
        taken.and(kept)
    }

    async fn take_in(
        &mut self,
        body: impl Stream<Item = Result<Bytes, Refusal>> + Send,
        manner: Manner,
    ) -> Result<(), Refusal> {
        let mut body = pin!(body);
        let drain = self.files.drain.clone();
        let began = Instant::now();
        let mut renewal = interval_at(began + RENEWAL, RENEWAL);
        let mut last = began;
        let mut received = 0_u64;
        let mut end = began + REQUEST_LIMIT;
        let mut is_drained = false;
        loop {
            tokio::select! {
                next = body.next() => match next {
                    None => return Ok(()),
                    Some(Ok(chunk)) => {
                        last = Instant::now();
                        received += chunk.len() as u64;
                        self.push(chunk).await?;
                    }
                    Some(Err(refusal)) => return Err(refusal),
                },
                _ = renewal.tick() => {
                    let elapsed = began.elapsed().saturating_sub(IDLE_LIMIT);
                    if received < elapsed.as_secs().saturating_mul(RATE_MIN) {
                        return Err(self.ended(UploadRefusal::Slow));
                    }
                    self.renew().await?;
                }
                // sleep: a client that sends nothing must not hold a slot.
                () = sleep_until((last + IDLE_LIMIT).min(end)) => {
                    return Err(self.ended(if is_drained { UploadRefusal::Drain } else { UploadRefusal::Slow }));
                }
                () = drain.cancelled(), if !is_drained => {
                    is_drained = true;
                    end = end.min(Instant::now() + manner.drain_patience);
                }
            }
        }
    }

    /// Takes some bytes; writes a part when there are enough.
    pub(crate) async fn push(&mut self, mut chunk: Bytes) -> Result<(), Refusal> {
        let length = self.upload.staged.length + self.buffer.len() as u64 + chunk.len() as u64;
        if length > self.most {
            return Err(self.too_long());
        }
        while !chunk.is_empty() {
            let room = PART_BYTES - self.buffer.len();
            self.buffer.extend_from_slice(&chunk.split_to(room.min(chunk.len())));
            if self.buffer.len() == PART_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Writes what waits in memory, and notes that it is kept.
    pub(crate) async fn flush(&mut self) -> Result<(), Refusal> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let bytes = self.buffer.split().freeze();
        let append = self.files.blobs.append(self.upload.id, &self.upload.staged, bytes.clone());
        let staged = match timeout(APPEND_LIMIT, append).await {
            Ok(Ok(staged)) => staged,
            Ok(Err(error)) => {
                self.files.count(UploadRefusal::Unavailable);
                return Err(error.into());
            }
            Err(_) => {
                self.files.count(UploadRefusal::Unavailable);
                tracing::error!(upload = %self.upload.id, "bytes of a file were not kept in time");
                return Err(Refusal::unavailable());
            }
        };
        self.hash.update(&bytes);
        let hash = self.hash.serialize().to_vec();
        let next = Upload { staged, hash, ..self.upload.clone() };
        self.store(next).await?;
        self.files.metrics.bytes.of(FileDirection::In).inc_by(bytes.len() as u64);
        Ok(())
    }

    /// Says that this request is alive.
    async fn renew(&mut self) -> Result<(), Refusal> {
        self.store(self.upload.clone()).await
    }

    async fn store(&mut self, mut next: Upload) -> Result<(), Refusal> {
        let now = self.files.clock.now();
        next.writer = Some(Writer { id: self.writer, until: now.plus(LEASE) });
        next.expires_at = now.plus(self.files.settings.unsent_kept);
        if !self.files.uploads.replace_upload(&next).await? {
            // It was deleted, or another request has taken over: nothing more may be written.
            self.buffer.clear();
            return Err(self.ended(UploadRefusal::Conflict));
        }
        next.revision += 1;
        self.upload = next;
        Ok(())
    }

    /// Takes a body, and finishes the upload if all of it is there then. Run it as a task of its own: a
    /// client that goes away ends its request, and what has come is to be kept.
    pub(crate) async fn run(
        mut self,
        body: impl Stream<Item = Result<Bytes, Refusal>> + Send,
        manner: Manner,
    ) -> Result<Upload, Refusal> {
        let taken = self.take(body, manner).await;
        if taken.is_ok() && self.upload.is_whole() {
            return self.finish().await;
        }
        let upload = self.upload.clone();
        self.close().await?;
        taken.map(|()| upload)
    }

    /// Ends the claim.
    pub(crate) async fn close(self) -> Result<(), Refusal> {
        let Self { files, upload, writer, .. } = self;
        change_upload(&*files.uploads, upload.id, |upload| upload.release(writer).then_some(())).await?;
        Ok(())
    }

    /// The bytes are all there: looks at the file and makes it ready.
    pub(crate) async fn finish(self) -> Result<Upload, Refusal> {
        let Self { files, upload, hash, writer, .. } = self;
        let id = upload.id;
        let finished = files.finish(upload, hash).await;
        if finished.is_err() {
            // So that the client can try again at once.
            change_upload(&*files.uploads, id, |upload| upload.release(writer).then_some(())).await?;
        }
        finished
    }

    fn too_long(&self) -> Refusal {
        match self.upload.length {
            Some(length) => {
                self.files.count(UploadRefusal::TooLarge);
                let error =
                    format!("the upload has more than the {length} bytes that Upload-Length announced");
                Refusal::new(ErrorCode::TooLarge, error)
            }
            None => self.files.too_large(),
        }
    }

    fn ended(&self, reason: UploadRefusal) -> Refusal {
        self.files.count(reason);
        match reason {
            UploadRefusal::Slow => Refusal::new(ErrorCode::Unavailable, SLOW),
            UploadRefusal::Conflict => Refusal::new(
                ErrorCode::Conflict,
                "the upload was deleted, or another request goes on with it",
            ),
            _ => Refusal::unavailable(),
        }
    }
}

impl Files {
    /// The upload of this person that has not ended. One whose bytes are all there is finished: the process
    /// that had taken them has ended before it could look at them.
    pub(crate) async fn own_and_finished(&self, id: AttachmentId, owner: &UserId) -> Result<Upload, Refusal> {
        let upload = self.own(id, owner).await?;
        let is_held = upload.writer.is_some_and(|writer| writer.until > self.clock.now());
        if upload.state != UploadState::Uploading || !upload.is_whole() || is_held {
            return Ok(upload);
        }
        Intake::open(self, id, owner, upload.staged.length).await?.finish().await
    }
}

/// What a client is told whose bytes come too slowly. The status is 408.
pub(crate) const SLOW: &str = "the body did not arrive in time";

fn hash_of(state: &[u8]) -> Sha256 {
    let state = state.try_into().ok();
    state.and_then(|state| Sha256::deserialize(state).ok()).unwrap_or_default()
}

fn not_there(offset: u64) -> Refusal {
    Refusal::new(
        ErrorCode::Conflict,
        format!("Upload-Offset is not where the upload is: it has {offset} bytes"),
    )
}

fn not_writable(why: NotWritable, now: eventflow_protocol::Timestamp) -> Refusal {
    match why {
        NotWritable::Over => {
            Refusal::new(ErrorCode::Conflict, "the upload is complete: all of its bytes are there")
        }
        NotWritable::Held(until) => Refusal::locked("another request writes this upload", now.age_at(until)),
    }
}

//! Uploaded files of messages: a stored message is noted as a use of its files, and one that was taken back
//! is no use any more.
//!
//! Both are done before anybody hears of the message, and are safe to repeat: a message is noted once, and
//! what is not noted is not taken away. A command that comes again does it again, since its first carrier
//! may have ended before this. A message that was taken back has no files any more, so a repetition of its
//! sending notes nothing.

use super::Persistence;
use eventflow_bus::handler::Unavailable;
use eventflow_ports::{StoreError, change_upload};
use eventflow_protocol::document::Message;
use eventflow_protocol::uploads::{Attached, FileUse};
use eventflow_protocol::{AttachmentId, MessageId, Timestamp};

impl Persistence {
    /// Notes that a stored message uses its files.
    pub(super) async fn attach_files(&self, message: &Message) -> Result<(), Unavailable> {
        let used = FileUse { message_id: message.id, thread_id: message.thread_id };
        for id in message.attachments.iter().filter_map(|file| file.id) {
            let attached = change_upload(&*self.parts.uploads, id, |upload| {
                let is_known = upload.uses.contains(&used);
                (!is_known).then(|| upload.attach(used))
            });
            match attached.await {
                Ok(Some((_, Attached::Gone | Attached::TooOften))) => log_missing(id, message.id),
                Ok(Some((_, Attached::Done)) | None) => {}
                Err(error) => self.note_fault(error, "a message could not be noted as a use of its file")?,
            }
        }
        Ok(())
    }

    /// Notes that a message that was taken back uses no files any more. Without any other message they are
    /// deleted.
    pub(super) async fn detach_files(&self, message: MessageId, at: Timestamp) -> Result<(), Unavailable> {
        const WHAT: &str = "the files of a message that was taken back could not be noted";
        let files = match self.parts.uploads.uploads_in(message).await {
            Ok(files) => files,
            Err(error) => return self.note_fault(error, WHAT),
        };
        for file in files {
            let detached = change_upload(&*self.parts.uploads, file.id, |upload| {
                upload.detach(message, at).then_some(())
            });
            if let Err(error) = detached.await {
                self.note_fault(error, WHAT)?;
            }
        }
        Ok(())
    }

    /// Waits for a store that is away. The message is what it is in any case: nobody sees a file of a message
    /// that was taken back, whatever its record says.
    #[allow(clippy::unused_self, reason = "it reads as a part of the stage")]
    fn note_fault(&self, error: StoreError, what: &'static str) -> Result<(), Unavailable> {
        match error {
            StoreError::Unavailable { .. } => Err(Unavailable::new("the store", error)),
            error => {
                tracing::error!(error = &error as &dyn std::error::Error, what, "files of a message");
                Ok(())
            }
        }
    }
}

fn log_missing(file: AttachmentId, message: MessageId) {
    tracing::warn!(%file, %message, "a message was stored whose file was deleted meanwhile");
}

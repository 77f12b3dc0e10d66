//! Who gets a file: its owner until a message uses it, then whoever may see such a message.
//!
//! The message is looked at each time. So who has left the thread, and everybody after the message was taken
//! back, gets nothing from that moment on, whatever the record of the file says yet.

use crate::commands::Commands;
use crate::files::service::Files;
use crate::refusal::Refusal;
use eventflow_protocol::uploads::{Upload, UploadState};
use eventflow_protocol::{AttachmentId, ErrorCode, UserId};

/// A finished file that this person may see; all others are told that there is none.
pub(crate) async fn seen_file(
    files: &Files,
    commands: &Commands,
    id: AttachmentId,
    user: &UserId,
) -> Result<Upload, Refusal> {
    let unknown = || Refusal::not_found("attachment");
    let upload = files.uploads.upload(id).await?.ok_or_else(unknown)?;
    if upload.state != UploadState::Ready {
        return Err(unknown());
    }
    if upload.is_waiting() {
        let is_kept = upload.expires_at > files.clock.now();
        return if upload.owner_id == *user && is_kept { Ok(upload) } else { Err(unknown()) };
    }
    for used in &upload.uses {
        match commands.message_for(used.message_id, user).await {
            Ok(message) if message.attachments.iter().any(|file| file.id == Some(id)) => return Ok(upload),
            Ok(_) => {}
            Err(refusal) if refusal.code == ErrorCode::NotFound => {}
            Err(refusal) => return Err(refusal),
        }
    }
    Err(unknown())
}

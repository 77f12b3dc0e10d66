//! The files of a message that is being sent: each id must be that of a finished upload of the sender's own.
//! What the message shows of a file comes from the record, never from the client.

use crate::refusal::Refusal;
use eventflow_ports::{Uploads, change_upload};
use eventflow_protocol::command::SendMessage;
use eventflow_protocol::document::Attachment;
use eventflow_protocol::uploads::{USES_MAX, Upload, UploadState};
use eventflow_protocol::{AttachmentId, Timestamp, UserId};
use std::time::Duration;

/// How much longer a file is kept at least that a message on its way uses: longer than any queue stands.
const KEPT_ON_THE_WAY: Duration = Duration::from_hours(24);

/// Fills in what uploaded files are. References stay as they are.
pub(crate) async fn fill_in(uploads: &dyn Uploads, send: &mut SendMessage) -> Result<(), Refusal> {
    let (sender, now) = (send.sender_id.clone(), send.at);
    let mut seen: Vec<AttachmentId> = Vec::new();
    for (index, attachment) in send.attachments.iter_mut().enumerate() {
        let Some(id) = attachment.id else { continue };
        if seen.contains(&id) {
            return Err(Refusal::invalid(format!("attachments[{index}].id is there twice")));
        }
        seen.push(id);
        let found = uploads.upload(id).await?;
        let upload = found.filter(|upload| is_usable(upload, &sender, now));
        let shown = upload.as_ref().and_then(Upload::to_attachment);
        let (Some(upload), Some(shown)) = (upload, shown) else {
            return Err(Refusal::invalid(format!("attachments[{index}].id is no finished upload of yours")));
        };
        if upload.uses.len() >= USES_MAX {
            return Err(Refusal::invalid(format!(
                "attachments[{index}].id: {USES_MAX} messages have that file"
            )));
        }
        keep_on_the_way(uploads, &upload, now).await?;
        let metadata = std::mem::take(&mut attachment.metadata);
        *attachment = Attachment { metadata, ..shown };
    }
    Ok(())
}

fn is_usable(upload: &Upload, sender: &UserId, now: Timestamp) -> bool {
    let is_kept = !upload.uses.is_empty() || upload.expires_at > now;
    upload.owner_id == *sender && upload.state == UploadState::Ready && is_kept
}

/// Keeps a file that is about to expire until the message is stored.
async fn keep_on_the_way(uploads: &dyn Uploads, upload: &Upload, now: Timestamp) -> Result<(), Refusal> {
    let until = now.plus(KEPT_ON_THE_WAY);
    if !upload.is_waiting() || upload.expires_at >= now.plus(KEPT_ON_THE_WAY / 2) {
        return Ok(());
    }
    change_upload(uploads, upload.id, |upload| {
        let is_to_keep = upload.state == UploadState::Ready && upload.expires_at < until;
        is_to_keep.then(|| upload.expires_at = until)
    })
    .await?;
    Ok(())
}

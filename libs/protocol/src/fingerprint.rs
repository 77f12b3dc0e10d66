//! Fingerprints: what something says, in 16 bytes, so that two bodies that came under one key can be told
//! apart without keeping them.

use crate::content::typed;
use crate::document::{Attachment, Message};
use crate::mentions;
use crate::quote::ReplyTo;
use crate::{AttachmentId, UserId};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// The first 16 bytes of a SHA-256.
pub type Fingerprint = [u8; 16];

/// What a message says.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// The text.
    pub content: &'a str,
    /// The files.
    pub attachments: &'a [Attachment],
    /// What the message answers.
    pub reply_to: Option<&'a ReplyTo>,
    /// Whom it mentions.
    pub mentions: &'a [UserId],
}

/// A file, as far as it counts for a fingerprint. What an uploaded file is follows from its id, and nobody
/// knows it any more after the file was deleted.
#[derive(Serialize)]
#[serde(untagged)]
enum File<'a> {
    Uploaded { id: AttachmentId, metadata: &'a Map<String, Value> },
    Referred(&'a Attachment),
}

impl<'a> File<'a> {
    fn of(file: &'a Attachment) -> Self {
        file.id.map_or(Self::Referred(file), |id| Self::Uploaded { id, metadata: &file.metadata })
    }
}

impl<'a> Said<'a> {
    /// What a message says that is stored.
    pub fn of(message: &'a Message) -> Self {
        Self {
            content: &message.content,
            attachments: &message.attachments,
            reply_to: message.reply_to.as_ref(),
            mentions: &message.mentions,
        }
    }

    /// The fingerprint of what the message says, as it was typed: a text has one fingerprint in each form of
    /// [`crate::content::Markup`] from which it can be read back.
    pub fn fingerprint(self) -> Fingerprint {
        self.hashed(&typed(self.content), &typed(&self.files()))
    }

    /// As [`Said::fingerprint`], of a message that is not yet in the form in which it is kept.
    pub(crate) fn fingerprint_as_typed(self) -> Fingerprint {
        self.hashed(self.content, &self.files())
    }

    fn files(self) -> String {
        let files: Vec<File<'_>> = self.attachments.iter().map(File::of).collect();
        serde_json::to_string(&files).unwrap_or_default()
    }

    /// A message that is no reply and mentions nobody has the fingerprint that it had before there were
    /// either: stores keep them.
    fn hashed(self, content: &str, files: &str) -> Fingerprint {
        let mut hash = Sha256::new_with_prefix((content.len() as u64).to_be_bytes())
            .chain_update(content)
            .chain_update(files);
        self.refer(&mut hash);
        shorten(&hash.finalize())
    }

    /// Adds what the message refers to.
    pub(crate) fn refer(self, hash: &mut Sha256) {
        if let Some(reply) = self.reply_to {
            hash.update(reply.message_id.bytes());
        }
        hash.update(mentions::bytes(self.mentions));
    }
}

/// As much of a hash as a [`Fingerprint`] keeps.
pub(crate) fn shorten(hash: &[u8]) -> Fingerprint {
    std::array::from_fn(|i| hash[i])
}

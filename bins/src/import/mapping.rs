//! Mapping: what an old thread or message becomes here. Pure: the same document gives the same ids, whoever
//! reads it and however often.

use crate::import::summary::Summary;
use eventflow_mongo::{LegacyFile, LegacyMessage, LegacyReaction, LegacyThread};
use eventflow_ports::NewMessage;
use eventflow_protocol::change::{Change, Wish};
use eventflow_protocol::client;
use eventflow_protocol::client::values::{AttachmentReference, Emoji};
use eventflow_protocol::command::{CLIENT_KEY_MAX_BYTES, CreateThread, SendMessage};
use eventflow_protocol::content::{Content, ContentError, Markup, clean};
use eventflow_protocol::document::{ATTACHMENTS_MAX, Attachment};
use eventflow_protocol::{CommandId, ThreadId, Timestamp, UserId};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Labels keep these ids apart from ids that are made of the same text for another purpose.
const THREAD_LABEL: &[u8] = b"eventflow import-v1 thread\0";
const MESSAGE_LABEL: &[u8] = b"eventflow import-v1 message\0";
const CHANGE_LABEL: &[u8] = b"eventflow import-v1 change\0";
/// Text of a deleted message until the import deletes it here too. The import does not bring the original
/// text back.
const DELETED: &str = "deleted";
/// Text of a message that was only a file without a name.
const UNNAMED: &str = "file";
/// Length limit of an imported attribute, in characters: enough for a title.
const FACT_MAX_CHARS: usize = 200;

/// Maps a thread with everybody who is in it or wrote in it. Fails with the reason if there are fewer than
/// two people.
pub(super) fn thread(old: &LegacyThread, messages: &[LegacyMessage]) -> Result<CreateThread, &'static str> {
    if old.id.is_empty() {
        return Err("it has no id");
    }
    let written = messages.iter().flat_map(|message| message.sender.iter().chain(&message.recipient));
    let named: Vec<UserId> =
        old.people.iter().chain(written).filter_map(|person| person.parse().ok()).collect();
    let participants: BTreeSet<UserId> = named.iter().cloned().collect();
    let Some(created_by) = named.first().filter(|_| participants.len() >= 2) else {
        return Err("fewer than two people with a usable id are known");
    };
    let first = messages.iter().filter_map(|message| message.sent_at).min();
    Ok(CreateThread {
        thread_id: thread_id(&old.id),
        created_by: created_by.clone(),
        participants: participants.into_iter().collect(),
        metadata: metadata(old),
        group: None,
        at: old.created_at.or(first).unwrap_or_default(),
    })
}

/// A message to write, with the changes it had after it was sent.
pub(super) struct Mapped {
    pub(super) new: NewMessage,
    /// Changes to apply once the message is stored, each with its author and time.
    pub(super) changes: Vec<MappedChange>,
}

/// A change of a message, with an id of its own.
pub(super) struct MappedChange {
    pub(super) command_id: CommandId,
    pub(super) by: UserId,
    pub(super) change: Change,
    pub(super) at: Timestamp,
}

/// Maps a message with as many of its files and reactions as are valid here, and counts the others. Fails
/// with the reason if the message itself cannot be mapped.
pub(super) fn message(
    old: &LegacyMessage,
    thread: &CreateThread,
    markup: Markup,
    summary: &mut Summary,
) -> Result<Mapped, String> {
    if old.id.is_empty() {
        return Err("it has no id".into());
    }
    let sender_id: UserId =
        old.sender.as_deref().and_then(|id| id.parse().ok()).ok_or("its sender has no usable id")?;
    let at = old.sent_at.ok_or("it has no date")?;
    let attachments = if old.is_deleted { Vec::new() } else { attachments(old, summary) };
    let content = content(old, &attachments)?;
    let key = format!("v1:{}", old.id);
    let changes = if old.is_deleted {
        vec![deletion(old, &sender_id, at)]
    } else {
        reactions(old, thread, at, summary)
    };
    let send = SendMessage {
        thread_id: thread.thread_id,
        sender_id,
        content,
        attachments,
        client_message_id: (key.len() <= CLIENT_KEY_MAX_BYTES).then_some(key),
        pairing: None,
        typed: None,
        reply_to: None,
        repeat_only: false,
        mentions: Vec::new(),
        at,
    };
    let send = send.written(markup).map_err(|error| error.to_string())?;
    // An earlier run may have stored the message, so the store looks first.
    let new = NewMessage { command_id: command_id(MESSAGE_LABEL, &[&old.id], at), send, redelivered: true };
    Ok(Mapped { new, changes })
}

/// The text of a message; the name of the first file if the message has no text.
fn content(old: &LegacyMessage, attachments: &[Attachment]) -> Result<Content, String> {
    let file = attachments
        .first()
        .map(|file| if file.filename.is_empty() { UNNAMED } else { file.filename.as_str() });
    let text = match old.text.as_deref() {
        _ if old.is_deleted => DELETED,
        Some(text) if Content::parse(text) != Err(ContentError::Empty) => text,
        text => file.or(text).ok_or("it has no text")?,
    };
    Content::parse(text).map_err(|error| error.to_string())
}

/// The files that a client could send today.
fn attachments(old: &LegacyMessage, summary: &mut Summary) -> Vec<Attachment> {
    let mut kept = Vec::new();
    for file in &old.attachments {
        match attachment(file) {
            Ok(_) if kept.len() == ATTACHMENTS_MAX => {
                summary
                    .attachments
                    .leave_out(&old.id, format!("its message has more than {ATTACHMENTS_MAX}"));
            }
            Ok(attachment) => kept.push(attachment),
            Err(reason) => summary.attachments.leave_out(&old.id, reason),
        }
    }
    kept
}

fn attachment(file: &LegacyFile) -> Result<Attachment, String> {
    let said = file.kind.as_deref().unwrap_or_default();
    let media_type =
        file.media_type.as_deref().or_else(|| file.kind.as_deref().filter(|kind| kind.contains('/')));
    let kind = match said.split('/').next().filter(|kind| !kind.is_empty()).or(media_type).unwrap_or_default()
    {
        kind if kind.starts_with("image") => "image",
        kind if kind.starts_with("video") => "video",
        _ => "document",
    };
    let item = json!({
        "type": kind, "url": file.url, "filename": file.name, "size": file.size, "mimeType": media_type,
    });
    // The file is read as a field, so that rules that compare two fields can name both.
    let fields = Map::from_iter([("file".to_owned(), item)]);
    let OldFile { file } =
        client::read(fields).map_err(|invalid| invalid.message.replace("file.", "its "))?;
    Ok(file.0)
}

/// A file of an old message, in the form that today's clients use.
#[derive(Deserialize)]
struct OldFile {
    file: AttachmentReference,
}

fn deletion(old: &LegacyMessage, sender: &UserId, sent_at: Timestamp) -> MappedChange {
    let at = old.deleted_at.unwrap_or(sent_at);
    MappedChange {
        command_id: command_id(CHANGE_LABEL, &[&old.id], at),
        by: sender.clone(),
        change: Change::Delete,
        at,
    }
}

/// The reactions that people of the thread could add today.
fn reactions(
    old: &LegacyMessage,
    thread: &CreateThread,
    sent_at: Timestamp,
    summary: &mut Summary,
) -> Vec<MappedChange> {
    let mut kept = Vec::new();
    for reaction in &old.reactions {
        match self::reaction(reaction, thread) {
            Ok((by, emoji)) => {
                let at = reaction.at.unwrap_or(sent_at);
                let command_id = command_id(CHANGE_LABEL, &[&old.id, by.as_str(), &emoji], at);
                kept.push(MappedChange {
                    command_id,
                    by,
                    change: Change::React { emoji, wish: Wish::Add },
                    at,
                });
            }
            Err(reason) => summary.reactions.leave_out(&old.id, reason),
        }
    }
    kept
}

fn reaction(old: &LegacyReaction, thread: &CreateThread) -> Result<(UserId, String), String> {
    let emoji = old.emoji.clone().ok_or("emoji is missing")?;
    let emoji = Emoji::try_from(emoji).map_err(|unfit| unfit.about("emoji"))?.into_string();
    let by: Option<UserId> = old.user.as_deref().and_then(|id| id.parse().ok());
    let by =
        by.filter(|person| thread.participants.contains(person)).ok_or("it is of nobody in the thread")?;
    Ok((by, emoji))
}

fn thread_id(old: &str) -> ThreadId {
    let hash = Sha256::new_with_prefix(THREAD_LABEL).chain_update(old).finalize();
    let mut bytes = [0; 12];
    bytes.copy_from_slice(&hash[..12]);
    ThreadId::from_bytes(bytes)
}

/// Builds a `UUIDv7` from the time and a hash of the parts that identify the item.
fn command_id(label: &[u8], parts: &[&str], at: Timestamp) -> CommandId {
    // A zero byte separates the parts. The id of a message is a single part, so its hash is the same as ever.
    let hash = Sha256::new_with_prefix(label).chain_update(parts.join("\0")).finalize();
    let mut random = [0; 10];
    random.copy_from_slice(&hash[..10]);
    CommandId(
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(at.0).unwrap_or(0), &random).into_uuid(),
    )
}

fn metadata(old: &LegacyThread) -> Map<String, Value> {
    let kept = |text: &str| {
        let start: String = clean(text).chars().take(FACT_MAX_CHARS).collect();
        // Nobody takes word joiners out of metadata, and some pages show a subject as markup.
        Markup::Neutralise.write(&start).into_owned()
    };
    let facts: Map<String, Value> =
        old.facts.iter().map(|(name, text)| (name.clone(), kept(text).into())).collect();
    let mut v1 = facts;
    v1.insert("id".into(), kept(&old.id).into());
    let mut metadata = Map::new();
    if let Some(subject) = v1.get("subject").or_else(|| v1.get("title")).cloned() {
        metadata.insert("subject".into(), subject);
    }
    metadata.insert("v1".into(), json!(v1));
    metadata
}

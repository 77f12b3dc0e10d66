//! What an old thread or message is here. Pure: the same document gives the same ids, whoever reads it and however often.

use eventflow_mongo::{LegacyMessage, LegacyThread};
use eventflow_ports::NewMessage;
use eventflow_protocol::command::{CLIENT_KEY_MAX_BYTES, CreateThread, SendMessage};
use eventflow_protocol::content::{Content, clean};
use eventflow_protocol::{CommandId, ThreadId, Timestamp, UserId};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Tells ids made here from all others made of the same text.
const THREAD_LABEL: &[u8] = b"eventflow import-v1 thread\0";
const MESSAGE_LABEL: &[u8] = b"eventflow import-v1 message\0";
/// Longest text kept of an old fact: titles, not stories.
const FACT_MAX_CHARS: usize = 200;

/// The thread with everybody who is in it or wrote in it; the reason if there are not two of them.
pub(super) fn thread(old: &LegacyThread, messages: &[LegacyMessage]) -> Result<CreateThread, &'static str> {
    if old.id.is_empty() {
        return Err("it has no id");
    }
    let written = messages.iter().flat_map(|message| message.sender.iter().chain(&message.recipient));
    let named: Vec<UserId> = old.people.iter().chain(written).filter_map(|person| person.parse().ok()).collect();
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
        at: old.created_at.or(first).unwrap_or_default(),
    })
}

/// The message; the reason if it cannot be one.
pub(super) fn message(old: &LegacyMessage, thread: ThreadId) -> Result<NewMessage, String> {
    if old.id.is_empty() {
        return Err("it has no id".into());
    }
    if old.is_deleted {
        return Err("it was deleted".into());
    }
    let sender_id: UserId = old.sender.as_deref().and_then(|id| id.parse().ok()).ok_or("its sender has no usable id")?;
    let at = old.sent_at.ok_or("it has no date")?;
    let text = old.text.as_deref().ok_or("it has no text")?;
    let content = Content::parse(text).map_err(|error| error.to_string())?;
    let key = format!("v1:{}", old.id);
    let send = SendMessage {
        thread_id: thread,
        sender_id,
        content,
        attachments: Vec::new(),
        client_message_id: (key.len() <= CLIENT_KEY_MAX_BYTES).then_some(key),
        pairing: None,
        at,
    };
    // Whether an earlier run has stored it is not known, so the store looks first.
    Ok(NewMessage { command_id: command_id(&old.id, at), send, redelivered: true })
}

fn thread_id(old: &str) -> ThreadId {
    let hash = Sha256::new_with_prefix(THREAD_LABEL).chain_update(old).finalize();
    let mut bytes = [0; 12];
    bytes.copy_from_slice(&hash[..12]);
    ThreadId::from_bytes(bytes)
}

/// A `UUIDv7` of the message's own time and a hash of its old id.
fn command_id(old: &str, at: Timestamp) -> CommandId {
    let hash = Sha256::new_with_prefix(MESSAGE_LABEL).chain_update(old).finalize();
    let mut random = [0; 10];
    random.copy_from_slice(&hash[..10]);
    CommandId(uuid::Builder::from_unix_timestamp_millis(u64::try_from(at.0).unwrap_or(0), &random).into_uuid())
}

fn metadata(old: &LegacyThread) -> Map<String, Value> {
    let kept = |text: &str| clean(text).chars().take(FACT_MAX_CHARS).collect::<String>();
    let facts: Map<String, Value> = old.facts.iter().map(|(name, text)| (name.clone(), kept(text).into())).collect();
    let mut v1 = facts;
    v1.insert("id".into(), kept(&old.id).into());
    let mut metadata = Map::new();
    if let Some(subject) = v1.get("subject").or_else(|| v1.get("title")).cloned() {
        metadata.insert("subject".into(), subject);
    }
    metadata.insert("v1".into(), json!(v1));
    metadata
}

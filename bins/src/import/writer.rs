//! Old threads with their messages, written through the store's port: first the thread, then its messages in order of time, then how far
//! its people had read. Each step may be repeated.

use super::mapping;
use super::summary::Summary;
use eventflow_mongo::{LegacyMessage, LegacyThread};
use eventflow_ports::{Appended, NewMessage, Store, StoreError};
use eventflow_protocol::change::{AdvanceCursor, Cursor};
use eventflow_protocol::command::CreateThread;
use eventflow_protocol::document::Message;
use eventflow_protocol::{ThreadId, UserId};
use std::collections::HashMap;
use std::sync::Arc;

/// Writes, or only counts if there is no store.
pub(super) struct Writer {
    store: Option<Arc<dyn Store>>,
    batch: usize,
    summary: Summary,
}

/// A message to write, and what the old one said of its readers.
struct Mapped {
    new: NewMessage,
    readers: Vec<UserId>,
}

impl Writer {
    pub(super) fn new(store: Option<Arc<dyn Store>>, batch: usize) -> Self {
        let summary = Summary { is_dry_run: store.is_none(), ..Summary::default() };
        Self { store, batch, summary }
    }

    /// What came of it.
    pub(super) fn finish(self) -> Summary {
        self.summary
    }

    /// Counts messages that cannot be written.
    pub(super) fn leave_out(&mut self, messages: &[LegacyMessage], reason: &str) {
        for message in messages {
            self.summary.messages.leave_out(&message.id, reason);
        }
    }

    /// Writes a thread and all its messages, in any order.
    pub(super) async fn write(&mut self, old: &LegacyThread, messages: Vec<LegacyMessage>) -> Result<(), StoreError> {
        let create = match mapping::thread(old, &messages) {
            Ok(create) => create,
            Err(reason) => {
                self.summary.threads.leave_out(&old.id, reason);
                self.leave_out(&messages, "its thread was left out");
                return Ok(());
            }
        };
        let strangers = old.people.iter().filter(|person| person.parse::<UserId>().is_err()).count();
        if strangers > 0 {
            self.summary.threads.remark("written without people whose id is not usable");
        }
        self.create(&create).await?;
        let mapped = self.map(&create, messages);
        let mut read = HashMap::new();
        for batch in mapped.chunks(self.batch) {
            self.append(batch, &mut read).await?;
        }
        self.advance(create.thread_id, read).await
    }

    async fn create(&mut self, create: &CreateThread) -> Result<(), StoreError> {
        let is_new = match &self.store {
            Some(store) => store.create_thread(create).await?.1,
            None => true,
        };
        *(if is_new { &mut self.summary.threads.written } else { &mut self.summary.threads.known }) += 1;
        Ok(())
    }

    /// The messages that can be written, oldest first.
    fn map(&mut self, create: &CreateThread, mut old: Vec<LegacyMessage>) -> Vec<Mapped> {
        old.sort_by(|a, b| (a.sent_at, &a.id).cmp(&(b.sent_at, &b.id)));
        let mut mapped = Vec::with_capacity(old.len());
        for message in old {
            match mapping::message(&message, create.thread_id) {
                Ok(new) => {
                    if message.attachments > 0 {
                        self.summary.messages.remark("written without their attachments");
                    }
                    mapped.push(Mapped { readers: readers(&message, &create.participants), new });
                }
                Err(reason) => self.summary.messages.leave_out(&message.id, reason),
            }
        }
        mapped
    }

    /// Writes messages of one thread, and notes the newest that each person had read.
    async fn append(&mut self, batch: &[Mapped], read: &mut HashMap<UserId, Message>) -> Result<(), StoreError> {
        let Some(store) = self.store.clone() else {
            self.summary.messages.written += batch.len() as u64;
            return Ok(());
        };
        let new: Vec<NewMessage> = batch.iter().map(|mapped| mapped.new.clone()).collect();
        let mut newest: Option<Message> = None;
        for (mapped, appended) in batch.iter().zip(store.append_messages(&new).await?) {
            let Some(message) = self.count(mapped, appended) else { continue };
            // Who wrote has read what was before.
            for reader in mapped.readers.iter().chain([&message.sender_id]) {
                let far = read.entry(reader.clone()).or_insert_with(|| message.clone());
                if far.seq < message.seq {
                    *far = message.clone();
                }
            }
            if newest.as_ref().is_none_or(|newest| newest.seq < message.seq) {
                newest = Some(message);
            }
        }
        // The thread's counters include everything before the message they are told of.
        store.touch_threads(newest.as_slice()).await
    }

    /// Counts what became of a message; gives it if it is stored.
    fn count(&mut self, mapped: &Mapped, appended: Appended) -> Option<Message> {
        let counts = &mut self.summary.messages;
        let old = mapped.new.send.client_message_id.as_deref().and_then(|key| key.strip_prefix("v1:")).unwrap_or_default();
        match appended {
            Appended::Stored(message) => {
                counts.written += 1;
                return Some(message);
            }
            Appended::Duplicate(message) => {
                counts.known += 1;
                return Some(message);
            }
            Appended::KeyReused => {
                counts.leave_out(old, "its id is that of another message, or it was changed since it was imported");
            }
            Appended::NotParticipant => counts.leave_out(old, "its sender was not in the thread when that was imported"),
        }
        None
    }

    async fn advance(&self, thread_id: ThreadId, read: HashMap<UserId, Message>) -> Result<(), StoreError> {
        let Some(store) = &self.store else { return Ok(()) };
        let advance = |(user_id, message): (UserId, Message)| AdvanceCursor {
            thread_id,
            user_id,
            cursor: Cursor::Read,
            up_to: Some(message.seq),
            at: message.created_at,
        };
        let advances: Vec<AdvanceCursor> = read.into_iter().map(advance).collect();
        if !advances.is_empty() {
            store.advance(&advances).await?;
        }
        Ok(())
    }
}

/// Who had read it: those it names, and of two people the other one if it only says that it was read.
fn readers(old: &LegacyMessage, participants: &[UserId]) -> Vec<UserId> {
    let is_named = |person: &&UserId| old.read_by.iter().any(|reader| reader == person.as_str());
    let is_meant = |_: &&UserId| old.is_read && participants.len() == 2;
    participants.iter().filter(|person| is_named(person) || is_meant(person)).cloned().collect()
}

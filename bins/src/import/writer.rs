//! Writer: stores old threads with their messages through the store's port.
//!
//! It writes the thread first. Then it writes the messages in order of time, each batch together with later
//! changes to its messages. Last it writes how far the thread's people had read. Each step is safe to repeat.

use super::mapping::{self, Mapped};
use super::summary::Summary;
use eventflow_mongo::{LegacyMessage, LegacyThread};
use eventflow_ports::{Appended, NewMessage, Store, StoreError, WithCommandId};
use eventflow_protocol::change::{AdvanceCursor, Change, ChangeMessage, Changed, Cursor};
use eventflow_protocol::command::CreateThread;
use eventflow_protocol::content::Markup;
use eventflow_protocol::document::Message;
use eventflow_protocol::{ThreadId, UserId};
use std::collections::HashMap;
use std::sync::Arc;

/// Remark on messages that were deleted in the old system.
const TAKEN_BACK: &str = "deleted then, and so deleted here: their place without text, files and reactions";

/// Writes threads and messages. Without a store it only counts them.
pub(super) struct Writer {
    store: Option<Arc<dyn Store>>,
    batch: usize,
    markup: Markup,
    summary: Summary,
}

/// A message to write, with the readers that the old message names.
struct MappedMessage {
    mapped: Mapped,
    readers: Vec<UserId>,
}

impl Writer {
    /// `markup` is the form in which texts are kept.
    pub(super) fn new(store: Option<Arc<dyn Store>>, batch: usize, markup: Markup) -> Self {
        let summary = Summary { is_dry_run: store.is_none(), ..Summary::default() };
        Self { store, batch, markup, summary }
    }

    /// The counts of everything that was written or left out.
    pub(super) fn finish(self) -> Summary {
        self.summary
    }

    /// Counts messages that cannot be written.
    pub(super) fn leave_out(&mut self, messages: &[LegacyMessage], reason: &str) {
        for message in messages {
            self.summary.messages.leave_out(&message.id, reason);
        }
    }

    /// Writes a thread and all its messages, which may come in any order.
    pub(super) async fn write(
        &mut self,
        old: &LegacyThread,
        messages: Vec<LegacyMessage>,
    ) -> Result<(), StoreError> {
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
        if old.is_archived_or_deleted {
            self.summary.threads.remark("written as active, though archived or deleted");
        }
        self.create(&create).await?;
        let rows = self.map(&create, messages);
        let mut read = HashMap::new();
        for batch in rows.chunks(self.batch) {
            self.append(batch, &mut read).await?;
        }
        self.advance(create.thread_id, read).await
    }

    async fn create(&mut self, create: &CreateThread) -> Result<(), StoreError> {
        let is_new = match &self.store {
            Some(store) => store.create_thread(create).await?.1,
            None => true,
        };
        let threads = &mut self.summary.threads;
        if is_new {
            threads.written += 1;
        } else {
            threads.known += 1;
        }
        Ok(())
    }

    /// Maps the messages that can be written, oldest first.
    fn map(&mut self, create: &CreateThread, mut old: Vec<LegacyMessage>) -> Vec<MappedMessage> {
        old.sort_by(|a, b| (a.sent_at, &a.id).cmp(&(b.sent_at, &b.id)));
        let mut rows = Vec::with_capacity(old.len());
        for message in old {
            match mapping::message(&message, create, self.markup, &mut self.summary) {
                Ok(mapped) => {
                    rows.push(MappedMessage { readers: readers(&message, &create.participants), mapped });
                }
                Err(reason) => self.summary.messages.leave_out(&message.id, reason),
            }
        }
        rows
    }

    /// Writes messages of one thread, and notes the newest message that each person had read.
    async fn append(
        &mut self,
        batch: &[MappedMessage],
        read: &mut HashMap<UserId, Message>,
    ) -> Result<(), StoreError> {
        let Some(store) = self.store.clone() else {
            for row in batch {
                self.count_dry(&row.mapped);
            }
            return Ok(());
        };
        let new: Vec<NewMessage> = batch.iter().map(|row| row.mapped.new.clone()).collect();
        let mut newest: Option<Message> = None;
        let mut changes: Vec<WithCommandId<ChangeMessage>> = Vec::new();
        for (row, appended) in batch.iter().zip(store.append_messages(&new).await?) {
            let Some(message) = self.count(&row.mapped, appended) else { continue };
            changes.extend(changes_to(&message, &row.mapped));
            // The sender of a message has read everything before it.
            for reader in row.readers.iter().chain([&message.sender_id]) {
                let far = read.entry(reader.clone()).or_insert_with(|| message.clone());
                if far.seq < message.seq {
                    *far = message.clone();
                }
            }
            if newest.as_ref().is_none_or(|newest| newest.seq < message.seq) {
                newest = Some(message);
            }
        }
        if !changes.is_empty() {
            for (change, changed) in changes.iter().zip(store.change_messages(&changes).await?) {
                self.count_change(change, &changed);
            }
        }
        // Counting the newest message also counts every message before it.
        store.touch_threads(newest.as_slice()).await
    }

    fn count_dry(&mut self, mapped: &Mapped) {
        self.summary.messages.written += 1;
        self.summary.attachments.written += mapped.new.send.attachments.len() as u64;
        for change in &mapped.changes {
            match change.change {
                Change::Delete => self.summary.messages.remark(TAKEN_BACK),
                Change::Edit { .. } | Change::React { .. } | Change::Pin { .. } => {
                    self.summary.reactions.written += 1;
                }
            }
        }
    }

    fn count_change(&mut self, change: &WithCommandId<ChangeMessage>, changed: &Changed) {
        let reactions = &mut self.summary.reactions;
        match (&change.wanted.change, changed) {
            (Change::Delete, _) => self.summary.messages.remark(TAKEN_BACK),
            (_, Changed::Done(..)) => reactions.written += 1,
            (_, Changed::Before(..) | Changed::Nothing(..)) => reactions.known += 1,
            (_, Changed::NotFound | Changed::NotSender) => {
                reactions.leave_out("", "its message was taken back since");
            }
            (_, Changed::TooManyReactions | Changed::TooManyPins) => {
                reactions.leave_out("", "its message has too many");
            }
        }
    }

    /// Counts the result for a message. Returns the message if it is stored.
    fn count(&mut self, mapped: &Mapped, appended: Appended) -> Option<Message> {
        let counts = &mut self.summary.messages;
        let files = mapped.new.send.attachments.len() as u64;
        let old = mapped
            .new
            .send
            .client_message_id
            .as_deref()
            .and_then(|key| key.strip_prefix("v1:"))
            .unwrap_or_default();
        match appended {
            Appended::Stored(message) => {
                counts.written += 1;
                self.summary.attachments.written += files;
                return Some(message);
            }
            Appended::Duplicate(message) => {
                counts.known += 1;
                self.summary.attachments.known += files;
                return Some(message);
            }
            Appended::KeyReused => {
                counts.leave_out(
                    old,
                    "its id is that of another message, or it was changed since it was imported",
                );
            }
            Appended::NotParticipant => {
                counts.leave_out(old, "its sender was not in the thread when that was imported");
            }
            Appended::NotRepeated => counts.leave_out(old, "it was not imported before"),
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

/// The changes of a message since it was sent, as changes of the stored message.
fn changes_to(message: &Message, mapped: &Mapped) -> Vec<WithCommandId<ChangeMessage>> {
    let (thread_id, message_id) = (message.thread_id, message.id);
    let change = |one: &mapping::MappedChange| WithCommandId {
        command_id: one.command_id,
        wanted: ChangeMessage {
            thread_id,
            message_id,
            by: one.by.clone(),
            change: one.change.clone(),
            at: one.at,
        },
    };
    mapped.changes.iter().map(change).collect()
}

/// The readers of a message: those that it names. In a thread of two people, the other person if the message
/// only says that it was read.
fn readers(old: &LegacyMessage, participants: &[UserId]) -> Vec<UserId> {
    let is_named = |person: &&UserId| old.read_by.iter().any(|reader| reader == person.as_str());
    let is_meant = |_: &&UserId| old.is_read && participants.len() == 2;
    participants.iter().filter(|person| is_named(person) || is_meant(person)).cloned().collect()
}

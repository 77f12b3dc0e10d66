//! What a person did in threads, also in those that they have left: messages with earlier wordings,
//! reactions, pins, and where others mention them.
//!
//! No index has the messages of a person, since it would cost something with each message that anybody sends.
//! So the messages of their threads are gone through.

use super::{Export, ExportError, next};
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{MessagePage, Place};
use eventflow_protocol::ThreadId;
use eventflow_protocol::client::answers::{ExportRecord, ExportedMessage, ExportedThread};
use eventflow_protocol::document::Message;

impl Export {
    pub(super) async fn threads(&mut self) -> Result<(), ExportError> {
        let mut after = None;
        loop {
            let found = self.erasures().threads_with(&self.user, after).await?;
            for thread in found.threads {
                self.thread(thread).await?;
            }
            after = found.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn thread(&mut self, id: ThreadId) -> Result<(), ExportError> {
        let Some(membership) = self.erasures().membership_of(id, &self.user).await? else { return Ok(()) };
        let Some(thread) = self.edge.store.thread(id).await? else { return Ok(()) };
        let record = ExportedThread {
            created_at: thread.created_at,
            delivered_seq: membership.delivered_seq,
            group: thread.group.filter(|_| membership.is_in),
            id,
            is_archived: membership.is_archived,
            is_member: membership.is_in,
            joined_at: membership.joined_at,
            metadata: thread.metadata,
            read_seq: membership.read_seq,
            role: membership.role,
        };
        self.send(ExportRecord::Thread(record)).await?;
        let mut place = 0;
        loop {
            let after = Some(Place::Seq(place));
            let page = MessagePage { before: None, after, since: 0, limit: PAGE_MAX };
            let messages = self.edge.store.messages(id, page).await?;
            let last = next(&messages, |last| last.seq);
            for message in messages {
                let sees = membership.is_in && message.seq > membership.seen_from;
                self.message(message, sees).await?;
            }
            match last {
                Some(last) => place = last,
                None => return Ok(()),
            }
        }
    }

    /// What of a message is the person's. Of others' messages they get what concerns them only where they see
    /// the message.
    async fn message(&mut self, message: Message, sees: bool) -> Result<(), ExportError> {
        let (message_id, thread_id) = (message.id, message.thread_id);
        if let Some(pinned) = message.pinned.as_ref().filter(|pinned| pinned.user_id == self.user) {
            let pinned_at = pinned.pinned_at;
            self.send(ExportRecord::Pin { message_id, pinned_at, thread_id }).await?;
        }
        for reaction in &message.reactions {
            if reaction.user_id == self.user {
                let (created_at, emoji) = (reaction.created_at, reaction.emoji.clone());
                self.send(ExportRecord::Reaction { created_at, emoji, message_id, thread_id }).await?;
            }
        }
        if message.sender_id != self.user {
            if sees && message.mentions.contains(&self.user) {
                let created_at = message.created_at;
                self.send(ExportRecord::Mention { created_at, message_id, thread_id }).await?;
            }
            return Ok(());
        }
        let is_edited = message.edited_at.is_some() && message.deleted_at.is_none();
        self.send(ExportRecord::Message(ExportedMessage::from(message))).await?;
        if is_edited {
            for wording in self.edge.store.wordings(message_id).await? {
                let (content, written_at) = (wording.content, wording.written_at);
                self.send(ExportRecord::Wording { content, message_id, written_at }).await?;
            }
        }
        Ok(())
    }
}

//! Storing a batch of messages: the next `seq` for each, then each thread and sender brought up to date once.
//!
//! Runs as one change on the only writer, so nobody else writes between reading a thread's `last_seq` and
//! writing it.
//! Safe to repeat because a message that is stored already takes no `seq` and is not counted again.

use super::{column, message, pairing, thread};
use eventflow_ports::{Appended, NewMessage};
use eventflow_protocol::command::SendMessage;
use eventflow_protocol::{MessageId, ThreadId, Timestamp, UserId};
use rusqlite::{Connection, Error, Result, params};
use std::collections::HashMap;

/// Stores `batch` in order. Gives one answer for each message.
pub(super) fn append(connection: &Connection, batch: Vec<NewMessage>) -> Result<Vec<Appended>> {
    let mut append = Append { connection, heads: HashMap::new(), sent: HashMap::new() };
    let answers = batch.into_iter().map(|new| append.one(&new)).collect::<Result<Vec<_>>>()?;
    append.touch_threads()?;
    append.touch_people()?;
    Ok(answers)
}

/// A batch that is being stored.
struct Append<'a> {
    connection: &'a Connection,
    heads: HashMap<ThreadId, ThreadHead>,
    /// How many messages of this batch were stored, by thread and sender. Holds only senders who are in the
    /// thread.
    sent: HashMap<(ThreadId, UserId), u64>,
}

/// The end of a thread.
struct ThreadHead {
    last_seq: u64,
    /// The newest message, if it belongs to this batch.
    newest: Option<(MessageId, Timestamp)>,
}

impl Append<'_> {
    fn one(&mut self, new: &NewMessage) -> Result<Appended> {
        let member = (new.send.thread_id, new.send.sender_id.clone());
        if !self.is_member(&member)? {
            return Ok(Appended::NotParticipant);
        }
        let pairing = pairing::of(&new.send).cloned();
        let leg = pairing.as_ref().map(|pairing| (new.command_id, pairing));
        if let Some((command, pairing)) = leg
            && let Some(message) = pairing::join(self.connection, command, pairing, new.send.at)?
        {
            return Ok(Appended::Duplicate(message));
        }
        if new.send.repeat_only {
            return Ok(self.find_stored(new.command_id.into(), &new.send)?.unwrap_or(Appended::NotRepeated));
        }
        let last_seq = self.head(member.0)?.last_seq;
        let message = new.send.clone().into_message(new.command_id, last_seq + 1);
        if !message::insert(self.connection, &message, leg)? {
            // One of the unique indexes refused it.
            return self.find_stored(message.id, &new.send)?.ok_or(Error::QueryReturnedNoRows);
        }
        if let Some(typed) = new.send.typed.filter(|_| message.client_message_id.is_some()) {
            message::write_sent_as(self.connection, &message, typed)?;
        }
        let head = ThreadHead { last_seq: message.seq, newest: Some((message.id, message.created_at)) };
        self.heads.insert(message.thread_id, head);
        *self.sent.entry(member).or_default() += 1;
        Ok(Appended::Stored(message))
    }

    fn is_member(&mut self, member: &(ThreadId, UserId)) -> Result<bool> {
        let known = self.sent.contains_key(member) || thread::includes(self.connection, member.0, &member.1)?;
        if known {
            self.sent.entry(member.clone()).or_default();
        }
        Ok(known)
    }

    fn head(&mut self, id: ThreadId) -> Result<&ThreadHead> {
        if !self.heads.contains_key(&id) {
            let mut statement =
                self.connection.prepare_cached("SELECT last_seq FROM thread WHERE id = ?1")?;
            let last_seq = statement.query_row([id.bytes()], |row| column::read_integer(row, "last_seq"))?;
            self.heads.insert(id, ThreadHead { last_seq, newest: None });
        }
        Ok(&self.heads[&id])
    }

    /// The answer for a message that was stored before, by its command or under its key.
    fn find_stored(&self, id: MessageId, send: &SendMessage) -> Result<Option<Appended>> {
        if let Some(stored) = message::by_id(self.connection, id)? {
            return Ok(Some(Appended::Duplicate(stored)));
        }
        let Some(key) = send.client_message_id.as_deref() else { return Ok(None) };
        let found = message::by_key(self.connection, &send.sender_id, key)?;
        Ok(found.map(|(stored, sent_as)| {
            if send.is_again(&stored, sent_as) { Appended::Duplicate(stored) } else { Appended::KeyReused }
        }))
    }

    fn touch_threads(&self) -> Result<()> {
        let mut statement = self.connection.prepare_cached(
            "UPDATE thread SET last_seq = ?2, last_message_id = ?3, active_at = ?4, updated_at = ?4 WHERE id = ?1",
        )?;
        for (id, head) in &self.heads {
            if let Some((newest, at)) = head.newest {
                statement.execute(params![
                    id.bytes(),
                    column::integer(head.last_seq),
                    newest.bytes(),
                    at.0
                ])?;
            }
        }
        Ok(())
    }

    /// Counts the messages of each sender, and brings the thread back for everybody else who has archived it.
    fn touch_people(&self) -> Result<()> {
        let mut count = self.connection.prepare_cached(
            "UPDATE thread_participant SET sent = sent + ?3 WHERE thread_id = ?1 AND user_id = ?2",
        )?;
        let mut bring_back = self.connection.prepare_cached(
            "UPDATE thread_participant SET archived = 0 WHERE thread_id = ?1 AND archived = 1 AND user_id <> ?2",
        )?;
        for ((thread, sender), sent) in self.sent.iter().filter(|(_, sent)| **sent > 0) {
            count.execute(params![thread.bytes(), sender.as_str(), column::integer(*sent)])?;
            bring_back.execute(params![thread.bytes(), sender.as_str()])?;
        }
        Ok(())
    }
}

//! What a person did in one thread: their messages are taken back and scrubbed, their reactions removed, they
//! leave a group, and what the thread's messages are found by is made again.

use super::super::Persistence;
use super::super::applied::Applied;
use super::Undone;
use eventflow_bus::handler::Item;
use eventflow_bus::settle::Outcome;
use eventflow_ports::search::block::made_again;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{MessagePage, Place, StoreError};
use eventflow_protocol::change::{Change, ChangeMessage, Wish};
use eventflow_protocol::command::{Command, LeaveThread};
use eventflow_protocol::document::Message;
use eventflow_protocol::erasure::{ErasedCounts, Erasure, ErasurePlace};
use eventflow_protocol::event::Event;
use eventflow_protocol::{CommandId, MessageId, ThreadId, Timestamp};

/// Pages of messages that one step looks at, while other commands of the shard wait.
const PAGES: u32 = 5;
/// What a step tells before it ends, whatever is left of its pages: people hear what is left to read with
/// each message that is taken back.
const EVENTS_ENOUGH: usize = 100;
/// Blocks of messages that one step makes again: some 500 messages.
const BLOCKS: u32 = 16;

/// What became of a run of messages.
#[derive(Default)]
pub(super) struct Erased {
    /// What is told of it.
    pub(super) events: Vec<Event>,
    counts: ErasedCounts,
    /// The place of the last message that was looked at.
    last: u64,
    has_own: bool,
    is_end: bool,
}

impl Persistence {
    pub(super) async fn erase_in_thread(
        &self,
        item: &Item<Command>,
        erasure: &mut Erasure,
        thread_id: ThreadId,
        (after, has_own): (u64, bool),
    ) -> Result<Vec<Event>, Undone> {
        let mut erased = self.erase_messages(item, erasure, thread_id, after).await?;
        let has_own = has_own || erased.has_own;
        erasure.counts += erased.counts;
        if !erased.is_end {
            erasure.place = ErasurePlace::Thread { thread_id, after: erased.last, has_own };
            return Ok(erased.events);
        }
        let told = self.leave_group(item, erasure, thread_id).await?;
        erasure.counts.groups += u64::from(!told.is_empty());
        erased.events.extend(told);
        if has_own {
            erasure.place = ErasurePlace::Index { thread_id, after: 0 };
        } else {
            erasure.thread_done();
        }
        Ok(erased.events)
    }

    /// Erases what the person did to some messages after a place.
    pub(super) async fn erase_messages(
        &self,
        item: &Item<Command>,
        erasure: &Erasure,
        thread: ThreadId,
        after: u64,
    ) -> Result<Erased, Undone> {
        let mut erased = Erased { last: after, ..Erased::default() };
        for _ in 0..PAGES {
            let place = Some(Place::Seq(erased.last));
            let page = MessagePage { before: None, after: place, since: 0, limit: PAGE_MAX };
            let messages = self.parts.store.messages(thread, page).await?;
            self.erase_page(item, erasure, &messages, &mut erased).await?;
            erased.last = messages.last().map_or(erased.last, |last| last.seq);
            erased.is_end = messages.len() < PAGE_MAX as usize;
            if erased.is_end || erased.events.len() >= EVENTS_ENOUGH {
                break;
            }
        }
        Ok(erased)
    }

    async fn erase_page(
        &self,
        item: &Item<Command>,
        erasure: &Erasure,
        messages: &[Message],
        erased: &mut Erased,
    ) -> Result<(), Undone> {
        let user = &erasure.user_id;
        let mut wanted = Vec::new();
        for message in messages {
            let is_own = message.sender_id == *user;
            // One that an earlier attempt took back is told again.
            if is_own && (message.deleted_at.is_none() || item.redelivered) {
                erased.counts.messages += u64::from(message.deleted_at.is_none());
                let command = erasure.command_for("take back", Some(message.id), message.thread_id);
                wanted.push(changing(item, erasure, message, command, Change::Delete));
            } else if !is_own {
                let theirs = message.reactions.iter().filter(|reaction| reaction.user_id == *user);
                for reaction in theirs {
                    erased.counts.reactions += 1;
                    let emoji = reaction.emoji.clone();
                    let what = format!("react {} {emoji}", erasure.pass);
                    let command = erasure.command_for(&what, Some(message.id), message.thread_id);
                    let change = Change::React { emoji, wish: Wish::Remove };
                    wanted.push(changing(item, erasure, message, command, change));
                }
            }
        }
        let mut applied: Vec<Option<Applied>> = wanted.iter().map(|_| None).collect();
        self.change_messages(&wanted, &mut applied).await?;
        for Applied { events, outcome, .. } in applied.into_iter().flatten() {
            if !matches!(outcome, Outcome::Done) {
                return Err(Undone::Change(outcome));
            }
            erased.events.extend(events);
        }
        let own = messages.iter().filter(|message| message.sender_id == *user);
        let own: Vec<MessageId> = own.map(|message| message.id).collect();
        erased.has_own |= !own.is_empty();
        self.parts.erasures.scrub_messages(user, &own).await?;
        Ok(())
    }

    /// Takes the person out of a group, as if they left; nothing if the thread is none.
    async fn leave_group(
        &self,
        item: &Item<Command>,
        erasure: &Erasure,
        thread_id: ThreadId,
    ) -> Result<Vec<Event>, StoreError> {
        let thread = self.parts.store.thread(thread_id).await?;
        let is_in_group = thread
            .is_some_and(|thread| thread.group.is_some() && thread.participants.contains(&erasure.user_id));
        if !is_in_group {
            return Ok(Vec::new());
        }
        // Somebody may have added the person again since an earlier pass.
        let id = erasure.command_for(&format!("leave {}", erasure.pass), None, thread_id);
        let wanted = LeaveThread { thread_id, user_id: erasure.user_id.clone(), at: self.parts.clock.now() };
        let leave = Item { id: id.0, value: Command::LeaveThread(wanted.clone()), ..item.clone() };
        Ok(self.leave(&leave, &wanted).await?.events)
    }

    /// Makes blocks of messages again, which had what the messages said before.
    pub(super) async fn index_again(
        &self,
        erasure: &mut Erasure,
        thread_id: ThreadId,
        after: u64,
    ) -> Result<(), StoreError> {
        let runs = self.parts.erasures.index_blocks(thread_id, after, BLOCKS).await?;
        let ever = (Timestamp(i64::MIN), Timestamp(i64::MAX));
        let mut messages = if runs.is_empty() {
            Vec::new()
        } else {
            self.parts.search.messages_of(&runs, ever.0, ever.1).await?
        };
        messages.sort_unstable_by_key(|message| message.seq);
        for run in &runs {
            let first = messages.partition_point(|message| message.seq < run.first);
            let behind = messages.partition_point(|message| message.seq <= run.last);
            if let Some(block) = made_again(*run, &messages[first..behind]).await {
                self.parts.erasures.rewrite_block(&block).await?;
            }
        }
        match runs.last() {
            Some(last) if runs.len() == BLOCKS as usize => {
                erasure.place = ErasurePlace::Index { thread_id, after: last.first };
            }
            Some(_) | None => erasure.thread_done(),
        }
        Ok(())
    }
}

/// A change by the person, as if they had asked for it.
fn changing(
    item: &Item<Command>,
    erasure: &Erasure,
    message: &Message,
    command: CommandId,
    change: Change,
) -> Item<Command> {
    let wanted = ChangeMessage {
        thread_id: message.thread_id,
        message_id: message.id,
        by: erasure.user_id.clone(),
        change,
        at: item.value.at().unwrap_or(erasure.marked_at),
    };
    Item { id: command.0, value: Command::ChangeMessage(wanted), ..item.clone() }
}

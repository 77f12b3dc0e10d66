//! What the test store holds, and what follows from it.

use eventflow_protocol::change::{
    self, AdvanceCursor, ChangeGroup, ChangeMark, DoneChange, GroupChanged, GroupEffect, Receipted, Roster,
    RosterStep,
};
use eventflow_protocol::command::SendMessage;
use eventflow_protocol::document::{Message, Thread, ThreadStatus, ThreadView};
use eventflow_protocol::pairing::Leg;
use eventflow_protocol::wording::Wording;
use eventflow_protocol::{CommandId, MessageId, Participants, ThreadId, UserId};
use std::collections::{BTreeMap, HashMap, HashSet};

#[derive(Default)]
pub(super) struct State {
    pub(super) threads: BTreeMap<ThreadId, Thread>,
    pub(super) messages: Vec<Message>,
    pub(super) marks: HashMap<MessageId, Vec<ChangeMark>>,
    pub(super) wordings: HashMap<MessageId, Vec<Wording>>,
    pub(super) legs: HashMap<MessageId, (String, Vec<Leg>)>,
    /// The delivered and the read cursor of each person in each thread.
    pub(super) cursors: HashMap<(ThreadId, UserId), (u64, u64)>,
    pub(super) archived: HashSet<(ThreadId, UserId)>,
    /// The places after which people see groups who were added.
    pub(super) since: HashMap<(ThreadId, UserId), u64>,
    /// The commands that changed each group.
    pub(super) group_done: HashMap<ThreadId, Vec<DoneChange>>,
    /// The messages that changed in each thread; the first has the change number 1.
    pub(super) changes: HashMap<ThreadId, Vec<MessageId>>,
}

impl State {
    /// Who is in a thread, and from where on they see it.
    pub(super) fn people(&self, thread: ThreadId) -> Option<Participants> {
        let people = self.threads.get(&thread)?.participants.clone();
        let since = people.iter().filter_map(|user| {
            let place = self.since.get(&(thread, user.clone())).copied()?;
            Some((user.clone(), place))
        });
        let since = since.collect();
        Some(Participants::since(people, since))
    }

    /// The messages of a thread.
    pub(super) fn of(&self, thread: ThreadId) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(move |message| message.thread_id == thread)
    }

    pub(super) fn change_group(&mut self, id: CommandId, wanted: &ChangeGroup) -> GroupChanged {
        let Some(thread) = self.threads.get_mut(&wanted.thread_id) else { return GroupChanged::NotFound };
        let Some(group) = thread.group.clone() else { return GroupChanged::NotGroup };
        let done = self.group_done.get(&thread.id).cloned().unwrap_or_default();
        let people = thread.participants.clone();
        let mut roster = Roster { group, people, joined_at: HashMap::new(), done };
        let step = match roster.apply(id, &wanted.by, wanted.at, &wanted.change) {
            Ok(step) => step,
            Err(refused) => return refused,
        };
        let last = thread.last_seq;
        for user in &step.added {
            self.since.insert((thread.id, user.clone()), roster.seen_from(last));
            self.cursors.insert((thread.id, user.clone()), (last, last));
        }
        thread.participant_count = roster.people.len() as u64;
        self.group_done.insert(thread.id, roster.done);
        (thread.participants, thread.group) = (roster.people, Some(roster.group));
        let RosterStep { added, removed, is_described, is_new } = step;
        let thread = thread.clone();
        GroupChanged::Done(Box::new(GroupEffect { thread, added, removed, is_described, is_new }))
    }

    pub(super) fn twin(&mut self, send: &SendMessage) -> Option<Message> {
        let key = send.client_message_id.as_ref();
        let same_key = |known: &&Message| key.is_some() && known.client_message_id.as_ref() == key;
        if let Some(known) = self.messages.iter().find(same_key) {
            return Some(known.clone());
        }
        let pairing = send.pairing.as_ref()?;
        let legs = &mut self.legs;
        let twin = self.messages.iter().find(|known| {
            let joins =
                |(key, legs): &(String, Vec<Leg>)| *key == pairing.key && !legs.contains(&pairing.leg);
            legs.get(&known.id).is_some_and(joins) && pairing.reaches(send.at, known.created_at)
        })?;
        legs.get_mut(&twin.id)?.1.push(pairing.leg);
        Some(twin.clone())
    }

    pub(super) fn unread(&self, thread: ThreadId, viewer: &UserId) -> u64 {
        self.unread_messages(thread, viewer).count() as u64
    }

    fn unread_messages<'a>(
        &'a self,
        thread: ThreadId,
        viewer: &'a UserId,
    ) -> impl Iterator<Item = &'a Message> {
        let read = self.cursors.get(&(thread, viewer.clone())).map_or(0, |place| place.1);
        let is_unread = move |message: &&Message| {
            message.thread_id == thread
                && message.sender_id != *viewer
                && message.seq > read
                && message.deleted_at.is_none()
        };
        self.messages.iter().filter(is_unread)
    }

    pub(super) fn view(&self, id: ThreadId, viewer: &UserId) -> Option<ThreadView> {
        let mut thread = self.threads.get(&id).filter(|thread| thread.participants.contains(viewer))?.clone();
        if self.archived.contains(&(id, viewer.clone())) {
            thread.status = ThreadStatus::Archived;
        }
        let since = self.since.get(&(id, viewer.clone())).copied().unwrap_or(0);
        let of_thread = || self.messages.iter().rev().filter(|one| one.thread_id == id && one.seq > since);
        let last_message =
            of_thread().find(|message| message.deleted_at.is_none()).or_else(|| of_thread().next()).cloned();
        thread.participant_count = thread.participants.len() as u64;
        let thread = thread.shown();
        let unread_count = self.unread(id, viewer);
        let mentions = self.unread_messages(id, viewer).filter(|message| message.mentions(viewer));
        let unread_mentions = mentions.count() as u64;
        Some(ThreadView { thread, unread_count, unread_mentions, last_message })
    }

    pub(super) fn receipt(
        &mut self,
        wanted: &AdvanceCursor,
        from: u64,
        up_to: u64,
        people: usize,
    ) -> Vec<Receipted> {
        let recipients = people.saturating_sub(1);
        let reached = |message: &&mut Message| {
            message.thread_id == wanted.thread_id
                && message.sender_id != wanted.user_id
                && (from + 1..=up_to).contains(&message.seq)
        };
        let mut receipted = Vec::new();
        for message in self.messages.iter_mut().filter(reached) {
            change::add_receipt(message, wanted, recipients);
            receipted.push(Receipted { id: message.id, seq: message.seq, status: message.status });
        }
        receipted
    }
}

//! Test store: threads, messages and cursors in memory, each behind a lock. The test's worker writes it, and
//! the ingress reads it.

mod state;

use async_trait::async_trait;
use eventflow_ports::store::WithCommandId;
use eventflow_ports::{
    Appended, ChangePage, ChangedMessage, ChangedMessages, Left, MessagePage, NewMessage, PinPage, Place,
    Store, StoreError, ThreadPage,
};
use eventflow_protocol::Participants;
use eventflow_protocol::change::{
    self, AdvanceCursor, Advanced, ArchiveThread, ChangeGroup, ChangeMessage, Changed, Cursor, GroupChanged,
    MarkUnread, MarkedUnread, PersonCursors,
};
use eventflow_protocol::command::{CreateThread, LeaveThread, SendMessage};
use eventflow_protocol::document::{Message, Thread, ThreadView};
use eventflow_protocol::group::Group;
use eventflow_protocol::wording::Wording;
use eventflow_protocol::{CommandId, MessageId, ThreadId, Timestamp, UserId};
use parking_lot::Mutex;
use state::State;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// The store of a test.
#[derive(Default)]
pub(crate) struct TestStore {
    state: Mutex<State>,
    pub(crate) is_down: AtomicBool,
}

impl TestStore {
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.is_down.load(SeqCst) {
            return Err(StoreError::Unavailable { what: "test", source: "secret-host:27017 is down".into() });
        }
        Ok(())
    }

    /// Creates a thread of these people.
    pub(crate) fn thread_of(&self, people: &[&str]) -> ThreadId {
        self.start(people, None)
    }

    /// Creates a group of these people, which the first of them owns.
    pub(crate) fn group_of(&self, people: &[&str]) -> ThreadId {
        self.start(people, Some(Group { owners: vec![people[0].parse().unwrap()], ..Group::default() }))
    }

    fn start(&self, people: &[&str], group: Option<Group>) -> ThreadId {
        let participants: Vec<UserId> = people.iter().map(|name| name.parse().unwrap()).collect();
        let thread_id = ThreadId::derive(&participants, "{}");
        let created_by = participants[0].clone();
        let create = CreateThread {
            thread_id,
            participants,
            metadata: serde_json::Map::new(),
            group,
            created_by,
            at: super::NOW,
        };
        self.create(&create).0.id
    }

    /// The threads that a person is in, with their numbers of messages.
    pub(crate) fn threads_with(&self, user: &UserId) -> Vec<(ThreadId, u64)> {
        let state = self.state.lock();
        let with = state.threads.values().filter(|thread| thread.participants.contains(user));
        let last = |id| state.messages.iter().filter(|message| message.thread_id == id).count() as u64;
        with.map(|thread| (thread.id, last(thread.id))).collect()
    }

    /// Every message.
    pub(crate) fn all_messages(&self) -> Vec<Message> {
        self.state.lock().messages.clone()
    }

    /// Removes a person from a thread.
    pub(crate) fn remove(&self, thread: ThreadId, user: &str) {
        let mut state = self.state.lock();
        state.threads.get_mut(&thread).unwrap().participants.retain(|person| person.as_str() != user);
    }

    /// Takes a person out of a thread. `false` if they are not in it.
    pub(crate) fn leave_one(&self, leave: &LeaveThread) -> bool {
        let mut state = self.state.lock();
        let Some(thread) = state.threads.get_mut(&leave.thread_id) else { return false };
        let before = thread.participants.len();
        thread.participants.retain(|person| *person != leave.user_id);
        thread.participants.len() < before
    }

    /// Changes a group as a store does.
    pub(crate) fn change_one_group(&self, id: CommandId, wanted: &ChangeGroup) -> GroupChanged {
        self.state.lock().change_group(id, wanted)
    }

    pub(crate) fn create(&self, create: &CreateThread) -> (Thread, bool) {
        let threads = &mut self.state.lock().threads;
        if let Some(thread) = threads.get_mut(&create.thread_id) {
            let is_back = !thread.participants.contains(&create.created_by);
            if is_back {
                thread.participants.push(create.created_by.clone());
                thread.participants.sort_unstable();
            }
            return (thread.clone(), is_back);
        }
        let mut thread = create.to_thread();
        thread.participants.sort_unstable();
        threads.insert(thread.id, thread.clone());
        (thread, true)
    }

    /// Whether a message has this one's key.
    pub(crate) fn has_key(&self, send: &SendMessage) -> bool {
        self.state.lock().messages.iter().any(|known| known.client_message_id == send.client_message_id)
    }

    pub(crate) fn append(&self, id: CommandId, send: SendMessage) -> (Message, bool) {
        let mut state = self.state.lock();
        if let Some(known) = state.twin(&send) {
            return (known, true);
        }
        let seq =
            state.messages.iter().filter(|message| message.thread_id == send.thread_id).count() as u64 + 1;
        let pairing = send.pairing.clone();
        let message = send.into_message(id, seq);
        if let Some(pairing) = pairing {
            state.legs.insert(message.id, (pairing.key, vec![pairing.leg]));
        }
        state.archived.retain(|(thread, user)| *thread != message.thread_id || *user == message.sender_id);
        if let Some(thread) = state.threads.get_mut(&message.thread_id) {
            thread.last_seq = seq;
            thread.last_message_id = Some(message.id);
            thread.last_message_at = Some(message.created_at);
        }
        state.messages.push(message.clone());
        (message, false)
    }

    pub(crate) fn change(&self, command: CommandId, wanted: &ChangeMessage) -> Changed {
        let State { messages, marks, wordings, changes, .. } = &mut *self.state.lock();
        let Some(message) = messages.iter_mut().find(|message| message.id == wanted.message_id) else {
            return Changed::NotFound;
        };
        let wording = Wording::of(message);
        let changed = change::apply(message, marks.entry(wanted.message_id).or_default(), command, wanted);
        wordings.entry(wanted.message_id).or_default().extend(wording.replaced_by(&changed));
        if matches!(changed, Changed::Done(..)) {
            changes.entry(message.thread_id).or_default().push(message.id);
        }
        changed
    }

    pub(crate) fn advance_one(&self, wanted: &AdvanceCursor) -> Option<Advanced> {
        let mut state = self.state.lock();
        let thread = state.threads.get(&wanted.thread_id)?;
        let last = thread.last_seq;
        let people = thread.participants.len();
        if !thread.participants.contains(&wanted.user_id) {
            return None;
        }
        let place = state.cursors.entry((wanted.thread_id, wanted.user_id.clone())).or_default();
        let up_to = wanted.up_to.unwrap_or(last).min(last);
        let cursor = if wanted.cursor == Cursor::Read { &mut place.1 } else { &mut place.0 };
        let from = *cursor;
        *cursor = from.max(up_to);
        let up_to = *cursor;
        place.0 = place.0.max(place.1);
        let messages = state.receipt(wanted, from, up_to, people);
        let unread_count = state.unread(wanted.thread_id, &wanted.user_id);
        Some(Advanced { from, told: from, up_to, unread_count, messages })
    }

    pub(crate) fn mark_one(&self, wanted: &MarkUnread) -> Option<MarkedUnread> {
        let mut state = self.state.lock();
        let thread = state.threads.get(&wanted.thread_id)?;
        let last = thread.last_seq;
        if !thread.participants.contains(&wanted.user_id) {
            return None;
        }
        let place = state.cursors.entry((wanted.thread_id, wanted.user_id.clone())).or_default();
        let before = place.1;
        let read_seq = wanted.place(before, last);
        place.1 = read_seq;
        let unread_count = state.unread(wanted.thread_id, &wanted.user_id);
        Some(MarkedUnread { is_changed: read_seq < before, read_seq, unread_count })
    }

    pub(crate) fn archive_one(&self, wanted: &ArchiveThread) -> Option<ThreadView> {
        let mut state = self.state.lock();
        let key = (wanted.thread_id, wanted.user_id.clone());
        state.view(wanted.thread_id, &wanted.user_id)?;
        if wanted.archived {
            state.archived.insert(key)
        } else {
            state.archived.remove(&key)
        };
        state.view(wanted.thread_id, &wanted.user_id)
    }
}

#[async_trait]
impl Store for TestStore {
    async fn append_messages(&self, _batch: &[NewMessage]) -> Result<Vec<Appended>, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn touch_threads(&self, _messages: &[Message]) -> Result<(), StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn create_thread(&self, _create: &CreateThread) -> Result<(Thread, bool), StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn change_messages(
        &self,
        _changes: &[WithCommandId<ChangeMessage>],
    ) -> Result<Vec<Changed>, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn advance(&self, _advances: &[AdvanceCursor]) -> Result<Vec<Option<Advanced>>, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn mark_unread(
        &self,
        _mark: &WithCommandId<MarkUnread>,
    ) -> Result<Option<MarkedUnread>, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn unread_of_others(&self, _message: &Message) -> Result<Vec<(UserId, u64)>, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn archive(
        &self,
        _archive: &WithCommandId<ArchiveThread>,
    ) -> Result<Option<ThreadView>, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn leave(&self, _leave: &WithCommandId<LeaveThread>) -> Result<Option<Left>, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn change_group(&self, _change: &WithCommandId<ChangeGroup>) -> Result<GroupChanged, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn seen_from(&self, thread: ThreadId, user: &UserId) -> Result<Option<u64>, StoreError> {
        self.check()?;
        Ok(self.state.lock().people(thread).and_then(|people| people.seen_from(user)))
    }
    async fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        self.check()?;
        Ok(self.state.lock().messages.iter().find(|message| message.id == id).cloned())
    }
    async fn messages_by_id(&self, ids: &[MessageId]) -> Result<Vec<Message>, StoreError> {
        self.check()?;
        let state = self.state.lock();
        Ok(state.messages.iter().filter(|message| ids.contains(&message.id)).cloned().collect())
    }
    async fn wordings(&self, id: MessageId) -> Result<Vec<Wording>, StoreError> {
        self.check()?;
        Ok(self.state.lock().wordings.get(&id).cloned().unwrap_or_default())
    }
    async fn mentioned_by(&self, id: MessageId, command: CommandId) -> Result<Vec<UserId>, StoreError> {
        self.check()?;
        let state = self.state.lock();
        Ok(state.marks.get(&id).map(|marks| change::mentioned_by(marks, command)).unwrap_or_default())
    }
    async fn thread(&self, id: ThreadId) -> Result<Option<Thread>, StoreError> {
        self.check()?;
        Ok(self.state.lock().threads.get(&id).cloned())
    }
    async fn thread_view(&self, id: ThreadId, viewer: &UserId) -> Result<Option<ThreadView>, StoreError> {
        self.check()?;
        Ok(self.state.lock().view(id, viewer))
    }
    async fn participants(&self, ids: &[ThreadId]) -> Result<HashMap<ThreadId, Participants>, StoreError> {
        self.check()?;
        let state = self.state.lock();
        Ok(ids.iter().filter_map(|id| Some((*id, state.people(*id)?))).collect())
    }
    async fn threads_of(&self, viewer: &UserId, page: ThreadPage) -> Result<Vec<ThreadView>, StoreError> {
        self.check()?;
        let state = self.state.lock();
        let views = state.threads.keys().filter_map(|id| state.view(*id, viewer));
        let mut own: Vec<ThreadView> = views.filter(|view| view.thread.status == page.status).collect();
        let place = |view: &ThreadView| {
            (view.thread.last_message_at.unwrap_or(view.thread.created_at), view.thread.id)
        };
        own.sort_by_key(|view| std::cmp::Reverse(place(view)));
        let rest = own.into_iter().filter(|view| page.after.is_none_or(|after| place(view) < after));
        Ok(rest.skip(page.skip as usize).take(page.limit as usize).collect())
    }
    async fn messages(&self, thread: ThreadId, page: MessagePage) -> Result<Vec<Message>, StoreError> {
        self.check()?;
        let mut found: Vec<Message> = self.state.lock().of(thread).cloned().collect();
        if !matches!(page.after.or(page.before), None | Some(Place::Seq(_))) {
            found.sort_by_key(|message| (message.created_at, message.seq));
        }
        let side = |message: &Message, place: Place| match place {
            Place::Seq(seq) => message.seq.cmp(&seq),
            Place::Time(time) => message.created_at.cmp(&time),
            Place::Moment { at, seq } => (message.created_at, message.seq).cmp(&(at, seq)),
        };
        found.retain(|message| {
            message.seq > page.since
                && page.before.is_none_or(|place| side(message, place).is_lt())
                && page.after.is_none_or(|place| side(message, place).is_gt())
        });
        let limit = (page.limit as usize).min(found.len());
        let mut page =
            if page.after.is_some() { found[..limit].to_vec() } else { found.split_off(found.len() - limit) };
        page.sort_by_key(|message| message.seq);
        Ok(page)
    }
    async fn first_seq_after(&self, thread: ThreadId, at: Timestamp) -> Result<Option<u64>, StoreError> {
        self.check()?;
        Ok(self.state.lock().of(thread).filter(|one| one.created_at > at).map(|one| one.seq).min())
    }
    async fn newest_change(&self, thread: ThreadId) -> Result<u64, StoreError> {
        self.check()?;
        Ok(self.state.lock().changes.get(&thread).map_or(0, |changes| changes.len() as u64))
    }
    async fn changes(&self, thread: ThreadId, page: ChangePage) -> Result<ChangedMessages, StoreError> {
        self.check()?;
        let state = self.state.lock();
        let all = state.changes.get(&thread).map_or(&[][..], Vec::as_slice);
        let start = all.len().min(usize::try_from(page.after).unwrap());
        let end = all.len().min(start + page.limit as usize);
        let numbers = start as u64 + 1..;
        let changed = |(change, id): (u64, &MessageId)| {
            let message = state.messages.iter().find(|message| message.id == *id).unwrap().clone();
            ChangedMessage { change, message }
        };
        let messages = numbers.zip(&all[start..end]).map(changed).collect();
        Ok(ChangedMessages { messages, up_to: end as u64, is_complete: end == all.len() })
    }
    async fn pins(&self, thread: ThreadId, page: PinPage) -> Result<Vec<Message>, StoreError> {
        self.check()?;
        let place = |message: &Message| Some((message.pinned.as_ref()?.pinned_at, message.seq));
        let mut pinned: Vec<Message> =
            self.state.lock().of(thread).filter(|message| message.pinned.is_some()).cloned().collect();
        pinned.sort_by_key(|message| std::cmp::Reverse(place(message)));
        pinned.retain(|message| {
            message.seq > page.since && page.after.is_none_or(|after| place(message) < Some(after))
        });
        pinned.truncate(page.limit as usize);
        Ok(pinned)
    }
    async fn cursors(&self, thread: ThreadId) -> Result<Vec<PersonCursors>, StoreError> {
        self.check()?;
        let state = self.state.lock();
        let of_thread = state.cursors.iter().filter(|((of, _), _)| *of == thread);
        let cursors = of_thread.map(|((_, user_id), (delivered_seq, read_seq))| PersonCursors {
            delivered_seq: *delivered_seq,
            read_seq: *read_seq,
            unread_after: None,
            user_id: user_id.clone(),
        });
        Ok(cursors.collect())
    }
    async fn ping(&self) -> Result<(), StoreError> {
        self.check()
    }
}

//! Scheduled messages in memory.

use async_trait::async_trait;
use eventflow_ports::scheduled::Step;
use eventflow_ports::{
    Backlog, DueMessage, Rescheduling, Scheduled, ScheduledPage, Scheduling, StoreError, WithCommandId,
};
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::scheduled::{
    ChangeScheduled, NotSent, Rescheduled, ScheduleMessage, ScheduledMessage, SendScheduled,
};
use eventflow_protocol::{CommandId, ErrorCode, MessageId, ScheduledId, Timestamp, UserId};
use parking_lot::Mutex;
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct TestScheduled(Mutex<BTreeMap<ScheduledId, ScheduledMessage>>);

impl TestScheduled {
    pub(crate) fn add(&self, new: &ScheduleMessage) -> CommandResult {
        let mut all = self.0.lock();
        let answer = match all.get(&new.id) {
            Some(known) => Scheduling::again(new, known.clone()),
            None => Scheduling::Stored(Box::new(ScheduledMessage::new(new))),
        };
        match answer {
            Scheduling::Stored(scheduled) => {
                all.insert(new.id, (*scheduled).clone());
                CommandResult::Scheduled { scheduled, deduplicated: false }
            }
            Scheduling::Before(scheduled) => CommandResult::Scheduled { scheduled, deduplicated: true },
            Scheduling::KeyReused | Scheduling::TooMany => {
                CommandResult::refused(ErrorCode::KeyReused, "another body")
            }
        }
    }

    pub(crate) fn change(&self, command_id: CommandId, wanted: ChangeScheduled) -> CommandResult {
        let kept = self.get(wanted.id);
        let answer = Rescheduling::of(kept, &WithCommandId { command_id, wanted });
        if let Some(changed) = answer.to_write() {
            self.0.lock().insert(changed.id, changed.clone());
        }
        match answer {
            Rescheduling::Done(step) => {
                CommandResult::Scheduled { scheduled: Box::new(step.scheduled), deduplicated: false }
            }
            Rescheduling::Refused(Rescheduled::NotRepeated) => {
                CommandResult::refused(ErrorCode::Invalid, "not made before")
            }
            Rescheduling::Refused(Rescheduled::Empty) => CommandResult::refused(ErrorCode::Invalid, "empty"),
            Rescheduling::Refused(Rescheduled::KeyReused) => {
                CommandResult::refused(ErrorCode::KeyReused, "another change")
            }
            Rescheduling::Refused(_) => CommandResult::refused(ErrorCode::TooLate, "too late"),
            Rescheduling::NotFound => CommandResult::not_found("scheduled message"),
        }
    }

    /// Sends what is due, without storing a message.
    pub(crate) fn send(&self, send: &SendScheduled) -> CommandResult {
        let mut all = self.0.lock();
        let Some(kept) = all.get_mut(&send.id) else {
            return CommandResult::not_found("scheduled message");
        };
        kept.begin(send.at);
        kept.end(Ok(kept.command_id().into()), send.at);
        CommandResult::Scheduled { scheduled: Box::new(kept.clone()), deduplicated: false }
    }

    pub(crate) fn get(&self, id: ScheduledId) -> Option<ScheduledMessage> {
        self.0.lock().get(&id).cloned()
    }
}

#[async_trait]
impl Scheduled for TestScheduled {
    async fn schedule(&self, _new: &ScheduleMessage) -> Result<Scheduling, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn change_scheduled(
        &self,
        _change: &WithCommandId<ChangeScheduled>,
    ) -> Result<Rescheduling, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn due_scheduled(&self, now: Timestamp, limit: u32) -> Result<Vec<DueMessage>, StoreError> {
        let all = self.0.lock();
        let is_due = |kept: &&ScheduledMessage| kept.due_at().is_some_and(|due| due <= now);
        let mut due: Vec<&ScheduledMessage> = all.values().filter(is_due).collect();
        due.sort_by_key(|kept| (kept.send_at, kept.message.at, kept.id));
        let shown = |kept: &ScheduledMessage| DueMessage { id: kept.id, thread_id: kept.message.thread_id };
        Ok(due.into_iter().take(limit as usize).map(shown).collect())
    }
    async fn begin_scheduled(&self, _id: ScheduledId, _at: Timestamp) -> Result<Option<Step>, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn end_scheduled(
        &self,
        _id: ScheduledId,
        _outcome: Result<MessageId, NotSent>,
        _at: Timestamp,
    ) -> Result<Option<Step>, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn scheduled(&self, id: ScheduledId) -> Result<Option<ScheduledMessage>, StoreError> {
        Ok(self.get(id))
    }
    async fn scheduled_of(
        &self,
        user: &UserId,
        page: ScheduledPage,
    ) -> Result<Vec<ScheduledMessage>, StoreError> {
        let all = self.0.lock();
        let mut own: Vec<_> = all.values().filter(|kept| kept.message.sender_id == *user).cloned().collect();
        own.sort_by_key(|kept| std::cmp::Reverse((kept.send_at, kept.id)));
        own.retain(|kept| page.after.is_none_or(|after| (kept.send_at, kept.id) < after));
        own.truncate(page.limit as usize);
        Ok(own)
    }
    async fn scheduled_backlog(&self) -> Result<Backlog, StoreError> {
        panic!("the ingress counts nothing")
    }
    async fn forget_scheduled(&self, _before: Timestamp) -> Result<u64, StoreError> {
        panic!("the ingress deletes nothing")
    }
}

//! Scheduled messages in memory, which nobody sends.

use async_trait::async_trait;
use eventflow_ports::{Rescheduling, Scheduled, ScheduledPage, Scheduling, StoreError, WithCommandId};
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::scheduled::{
    CancelScheduled, ChangeScheduled, NotSent, ScheduleMessage, ScheduledMessage,
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
        let kept = self.0.lock().get(&wanted.id).cloned();
        self.keep(Rescheduling::change(kept, &WithCommandId { command_id, wanted }))
    }

    pub(crate) fn cancel(&self, cancel: &CancelScheduled) -> CommandResult {
        let kept = self.0.lock().get(&cancel.id).cloned();
        self.keep(Rescheduling::cancel(kept, cancel))
    }

    fn keep(&self, answer: Rescheduling) -> CommandResult {
        match answer {
            Rescheduling::Done(scheduled, _) => {
                self.0.lock().insert(scheduled.id, (*scheduled).clone());
                CommandResult::Scheduled { scheduled, deduplicated: false }
            }
            Rescheduling::Empty => CommandResult::refused(ErrorCode::Invalid, "empty"),
            Rescheduling::TooLate => CommandResult::refused(ErrorCode::TooLate, "too late"),
            Rescheduling::NotFound => CommandResult::not_found("scheduled message"),
        }
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
    async fn cancel_scheduled(&self, _cancel: &CancelScheduled) -> Result<Rescheduling, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn claim_scheduled(&self, _now: Timestamp) -> Result<Vec<ScheduledMessage>, StoreError> {
        panic!("the ingress sends nothing later")
    }
    async fn finish_scheduled(
        &self,
        _id: ScheduledId,
        _outcome: Result<MessageId, NotSent>,
        _at: Timestamp,
    ) -> Result<Option<ScheduledMessage>, StoreError> {
        panic!("the ingress sends nothing later")
    }
    async fn scheduled(&self, id: ScheduledId) -> Result<Option<ScheduledMessage>, StoreError> {
        Ok(self.0.lock().get(&id).cloned())
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
    async fn forget_scheduled(&self, _before: Timestamp) -> Result<u64, StoreError> {
        panic!("the ingress deletes nothing")
    }
}

//! Sends in memory, which nobody carries out.

use async_trait::async_trait;
use eventflow_ports::{AddedSend, CancelledSend, SendPage, Sends, StoreError};
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::sends::{BulkSend, CancelSend, NewSend, SendStep};
use eventflow_protocol::{ErrorCode, SendId, Timestamp};
use parking_lot::Mutex;
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct TestSends(Mutex<BTreeMap<SendId, BulkSend>>);

impl TestSends {
    pub(crate) fn add(&self, new: NewSend) -> CommandResult {
        let mut sends = self.0.lock();
        if let Some(known) = sends.get(&new.id) {
            let is_same = known.body == new.body;
            let send = Box::new(known.clone());
            return if is_same {
                CommandResult::Send { send, deduplicated: true }
            } else {
                CommandResult::refused(ErrorCode::KeyReused, "another body")
            };
        }
        let send = BulkSend::new(new);
        sends.insert(send.id, send.clone());
        CommandResult::Send { send: Box::new(send), deduplicated: false }
    }

    pub(crate) fn cancel(&self, cancel: &CancelSend) -> CommandResult {
        let mut sends = self.0.lock();
        let Some(send) = sends.get_mut(&cancel.id) else { return CommandResult::not_found("send") };
        send.cancel(cancel.at);
        CommandResult::Send { send: Box::new(send.clone()), deduplicated: false }
    }
}

#[async_trait]
impl Sends for TestSends {
    async fn add_send(&self, _new: &NewSend) -> Result<AddedSend, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn cancel_send(&self, _cancel: &CancelSend) -> Result<CancelledSend, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn claim_send(&self, _now: Timestamp, _until: Timestamp) -> Result<Option<BulkSend>, StoreError> {
        panic!("the ingress carries nothing out")
    }
    async fn advance_send(
        &self,
        _id: SendId,
        _step: &SendStep,
        _now: Timestamp,
        _until: Timestamp,
    ) -> Result<Option<BulkSend>, StoreError> {
        panic!("the ingress carries nothing out")
    }
    async fn release_send(&self, _id: SendId, _until: Timestamp) -> Result<(), StoreError> {
        panic!("the ingress carries nothing out")
    }
    async fn bulk_send(&self, id: SendId) -> Result<Option<BulkSend>, StoreError> {
        Ok(self.0.lock().get(&id).cloned())
    }
    async fn bulk_sends(&self, page: SendPage) -> Result<Vec<BulkSend>, StoreError> {
        let mut all: Vec<BulkSend> = self.0.lock().values().cloned().collect();
        all.sort_by_key(|send| std::cmp::Reverse((send.created_at, send.id)));
        all.retain(|send| page.after.is_none_or(|after| (send.created_at, send.id) < after));
        all.truncate(page.limit as usize);
        Ok(all)
    }
    async fn forget_sends(&self, _before: Timestamp) -> Result<u64, StoreError> {
        panic!("the ingress carries nothing out")
    }
}

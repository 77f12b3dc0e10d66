//! Erasures in memory: they are begun, and nothing is carried out.

use super::{TestStore, TestUploads};
use async_trait::async_trait;
use eventflow_ports::erasures::{Mark, Membership};
use eventflow_ports::search::{Block, Run};
use eventflow_ports::{Erasures, FoundThreads, OwnErased, Store, StoreError};
use eventflow_protocol::dead_letters::DeadLetterId;
use eventflow_protocol::erasure::{ErasePerson, EraseStep, Erasure};
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::reports::Report;
use eventflow_protocol::uploads::Upload;
use eventflow_protocol::{AttachmentId, ErrorCode, MailAddress, MessageId, ThreadId, Timestamp, UserId};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) struct TestErasures {
    store: Arc<TestStore>,
    uploads: Arc<TestUploads>,
    erasures: Mutex<BTreeMap<UserId, Erasure>>,
}

impl TestErasures {
    pub(crate) fn new(store: Arc<TestStore>, uploads: Arc<TestUploads>) -> Self {
        Self { store, uploads, erasures: Mutex::default() }
    }

    pub(crate) fn begin(&self, wanted: &ErasePerson) -> CommandResult {
        let mut erasures = self.erasures.lock();
        let deduplicated = erasures.contains_key(&wanted.user_id);
        let kept = erasures.entry(wanted.user_id.clone()).or_insert_with(|| Erasure::new(wanted, wanted.at));
        CommandResult::Erasure { erasure: Box::new(kept.clone()), deduplicated }
    }

    /// A step finds nothing to erase, and ends its pass.
    pub(crate) fn step(&self, wanted: &EraseStep) -> CommandResult {
        let mut erasures = self.erasures.lock();
        let Some(kept) = erasures.get_mut(&wanted.user_id) else {
            return CommandResult::refused(ErrorCode::NotFound, "no such erasure");
        };
        let deduplicated = kept.revision != wanted.revision;
        if !deduplicated {
            kept.end_pass(wanted.at);
            kept.revision += 1;
        }
        CommandResult::Erasure { erasure: Box::new(kept.clone()), deduplicated }
    }
}

#[async_trait]
impl Erasures for TestErasures {
    async fn begin_erasure(&self, _new: &Erasure) -> Result<(Erasure, bool), StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn erasure(&self, user: &UserId) -> Result<Option<Erasure>, StoreError> {
        Ok(self.erasures.lock().get(user).cloned())
    }
    async fn replace_erasure(&self, _erasure: &Erasure) -> Result<bool, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn due_erasures(&self, now: Timestamp, limit: u32) -> Result<Vec<Erasure>, StoreError> {
        let erasures = self.erasures.lock();
        let due = erasures.values().filter(|kept| kept.due_at.is_some_and(|due| due <= now));
        Ok(due.take(limit as usize).cloned().collect())
    }
    async fn marks_after(&self, _after: &Mark, _limit: u32) -> Result<Vec<Mark>, StoreError> {
        panic!("the ingress does not ask")
    }
    async fn threads_with(
        &self,
        user: &UserId,
        _after: Option<ThreadId>,
    ) -> Result<FoundThreads, StoreError> {
        Ok(FoundThreads {
            threads: self.store.threads_with(user).into_iter().map(|(thread, _)| thread).collect(),
            next: None,
        })
    }
    async fn membership_of(&self, thread: ThreadId, user: &UserId) -> Result<Option<Membership>, StoreError> {
        let seen_from = self.store.seen_from(thread, user).await?;
        Ok(seen_from.map(|seen_from| Membership { is_in: true, seen_from, ..Membership::former() }))
    }
    async fn scrub_messages(&self, _user: &UserId, _messages: &[MessageId]) -> Result<(), StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn index_blocks(
        &self,
        _thread: ThreadId,
        _after: u64,
        _limit: u32,
    ) -> Result<Vec<Run>, StoreError> {
        panic!("the ingress does not ask")
    }
    async fn rewrite_block(&self, _block: &Block) -> Result<(), StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn erase_own(
        &self,
        _user: &UserId,
        _address: Option<&MailAddress>,
    ) -> Result<OwnErased, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn rewrite_report(&self, _report: &Report) -> Result<(), StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn delete_letters(&self, _letters: &[DeadLetterId]) -> Result<u64, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn uploads_of(
        &self,
        owner: &UserId,
        after: Option<AttachmentId>,
        limit: u32,
    ) -> Result<Vec<Upload>, StoreError> {
        Ok(self.uploads.of(owner, after, limit))
    }
}

//! Search of a test: the store without an index, so that every search reads all messages.

use crate::testing::TestStore;
use async_trait::async_trait;
use eventflow_ports::search::{Block, BlockEnd, BlockFilter, Reach, Run};
use eventflow_ports::{SearchIndex, StoreError};
use eventflow_protocol::document::Message;
use eventflow_protocol::{ThreadId, Timestamp, UserId};

#[async_trait]
impl SearchIndex for TestStore {
    async fn reaches_of(
        &self,
        user: &UserId,
        only: Option<ThreadId>,
        _limit: u32,
    ) -> Result<Vec<Reach>, StoreError> {
        self.check()?;
        let threads =
            self.threads_with(user).into_iter().filter(|(thread, _)| only.is_none_or(|id| id == *thread));
        Ok(threads.map(|(thread, stored)| Reach { thread, stored, indexed: 0, since: 0 }).collect())
    }
    async fn blocks(&self, _threads: &[ThreadId], _filter: &BlockFilter) -> Result<Vec<Run>, StoreError> {
        self.check().map(|()| Vec::new())
    }
    async fn messages_of(
        &self,
        runs: &[Run],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Message>, StoreError> {
        self.check()?;
        let is_in = |message: &Message| {
            let holds =
                |run: &Run| run.thread == message.thread_id && (run.first..=run.last).contains(&message.seq);
            (from..=to).contains(&message.created_at) && runs.iter().any(holds)
        };
        Ok(self.all_messages().into_iter().filter(is_in).collect())
    }
    async fn reaches(&self, _threads: &[ThreadId]) -> Result<Vec<Reach>, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn behind(
        &self,
        _after: Option<ThreadId>,
        _limit: u32,
    ) -> Result<(Vec<Reach>, Option<ThreadId>), StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn block_ends(&self, _threads: &[ThreadId]) -> Result<Vec<(ThreadId, BlockEnd)>, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn add_blocks(&self, _blocks: &[Block], _reached: &[(ThreadId, u64)]) -> Result<(), StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn add_edited(&self, _blocks: &[Block]) -> Result<(), StoreError> {
        panic!("the ingress writes nothing")
    }
}

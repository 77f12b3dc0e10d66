//! The shard log: the records that decide how many shards there are, in one order for everybody.

use crate::port::BrokerError;
use async_trait::async_trait;
use bytes::Bytes;

/// A log at the broker. What is appended stays, and everybody reads it in the same order.
#[async_trait]
pub trait ShardLog: Send + Sync + 'static {
    /// Reads from the oldest record that is kept.
    async fn read(&self) -> Result<Box<dyn Records>, BrokerError>;

    /// Appends a record and waits until the broker has it. After an error it may have it or not.
    async fn append(&self, record: Bytes) -> Result<(), BrokerError>;
}

/// A reader of the log, used by one task at a time.
#[async_trait]
pub trait Records: Send {
    /// Waits for the next record. Cancel-safe. An error is final, so read again from the beginning.
    async fn next(&mut self) -> Result<Bytes, BrokerError>;
}

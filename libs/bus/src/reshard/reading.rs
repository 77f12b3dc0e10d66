//! Reading the shard log up to its end, and on from there.

use super::READING_LIMIT;
use super::log::{Records, ShardLog};
use super::state::ShardState;
use crate::port::BrokerError;
use bytes::Bytes;
use eventflow_protocol::codec;
use eventflow_protocol::reshard::ShardRecord;
use std::sync::Arc;
use tokio::time::timeout;
use uuid::Uuid;

/// A reader that knows what the records come to so far.
pub(super) struct Reading {
    log: Arc<dyn ShardLog>,
    records: Box<dyn Records>,
    pub(super) state: ShardState,
}

impl Reading {
    /// Reads from the beginning up to now: everything that was appended before this call is known.
    pub(super) async fn up_to_now(log: &Arc<dyn ShardLog>) -> Result<Self, BrokerError> {
        let reading = async {
            let records = log.read().await?;
            let mut reading = Self { log: Arc::clone(log), records, state: ShardState::default() };
            let mark = ShardRecord::Here { mark: Uuid::now_v7() };
            reading.append(&mark).await?;
            while reading.next().await?.as_ref() != Some(&mark) {}
            Ok(reading)
        };
        timeout(READING_LIMIT, reading)
            .await
            .unwrap_or_else(|late| Err(BrokerError::Unavailable(late.into())))
    }

    /// Puts `shards` in force if no number is, and waits until one is.
    pub(super) async fn or_number(&mut self, shards: u16) -> Result<(), BrokerError> {
        if !self.state.is_known() {
            self.append(&ShardRecord::Number { generation: 1, shards }).await?;
        }
        while !self.state.is_known() {
            self.next().await?;
        }
        Ok(())
    }

    /// Takes the next record. `None` for one that this version does not know. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Option<ShardRecord>, BrokerError> {
        let bytes: Bytes = self.records.next().await?;
        let record = codec::decode::<ShardRecord>(&bytes).ok();
        if let Some(record) = &record {
            self.state.apply(record);
        }
        Ok(record)
    }

    /// Appends a record.
    pub(super) async fn append(&mut self, record: &ShardRecord) -> Result<(), BrokerError> {
        self.log.append(codec::encode(record).expect("ids and numbers have a MessagePack form")).await
    }
}

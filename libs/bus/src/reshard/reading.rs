//! Reading the shard log up to its end, and on from there.
//!
//! The broker drops the oldest records of a log that has grown large. So whoever reads the log repeats the
//! number in force where that record has become old: every reading that begins later finds one.

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

/// Records after which the number in force is repeated. Some 200 KiB: the log keeps many times as much
/// ([`crate::topology::SHARD_LOG_MAX_BYTES`]), so the number is repeated long before it would be dropped.
const REPEAT_NUMBER_AFTER: u32 = 1_000;

/// A reader that knows what the records come to so far.
pub(super) struct Reading {
    log: Arc<dyn ShardLog>,
    records: Box<dyn Records>,
    pub(super) state: ShardState,
    /// Records since the last one that names the number in force.
    since_number: u32,
}

impl Reading {
    /// Reads from the beginning up to now: everything that was appended before this call is known.
    pub(super) async fn up_to_now(log: &Arc<dyn ShardLog>) -> Result<Self, BrokerError> {
        let reading = async {
            let records = log.read().await?;
            let (log, state) = (Arc::clone(log), ShardState::default());
            let mut reading = Self { log, records, state, since_number: 0 };
            let mark = ShardRecord::Here { mark: Uuid::now_v7() };
            reading.append(&mark).await?;
            while reading.next().await?.as_ref() != Some(&mark) {}
            reading.repeat_old_number().await?;
            Ok(reading)
        };
        timeout(READING_LIMIT, reading)
            .await
            .unwrap_or_else(|late| Err(BrokerError::Unavailable(late.into())))
    }

    /// A record of the number in force changes nothing for whoever knows it, or a later one.
    async fn repeat_old_number(&mut self) -> Result<(), BrokerError> {
        let ShardState { generation, shards, .. } = self.state;
        if self.state.is_known() && self.since_number >= REPEAT_NUMBER_AFTER {
            self.append(&ShardRecord::Number { generation, shards }).await?;
        }
        Ok(())
    }

    /// Puts `shards` in force as `generation`, unless this generation or a later one is known, and waits
    /// until one is.
    pub(super) async fn or_number(&mut self, generation: u64, shards: u16) -> Result<(), BrokerError> {
        if self.state.generation < generation {
            self.append(&ShardRecord::Number { generation, shards }).await?;
        }
        while self.state.generation < generation {
            self.next().await?;
        }
        Ok(())
    }

    /// Takes the next record. `None` for one that this version does not know. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Option<ShardRecord>, BrokerError> {
        let bytes: Bytes = self.records.next().await?;
        let record = codec::decode::<ShardRecord>(&bytes).ok();
        self.since_number = self.since_number.saturating_add(1);
        if let Some(record) = &record {
            self.state.apply(record);
            let is_in_force = |generation| generation == self.state.generation;
            if matches!(record, ShardRecord::Number { generation, .. } if is_in_force(*generation)) {
                self.since_number = 0;
            }
        }
        Ok(record)
    }

    /// Appends a record.
    pub(super) async fn append(&mut self, record: &ShardRecord) -> Result<(), BrokerError> {
        self.log.append(codec::encode(record).expect("ids and numbers have a MessagePack form")).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use parking_lot::Mutex;
    use std::time::Duration;
    use tokio::time::sleep;

    /// A log that forgets its oldest records.
    #[derive(Clone, Default)]
    struct MemoryLog(Arc<Mutex<Vec<Bytes>>>);

    struct MemoryRecords {
        log: MemoryLog,
        read: usize,
    }

    #[async_trait]
    impl ShardLog for MemoryLog {
        async fn read(&self) -> Result<Box<dyn Records>, BrokerError> {
            Ok(Box::new(MemoryRecords { log: self.clone(), read: 0 }))
        }

        async fn append(&self, record: Bytes) -> Result<(), BrokerError> {
            self.0.lock().push(record);
            Ok(())
        }
    }

    #[async_trait]
    impl Records for MemoryRecords {
        async fn next(&mut self) -> Result<Bytes, BrokerError> {
            loop {
                if let Some(record) = self.log.0.lock().get(self.read).cloned() {
                    self.read += 1;
                    return Ok(record);
                }
                // sleep: the clock of the test stands still, so this takes no time
                sleep(Duration::from_millis(1)).await;
            }
        }
    }

    impl MemoryLog {
        /// A log in which the number has changed from 4 to 8.
        async fn changed() -> (Self, Arc<dyn ShardLog>) {
            let memory = Self::default();
            let log: Arc<dyn ShardLog> = Arc::new(memory.clone());
            let mut reading = Reading::up_to_now(&log).await.unwrap();
            reading.or_number(1, 4).await.unwrap();
            let attempt = Uuid::now_v7();
            for record in [ShardRecord::Hold { attempt, generation: 1, to: 8 }, ShardRecord::GoOn { attempt }]
            {
                reading.append(&record).await.unwrap();
            }
            (memory, log)
        }

        fn keep_newest(&self, count: u32) {
            let mut records = self.0.lock();
            let dropped = records.len().saturating_sub(usize::try_from(count).unwrap());
            records.drain(..dropped);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_outlives_the_records_that_made_it() {
        let (memory, log) = MemoryLog::changed().await;
        let mut reading = Reading::up_to_now(&log).await.unwrap();
        for started in 0..3 * REPEAT_NUMBER_AFTER {
            reading.append(&ShardRecord::Here { mark: Uuid::now_v7() }).await.unwrap();
            // Readings cost time, so one in fifty is done.
            if started % 50 == 0 {
                Reading::up_to_now(&log).await.unwrap();
                memory.keep_newest(2 * REPEAT_NUMBER_AFTER);
            }
        }
        let state = Reading::up_to_now(&log).await.unwrap().state;
        assert_eq!(state, ShardState { generation: 2, shards: 8, pending: None });
    }

    #[tokio::test(start_paused = true)]
    async fn a_number_that_the_log_has_lost_is_put_back_and_no_older_one() {
        let (memory, log) = MemoryLog::changed().await;
        memory.0.lock().pop();
        let mut reading = Reading::up_to_now(&log).await.unwrap();
        assert_eq!(reading.state.generation, 1, "the decision is lost");
        reading.or_number(2, 8).await.unwrap();
        assert_eq!(reading.state, ShardState { generation: 2, shards: 8, pending: None });
        reading.or_number(1, 4).await.unwrap();
        assert_eq!(Reading::up_to_now(&log).await.unwrap().state.shards, 8);
    }
}

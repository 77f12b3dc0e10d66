//! The journals of a fleet: one stream per gateway, `journal:<id>`. The number of a part is the id of its
//! stream entry.
//!
//! An append adds the part, drops the parts that are to be forgotten and renews the key's life, in one
//! transaction and one round trip. A journal is read in chunks. Needs Redis 6.2.
//! Safe to repeat because a stream only takes rising ids: an append that is repeated, or carried out after
//! its caller gave up, changes nothing.

use crate::connection::{Redis, RedisError};
use crate::registry::CALL_TIMEOUT;
use async_trait::async_trait;
use deadpool_redis::redis::{self, FromRedisValue, Pipeline, Value};
use eventflow_metrics::{CallMetrics, RedisOperation};
use eventflow_ports::journal::{JOURNAL_LIFE, Journal, JournalError, Part};
use eventflow_protocol::{GatewayId, codec};
use std::time::Duration;
use tokio::time::Instant;

/// Reads: parts in one answer. Mostly tens of KB, 1.5 MB if each part is as large as it can be; a few
/// milliseconds of the server's thread.
const CHUNK_PARTS: usize = 100;
/// The only field of an entry: the part, encoded.
const FIELD: &str = "part";

/// The settings of a journal. The default is right for a fleet; tests change it.
#[derive(Clone, Debug)]
pub struct JournalSettings {
    /// Prefix of every key, so that several systems can share a Redis.
    pub key_prefix: String,
    /// How long Redis keeps a gateway's journal after its last part.
    pub life: Duration,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self { key_prefix: "ef:".to_owned(), life: JOURNAL_LIFE }
    }
}

/// [`Journal`] on a Redis that all gateways share.
pub struct RedisJournal {
    redis: Redis,
    settings: JournalSettings,
}

/// An entry of a stream: its id, then field and value in turn.
type StreamEntry = (String, Vec<Vec<u8>>);

impl RedisJournal {
    /// A journal on the server at `url`. Does not connect yet: a Redis that is down at start is used once it
    /// comes up.
    pub fn new(url: &str, settings: JournalSettings) -> Result<Self, RedisError> {
        Ok(Self { redis: Redis::new(url, RedisOperation::Journal)?, settings })
    }

    /// Notes the duration of every call.
    #[must_use]
    pub fn measured(mut self, metrics: CallMetrics) -> Self {
        self.redis.measure(metrics);
        self
    }

    async fn try_append(&self, gateway: &GatewayId, part: &Part, keep_from: u64) -> Result<(), RedisError> {
        let key = self.key(gateway);
        let id = id(part.number);
        let deadline = Instant::now() + CALL_TIMEOUT;
        let value = codec::encode(part).expect("numbers and texts always encode");
        let life_ms = i64::try_from(self.settings.life.as_millis()).unwrap_or(i64::MAX);
        let mut pipeline = Pipeline::new();
        // In a transaction, because a connection that breaks between the two commands would leave a stream
        // that never expires.
        pipeline.atomic();
        let oldest = self::id(keep_from);
        pipeline.cmd("XADD").arg(&key).arg("MINID").arg("=").arg(oldest).arg(&id).arg(FIELD).arg(&value[..]);
        pipeline.cmd("PEXPIRE").arg(&key).arg(life_ms);
        match self.redis.run(&pipeline, deadline).await {
            // The server may have refused because the part is there already. Any other refusal is an error.
            Err(RedisError::Command(refusal))
                if is_answer(&refusal) && self.has(&key, &id, deadline).await? =>
            {
                Ok(())
            }
            outcome => outcome.map(|_| ()),
        }
    }

    async fn has(&self, key: &str, id: &str, deadline: Instant) -> Result<bool, RedisError> {
        Ok(!self.range(key, id, id, 1, deadline).await?.is_empty())
    }

    async fn try_read(&self, gateway: &GatewayId) -> Result<Vec<Part>, RedisError> {
        let key = self.key(gateway);
        let mut parts = Vec::new();
        let mut from = "-".to_owned();
        loop {
            let chunk = self.range(&key, &from, "+", CHUNK_PARTS, Instant::now() + CALL_TIMEOUT).await?;
            parts.extend(chunk.iter().filter_map(|entry| read_part(&key, entry)));
            match chunk.last() {
                Some((last, _)) if chunk.len() == CHUNK_PARTS => from = format!("({last}"),
                _ => return Ok(parts),
            }
        }
    }

    async fn range(
        &self,
        key: &str,
        from: &str,
        to: &str,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<StreamEntry>, RedisError> {
        let mut pipeline = Pipeline::new();
        pipeline.cmd("XRANGE").arg(key).arg(from).arg(to).arg("COUNT").arg(limit);
        let replies = self.redis.run(&pipeline, deadline).await?;
        let entries = Vec::<StreamEntry>::from_redis_value_ref(replies.first().unwrap_or(&Value::Nil));
        Ok(entries.map_err(redis::RedisError::from)?)
    }

    fn key(&self, gateway: &GatewayId) -> String {
        format!("{}journal:{gateway}", self.settings.key_prefix)
    }
}

/// The entry id of a part: one more than its number, since no entry can have the id `0-0`.
fn id(number: u64) -> String {
    format!("{}-0", number.saturating_add(1))
}

/// Whether the server itself answered with an error.
fn is_answer(error: &redis::RedisError) -> bool {
    !(error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error())
}

/// The part of an entry. An entry that another version wrote and this one cannot read is left out, as a hole.
fn read_part(key: &str, (id, fields): &StreamEntry) -> Option<Part> {
    let value = fields.get(1).map(Vec::as_slice).unwrap_or_default();
    match codec::decode(value) {
        Ok(part) => Some(part),
        Err(error) => {
            tracing::warn!(%error, key, id, "a part of a journal cannot be read");
            None
        }
    }
}

#[async_trait]
impl Journal for RedisJournal {
    async fn append(&self, gateway: &GatewayId, part: &Part, keep_from: u64) -> Result<(), JournalError> {
        self.try_append(gateway, part, keep_from).await.map_err(|source| failed("append a part", source))
    }

    async fn read(&self, gateway: &GatewayId) -> Result<Vec<Part>, JournalError> {
        self.try_read(gateway).await.map_err(|source| failed("read the parts of a gateway", source))
    }
}

fn failed(what: &'static str, source: RedisError) -> JournalError {
    JournalError { what, source: Box::new(source) }
}

//! Inspection: what an operator asks a Redis once: which version it is, what its clock says, whether it may
//! throw keys away, and whether this user may write.

use crate::connection::{Redis, RedisError};
use crate::moment::read_time;
use deadpool_redis::redis::{self, FromRedisValue, Pipeline, Value};
use eventflow_metrics::RedisOperation;
use eventflow_protocol::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// Longest time that the questions may take together.
const LIMIT: Duration = Duration::from_secs(3);
/// A key that nobody reads, and how long it stays if it is not deleted.
const PROBE_KEY: &str = "ef:doctor";
const PROBE_LIFE_MS: u32 = 10_000;

/// What a server says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedisFacts {
    /// Its version.
    pub version: String,
    /// Its clock.
    pub time: Option<Timestamp>,
    /// What it does when its memory is full, e.g. `noeviction`.
    pub eviction: Option<String>,
    /// Bytes of memory it uses, and may use; the second is 0 if that is not bounded.
    pub memory: Option<(u64, u64)>,
}

/// Asks the server at `url` what it is, and writes and deletes a key.
pub async fn inspect(url: &str) -> Result<RedisFacts, RedisError> {
    // Nothing is measured here; the operation is not shown.
    let redis = Redis::new(url, RedisOperation::Registry)?;
    let mut pipeline = Pipeline::new();
    pipeline.cmd("TIME").cmd("INFO");
    pipeline.cmd("SET").arg(PROBE_KEY).arg("1").arg("PX").arg(PROBE_LIFE_MS);
    pipeline.cmd("DEL").arg(PROBE_KEY);
    let replies = redis.run(&pipeline, Instant::now() + LIMIT).await?;
    let info = replies.get(1).unwrap_or(&Value::Nil);
    let info = String::from_redis_value_ref(info).map_err(redis::RedisError::from)?;
    let time = read_time(replies.first().unwrap_or(&Value::Nil)).ok().map(Timestamp);
    Ok(RedisFacts { time, ..facts(&info) })
}

fn facts(info: &str) -> RedisFacts {
    let of = |name: &str| {
        let value = |line: &str| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned());
        info.lines().find_map(value)
    };
    let number = |name: &str| of(name).and_then(|text| text.parse().ok());
    RedisFacts {
        version: of("redis_version").unwrap_or_default(),
        time: None,
        eviction: of("maxmemory_policy"),
        memory: number("used_memory").zip(number("maxmemory")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_are_read_from_what_redis_says_of_itself() {
        let info = "# Server\r\nredis_version:7.0.15\r\nused_memory:100\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n";
        let expected = RedisFacts {
            version: "7.0.15".to_owned(),
            time: None,
            eviction: Some("noeviction".to_owned()),
            memory: Some((100, 0)),
        };
        assert_eq!(facts(info), expected);
    }
}

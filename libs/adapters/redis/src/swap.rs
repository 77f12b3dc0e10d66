//! Compare-and-swap: replaces values of people together with the time at which they are due and that until
//! which they are connected, each only if it is still what was read.
//!
//! One script swaps a whole chunk, so to Redis each person's swap is atomic, and so is the chunk.

use crate::connection::{Redis, RedisError};
use deadpool_redis::redis::{self, FromRedisValue, Pipeline, Value};
use eventflow_ports::devices::{Devices, KEPT};
use eventflow_ports::presence::DEVICE_LEASE;
use eventflow_protocol::{Timestamp, UserId, codec};
use tokio::time::Instant;

/// `KEYS`: the due set, the set of who is connected, then one key per person. `ARGV`: the keys' life in ms,
/// then for each person the value that was read, the new value, the time at which they are due, the time
/// until which they are connected, and their id. An empty value or time stands for none. Gives for each
/// whether it was swapped.
const SCRIPT: &str = r"
local swapped = {}
for i = 1, #KEYS - 2 do
  local key, at = KEYS[i + 2], 5 * i - 3
  local was, new, due, connected, id = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  if (redis.call('GET', key) or '') ~= was then
    swapped[i] = 0
  else
    swapped[i] = 1
    if new == '' then
      redis.call('DEL', key)
      redis.call('ZREM', KEYS[1], id)
    else
      redis.call('SET', key, new, 'PX', ARGV[1])
      redis.call('ZADD', KEYS[1], due, id)
    end
    if connected == '' then
      redis.call('ZREM', KEYS[2], id)
    else
      redis.call('ZADD', KEYS[2], connected, id)
    end
  end
end
return swapped";

/// One person's new value.
pub(crate) struct Swap<'a> {
    user: &'a UserId,
    key: String,
    was: Vec<u8>,
    new: Vec<u8>,
    due_ms: i64,
    connected_until: Option<Timestamp>,
}

/// The keys of the two sorted sets that hold times of people.
pub(crate) struct SetKeys {
    /// When each person is due.
    pub(crate) due: String,
    /// Until when each person is connected.
    pub(crate) connected: String,
}

impl<'a> Swap<'a> {
    /// Replaces `was`, which was read at `key`, by `devices`. The default of those is stored as no value.
    pub(crate) fn new(
        user: &'a UserId,
        key: String,
        was: Vec<u8>,
        devices: &Devices,
        now: Timestamp,
    ) -> Self {
        let new = if *devices == Devices::default() {
            Vec::new()
        } else {
            codec::encode(devices).expect("texts, numbers and flags always encode").to_vec()
        };
        let connected_until = devices.connected_until(now);
        Self { user, key, was, new, due_ms: devices.due().0, connected_until }
    }
}

/// Carries out the swaps. Gives for each whether it took place.
pub(crate) async fn run(
    redis: &Redis,
    sets: &SetKeys,
    swaps: &[Swap<'_>],
    deadline: Instant,
) -> Result<Vec<bool>, RedisError> {
    if swaps.is_empty() {
        return Ok(Vec::new());
    }
    // A key lives longer than its content is kept. So a sweep, which finds the person in the due set, removes
    // both before the key expires.
    let life_ms = i64::try_from((KEPT + DEVICE_LEASE).as_millis()).unwrap_or(i64::MAX);
    let mut pipeline = Pipeline::new();
    let command = pipeline.cmd("EVAL").arg(SCRIPT).arg(swaps.len() + 2).arg(&sets.due).arg(&sets.connected);
    for swap in swaps {
        command.arg(&swap.key);
    }
    command.arg(life_ms);
    for swap in swaps {
        let connected = swap.connected_until.map(|until| until.0.to_string()).unwrap_or_default();
        command.arg(&swap.was[..]).arg(&swap.new[..]).arg(swap.due_ms).arg(connected).arg(swap.user.as_str());
    }
    let replies = redis.run(&pipeline, deadline).await?;
    let swapped = Vec::<bool>::from_redis_value_ref(replies.first().unwrap_or(&Value::Nil));
    Ok(swapped.map_err(redis::RedisError::from)?)
}

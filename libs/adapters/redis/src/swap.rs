//! Compare-and-swap: replaces values of people together with the time at which they are due, each only if it
//! is still what was read.
//!
//! One script swaps a whole chunk, so to Redis each person's swap is atomic, and so is the chunk.

use crate::connection::{Redis, RedisError};
use deadpool_redis::redis::{self, FromRedisValue, Pipeline, Value};
use eventflow_ports::devices::{Devices, KEPT};
use eventflow_ports::presence::DEVICE_LEASE;
use eventflow_protocol::{UserId, codec};
use tokio::time::Instant;

/// `KEYS`: the due set, then one key per person. `ARGV`: the keys' life in ms, then for each person the value
/// that was read, the new value, the time at which they are due, and their id. An empty value stands for
/// none. Gives for each whether it was swapped.
const SCRIPT: &str = r"
local swapped = {}
for i = 1, #KEYS - 1 do
  local key, at = KEYS[i + 1], 4 * i - 2
  local was, new, due, id = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
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
}

impl<'a> Swap<'a> {
    /// Replaces `was`, which was read at `key`, by `devices`. The default of those is stored as no value.
    pub(crate) fn new(user: &'a UserId, key: String, was: Vec<u8>, devices: &Devices) -> Self {
        let new = if *devices == Devices::default() {
            Vec::new()
        } else {
            codec::encode(devices).expect("texts, numbers and flags always encode").to_vec()
        };
        Self { user, key, was, new, due_ms: devices.due().0 }
    }
}

/// Carries out the swaps. Gives for each whether it took place.
pub(crate) async fn run(
    redis: &Redis,
    due_key: &str,
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
    let command = pipeline.cmd("EVAL").arg(SCRIPT).arg(swaps.len() + 1).arg(due_key);
    for swap in swaps {
        command.arg(&swap.key);
    }
    command.arg(life_ms);
    for swap in swaps {
        command.arg(&swap.was[..]).arg(&swap.new[..]).arg(swap.due_ms).arg(swap.user.as_str());
    }
    let replies = redis.run(&pipeline, deadline).await?;
    let swapped = Vec::<bool>::from_redis_value_ref(replies.first().unwrap_or(&Value::Nil));
    Ok(swapped.map_err(redis::RedisError::from)?)
}

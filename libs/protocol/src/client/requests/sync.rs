//! `sync`: what a client asks for when it has missed something.

use crate::Timestamp;
use crate::client::values::{List, ThreadReference};
use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use std::fmt;

/// Most threads that one `sync` may name.
pub const SYNCED_THREADS_MAX: usize = 100;
/// Most messages in one answer.
pub const SYNCED_MESSAGES_MAX: usize = 500;

/// `sync`: everything since these places.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncEvent {
    /// The threads, and how far the client has them.
    #[serde(default)]
    pub threads: List<SyncPlace, SYNCED_THREADS_MAX>,
    /// How many messages the answer may hold, over all threads; default and maximum 500.
    #[serde(default)]
    pub limit: SyncLimit,
    /// A time of the server, not of the client's clock: the answer then has `newThreads`. Take the newest
    /// `lastMessageAt` or `createdAt` of the threads that the client knows, less a minute: clocks of gateways
    /// differ a little.
    #[serde(default)]
    pub threads_after: Option<Timestamp>,
}

/// How far a client has a thread.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncPlace {
    /// The thread.
    pub thread_id: ThreadReference,
    /// The newest `seq` that the client has of the thread; default 0.
    #[serde(default)]
    pub after: u64,
    /// The `lastChange` of the answer before, or of the first page of the thread's history. Without it the
    /// answer tells nothing of changes but the newest number.
    #[serde(default)]
    pub changes_after: Option<u64>,
}

/// 1 to 500; a larger number is as good as that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub struct SyncLimit(usize);

impl SyncLimit {
    /// The number of messages.
    pub fn messages(self) -> usize {
        self.0
    }
}

impl Default for SyncLimit {
    fn default() -> Self {
        Self(SYNCED_MESSAGES_MAX)
    }
}

impl<'de> Deserialize<'de> for SyncLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(FromOne)
    }
}

struct FromOne;

impl Visitor<'_> for FromOne {
    type Value = SyncLimit;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number from 1")
    }

    fn visit_u64<E: Error>(self, limit: u64) -> Result<SyncLimit, E> {
        if limit == 0 {
            return Err(E::invalid_value(Unexpected::Unsigned(limit), &self));
        }
        Ok(SyncLimit(usize::try_from(limit).unwrap_or(SYNCED_MESSAGES_MAX).min(SYNCED_MESSAGES_MAX)))
    }
}

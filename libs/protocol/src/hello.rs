//! Hello: what a worker tells the other workers of its stage, so that they can share the shards.
//!
//! Hellos travel at most once and nobody stores them. A worker that reads a hello of a newer version ignores
//! the fields that it does not know.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What one worker says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Stage whose shards the worker shares, e.g. `persist`.
    pub stage: String,
    /// Id of the worker. Ids sort by the time at which their workers started.
    pub member: String,
    /// Version of the worker's program, for operators.
    pub version: String,
    /// Number of shards that the worker was told of.
    pub shards: u16,
    /// Shards whose queues the worker consumes, active or waiting its turn.
    pub holds: Vec<u16>,
    /// Where the worker runs, for operators: host and process. Empty from versions that do not say.
    #[serde(default)]
    pub place: String,
    /// Envelopes that the worker has carried out since it started, by queue. Empty from versions that do not
    /// say.
    #[serde(default)]
    pub done: BTreeMap<String, u64>,
    /// Whether the worker is shutting down: it gives up all its shards.
    #[serde(default)]
    pub leaves: bool,
}

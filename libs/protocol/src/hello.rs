//! Hello: what a worker tells the other workers of its stage, so that they can share the shards, and what a
//! gateway tells whoever changes their number.
//!
//! Hellos travel at most once and nobody stores them. A worker that reads a hello of a newer version ignores
//! the fields that it does not know.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Stage of those who publish to shards: gateways.
pub const GATEWAYS: &str = "gateway";
/// Stage of commands that change the number of shards.
pub const RESHARD: &str = "reshard";

/// What one worker, gateway or command says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Stage whose shards the worker shares, e.g. `persist`; [`GATEWAYS`] or [`RESHARD`].
    pub stage: String,
    /// Id of the worker. Ids sort by the time at which their workers started.
    pub member: String,
    /// Version of the worker's program, for operators.
    pub version: String,
    /// Number of shards that the worker was told of, or that the gateway uses.
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
    /// Of a worker: it passes barriers on ([`crate::reshard::Barrier`]). `false` from versions that do not
    /// know them.
    #[serde(default)]
    pub barriers: bool,
    /// Of a worker: milliseconds since the newest frame that a gateway of a version sent that does not follow
    /// the number of shards. `None` if there was none.
    #[serde(default)]
    pub unnumbered_ms: Option<u64>,
    /// Of a gateway: the generation of the number of shards that it uses.
    #[serde(default)]
    pub generation: u64,
    /// Of a gateway: the attempt to change the number for which it holds its commands back, once everything
    /// that it had sent is confirmed.
    #[serde(default)]
    pub holding: Option<Uuid>,
    /// Counts the hellos of one gateway or command.
    #[serde(default)]
    pub count: u64,
}

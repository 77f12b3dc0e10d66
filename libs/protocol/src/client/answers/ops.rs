//! What operators see: the queues and who works on them, the gateways, the servers, who is connected.
//!
//! A figure that nobody can know in a system of this shape is `null`, never 0, and `unknown` says why.

use crate::client::answers::DeliveryWord;
use crate::client::shape::Success;
use crate::outbound::{Channel, Reason};
use crate::presence::Status;
use crate::{Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The pipeline: every queue, and who works on it. `GET /ops/pipeline`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PipelineAnswer {
    /// When workers came and went, so that shards were shared out anew; newest first.
    pub changes: Vec<WorkerChange>,
    /// Parked messages that no worker could handle, by the queue that keeps them.
    pub dead: Vec<QueueFigures>,
    /// The queues that workers consume.
    pub hops: Vec<Hop>,
    /// The rungs of the retry ladder.
    pub retry: Vec<RetryRung>,
    /// Number of shards of this deployment.
    pub shards: u16,
    /// Always true.
    pub success: Success,
    /// When the answer was made.
    pub timestamp: Timestamp,
    /// Why a field is `null`, by the name of the field.
    pub unknown: BTreeMap<String, String>,
    /// The workers that are heard.
    pub workers: Vec<ListedWorker>,
}

/// How full a queue is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueFigures {
    /// Live consumers, active or waiting.
    pub consumers: Option<u64>,
    /// Messages that wait for a consumer. A message carries up to 256 commands or events.
    pub messages: Option<u64>,
    /// How long the oldest message is in the queue, delivered or not; `null` with RabbitMQ, which does not
    /// tell, and of an empty queue.
    pub oldest_age_ms: Option<u64>,
    /// Why the broker could not be asked for the queue; then the other figures are `null`.
    pub problem: Option<String>,
    /// The queue's name at the broker.
    pub queue: String,
}

/// A queue that workers consume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hop {
    /// How full it is.
    #[serde(flatten)]
    pub figures: QueueFigures,
    /// Commands or events that come in, per second. One process counts them itself; in a fleet each process
    /// counts its own, in its metrics.
    pub in_per_second: Option<f64>,
    /// Whether the owner says that it consumes the queue; `false` for more than a moment is a fault; `null`
    /// if no worker has shards of it.
    pub is_consumed: Option<bool>,
    /// Commands or events that are carried out, per second, over the last 6 s. In a fleet the workers that
    /// share shards tell it; the workers of the other queues count in their metrics.
    pub out_per_second: Option<f64>,
    /// The worker that owns the shard, by the assignment that all workers make of the workers they hear.
    pub owner: Option<String>,
    /// The shard; `null` of a queue that is not split by thread.
    pub shard: Option<u16>,
    /// The worker that waits behind the owner.
    pub spare: Option<String>,
    /// The stage, e.g. `persist`.
    pub stage: String,
}

/// A rung of the retry ladder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetryRung {
    /// How long everything on it waits.
    pub delay_ms: u64,
    /// How full it is.
    #[serde(flatten)]
    pub figures: QueueFigures,
}

/// A worker that shares the shards of a stage with others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedWorker {
    /// The shards that it consumes, active or waiting behind another worker.
    pub holds: Vec<u16>,
    /// What tells it apart from the others.
    pub id: String,
    /// Host and process; `null` if it does not say.
    pub place: Option<String>,
    /// Number of shards that it was told of; of a gateway, by which it sends.
    pub shards: u16,
    /// The stage; `gateway` for a gateway of a fleet, which follows the number of shards.
    pub stage: String,
    /// Version of its program.
    pub version: String,
}

/// A worker came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerChange {
    /// When it was heard.
    pub at: Timestamp,
    /// Where the worker runs; `null` if it does not say.
    pub place: Option<String>,
    /// The stage.
    pub stage: String,
    /// What became of the worker.
    pub what: WorkerFate,
    /// The worker.
    pub worker: String,
    /// Workers of the stage since then.
    pub workers: u64,
}

/// What became of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WorkerFate {
    /// It joined.
    Joined,
    /// It said goodbye.
    Left,
    /// It fell silent.
    Silent,
}

/// The socket gateways: `GET /ops/gateways`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewaysAnswer {
    /// Those that reported lately, and those that may still have people.
    pub gateways: Vec<ListedGateway>,
    /// Always true.
    pub success: Success,
    /// When the answer was made.
    pub timestamp: Timestamp,
    /// Why a field is `null`, by the name of the field.
    pub unknown: BTreeMap<String, String>,
}

/// A socket gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedGateway {
    /// Messages for its sockets that it has not taken.
    pub backlog: Option<u64>,
    /// The gateway.
    pub id: String,
    /// Why its queue could not be asked for.
    pub problem: Option<String>,
    /// Age of its report.
    pub report_age_ms: Option<u64>,
    /// Threads that somebody there has open.
    pub rooms: Option<u64>,
    /// Open sockets.
    pub sockets: Option<u64>,
    /// People who type there.
    pub typing: Option<u64>,
}

/// The servers that the system depends on, and the process that answers: `GET /ops/servers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServersAnswer {
    /// The process that answers, as its `/status` has it.
    pub process: ProcessStatus,
    /// The servers as this process finds them.
    pub servers: Vec<ServerState>,
    /// Always true.
    pub success: Success,
    /// When the answer was made.
    pub timestamp: Timestamp,
}

/// A process of the system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessStatus {
    /// What it cannot use now although it is ready.
    pub impaired: Vec<PartProblem>,
    /// Why it is not ready.
    pub not_ready_because: Vec<PartProblem>,
    /// The role, or `eventflow` for all of them.
    pub role: String,
    /// `ready`, `impaired`, `starting`, `not ready` or `draining`.
    pub status: String,
    /// For how long it runs.
    pub uptime_seconds: u64,
    /// The version of the program.
    pub version: String,
    /// What somebody should mend, by part.
    pub warnings: BTreeMap<String, String>,
}

/// A part that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartProblem {
    /// The part.
    pub part: String,
    /// For how many seconds that was seen.
    pub seconds: u64,
    /// Why it cannot be used.
    pub why: String,
}

/// A server that the system depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerState {
    /// How long it took to answer; `null` if it was not asked or did not answer.
    pub answered_in_ms: Option<u64>,
    /// `broker`, `store` or `presence`.
    pub name: String,
    /// Why it cannot be used.
    pub problem: Option<String>,
    /// Whether it can be used.
    pub state: ServerHealth,
}

/// Whether a server can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServerHealth {
    /// It can.
    Up,
    /// It is connected and takes no messages for now.
    Blocked,
    /// It cannot.
    Down,
    /// This system has none.
    Absent,
}

/// Who is connected: `GET /ops/users`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectedAnswer {
    /// How many people are connected.
    pub connected: u64,
    /// The cursor of the next page; `null` on the last one.
    pub next_cursor: Option<UserId>,
    /// Always true.
    pub success: Success,
    /// One page of those who fit, in the order of their ids.
    pub users: Vec<ConnectedUser>,
}

/// Somebody who is connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectedUser {
    /// The gateways at which they have sockets; `null` if nobody can say.
    pub gateways: Option<Vec<String>>,
    /// Their id.
    pub id: UserId,
    /// When they last did something.
    pub last_seen: Option<Timestamp>,
    /// What others call them.
    pub name: String,
    /// Online or away.
    pub status: Status,
}

/// What became of notifications by e-mail and push: `GET /ops/outcomes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomesAnswer {
    /// By channel, the most frequent first.
    pub outcomes: Vec<OutcomeCount>,
    /// From when on they are counted.
    pub since: Timestamp,
    /// Always true.
    pub success: Success,
}

/// How often something became of a notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeCount {
    /// The channel.
    pub channel: Channel,
    /// Rows of the delivery log that say so.
    pub deliveries: u64,
    /// What became of it.
    pub outcome: DeliveryWord,
    /// Why it was not sent.
    pub reason: Option<Reason>,
}

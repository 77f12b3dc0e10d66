//! The map: every queue there is, what it carries, and how it must be declared.
//!
//! This file is the only place that names a queue. `rabbitmq/definitions.json` is generated from it and every
//! adapter declares from it. Queues are never created per user or thread; the only dynamic ones are one per
//! gateway process.

use eventflow_protocol::GatewayId;
use eventflow_protocol::command::{Command, Subject};
use eventflow_protocol::event::{Event, GatewayEvent};
use eventflow_protocol::presence::DeviceSignal;
use serde::Serialize;
use std::borrow::Cow;
use std::marker::PhantomData;
use std::time::Duration;

/// Shards of the command and event queues unless configured otherwise. Fixed per deployment: changing it
/// moves threads between shards, so it is done with empty queues.
pub const DEFAULT_SHARDS: u16 = 4;
/// More shards than this only split batches: measured, they buy no throughput.
pub const MAX_SHARDS: u16 = 64;
/// Deliveries of one frame that end without an acknowledgement (the process died) before the broker parks it.
///
/// A frame is split into single envelopes before that ([`SUSPECT_DELIVERIES`]), so only the envelope that
/// kills its worker gets here. Before 4.3 RabbitMQ also counts what a worker returns in order, so a few
/// restarts while the store is down must fit in.
pub const DELIVERY_LIMIT: u32 = 10;
/// From this many unfinished deliveries on, a frame is suspected to kill its worker and is split into frames
/// of one.
pub const SUSPECT_DELIVERIES: u32 = 3;
/// A gateway's queue is deleted when nobody has consumed it for this long. Long enough for a broker restart,
/// during which the gateway and its sockets live on and nothing addressed to them may be lost.
pub const GATEWAY_QUEUE_EXPIRES: Duration = Duration::from_mins(2);
/// Bound of a gateway's queue. A gateway that falls this far behind is stuck; publishers get a refusal, not a
/// growing queue.
pub const GATEWAY_QUEUE_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// What the name of a gateway's queue starts with.
const GATEWAY_PREFIX: &str = "gateway.";
/// The exchange that reaches every gateway, for when nobody knows where a user is connected.
pub const GATEWAYS_EXCHANGE: &str = "gateways";

/// A queue that carries envelopes of `T`.
#[derive(Clone, Debug)]
pub struct Queue<T> {
    name: Cow<'static, str>,
    carries: PhantomData<fn() -> T>,
}

impl<T> Queue<T> {
    const fn fixed(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), carries: PhantomData }
    }

    fn named(name: String) -> Self {
        Self { name: Cow::Owned(name), carries: PhantomData }
    }

    /// The name at the broker.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A queue split by thread: everything about one thread passes one shard, in order.
#[derive(Clone, Debug)]
pub struct Sharded<T> {
    prefix: &'static str,
    carries: PhantomData<fn() -> T>,
}

impl<T> Sharded<T> {
    const fn fixed(prefix: &'static str) -> Self {
        Self { prefix, carries: PhantomData }
    }

    /// The queue of shard `index`.
    pub fn shard(&self, index: u16) -> Queue<T> {
        Queue::named(format!("{}.{index}", self.prefix))
    }

    /// The stage's name, for metrics and logs.
    pub fn stage(&self) -> &'static str {
        self.prefix
    }
}

/// The shard of a thread or user: FNV-1a over the id, so every publisher of every version agrees. Its halves
/// are folded, since the low bits alone mix badly.
pub fn shard_of(subject: &Subject, shards: u16) -> u16 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = subject.key().iter().fold(0xcbf2_9ce4_8422_2325_u64, mix);
    u16::try_from((hash ^ hash >> 32) % u64::from(shards)).expect("a remainder of a u16 fits a u16")
}

/// Commands to the persistence worker.
pub const PERSIST: Sharded<Command> = Sharded::fixed("persist");
/// How far people have come in threads, to the persistence worker too. Beside [`PERSIST`], because receipts
/// are as many as messages and take longer, and no message is to wait behind them (docs/adr/0008).
pub const CURSORS: Sharded<Command> = Sharded::fixed("cursors");
/// Events to the fan-out worker.
pub const FANOUT: Sharded<Event> = Sharded::fixed("fanout");
/// People who were not there, to the notification workers.
pub const NOTIFY: Queue<serde_json::Value> = Queue::fixed("notify");
/// E-mail jobs.
pub const EMAIL: Queue<serde_json::Value> = Queue::fixed("email");
/// Push jobs.
pub const PUSH: Queue<serde_json::Value> = Queue::fixed("push");
/// Signs of devices, to the presence sweeper.
pub const PRESENCE: Queue<DeviceSignal> = Queue::fixed("presence");

/// Deliveries to the sockets of one gateway process.
pub fn gateway(id: &GatewayId) -> Queue<GatewayEvent> {
    Queue::named(format!("{GATEWAY_PREFIX}{id}"))
}

/// Whose queue `name` is, if it is a gateway's.
pub fn gateway_of(name: &str) -> Option<GatewayId> {
    name.strip_prefix(GATEWAY_PREFIX).map(GatewayId::from)
}

/// Where envelopes of `queue` go that nobody could handle. All gateways share one: their own queues come and
/// go.
pub fn dead(queue: &str) -> String {
    let origin = if queue.starts_with(GATEWAY_PREFIX) { "gateway" } else { queue };
    format!("dead.{origin}")
}

/// A rung of the retry ladder: everything in its queue waits equally long, so nothing blocks what is behind
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Delay {
    /// 1 s: a hiccup.
    OneSecond,
    /// 5 s.
    FiveSeconds,
    /// 30 s.
    ThirtySeconds,
    /// 2 min.
    TwoMinutes,
    /// 10 min.
    TenMinutes,
    /// 1 h: an outage of somebody else.
    OneHour,
}

impl Delay {
    /// From the shortest to the longest.
    pub const LADDER: [Self; 6] = [
        Self::OneSecond,
        Self::FiveSeconds,
        Self::ThirtySeconds,
        Self::TwoMinutes,
        Self::TenMinutes,
        Self::OneHour,
    ];

    /// How long an envelope waits.
    pub fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::OneSecond => 1,
            Self::FiveSeconds => 5,
            Self::ThirtySeconds => 30,
            Self::TwoMinutes => 120,
            Self::TenMinutes => 600,
            Self::OneHour => 3_600,
        })
    }

    /// The name of its exchange and queue.
    pub fn queue(self) -> &'static str {
        match self {
            Self::OneSecond => "retry.1s",
            Self::FiveSeconds => "retry.5s",
            Self::ThirtySeconds => "retry.30s",
            Self::TwoMinutes => "retry.2m",
            Self::TenMinutes => "retry.10m",
            Self::OneHour => "retry.1h",
        }
    }
}

/// How a queue behaves; an adapter turns this into its broker's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueKind {
    /// Replicated work, any number of consumers; parked at `dead.<queue>` past [`DELIVERY_LIMIT`].
    Work,
    /// As `Work`, but one consumer at a time, in order.
    SingleActive,
    /// Waits, then returns to the queue it came from.
    Delay(Delay),
    /// Parked for an operator; never consumed by a worker.
    Dead,
    /// To one gateway process; survives a broker restart, expires with its gateway.
    Gateway,
}

/// One queue to declare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSpec {
    /// The name at the broker.
    pub name: String,
    /// How it behaves.
    pub kind: QueueKind,
}

/// Every queue of a deployment but those of its gateways.
#[derive(Clone, Copy, Debug)]
pub struct Topology {
    shards: u16,
}

impl Topology {
    /// The map for `shards` shards (1 to [`MAX_SHARDS`]; configuration checks it).
    pub fn new(shards: u16) -> Self {
        Self { shards: shards.clamp(1, MAX_SHARDS) }
    }

    /// How many shards the command and event queues have.
    pub fn shards(&self) -> u16 {
        self.shards
    }

    /// The shard of a thread or user.
    pub fn shard_of(&self, subject: &Subject) -> u16 {
        shard_of(subject, self.shards)
    }

    /// Queues that workers consume, with their kinds.
    pub fn work_queues(&self) -> Vec<QueueSpec> {
        let of_shard =
            |shard| [PERSIST.shard(shard).name, CURSORS.shard(shard).name, FANOUT.shard(shard).name];
        let sharded = (0..self.shards).flat_map(of_shard).map(Cow::into_owned);
        // Signs of devices in order too; and without a store that sweepers share, only one of them may know
        // who is there.
        let in_order = sharded.chain([PRESENCE.name().to_owned()]);
        let mut queues: Vec<QueueSpec> =
            in_order.map(|name| QueueSpec { name, kind: QueueKind::SingleActive }).collect();
        queues.sort_by(|a, b| a.name.cmp(&b.name));
        let plain = [NOTIFY.name().to_owned(), EMAIL.name().to_owned(), PUSH.name().to_owned()];
        queues.extend(plain.map(|name| QueueSpec { name, kind: QueueKind::Work }));
        queues
    }

    /// Everything to declare: work queues, their dead-letter queues, the retry ladder.
    pub fn queues(&self) -> Vec<QueueSpec> {
        let work = self.work_queues();
        let origins = work.iter().map(|queue| queue.name.as_str()).chain([GATEWAY_PREFIX]);
        let parked = origins.map(|queue| QueueSpec { name: dead(queue), kind: QueueKind::Dead });
        let ladder = Delay::LADDER
            .map(|delay| QueueSpec { name: delay.queue().to_owned(), kind: QueueKind::Delay(delay) });
        work.iter().cloned().chain(parked).chain(ladder).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::ThreadId;
    use std::collections::HashSet;

    #[test]
    fn every_work_queue_has_its_own_dead_letter_queue_and_no_name_repeats() {
        let topology = Topology::new(4);
        let queues = topology.queues();
        let names: HashSet<&str> = queues.iter().map(|queue| queue.name.as_str()).collect();
        assert_eq!(names.len(), queues.len());
        for queue in topology.work_queues() {
            assert!(names.contains(dead(&queue.name).as_str()), "{}", queue.name);
        }
        assert!(names.contains(dead(gateway(&GatewayId::new()).name()).as_str()));
    }

    #[test]
    fn the_shard_of_a_thread_never_changes() {
        let thread = Subject::Thread("0123456789abcdef01234567".parse().unwrap());
        assert_eq!([1, 4, 64].map(|shards| shard_of(&thread, shards)), [0, 3, 11]);
        let spread: HashSet<u16> =
            (0..100_u8).map(|n| shard_of(&Subject::Thread(ThreadId::from_bytes([n; 12])), 4)).collect();
        assert_eq!(spread.len(), 4);
    }
}

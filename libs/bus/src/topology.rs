//! Topology: every queue of the system, what it carries, and how it must be declared.
//!
//! This file is the only place that names a queue. `rabbitmq/definitions.json` is generated from it, and
//! every adapter declares its queues from it. No queue is created per user or thread. The only dynamic queues
//! are those of the gateway processes, one each.

use eventflow_metrics::RetryDelay;
use eventflow_protocol::GatewayId;
use eventflow_protocol::command::{Command, Subject};
use eventflow_protocol::event::{Event, GatewayEvent};
use eventflow_protocol::outbound::{NotifyJob, WindowJob};
use eventflow_protocol::presence::DeviceSignal;
use eventflow_protocol::push::PushJob;
use serde::Serialize;
use std::borrow::Cow;
use std::marker::PhantomData;
use std::time::Duration;

/// Largest number of shards. By measurement, more shards only split batches and add no throughput.
pub const MAX_SHARDS: u16 = 64;
/// Delivery limit: deliveries of one frame that may end without an acknowledgement (the process died) before
/// the broker parks the frame.
///
/// The consume loop splits a frame into single envelopes before that ([`SUSPECT_DELIVERIES`]), so only the
/// envelope that kills its worker reaches the limit. RabbitMQ before 4.3 also counts messages that a worker
/// returns in order, so the limit leaves room for a few restarts while the store is down.
pub const DELIVERY_LIMIT: u32 = 10;
/// Number of unfinished deliveries from which the consume loop suspects that a frame kills its worker. It
/// then splits the frame into frames of one envelope.
pub const SUSPECT_DELIVERIES: u32 = 3;
/// Gateway queue expiry: the broker deletes a gateway's queue that nobody has consumed for this long. The
/// time covers a broker restart, during which the gateway and its sockets live on and must lose nothing
/// addressed to them.
pub const GATEWAY_QUEUE_EXPIRES: Duration = Duration::from_mins(2);
/// Size limit of a gateway's queue. A gateway that falls this far behind is stuck. Publishers then get a
/// refusal, and the queue does not grow.
pub const GATEWAY_QUEUE_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Prefix of the names of gateway queues.
pub(crate) const GATEWAY_PREFIX: &str = "gateway.";
/// Prefix of the names of dead-letter queues.
pub(crate) const DEAD_PREFIX: &str = "dead.";
/// Exchange that reaches every gateway. Fan-out uses it when nobody knows where a user is connected.
pub const GATEWAYS_EXCHANGE: &str = "gateways";

/// The log of records that decide how many shards there are (docs/adr/0014).
pub const SHARD_LOG: &str = "shards";
/// Size limit of the shard log: some 20,000 records, which a gateway that starts reads in a second or two. A
/// record takes about 200 bytes (measured on 3.10): one for each start of a gateway and each lost connection,
/// and a few for each change of the number. The newest are kept, and the number in force is repeated.
pub const SHARD_LOG_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Exchange through which workers say hello to each other, to share the shards.
pub const WORKERS_EXCHANGE: &str = "workers";

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

    /// The queue's name at the broker.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A queue split by thread. Everything about one thread passes through one shard, in order.
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

    /// Name of the stage, for metrics and logs.
    pub const fn stage(&self) -> &'static str {
        self.prefix
    }
}

/// Computes the shard of a thread or user as FNV-1a over the id, so every publisher of every version gets the
/// same shard. It folds the upper half of the hash into the lower one, because the low bits alone are badly
/// distributed.
pub fn shard_of(subject: &Subject, shards: u16) -> u16 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = subject.key().iter().fold(0xcbf2_9ce4_8422_2325_u64, mix);
    u16::try_from((hash ^ hash >> 32) % u64::from(shards)).expect("a remainder of a u16 fits a u16")
}

/// Commands for the persistence worker.
pub const PERSIST: Sharded<Command> = Sharded::fixed("persist");
/// Cursor commands: how far people have read or received a thread, also for the persistence worker. They have
/// queues of their own because receipts are as many as messages and take longer, and no message may wait
/// behind them (docs/adr/0008).
pub const CURSORS: Sharded<Command> = Sharded::fixed("cursors");
/// Events for the fan-out worker.
pub const FANOUT: Sharded<Event> = Sharded::fixed("fanout");
/// Work for the decision who has to be told something by e-mail or push, for the notification workers.
pub const NOTIFY: Queue<NotifyJob> = Queue::fixed("notify");
/// Windows that are due, for the e-mail workers.
pub const EMAIL: Queue<WindowJob> = Queue::fixed("email");
/// Windows that are due, for the push workers.
pub const PUSH: Queue<PushJob> = Queue::fixed("push");
/// Signals of devices, for the presence sweeper.
pub const PRESENCE: Queue<DeviceSignal> = Queue::fixed("presence");

/// The queue of events for the sockets of one gateway process.
pub fn gateway(id: &GatewayId) -> Queue<GatewayEvent> {
    Queue::named(format!("{GATEWAY_PREFIX}{id}"))
}

/// The gateway that the queue `name` belongs to; `None` if it is not a gateway's queue.
pub fn gateway_of(name: &str) -> Option<GatewayId> {
    name.strip_prefix(GATEWAY_PREFIX).map(GatewayId::from)
}

/// Name of the dead-letter queue for envelopes of `queue`. All gateways share one, because their own queues
/// come and go.
pub fn dead(queue: &str) -> String {
    let origin = if queue.starts_with(GATEWAY_PREFIX) { "gateway" } else { queue };
    format!("{DEAD_PREFIX}{origin}")
}

/// A rung of the retry ladder. Everything in its queue waits equally long, so no message blocks those behind
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Delay {
    /// 1 s: for a short hiccup.
    OneSecond,
    /// 5 s.
    FiveSeconds,
    /// 30 s.
    ThirtySeconds,
    /// 2 min.
    TwoMinutes,
    /// 10 min.
    TenMinutes,
    /// 1 h: for an outage of an external service.
    OneHour,
}

impl Delay {
    /// Every rung, from the shortest to the longest.
    pub const LADDER: [Self; 6] = [
        Self::OneSecond,
        Self::FiveSeconds,
        Self::ThirtySeconds,
        Self::TwoMinutes,
        Self::TenMinutes,
        Self::OneHour,
    ];

    /// Time that an envelope waits on this rung.
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

    /// The rung as metrics label it.
    pub fn label(self) -> RetryDelay {
        match self {
            Self::OneSecond => RetryDelay::OneSecond,
            Self::FiveSeconds => RetryDelay::FiveSeconds,
            Self::ThirtySeconds => RetryDelay::ThirtySeconds,
            Self::TwoMinutes => RetryDelay::TwoMinutes,
            Self::TenMinutes => RetryDelay::TenMinutes,
            Self::OneHour => RetryDelay::OneHour,
        }
    }

    /// Name of the rung's exchange and of its queue.
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

/// How a queue behaves. An adapter turns this into its broker's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueKind {
    /// Work queue: replicated, any number of consumers. The broker parks a message at `dead.<queue>` after
    /// [`DELIVERY_LIMIT`] deliveries.
    Work,
    /// As `Work`, but with one active consumer at a time, so that messages are handled in order.
    SingleActive,
    /// Retry queue: a message waits here and then returns to the queue it came from.
    Delay(Delay),
    /// Dead-letter queue: messages wait here until a collector has them in the store.
    Dead,
    /// Log: what is in it stays when it is read, and everybody reads it in the same order.
    Log,
    /// Queue of one gateway process. It survives a broker restart and expires with its gateway.
    Gateway,
}

/// One queue to declare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSpec {
    /// The queue's name at the broker.
    pub name: String,
    /// The queue's kind, which decides its arguments.
    pub kind: QueueKind,
}

/// Every queue of a deployment except those of its gateways.
#[derive(Clone, Copy, Debug)]
pub struct Topology {
    shards: u16,
}

impl Topology {
    /// The topology for `shards` shards (1 to [`MAX_SHARDS`]; the configuration checks the range).
    pub fn new(shards: u16) -> Self {
        Self { shards: shards.clamp(1, MAX_SHARDS) }
    }

    /// Number of shards of the command and event queues.
    pub fn shards(&self) -> u16 {
        self.shards
    }

    /// The shard of a thread or user.
    pub fn shard_of(&self, subject: &Subject) -> u16 {
        shard_of(subject, self.shards)
    }

    /// The queues that workers consume, with their kinds.
    pub fn work_queues(&self) -> Vec<QueueSpec> {
        let of_shard =
            |shard| [PERSIST.shard(shard).name, CURSORS.shard(shard).name, FANOUT.shard(shard).name];
        let sharded = (0..self.shards).flat_map(of_shard).map(Cow::into_owned);
        // Signals of devices must stay in order too. Besides, when sweepers share no store, only one of them
        // may hold the presence state.
        let in_order = sharded.chain([PRESENCE.name().to_owned()]);
        let mut queues: Vec<QueueSpec> =
            in_order.map(|name| QueueSpec { name, kind: QueueKind::SingleActive }).collect();
        queues.sort_by(|a, b| a.name.cmp(&b.name));
        let plain = [NOTIFY.name().to_owned(), EMAIL.name().to_owned(), PUSH.name().to_owned()];
        queues.extend(plain.map(|name| QueueSpec { name, kind: QueueKind::Work }));
        queues
    }

    /// All queues: work queues, their dead-letter queues and the retry ladder.
    pub fn queues(&self) -> Vec<QueueSpec> {
        let work = self.work_queues();
        let origins = work.iter().map(|queue| queue.name.as_str()).chain([GATEWAY_PREFIX]);
        let parked = origins.map(|queue| QueueSpec { name: dead(queue), kind: QueueKind::Dead });
        let ladder = Delay::LADDER
            .map(|delay| QueueSpec { name: delay.queue().to_owned(), kind: QueueKind::Delay(delay) });
        work.iter().cloned().chain(parked).chain(ladder).collect()
    }

    /// What to declare at a broker that several processes share: all queues, and the shard log.
    pub fn shared(&self) -> Vec<QueueSpec> {
        let log = QueueSpec { name: SHARD_LOG.to_owned(), kind: QueueKind::Log };
        self.queues().into_iter().chain([log]).collect()
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

//! Pipeline: every queue of the topology with how full it is, who works on it and how fast, for operators.
//!
//! It asks the broker for each queue without changing it, so it needs no more of a broker than workers do. It
//! never guesses: what nobody can know is `null` in the answer, with the reason.

mod own_rates;

pub use own_rates::OwnRates;

use crate::explain::explain;
use crate::port::{Broker, BrokerError, Depth};
use crate::share::lookout::Lookout;
use crate::share::roster::{Change, Fate, Holders, Roster, Worker};
use crate::topology::{CURSORS, FANOUT, PERSIST, QueueKind, QueueSpec, Topology};
use eventflow_protocol::Timestamp;
use eventflow_protocol::client::Success;
use eventflow_protocol::client::answers::{
    Hop, ListedWorker, PipelineAnswer, QueueFigures, RetryRung, WorkerChange, WorkerFate,
};
use futures_util::{StreamExt as _, stream};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Questions at a time. Each takes a channel of the connection that also consumes.
const AT_ONCE: usize = 8;
/// The stages whose shards workers share, with the stage that its workers name.
const SHARED: [(&str, &str); 3] =
    [(PERSIST_STAGE, PERSIST_STAGE), (CURSORS_STAGE, PERSIST_STAGE), (FANOUT_STAGE, FANOUT_STAGE)];
const PERSIST_STAGE: &str = PERSIST.stage();
const CURSORS_STAGE: &str = CURSORS.stage();
const FANOUT_STAGE: &str = FANOUT.stage();

/// Asks the broker and the lookout for everything. `rates` are this process's own, if it is the only one.
pub async fn pipeline(
    broker: &dyn Broker,
    topology: &Topology,
    lookout: &Lookout,
    rates: Option<&OwnRates>,
    now: Timestamp,
) -> PipelineAnswer {
    let figures = survey(broker, topology).await;
    let tells_ages = figures.iter().any(|(_, figures)| figures.oldest_age_ms.is_some());
    let mut answer = PipelineAnswer {
        changes: Vec::new(),
        dead: Vec::new(),
        hops: Vec::new(),
        retry: Vec::new(),
        shards: topology.shards(),
        success: Success,
        timestamp: now,
        unknown: BTreeMap::new(),
        workers: Vec::new(),
    };
    lookout.ask(|roster| {
        let mut view = View::new(roster, topology.shards(), rates);
        for (queue, figures) in figures {
            match queue.kind {
                QueueKind::Dead => answer.dead.push(figures),
                QueueKind::Delay(delay) => {
                    answer.retry.push(RetryRung { delay_ms: whole_ms(delay.duration()), figures });
                }
                QueueKind::Work | QueueKind::SingleActive => answer.hops.push(view.hop(figures)),
                QueueKind::Gateway | QueueKind::Log => {}
            }
        }
        answer.workers = roster.workers().into_iter().map(listed).collect();
        answer.changes = roster.changes().map(|change| shown(change, now)).collect();
    });
    answer.unknown = unknown(&answer, tells_ages);
    answer
}

/// Asks for every queue, in the order of the topology.
async fn survey(broker: &dyn Broker, topology: &Topology) -> Vec<(QueueSpec, QueueFigures)> {
    stream::iter(topology.queues())
        .map(|queue| async {
            let figures = figures(&queue.name, broker.depth(&queue.name).await);
            (queue, figures)
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

/// How full a queue is, by the broker's answer.
pub fn figures(queue: &str, depth: Result<Depth, BrokerError>) -> QueueFigures {
    let queue = queue.to_owned();
    match depth {
        Ok(depth) => QueueFigures {
            consumers: Some(depth.consumers),
            messages: Some(depth.ready),
            oldest_age_ms: depth.oldest.map(whole_ms),
            problem: None,
            queue,
        },
        Err(BrokerError::Unroutable(_)) => QueueFigures {
            problem: Some("there is no such queue".to_owned()),
            queue,
            ..QueueFigures::default()
        },
        Err(error) => QueueFigures { problem: Some(explain(&error)), queue, ..QueueFigures::default() },
    }
}

/// What is known of the workers while the hops are put together.
struct View<'a> {
    roster: &'a Roster,
    rates: Option<&'a OwnRates>,
    shards: u16,
    holders: HashMap<&'static str, Vec<Holders>>,
}

impl<'a> View<'a> {
    fn new(roster: &'a Roster, shards: u16, rates: Option<&'a OwnRates>) -> Self {
        Self { roster, rates, shards, holders: HashMap::new() }
    }

    fn hop(&mut self, figures: QueueFigures) -> Hop {
        let name = figures.queue.clone();
        let (stage, shard) = match name.rsplit_once('.') {
            Some((stage, shard)) => (stage.to_owned(), shard.parse().ok()),
            None => (name.clone(), None),
        };
        let of_stage = SHARED.iter().find(|(queue, _)| *queue == stage).map(|(_, workers)| *workers);
        let holders = of_stage.zip(shard).and_then(|(workers, shard): (&str, u16)| {
            let (roster, shards) = (self.roster, self.shards);
            let holders = self.holders.entry(workers).or_insert_with(|| roster.holders(workers, shards));
            holders.get(usize::from(shard)).cloned()
        });
        let is_consumed = holders.as_ref().filter(|holders| holders.owner.is_some());
        let own = self.rates.and_then(|rates| rates.of(&name));
        Hop {
            figures,
            in_per_second: own.and_then(|rate| rate.published),
            is_consumed: is_consumed.map(|holders| holders.is_consumed),
            out_per_second: own.map(|rate| rate.done).or_else(|| self.roster.rate(&name)).map(rounded),
            owner: holders.as_ref().and_then(|holders| holders.owner.clone()),
            shard,
            spare: holders.and_then(|holders| holders.spare),
            stage,
        }
    }
}

/// Why a field is `null` somewhere in the answer.
fn unknown(answer: &PipelineAnswer, tells_ages: bool) -> BTreeMap<String, String> {
    let mut unknown = BTreeMap::new();
    let mut because = |field: &str, is_unknown: bool, why: &str| {
        if is_unknown {
            unknown.insert(field.to_owned(), why.to_owned());
        }
    };
    let any = |is: fn(&Hop) -> bool| answer.hops.iter().any(is);
    let rungs = answer.retry.iter().map(|rung| &rung.figures);
    let mut queues = answer.hops.iter().map(|hop| &hop.figures).chain(rungs).chain(&answer.dead);
    let waits = queues.any(|queue| queue.messages.is_some_and(|messages| messages > 0));
    because("oldestAgeMs", waits && !tells_ages, "AMQP does not tell the age of a message");
    because(
        "inPerSecond",
        any(|hop| hop.in_per_second.is_none()),
        "each process counts what it publishes itself; see eventflow_publish_envelopes_total in the metrics",
    );
    because(
        "outPerSecond",
        any(|hop| hop.out_per_second.is_none()),
        "told by workers that share shards, a few seconds after they are heard first; others count in the \
         metrics: eventflow_consume_envelopes_total",
    );
    because(
        "owner",
        any(|hop| hop.shard.is_some() && hop.owner.is_none()),
        "no worker of the stage is heard that was told of this number of shards",
    );
    unknown
}

fn listed(worker: Worker) -> ListedWorker {
    let Worker { stage, id, place, version, holds, shards } = worker;
    ListedWorker { holds, id, place: said(&place), shards, stage, version }
}

fn shown(change: &Change, now: Timestamp) -> WorkerChange {
    let ago = i64::try_from(change.at.into_std().elapsed().as_millis()).unwrap_or(i64::MAX);
    WorkerChange {
        at: Timestamp(now.0.saturating_sub(ago)),
        place: said(&change.place),
        stage: change.stage.clone(),
        what: match change.what {
            Fate::Joined => WorkerFate::Joined,
            Fate::Left => WorkerFate::Left,
            Fate::Silent => WorkerFate::Silent,
        },
        worker: change.worker.clone(),
        workers: change.workers as u64,
    }
}

fn said(place: &str) -> Option<String> {
    Some(place.to_owned()).filter(|place| !place.is_empty())
}

fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// One digit behind the point is as much as a rate of a few seconds is worth.
fn rounded(rate: f64) -> f64 {
    (rate * 10.0).round() / 10.0
}

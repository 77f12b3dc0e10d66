//! The rates of a process that is the whole system: what it publishes and carries out itself is everything.

use crate::topology::Topology;
use eventflow_metrics::{BusMetrics, QueueMetrics};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Time between two looks at the counters.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looks over which a rate is taken.
const LOOKS: usize = 6;

/// Envelopes per second of one queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OwnRate {
    /// Published and confirmed. `None` if nothing counts for the queue: some jobs are published uncounted.
    pub published: Option<f64>,
    /// Carried out.
    pub done: f64,
}

/// Looks at the counters of every work queue once a second.
pub struct OwnRates {
    queues: Vec<(String, QueueMetrics)>,
    looks: Mutex<VecDeque<Look>>,
}

/// The counters of all queues at one moment: published and done.
struct Look {
    at: Instant,
    counts: Vec<(u64, u64)>,
}

impl OwnRates {
    /// Of every work queue of the topology; nothing is known before [`Self::run`].
    pub fn new(metrics: &BusMetrics, topology: &Topology) -> Self {
        let queues =
            topology.work_queues().into_iter().map(|queue| (queue.name.clone(), metrics.queue(&queue.name)));
        Self { queues: queues.collect(), looks: Mutex::default() }
    }

    /// Looks until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => self.look(Instant::now()),
            }
        }
    }

    fn look(&self, at: Instant) {
        let counts = self.queues.iter().map(|(_, queue)| (queue.published.get(), queue.done.get())).collect();
        let mut looks = self.looks.lock();
        looks.push_back(Look { at, counts });
        if looks.len() > LOOKS {
            looks.pop_front();
        }
    }

    /// The rates of a queue; `None` until there are two looks, and of a queue that is not looked at.
    pub fn of(&self, queue: &str) -> Option<OwnRate> {
        let place = self.queues.iter().position(|(name, _)| name == queue)?;
        let looks = self.looks.lock();
        let (from, to) = (looks.front()?, looks.back()?);
        let seconds = (to.at - from.at).as_secs_f64();
        if seconds <= 0.0 {
            return None;
        }
        let per_second = |count: fn(&(u64, u64)) -> u64| {
            let more = count(&to.counts[place]).saturating_sub(count(&from.counts[place]));
            more as f64 / seconds
        };
        let is_counted = to.counts[place].0 > 0;
        let published = is_counted.then(|| (per_second(|counts| counts.0) * 10.0).round() / 10.0);
        Some(OwnRate { published, done: per_second(|counts| counts.1) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_metrics::Metrics;

    #[test]
    fn what_came_in_and_was_done_counts_per_second() {
        let metrics = Metrics::default();
        let rates = OwnRates::new(&metrics.bus, &Topology::new(1));
        let now = Instant::now();
        rates.look(now);
        assert_eq!(rates.of("persist.0"), None, "one look is no rate");
        let queue = metrics.bus.queue("persist.0");
        queue.published.inc_by(40);
        queue.done.inc_by(30);
        metrics.bus.queue("email").done.inc();
        rates.look(now + 2 * LOOK_EVERY);
        assert_eq!(rates.of("persist.0"), Some(OwnRate { published: Some(20.0), done: 15.0 }));
        assert_eq!(rates.of("email"), Some(OwnRate { published: None, done: 0.5 }), "nobody counts it");
        assert_eq!(rates.of("persist.7"), None);
    }
}

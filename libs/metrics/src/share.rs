//! Sharing of shards: who owns what, as each worker sees it.

use crate::MetricsError;
use crate::label::registered;
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// The series of every stage whose shards are shared.
#[derive(Clone)]
pub struct SharesMetrics {
    owner: IntGaugeVec,
    workers_seen: IntGaugeVec,
    rebalances: IntCounterVec,
}

/// The series of one stage.
#[derive(Clone)]
pub struct ShareMetrics {
    stage: &'static str,
    owner: IntGaugeVec,
    /// Living workers of the stage, this one included.
    pub workers_seen: IntGauge,
    /// Times that the shards were shared out anew because the workers changed.
    pub rebalances: IntCounter,
}

impl SharesMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let gauge = |name, help, labels: &[&str]| {
            registered(registry, IntGaugeVec::new(Opts::new(name, help), labels)?)
        };
        let rebalances = Opts::new(
            "eventflow_rebalances_total",
            "Times that this worker shared the shards out anew because the workers changed, by stage.",
        );
        Ok(Self {
            owner: gauge(
                "eventflow_shard_owner",
                "1 while this worker owns the shard and consumes it, else 0, by stage and shard.",
                &["stage", "shard"],
            )?,
            workers_seen: gauge(
                "eventflow_workers_seen",
                "Living workers of the stage that this worker hears, itself included, by stage.",
                &["stage"],
            )?,
            rebalances: registered(registry, IntCounterVec::new(rebalances, &["stage"])?)?,
        })
    }

    /// The series of `stage`, which is a name of the topology.
    pub fn stage(&self, stage: &'static str) -> ShareMetrics {
        ShareMetrics {
            stage,
            owner: self.owner.clone(),
            workers_seen: self.workers_seen.with_label_values(&[stage]),
            rebalances: self.rebalances.with_label_values(&[stage]),
        }
    }
}

impl ShareMetrics {
    /// 1 while this worker owns `shard`.
    pub fn owner(&self, shard: u16) -> IntGauge {
        self.owner.with_label_values(&[self.stage, &shard.to_string()])
    }
}

//! The number of shards by which gateways send, beside the one that workers are told of.

use super::finding::Finding;
use crate::commands::queues::connect;
use eventflow_boot::instance;
use eventflow_bus::explain::explain;
use eventflow_bus::port::Broker as _;
use eventflow_bus::reshard::change::Change;
use eventflow_bus::reshard::state::ShardState;
use eventflow_bus::topology::SHARD_LOG;
use eventflow_config::Config;
use std::sync::Arc;

const PART: &str = "broker";
const CHECK: &str = "number of shards";

/// Nothing if there is no broker or no log: that is told elsewhere, and looking would make the log.
pub(super) async fn look(config: &Config) -> Option<Finding> {
    if config.embedded_broker() {
        return None;
    }
    let broker = connect(config).await.ok()?;
    let finding = match broker.depth(SHARD_LOG).await {
        Err(_) => None,
        Ok(_) => Some(
            match Change::open(Arc::clone(&broker) as _, Arc::clone(&broker) as _, &instance::name()).await {
                Ok(change) => judge(change.state(), config.broker.shards),
                Err(error) => Finding::unknown(PART, CHECK, explain(&error), ""),
            },
        ),
    };
    broker.shutdown().await;
    finding
}

fn judge(state: ShardState, setting: u16) -> Finding {
    let shards = state.shards;
    if !state.is_known() {
        return Finding::ok(PART, CHECK, "none is in force yet: the first gateway takes its SHARDS");
    }
    if setting < shards {
        return Finding::bad(
            PART,
            CHECK,
            format!("gateways send to {shards} shards, and SHARDS is {setting}"),
            "workers with this setting leave commands lying: raise SHARDS to that number and restart them",
        );
    }
    Finding::ok(PART, CHECK, format!("{shards}, and SHARDS is {setting}"))
}

#[cfg(test)]
mod tests {
    use super::super::finding::Grade;
    use super::*;

    #[test]
    fn workers_that_leave_shards_out_are_bad_and_spare_shards_are_not() {
        let state = ShardState { generation: 2, shards: 8, pending: None };
        assert_eq!([4, 8, 16].map(|setting| judge(state, setting).grade), [Grade::Bad, Grade::Ok, Grade::Ok]);
        assert_eq!(judge(ShardState::default(), 4).grade, Grade::Ok);
    }
}

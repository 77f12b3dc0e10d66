//! The connections to the message broker.

use crate::MetricsError;
use crate::bus_values::BrokerSide;
use crate::label::{Counters, Gauges};
use crate::series::counter;
use prometheus::{IntCounter, Registry};

/// What happens to the connections. All stay at zero where the queue is in the data file.
#[derive(Clone)]
pub struct BrokerMetrics {
    /// Connections established, by `side`: the first one, and one more for each reconnect.
    pub connections: Counters<BrokerSide>,
    /// Times that the broker held publishers back, by `side`.
    pub blocks: Counters<BrokerSide>,
    /// 1 while the broker holds publishers back, by `side`.
    pub blocked: Gauges<BrokerSide>,
    /// Messages that came back because no queue takes them.
    pub returned: IntCounter,
    /// Answers to a gateway that nobody waited for any more.
    pub replies_dropped: IntCounter,
}

impl BrokerMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let blocked = Gauges::register(
            registry,
            "eventflow_broker_blocked",
            "1 while the broker holds publishers back because of an alarm, by side of the connection.",
            "side",
        )?;
        blocked.of(BrokerSide::Publish).set(0);
        Ok(Self {
            connections: Counters::register(
                registry,
                "eventflow_broker_connections_total",
                "Connections to the broker established, by side; every one after the first is a reconnect.",
                "side",
            )?,
            blocks: Counters::register(
                registry,
                "eventflow_broker_blocks_total",
                "Times that the broker held publishers back, by side of the connection.",
                "side",
            )?,
            blocked,
            returned: counter(
                registry,
                "eventflow_broker_returned_total",
                "Messages that came back because no queue takes them.",
            )?,
            replies_dropped: counter(
                registry,
                "eventflow_broker_replies_dropped_total",
                "Answers dropped because nobody waits for them or there is no connection.",
            )?,
        })
    }
}

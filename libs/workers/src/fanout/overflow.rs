//! A gateway that does not empty its queue must not hold up the others, and must not miss a part without knowing: its queue is deleted,
//! which it notices, and then it closes its sockets so that their clients catch up from the store.
//!
//! In comes a message that the broker refused. One for a single gateway says whose queue is full. One for all gateways may not, so it is
//! sent to each of them alone and then to all once more; gateways drop what they have delivered before, so repeating is safe. If it is
//! refused still, a queue that nobody can name is full: the stage waits, until that is emptied, expires or can be named.

use super::Fanout;
use eventflow_bus::handler::Unavailable;
use eventflow_bus::port::{BrokerError, Destination, Outgoing};
use eventflow_bus::topology;
use eventflow_protocol::GatewayId;
use parking_lot::Mutex;
use std::collections::BTreeSet;

/// Gateways remembered: far more than live at a time, and so few that those that are gone cost nothing.
const REMEMBERED_MAX: usize = 1_024;

/// Gateways that were named as somebody's, for when the registry cannot name them.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<BTreeSet<GatewayId>>);

impl Seen {
    pub(super) fn remember<'a>(&self, gateways: impl IntoIterator<Item = &'a GatewayId>) {
        let mut seen = self.0.lock();
        for gateway in gateways {
            if seen.contains(gateway) {
                continue;
            }
            // Those that live are named again with the next events.
            if seen.len() >= REMEMBERED_MAX {
                seen.clear();
            }
            seen.insert(gateway.clone());
        }
    }

    fn forget(&self, gateway: &GatewayId) {
        self.0.lock().remove(gateway);
    }

    fn all(&self) -> BTreeSet<GatewayId> {
        self.0.lock().clone()
    }
}

impl Fanout {
    /// Cuts off whoever is to blame that the broker refused `message` at the queue it named, so that everybody else gets it.
    pub(super) async fn overflowed(&self, message: Outgoing, refused_at: &str) -> Result<(), Unavailable> {
        self.series.refused.inc();
        if let Destination::Queue(name) = &message.to {
            return match topology::gateway_of(name) {
                Some(id) => self.cut_off(&id).await,
                None => Ok(()),
            };
        }
        match topology::gateway_of(refused_at) {
            Some(id) => self.cut_off(&id).await?,
            None => self.find_the_full(&message).await?,
        }
        match self.publish(vec![message]).await.pop() {
            Some(Err(error)) if !matches!(error, BrokerError::Unroutable(_)) => {
                Err(Unavailable { what: "a gateway whose queue is full", source: Box::new(error) })
            }
            _ => Ok(()),
        }
    }

    /// Sends what was for all to each gateway alone.
    async fn find_the_full(&self, message: &Outgoing) -> Result<(), Unavailable> {
        let gateways: Vec<GatewayId> = self.every_gateway().await.into_iter().collect();
        let to_each = gateways.iter().map(|id| {
            let to = Destination::Queue(topology::gateway(id).name().to_owned());
            Outgoing { to, ..message.clone() }
        });
        let results = self.publish(to_each.collect()).await;
        for (id, result) in gateways.iter().zip(results) {
            match result {
                Ok(()) => {}
                Err(BrokerError::Unroutable(_)) => self.seen.forget(id),
                Err(BrokerError::Refused(_)) => self.cut_off(id).await?,
                Err(error) => return Err(Unavailable { what: "the broker", source: Box::new(error) }),
            }
        }
        Ok(())
    }

    /// Those that the registry knows, and those that were seen: without the registry the latter are all there is to go by.
    async fn every_gateway(&self) -> BTreeSet<GatewayId> {
        let mut gateways = self.seen.all();
        match self.registry.gateways().await {
            Ok(named) => gateways.extend(named),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the registry cannot name the gateways"
                );
            }
        }
        gateways
    }

    async fn cut_off(&self, id: &GatewayId) -> Result<(), Unavailable> {
        tracing::error!(gateway = %id, "the queue of a gateway is full; it is cut off and will have to start afresh");
        let removed = self.broker.remove_gateway(id).await;
        removed.map_err(|error| Unavailable { what: "the broker", source: Box::new(error) })?;
        self.seen.forget(id);
        Ok(())
    }
}

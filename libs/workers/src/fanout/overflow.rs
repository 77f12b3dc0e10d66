//! Overflow: what the stage does when the queue of a gateway is full.
//!
//! A gateway that does not empty its queue must not hold up the others, and must not miss events without
//! knowing it. So the stage deletes the gateway's queue. The gateway notices that and closes its sockets,
//! whose clients then catch up from the store.
//!
//! In comes a message that the broker refused. A message for a single gateway says whose queue is full. A
//! message for all gateways may not, so the stage sends it to each gateway alone and then to all once more.
//! Gateways drop what they have delivered before, so repeating is safe. If the broker still refuses, the full
//! queue belongs to a gateway that nobody can name: the stage waits until that queue is emptied, expires or
//! can be named.

use super::Fanout;
use eventflow_bus::handler::Unavailable;
use eventflow_bus::port::{BrokerError, Destination, Outgoing};
use eventflow_bus::topology;
use eventflow_protocol::GatewayId;
use std::collections::BTreeSet;

impl Fanout {
    /// Cuts off the gateway whose full queue made the broker refuse `message`, so that every other gateway
    /// gets it. `refused_at` is the queue that the broker named.
    pub(super) async fn overflowed(&self, message: Outgoing, refused_at: &str) -> Result<(), Unavailable> {
        self.series.refused.inc();
        if let Destination::Queue(name) = &message.to {
            if let Some(id) = topology::gateway_of(name) {
                self.cut_off(&id).await?;
            }
            return Ok(());
        }
        match topology::gateway_of(refused_at) {
            Some(id) => self.cut_off(&id).await?,
            None => self.cut_off_full_gateways(&message).await?,
        }
        match self.publish(vec![message]).await.pop() {
            // Without a gateway there is nobody to hear of it.
            None | Some(Ok(()) | Err(BrokerError::Unroutable(_))) => Ok(()),
            Some(Err(error)) => Err(Unavailable::new("a gateway whose queue is full", error)),
        }
    }

    /// Sends a message that was for all gateways to each of them alone, and cuts off those whose queue
    /// refuses it.
    async fn cut_off_full_gateways(&self, message: &Outgoing) -> Result<(), Unavailable> {
        let gateways: Vec<GatewayId> = self.every_gateway().await.into_iter().collect();
        let to_each = gateways.iter().map(|id| {
            let to = Destination::Queue(topology::gateway(id).name().to_owned());
            Outgoing { to, ..message.clone() }
        });
        let results = self.publish(to_each.collect()).await;
        for (id, result) in gateways.iter().zip(results) {
            match result {
                Ok(()) => {}
                Err(BrokerError::Unroutable(_)) => self.known_gateways.forget(id),
                Err(BrokerError::Refused(_)) => self.cut_off(id).await?,
                Err(error) => return Err(Unavailable::new("the broker", error)),
            }
        }
        Ok(())
    }

    /// The gateways that the registry names, and those it named before: without the registry the latter are
    /// all there is to go by.
    async fn every_gateway(&self) -> BTreeSet<GatewayId> {
        let mut gateways = self.known_gateways.all();
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
        // The gateway may have been killed: the system copes with that by itself.
        tracing::warn!(gateway = %id, "the queue of a gateway is full; it is cut off and will have to start afresh");
        let removed = self.broker.remove_gateway(id).await;
        removed.map_err(|error| Unavailable::new("the broker", error))?;
        self.known_gateways.forget(id);
        Ok(())
    }
}

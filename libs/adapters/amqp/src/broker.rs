//! The broker seam on RabbitMQ: supervised connections and what is made on them.
//!
//! Connecting returns at once, with or without a RabbitMQ;
//! [`AmqpBroker::health`](eventflow_bus::port::Broker::health) says whether there is one. All tasks run on
//! one tracker, which [`AmqpBroker::shutdown`] awaits.

use crate::config::{AmqpConfig, AmqpError, CALL_TIMEOUT};
use crate::hellos::AmqpHellos;
use crate::link::{ConnectionLink, LinkState};
use crate::observer::Side;
use crate::publisher::AmqpPublisher;
use crate::replies::Forward;
use crate::responder::Responder;
use crate::subscription::{Consuming, subscribe};
use crate::supervisor::Supervisor;
use crate::{declare, headers};
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_bus::port::{Broker, BrokerError, Depth, Health, Hellos, Publish, Subscription};
use eventflow_bus::topology::{QueueKind, QueueSpec, Topology, gateway};
use eventflow_protocol::GatewayId;
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The broker seam on RabbitMQ. Share it in an `Arc`.
pub struct AmqpBroker {
    config: AmqpConfig,
    publishing: ConnectionLink,
    consuming: Consuming,
    responder: Responder,
    health: watch::Receiver<Health>,
    /// Queues of gateways whose declaration has begun and was not answered: they may be there or not.
    half_made: Mutex<HashSet<String>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl AmqpBroker {
    /// Starts connecting, and goes on until there is a connection. Must be called within a tokio runtime.
    pub fn connect(config: AmqpConfig) -> Result<Arc<Self>, AmqpError> {
        let uri = config.uri()?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (publisher, publishing) = Supervisor::new(Side::Publish, uri.clone(), &config, stop.clone());
        let (consumer, consuming) = Supervisor::new(Side::Consume, uri.clone(), &config, stop.clone());
        let (replier, replying) = Supervisor::new(Side::Reply, uri, &config, stop.clone());
        let (responder, answering) = Responder::new(replying, Arc::clone(&config.observer));
        let half_made = Mutex::default();
        let (report, health) = watch::channel(worst(&publishing.state.borrow(), &consuming.state.borrow()));
        tasks.spawn(publisher.run());
        tasks.spawn(consumer.run());
        tasks.spawn(answering.run(stop.clone(), replier.run()));
        tasks.spawn(report_health(publishing.clone(), consuming.clone(), report));
        let consuming = Consuming { link: consuming, tasks: tasks.clone(), stop: stop.clone() };
        Ok(Arc::new(Self { config, publishing, consuming, responder, health, half_made, tasks, stop }))
    }

    /// The connection on which to ask and to listen.
    pub(crate) fn consuming_link(&self) -> &ConnectionLink {
        &self.consuming.link
    }

    /// Closes all connections in order and awaits every task. Publishers and subscriptions that are still
    /// open fail.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        // Closing a connection takes this time at most. The same again is for the tasks that use it.
        if timeout(CALL_TIMEOUT * 2, self.tasks.wait()).await.is_err() {
            tracing::warn!("the broker's tasks did not end in time");
        }
    }
}

#[async_trait]
impl Broker for AmqpBroker {
    async fn declare(&self, topology: &Topology) -> Result<(), BrokerError> {
        declare::declare(&self.consuming.link, &topology.shared()).await
    }

    /// Asks first and declares then. That is no race, because only this gateway declares its queue.
    async fn declare_gateway(&self, id: &GatewayId) -> Result<bool, BrokerError> {
        let queue = QueueSpec { name: gateway(id).name().to_owned(), kind: QueueKind::Gateway };
        let name = queue.name.clone();
        let is_there = match self.depth(&name).await {
            Ok(_) => true,
            Err(BrokerError::Unroutable(_)) => false,
            Err(error) => return Err(error),
        };
        // If the broker dies now, it may have made the queue all the same, and the next call finds it.
        let existed = is_there && !self.half_made.lock().contains(&name);
        if !existed {
            self.half_made.lock().insert(name.clone());
        }
        declare::declare_own(&self.consuming.link, &queue).await?;
        self.half_made.lock().remove(&name);
        Ok(existed)
    }

    async fn remove_gateway(&self, id: &GatewayId) -> Result<(), BrokerError> {
        declare::delete(&self.consuming.link, gateway(id).name()).await
    }

    async fn publisher(&self, replies: Option<mpsc::Sender<Bytes>>) -> Result<Box<dyn Publish>, BrokerError> {
        let observer = Arc::clone(&self.config.observer);
        let replies =
            replies.map(|to| Forward { to, observer: Arc::clone(&observer), tasks: self.tasks.clone() });
        let (link, publish_timeout) = (self.publishing.clone(), self.config.publish_timeout);
        Ok(Box::new(AmqpPublisher { link, replies, publish_timeout, observer, next_id: 0, open: None }))
    }

    async fn subscribe(&self, queue: &str, prefetch: u16) -> Result<Box<dyn Subscription>, BrokerError> {
        Ok(Box::new(subscribe(&self.consuming, queue, prefetch).await?))
    }

    async fn reply(&self, address: &str, payload: Bytes) {
        if address.starts_with(headers::REPLY_QUEUE) {
            self.responder.reply(address, payload);
        }
    }

    async fn hellos(&self) -> Result<Box<dyn Hellos>, BrokerError> {
        Ok(Box::new(AmqpHellos::join(&self.consuming.link, &self.publishing).await?))
    }

    async fn depth(&self, queue: &str) -> Result<Depth, BrokerError> {
        declare::depth(&self.consuming.link, queue).await
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }
}

async fn report_health(
    mut publishing: ConnectionLink,
    mut consuming: ConnectionLink,
    report: watch::Sender<Health>,
) {
    loop {
        let health = worst(&publishing.state.borrow_and_update(), &consuming.state.borrow_and_update());
        report.send_if_modified(|reported| {
            let changed = *reported != health;
            *reported = health;
            changed
        });
        tokio::select! {
            changed = publishing.state.changed() => if changed.is_err() { return },
            changed = consuming.state.changed() => if changed.is_err() { return },
        }
    }
}

fn worst(publishing: &LinkState, consuming: &LinkState) -> Health {
    for (side, state) in [(Side::Publish, publishing), (Side::Consume, consuming)] {
        if let LinkState::Down(reason) = state {
            return Health::Down(format!("{side} connection: {reason}"));
        }
    }
    publishing.blocked().map_or(Health::Up, |reason| Health::Blocked(reason.to_owned()))
}

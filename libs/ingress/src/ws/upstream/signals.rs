//! Signals: what a gateway publishes of its own accord. Who types, which devices are here, who chose to be
//! shown as away, how far messages have got.
//!
//! No client waits for a signal, so signals have lanes of their own beside those of
//! [`eventflow_bus::request::Requests`]: a flood of them never takes the place of a message. Repeating a
//! signal is safe: typing is worth nothing later, of two signals of a device the newer one counts, and a
//! cursor only rises.

use crate::ws::upstream::registry_sync::Unlisted;
use async_trait::async_trait;
use eventflow_bus::lanes::{LaneParts, ShardLanes};
use eventflow_bus::port::{Broker, BrokerError};
use eventflow_bus::publish::{Confirmation, Lane, PublishError};
use eventflow_bus::reshard::gate::ShardGate;
use eventflow_bus::topology::{CURSORS, FANOUT, PRESENCE};
use eventflow_bus::trace;
use eventflow_metrics::Metrics;
use eventflow_ports::Clock;
use eventflow_protocol::change::AdvanceCursor;
use eventflow_protocol::codec::{self, CodecError};
use eventflow_protocol::command::{Command, Subject};
use eventflow_protocol::event::{Audience, Event};
use eventflow_protocol::frame::Envelope;
use eventflow_protocol::presence::DeviceSignal;
use eventflow_protocol::{CommandId, GatewayId, Timestamp};
use serde::Serialize;
use std::sync::Arc;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// The ways into the queues that a gateway fills by itself. One per process; cheap to clone.
#[derive(Clone)]
pub struct Signals {
    cursors: ShardLanes,
    fanout: ShardLanes,
    presence: Lane,
}

/// What a gateway says when the registry does not know who is connected to it.
pub(crate) struct UnlistedSignal {
    pub(crate) signals: Signals,
    pub(crate) gateway: GatewayId,
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Unlisted for UnlistedSignal {
    async fn say(&self) -> Result<(), PublishError> {
        self.signals.unlisted(&self.gateway, self.clock.now()).await
    }
}

impl Signals {
    /// Makes the lanes to the shards of cursors and events, behind `gate`, and opens one to the presence
    /// sweeper. Their tasks run on `tracker` until every clone is gone.
    pub async fn open(
        broker: &Arc<dyn Broker>,
        gate: &ShardGate,
        metrics: &Metrics,
        tracker: &TaskTracker,
    ) -> Result<Self, BrokerError> {
        let parts = LaneParts {
            broker: Arc::clone(broker),
            replies: None,
            metrics: metrics.clone(),
            tracker: tracker.clone(),
        };
        let series = metrics.bus.queue(PRESENCE.name());
        let presence = Lane::open(broker, PRESENCE.name(), None, series, tracker).await?;
        let cursors = ShardLanes::new(&CURSORS, gate.clone(), parts.clone());
        let fanout = ShardLanes::new(&FANOUT, gate.clone(), parts);
        Ok(Self { cursors, fanout, presence })
    }

    /// Publishes how far somebody has got in a thread.
    pub(crate) async fn cursor(&self, advance: AdvanceCursor) -> Result<Confirmation, PublishError> {
        let command = Command::AdvanceCursor(advance);
        self.cursors.send(&command.subject(), envelope(CommandId::new().0, &command)?).await
    }

    /// Publishes an event of a thread or of a person that is not stored. It may overtake others.
    pub(crate) async fn event(&self, event: &Event) -> Result<Confirmation, PublishError> {
        let subject = match event.audience() {
            Audience::Thread(thread) => Subject::Thread(thread),
            Audience::User(user) => Subject::User(user),
            Audience::Watchers(_) | Audience::Gateways => return Err(PublishError::Refused),
        };
        self.fanout.send_loosely(&subject, envelope(event.id().0, event)?).await
    }

    /// Tells every shard of the fan-out stage that the registry does not know who is connected to this
    /// gateway, and waits until the broker has it.
    pub(crate) async fn unlisted(&self, gateway: &GatewayId, at: Timestamp) -> Result<(), PublishError> {
        let (gateway, command) = (gateway.clone(), CommandId::new());
        let event = Event::GatewayUnlisted { gateway, command, at };
        let lanes = self.fanout.every_lane().await?;
        let mut confirmations = Vec::with_capacity(lanes.len());
        let envelope = envelope(event.id().0, &event)?;
        for lane in lanes {
            confirmations.push(lane.send(envelope.clone()).await?);
        }
        for confirmation in confirmations {
            confirmation.wait().await?;
        }
        Ok(())
    }

    /// Publishes the state of a device.
    pub(crate) async fn presence(&self, signal: &DeviceSignal) -> Result<Confirmation, PublishError> {
        self.presence.send(envelope(Uuid::now_v7(), signal)?).await
    }
}

fn envelope<T: Serialize>(id: Uuid, body: &T) -> Result<Envelope, PublishError> {
    let body = codec::encode(body).map_err(|error: CodecError| {
        tracing::error!(error = &error as &dyn std::error::Error, "a signal cannot be encoded");
        PublishError::Refused
    })?;
    Ok(Envelope { id, attempt: 0, body, trace: trace::current() })
}

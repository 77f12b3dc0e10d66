//! The dispatcher: it hands windows that are due to the workers of their channel.
//!
//! In comes the passing of time; out go jobs. A window is claimed for half a minute, its job is published
//! with a confirm, and then the window is handed over for good. A dispatcher that dies in between leaves a
//! claim that runs out, so a job may come twice: its window is taken by one worker at a time, and a closed
//! window is sent by nobody. Any number of dispatchers may run.

use crate::chore::delete_old;
use eventflow_bus::port::{Broker, BrokerError, Destination, Outgoing, Publish};
use eventflow_bus::topology::{EMAIL, PUSH};
use eventflow_ports::{Clock, Failing, Outbound, StoreError, ticks};
use eventflow_protocol::codec;
use eventflow_protocol::frame::Envelope;
use eventflow_protocol::outbound::{Channel, Window, WindowId, WindowJob};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the dispatcher looks. A look costs one question to an index.
pub const DISPATCH_TICK: Duration = Duration::from_secs(1);
/// How long a claim holds: far longer than a confirm takes, and as late as a window may be sent after its
/// dispatcher died.
const CLAIM_LEASE: Duration = Duration::from_secs(15);
/// Windows claimed at a time: a frame's worth of jobs.
const CLAIMED_AT_ONCE: u32 = 256;
/// Rounds of one look, so that it ends even if more windows become due than it can hand over.
const ROUNDS_MAX: usize = 40;
/// How often old rows of the log are deleted.
const FORGET_EVERY: Duration = Duration::from_mins(10);

/// Why windows were not handed over.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// The store did not answer.
    #[error("ask for windows that are due")]
    Store(#[from] StoreError),
    /// The broker did not take the jobs. The windows are claimed again when their claim has run out.
    #[error("publish the jobs of windows")]
    Broker(#[from] BrokerError),
}

/// What the dispatcher needs.
#[derive(Clone)]
pub struct DispatcherParts {
    /// Keeps windows and the delivery log.
    pub outbound: Arc<dyn Outbound>,
    /// Carries the jobs.
    pub broker: Arc<dyn Broker>,
    /// Tells the time of day.
    pub clock: Arc<dyn Clock>,
    /// How long rows of the log are kept.
    pub log_kept: Duration,
}

/// The dispatcher of one channel.
pub struct Dispatcher {
    channel: Channel,
    parts: DispatcherParts,
    jobs: Box<dyn Publish>,
}

impl Dispatcher {
    /// Opens the dispatcher of this channel.
    pub async fn open(channel: Channel, parts: DispatcherParts) -> Result<Self, BrokerError> {
        let jobs = parts.broker.publisher(None).await?;
        Ok(Self { channel, parts, jobs })
    }

    /// Hands windows over until `shutdown`, and deletes what is old.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let (mut looks, mut cleanings) = (ticks(DISPATCH_TICK), ticks(FORGET_EVERY));
        let mut failing = Failing::default();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                _ = looks.tick() => {
                    let result = self.dispatch().await;
                    failing.note(&result, |error| tracing::warn!(error, channel = self.channel.name(), "windows wait to be handed over"));
                }
                _ = cleanings.tick() => self.forget().await,
            }
        }
    }

    /// Hands over every window that is due. Returns how many.
    pub async fn dispatch(&mut self) -> Result<usize, DispatchError> {
        let mut handed_over = 0;
        for _ in 0..ROUNDS_MAX {
            let now = self.parts.clock.now();
            let outbound = &self.parts.outbound;
            let due = outbound.claim_due(self.channel, now, CLAIM_LEASE, CLAIMED_AT_ONCE).await?;
            if due.is_empty() {
                break;
            }
            self.publish(&due).await?;
            let ids: Vec<WindowId> = due.iter().map(|window| window.id).collect();
            self.parts.outbound.hand_over(&ids).await?;
            handed_over += due.len();
        }
        Ok(handed_over)
    }

    async fn publish(&mut self, due: &[Window]) -> Result<(), BrokerError> {
        let queue = match self.channel {
            Channel::Email => EMAIL.name().to_owned(),
            Channel::Push => PUSH.name().to_owned(),
        };
        let jobs = Outgoing::of_envelopes(&Destination::Queue(queue), due.iter().map(envelope));
        self.jobs.publish(jobs).await.into_iter().collect()
    }

    /// Deletes rows of the log that are old. What cannot be deleted now is deleted the next time.
    async fn forget(&mut self) {
        let before = self.parts.clock.now().minus(self.parts.log_kept);
        delete_old("old rows of the delivery log", || self.parts.outbound.forget_deliveries(before)).await;
    }
}

/// The job of a window. Its id is the window's, so a job that comes twice shows as one.
fn envelope(window: &Window) -> Envelope {
    let job = WindowJob { window_id: window.id, user_id: window.user_id.clone() };
    let body = codec::encode(&job).expect("ids always encode");
    Envelope { id: window.id.0, attempt: 0, body, trace: None }
}

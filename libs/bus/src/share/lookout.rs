//! Lookout: hears the workers of all stages without being one of them, for operators.
//!
//! Safe to repeat and to miss: hellos come every second, and nothing depends on what is heard here.

use super::JOIN_PAUSE;
use super::roster::Roster;
use crate::port::{Broker, BrokerError};
use eventflow_protocol::codec;
use eventflow_protocol::hello::Hello;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Longest wait for a hello before the silent ones are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Somebody who listens. Clones share what is known.
#[derive(Clone)]
pub struct Lookout {
    broker: Arc<dyn Broker>,
    roster: Arc<Mutex<Roster>>,
}

impl Lookout {
    /// Nobody is heard before [`Self::run`] or [`Self::listen`].
    pub fn new(broker: Arc<dyn Broker>) -> Self {
        Self { broker, roster: Arc::new(Mutex::new(Roster::new(Instant::now()))) }
    }

    /// Answers a question from what is known now.
    pub fn ask<T>(&self, question: impl FnOnce(&Roster) -> T) -> T {
        let mut roster = self.roster.lock();
        roster.forget_silent(Instant::now());
        question(&roster)
    }

    /// Listens until `stop`, also while the broker comes and goes.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                heard = self.hear() => {
                    if let Err(error) = heard {
                        tracing::debug!(error = &error as &dyn std::error::Error, "no hellos");
                    }
                }
                () = stop.cancelled() => return,
            }
            tokio::select! {
                () = sleep(JOIN_PAUSE) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Listens for `time`, for a program that asks once.
    pub async fn listen(&self, time: Duration) -> Result<(), BrokerError> {
        timeout(time, self.hear()).await.unwrap_or(Ok(()))
    }

    /// Listens until the hellos are lost.
    async fn hear(&self) -> Result<(), BrokerError> {
        let mut hellos = self.broker.hellos().await?;
        loop {
            let heard = timeout(LOOK_EVERY, hellos.hear()).await;
            let mut roster = self.roster.lock();
            if let Ok(payload) = heard
                && let Ok(hello) = codec::decode::<Hello>(&payload?)
            {
                roster.hear(hello, Instant::now());
            }
            roster.forget_silent(Instant::now());
        }
    }
}

//! Hellos within one process: in memory, to everybody who listens.

use async_trait::async_trait;
use bytes::Bytes;
use eventflow_bus::port::{BrokerError, Hellos};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender, channel};

/// Hellos that a slow listener may be behind; it misses those before.
const ROOM: usize = 64;

/// Where the hellos of a broker are said.
pub(super) struct HelloRoom(Sender<Bytes>);

impl HelloRoom {
    pub(super) fn new() -> Self {
        Self(channel(ROOM).0)
    }

    /// Listens from now on.
    pub(super) fn join(&self) -> EmbeddedHellos {
        EmbeddedHellos { say: self.0.clone(), hear: self.0.subscribe() }
    }
}

/// See [`Hellos`].
pub(super) struct EmbeddedHellos {
    say: Sender<Bytes>,
    hear: Receiver<Bytes>,
}

#[async_trait]
impl Hellos for EmbeddedHellos {
    async fn say(&mut self, payload: Bytes) -> Result<(), BrokerError> {
        // It fails only without listeners, and the caller is one.
        let _ = self.say.send(payload);
        Ok(())
    }

    async fn hear(&mut self) -> Result<Bytes, BrokerError> {
        loop {
            match self.hear.recv().await {
                Ok(payload) => return Ok(payload),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => {
                    return Err(BrokerError::Lost { queue: "workers".to_owned(), source: None });
                }
            }
        }
    }
}

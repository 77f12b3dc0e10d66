//! The current connection of one side, for everybody who needs a channel on it.
//!
//! The supervisor writes the state; everybody else reads it here. Nobody waits for a connection: while there
//! is none, the answer is an error at once.

use crate::config::CALL_TIMEOUT;
use crate::reject::{late, unavailable};
use eventflow_bus::port::BrokerError;
use lapin::{Channel, Connection, ErrorKind};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::timeout;

/// AMQP's reply code of an orderly close.
const REPLY_SUCCESS: u16 = 200;

/// A connection that works.
#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) connection: Arc<Connection>,
    /// Counts the connections of this side. Channels of an earlier connection are void.
    pub(crate) generation: u64,
    /// The broker's reason for holding publishers back, while it holds them back.
    pub(crate) blocked: Option<String>,
}

#[derive(Clone)]
pub(crate) enum LinkState {
    Down(String),
    Up(Live),
}

impl LinkState {
    pub(crate) fn blocked(&self) -> Option<&str> {
        match self {
            Self::Up(live) => live.blocked.as_deref(),
            Self::Down(_) => None,
        }
    }
}

/// A channel and the connection it belongs to.
pub(crate) struct OpenedChannel {
    pub(crate) channel: Channel,
    pub(crate) generation: u64,
}

/// A view of one side's connection.
#[derive(Clone)]
pub(crate) struct ConnectionLink {
    pub(crate) state: watch::Receiver<LinkState>,
}

impl ConnectionLink {
    /// The current connection.
    pub(crate) fn live(&self) -> Result<Live, BrokerError> {
        match &*self.state.borrow() {
            LinkState::Up(live) if live.connection.status().connected() => Ok(live.clone()),
            LinkState::Up(_) => Err(unavailable("the connection was lost")),
            LinkState::Down(reason) => Err(unavailable(reason.clone())),
        }
    }

    /// The current connection, if the broker does not hold publishers back.
    pub(crate) fn writable(&self) -> Result<Live, BrokerError> {
        let live = self.live()?;
        if live.blocked.is_some() { Err(BrokerError::Blocked) } else { Ok(live) }
    }

    /// Opens a channel on the current connection.
    pub(crate) async fn open(&self) -> Result<OpenedChannel, BrokerError> {
        let live = self.live()?;
        let opening = timeout(CALL_TIMEOUT, live.connection.create_channel());
        match opening.await.map_err(|_| late("open a channel"))? {
            Ok(channel) => Ok(OpenedChannel { channel, generation: live.generation }),
            Err(error) => {
                if matches!(error.kind(), ErrorKind::ChannelsLimitReached) {
                    renew(&live).await;
                }
                Err(unavailable(error))
            }
        }
    }

    /// Resolves once there is a connection.
    pub(crate) async fn until_up(&self) {
        self.until(|state| matches!(state, LinkState::Up(live) if live.connection.status().connected()))
            .await;
    }

    /// Resolves once the broker holds publishers back.
    pub(crate) async fn until_blocked(&self) {
        self.until(|state| state.blocked().is_some()).await;
    }

    /// Never resolves once the supervisor has ended.
    async fn until(&self, is_wanted: impl FnMut(&LinkState) -> bool) {
        if self.state.clone().wait_for(is_wanted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Closes a connection that has no channel left, so that the supervisor makes a new one. lapin (4.12) keeps
/// the number of each channel that the broker has closed over an error, so a connection runs out of them in
/// the end.
async fn renew(live: &Live) {
    tracing::warn!("a connection to the broker has no channel left and is renewed");
    let closing = live.connection.close(REPLY_SUCCESS, "out of channels".into());
    // If closing fails, the connection is gone, which is as good.
    let _ = timeout(CALL_TIMEOUT, closing).await;
}

//! What can go wrong while talking to the system under load.

use std::time::Duration;

/// A failed attempt to reach the system, or a setting it cannot be reached with.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A setting that cannot work, with the reason.
    #[error("cannot start: {0}")]
    Setting(String),
    /// No TCP connection.
    #[error("connecting to {address}")]
    Connect {
        /// Where to.
        address: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The WebSocket handshake or the transport failed.
    #[error("websocket transport")]
    WebSocket(#[from] Box<tokio_tungstenite::tungstenite::Error>),
    /// The Engine.IO or Socket.IO handshake took another turn than the protocol allows.
    #[error("handshake: {0}")]
    Handshake(String),
    /// No answer within the given time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The connection ended.
    #[error("connection closed")]
    Closed,
    /// REST could not be reached.
    #[error("calling {path}")]
    Rest {
        /// The path that was called.
        path: String,
        /// Why it failed.
        source: reqwest::Error,
    },
    /// REST answered with an error.
    #[error("{path} answered {status}: {body}")]
    Refused {
        /// The path that was called.
        path: String,
        /// HTTP status.
        status: u16,
        /// The first part of the body.
        body: String,
    },
    /// REST answered with something that is not the agreed shape.
    #[error("{path} answered with an unknown shape")]
    Shape {
        /// The path that was called.
        path: String,
        /// What the parser said.
        source: serde_json::Error,
    },
}

impl LoadError {
    /// May the same call succeed a moment later? What was refused as wrong will be refused again.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Setting(_) => false,
            Self::Refused { status, .. } => *status >= 500 || *status == 429,
            _ => true,
        }
    }
}

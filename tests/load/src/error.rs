//! Errors of talking to the system under load.

use std::time::Duration;

/// A failed attempt to reach the system, or a setting it cannot be reached with.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A setting cannot work; the text gives the reason.
    #[error("cannot start: {0}")]
    Setting(String),
    /// The TCP connection failed.
    #[error("connecting to {address}")]
    Connect {
        /// Address that was connected to.
        address: String,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The WebSocket handshake or the transport failed.
    #[error("websocket transport")]
    WebSocket(#[from] Box<tokio_tungstenite::tungstenite::Error>),
    /// The Engine.IO or Socket.IO handshake deviated from the protocol.
    #[error("handshake: {0}")]
    Handshake(String),
    /// No answer came within this time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The connection ended.
    #[error("connection closed")]
    Closed,
    /// REST could not be reached.
    #[error("calling {path}")]
    Rest {
        /// Path that was called.
        path: String,
        /// Error of the HTTP client.
        source: reqwest::Error,
    },
    /// REST answered with an error.
    #[error("{path} answered {status}: {body}")]
    Refused {
        /// Path that was called.
        path: String,
        /// HTTP status.
        status: u16,
        /// First part of the body.
        body: String,
    },
    /// REST answered with an unexpected shape.
    #[error("{path} answered with an unknown shape")]
    Shape {
        /// Path that was called.
        path: String,
        /// Error of the parser.
        source: serde_json::Error,
    },
}

impl LoadError {
    /// Whether the same call may succeed a moment later. A call that was refused as wrong will be refused
    /// again.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Setting(_) => false,
            Self::Refused { status, .. } => *status >= 500 || *status == 429,
            _ => true,
        }
    }
}

//! Why a connection ended, as the application and a WebSocket peer are told.
//!
//! The set is closed, so that it can be a metric label ([`DisconnectReason::as_str`]).

use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Why a socket lost its transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DisconnectReason {
    /// The client closed the transport in order: it left the page, or it comes back over another transport.
    ClientClosed,
    /// The transport broke, or closed without a close frame. What became of the client is unknown.
    TransportClosed,
    /// The client left the namespace with a DISCONNECT packet.
    ClientLeft,
    /// [`Socket::disconnect`](crate::Socket::disconnect) was called.
    ServerLeft,
    /// A ping was not answered in time.
    PingTimeout,
    /// Too much was waiting for the client, or it read nothing for too long.
    SlowClient,
    /// The client broke the protocol.
    ProtocolError,
    /// The client sent a larger message than allowed.
    TooLarge,
    /// The client joined no namespace in time.
    ConnectTimeout,
    /// The session came back on another transport while this one seemed alive.
    Replaced,
    /// The server is draining.
    Draining,
    /// [`Socket::close_transport`](crate::Socket::close_transport) was called, with this reason.
    Closed(&'static str),
    /// A hook of the application panicked.
    ApplicationPanicked,
}

impl DisconnectReason {
    /// A short name in snake case; `closed` for every application reason.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientClosed => "client_closed",
            Self::TransportClosed => "transport_closed",
            Self::ClientLeft => "client_left",
            Self::ServerLeft => "server_left",
            Self::PingTimeout => "ping_timeout",
            Self::SlowClient => "slow_client",
            Self::ProtocolError => "protocol_error",
            Self::TooLarge => "too_large",
            Self::ConnectTimeout => "connect_timeout",
            Self::Replaced => "replaced",
            Self::Draining => "draining",
            Self::Closed(_) => "closed",
            Self::ApplicationPanicked => "application_panicked",
        }
    }

    /// The reason that a client's close frame stands for. Browsers send 1001 when a page goes away, and no
    /// code when a script names none (RFC 6455 section 7.4.1, HTML "close a WebSocket"). Any other code tells
    /// of a fault.
    pub(crate) fn of_close_frame(code: Option<CloseCode>) -> Self {
        match code {
            None | Some(CloseCode::Normal | CloseCode::Away) => Self::ClientClosed,
            Some(_) => Self::TransportClosed,
        }
    }

    /// Whether the session is worth keeping for a recovery.
    pub(crate) fn is_recoverable(self) -> bool {
        !matches!(self, Self::ClientLeft | Self::ServerLeft | Self::Draining)
    }

    /// Whether packets still waiting should reach the client before the close does.
    pub(crate) fn flushes(self) -> bool {
        matches!(self, Self::Draining | Self::Closed(_) | Self::ServerLeft)
    }

    /// The WebSocket close code: RFC 6455 section 7.4.1, and 1012 (service restart) from the IANA registry.
    pub(crate) fn close_code(self) -> CloseCode {
        match self {
            Self::ProtocolError => CloseCode::Protocol,
            Self::TooLarge => CloseCode::Size,
            Self::ConnectTimeout | Self::SlowClient | Self::PingTimeout => CloseCode::Policy,
            Self::Draining => CloseCode::Restart,
            Self::ApplicationPanicked => CloseCode::Error,
            Self::ClientClosed
            | Self::TransportClosed
            | Self::ClientLeft
            | Self::ServerLeft
            | Self::Replaced
            | Self::Closed(_) => CloseCode::Normal,
        }
    }
}

//! Label values of sockets: how they travel, how they end, and what is sent through them.

use crate::label::Label;

/// `transport` of an open socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketTransport {
    /// A WebSocket.
    Websocket,
    /// HTTP long-polling.
    Polling,
}

/// `direction` of what goes through sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From clients.
    In,
    /// To clients.
    Out,
}

/// `reason` why a socket lost its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketEnd {
    /// The client closed the connection in order.
    ClientClosed,
    /// The connection broke.
    TransportClosed,
    /// The client left with a packet that says so.
    ClientLeft,
    /// The server disconnected the client: it was not signed in, or not any more.
    ServerLeft,
    /// A ping was not answered in time.
    PingTimeout,
    /// The client read too slowly.
    SlowClient,
    /// The client broke the protocol.
    ProtocolError,
    /// The client sent a larger message than allowed.
    TooLarge,
    /// The client joined no namespace in time.
    ConnectTimeout,
    /// The session came back over another connection.
    Replaced,
    /// The gateway is draining.
    Draining,
    /// The gateway closed the connection: its queue was lost, or the session is outdated.
    GatewayClosed,
    /// A hook of the gateway panicked.
    Panicked,
}

impl Label for SocketTransport {
    const ALL: &'static [Self] = &[Self::Websocket, Self::Polling];

    fn as_str(self) -> &'static str {
        match self {
            Self::Websocket => "websocket",
            Self::Polling => "polling",
        }
    }
}

impl Label for Direction {
    const ALL: &'static [Self] = &[Self::In, Self::Out];

    fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

impl Label for SocketEnd {
    const ALL: &'static [Self] = &[
        Self::ClientClosed,
        Self::TransportClosed,
        Self::ClientLeft,
        Self::ServerLeft,
        Self::PingTimeout,
        Self::SlowClient,
        Self::ProtocolError,
        Self::TooLarge,
        Self::ConnectTimeout,
        Self::Replaced,
        Self::Draining,
        Self::GatewayClosed,
        Self::Panicked,
    ];

    fn as_str(self) -> &'static str {
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
            Self::GatewayClosed => "gateway_closed",
            Self::Panicked => "panicked",
        }
    }
}

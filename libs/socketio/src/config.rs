//! The settings of a server, with the defaults that the gateway runs on.
//!
//! Every field is valid on its own. Sizes are bytes. The OPEN packet tells the client the ping settings and
//! `max_payload`; the other settings stay at the server.

use std::time::Duration;

/// Settings of a [`Server`](crate::Server).
#[derive(Debug, Clone)]
pub struct Config {
    /// Path of the endpoint, with both slashes. Default `/socket.io/`.
    pub path: String,
    /// The namespaces that exist; a CONNECT to any other is answered with `Invalid namespace`. Default only
    /// `/`.
    pub namespaces: Vec<String>,
    /// Heartbeat: time from OPEN or a pong to the next ping. Default 25 s.
    pub ping_interval: Duration,
    /// Heartbeat: time in which a client has to answer a ping. Default 20 s.
    pub ping_timeout: Duration,
    /// Joining: time for which a connection may be in no namespace. Default 10 s.
    pub connect_timeout: Duration,
    /// Upgrade: time from its WebSocket handshake to its completion. Default 10 s.
    pub upgrade_timeout: Duration,
    /// Writing: time for which a client may read nothing of what is being written to it. Default 10 s.
    pub write_timeout: Duration,
    /// Largest inbound WebSocket message, HTTP body and binary event (all attachments together). Default 256
    /// KiB.
    pub max_payload: usize,
    /// Largest number of attachments of one inbound binary packet. Default 10.
    pub max_attachments: usize,
    /// Outbound queue: packets waiting for one client beyond which it is cut. Default 4,096: an answer and
    /// two events for each of a thousand requests that came at once, before the connection's task has run. A
    /// client that reads never has as many waiting.
    pub max_queued_packets: usize,
    /// Outbound queue: bytes waiting for one client beyond which it is cut. Default 1 MiB.
    pub max_queued_bytes: usize,
    /// Connection state recovery, or `None` to offer none.
    pub recovery: Option<Recovery>,
    /// The protocol on top of Engine.IO. Default Socket.IO.
    pub protocol: Protocol,
}

/// Bounds of connection state recovery.
#[derive(Debug, Clone, Copy)]
pub struct Recovery {
    /// How long the server keeps a session without a transport, and an emitted packet. Has to be longer than
    /// `ping_interval + ping_timeout`, the time in which a dead transport goes unnoticed. Default 2 min.
    pub window: Duration,
    /// Packets kept per session. Default 4,096: a busy conversation (20 messages a second with their
    /// receipts) for the whole window. Sockets that get the same packet share it, so a session pays a pointer
    /// for each.
    pub max_packets: usize,
    /// Bytes kept per session. Default 3 MiB: as many packets of ordinary messages.
    pub max_bytes: usize,
    /// Bytes kept for all sessions together, with a transport and without. A packet that several keep counts
    /// once. Past it the oldest packets are forgotten. Default 16 MiB.
    pub max_bytes_total: usize,
    /// Bytes kept for all sessions of one account together; see
    /// [`Socket::charge_to`](crate::Socket::charge_to). Past it the account's oldest packets are forgotten.
    /// Default 4 MiB: one session's, and a reserve for more devices that get the same packets.
    pub max_bytes_per_account: usize,
    /// Sessions without a transport kept at the same time. One too many makes the oldest expire. Default
    /// 10,000.
    pub max_parked: usize,
    /// Sessions without a transport kept for one account. One too many makes its oldest expire. Default 50:
    /// a person's devices and many tabs after a moment without a network.
    pub max_parked_per_account: usize,
}

/// The protocol that a server speaks on top of Engine.IO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Socket.IO v5.
    SocketIo,
    /// The server sends every message back as it came, and asks the application only to admit requests. The
    /// Engine.IO conformance suite expects this of a server.
    EngineEcho,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path: "/socket.io/".into(),
            namespaces: vec!["/".into()],
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(10),
            upgrade_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            max_payload: 256 * 1024,
            max_attachments: 10,
            max_queued_packets: 4_096,
            max_queued_bytes: 1024 * 1024,
            recovery: Some(Recovery::default()),
            protocol: Protocol::SocketIo,
        }
    }
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            window: Duration::from_mins(2),
            max_packets: 4_096,
            max_bytes: 3 * 1024 * 1024,
            max_bytes_total: 16 * 1024 * 1024,
            max_bytes_per_account: 4 * 1024 * 1024,
            max_parked: 10_000,
            max_parked_per_account: 50,
        }
    }
}

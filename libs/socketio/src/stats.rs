//! What a server counts, for the application to export.
//!
//! Open connections and parked sessions go up and down; everything else only goes up. Each number is read by
//! one relaxed load: each is right, but they are not of the same instant.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The counters and gauges of one server.
#[derive(Debug, Default)]
pub struct Stats {
    /// Open WebSocket connections (gauge).
    pub websocket_open: Count,
    /// Open long-polling sessions (gauge).
    pub polling_open: Count,
    /// Sockets in a namespace, with a transport (gauge).
    pub connected: Count,
    /// Sessions without a transport, waiting to be recovered (gauge).
    pub parked: Count,
    /// Engine.IO sessions opened.
    pub handshakes: Count,
    /// Requests that were refused: bad parameters, not admitted, draining.
    pub refused: Count,
    /// CONNECT packets answered with an error.
    pub connect_errors: Count,
    /// Upgrades from polling to WebSocket completed.
    pub upgrades: Count,
    /// Engine.IO packets received.
    pub packets_in: Count,
    /// Packets handed to a transport.
    pub packets_out: Count,
    /// Payload bytes received.
    pub bytes_in: Count,
    /// Payload bytes handed to a transport.
    pub bytes_out: Count,
    /// Connections cut because the client was too slow.
    pub slow_clients: Count,
    /// Connections cut because a ping was not answered.
    pub ping_timeouts: Count,
    /// Connections cut because the client broke the protocol or a size limit.
    pub protocol_errors: Count,
    /// Sessions recovered.
    pub recovered: Count,
    /// Attempts to recover a session that got a fresh one.
    pub not_recovered: Count,
    /// Packets that sessions have forgotten early, because all sessions together kept too much.
    pub forgotten_for_server: Count,
    /// Packets that sessions have forgotten early, because those of one account kept too much.
    pub forgotten_for_account: Count,
    /// Hooks of the application that panicked.
    pub panics: Count,
}

/// A number that may be read at any time.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// The current value.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(crate) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Relaxed);
    }

    pub(crate) fn increment(&self) {
        self.add(1);
    }

    pub(crate) fn decrement(&self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

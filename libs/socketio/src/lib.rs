//! A Socket.IO server: Engine.IO v4 over WebSocket and long-polling, Socket.IO v5 on top, with connection
//! state recovery.
//!
//! An [`Application`] gives the hooks, a [`Server`] runs them, and an [`Encoder`] makes [`Packet`]s, which
//! are encoded once and shared by every [`Socket`] that they are emitted to. The crate knows nothing of what
//! the events mean.
//!
//! Architecture invariants: only a connection's own task reads from or writes to its transport; emitting
//! never waits; the events of one client are handled one after the other; everything that a client can make
//! grow has a bound.

mod account;
mod application;
mod budget;
mod client;
pub mod codec;
mod config;
mod cors;
mod driver;
mod engine;
mod event;
mod expiry;
mod guard;
mod handshake;
mod heartbeat;
mod http;
mod id;
mod join;
mod offset;
mod open;
mod order;
mod packed;
mod packet;
mod polling;
mod reaper;
mod reason;
mod replay;
mod room;
mod server;
mod sessions;
mod shared;
mod socket;
mod stats;
mod upgrade;
mod websocket;

pub use application::Application;
pub use config::{Config, Protocol, Recovery};
pub use engine::Queued;
pub use event::{AckId, ClientEvent};
pub use handshake::{Accepted, ConnectError, Handshake, JoinKind, Lost, RequestRefusal};
pub use id::Id;
pub use offset::Offset;
pub use packet::{Encoder, Packet};
pub use reason::DisconnectReason;
pub use server::Server;
pub use socket::{EmitOutcome, Socket};
pub use stats::{Count, Stats};

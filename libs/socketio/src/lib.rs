//! A Socket.IO server: Engine.IO v4 over WebSocket and long-polling, Socket.IO v5 on top, with connection state recovery.
//!
//! An [`Application`] gives the hooks, a [`Server`] runs them, an [`Encoder`] makes [`Packet`]s that are encoded once and
//! shared by every [`Socket`] they are emitted to. The crate knows nothing of what the events mean.
//!
//! Architecture invariants: nobody but a connection's own task reads from or writes to its transport; emitting never
//! waits; events of one client are handled one after the other; everything a client can make grow has a bound.

mod application;
mod client;
pub mod codec;
mod config;
mod driver;
mod engine;
mod guard;
mod heartbeat;
mod http;
mod id;
mod join;
mod offset;
mod order;
mod packet;
mod polling;
mod reaper;
mod reason;
mod replay;
mod server;
mod sessions;
mod socket;
mod stats;
mod upgrade;
mod websocket;

pub use application::{Accepted, AckId, Application, ConnectError, Event, Handshake, Joining, Lost, Refusal};
pub use config::{Config, Protocol, Recovery};
pub use engine::Queued;
pub use id::Id;
pub use offset::Offset;
pub use packet::{Encoder, Packet};
pub use reason::DisconnectReason;
pub use server::Server;
pub use socket::{Delivery, Socket};
pub use stats::{Count, Stats};

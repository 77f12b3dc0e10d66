//! The ground floor: the sockets of this gateway, and what it keeps of each one.
//!
//! Every other room uses this one; this one uses no other room. [`Sockets`] is what they share: who has which
//! socket here ([`hub`]), which sessions still count ([`generation`]), and the encoder of packets.
//! [`session`] is the state of one socket.

pub(crate) mod connection_span;
pub(crate) mod credential;
pub(crate) mod event_budgets;
pub(crate) mod generation;
pub(crate) mod handle;
pub(crate) mod hub;
pub(crate) mod join_queue;
pub(crate) mod kept_receipts;
pub(crate) mod limits;
pub(crate) mod live_gate;
pub(crate) mod resume_token;
pub(crate) mod session;
pub(crate) mod subscriptions;

use eventflow_socketio::Encoder;
use generation::Generation;
use handle::SocketHandle;
use hub::Hub;
use std::sync::Arc;

/// The sockets that are connected or parked here, and the way to write to them. Cheap to clone: clones share
/// everything.
#[derive(Clone)]
pub(crate) struct Sockets {
    pub(crate) hub: Arc<Hub<SocketHandle>>,
    pub(crate) generation: Generation,
    pub(crate) encoder: Encoder,
}

impl Sockets {
    /// No socket yet, the first generation.
    pub(crate) fn new() -> Self {
        Self { hub: Arc::new(Hub::new()), generation: Generation::default(), encoder: Encoder::new() }
    }
}

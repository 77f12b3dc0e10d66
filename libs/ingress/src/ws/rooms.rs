//! The rooms of the gateway, as only [`crate::ws::events`], [`crate::ws::lifecycle`] and [`crate::ws::tasks`]
//! see them together.

use crate::edge::Edge;
use crate::ws::background::Background;
use crate::ws::connection::Connection;
use crate::ws::presence::Presence;
use crate::ws::resume::Resume;
use crate::ws::shedding::Shedding;
use crate::ws::sockets::Sockets;
use crate::ws::sockets::event_budgets::EventBudgets;
use crate::ws::sockets::handle::{ClientSocket, SocketHandle};
use crate::ws::typing::Typing;
use crate::ws::upstream::receipts::Receipts;
use crate::ws::upstream::registry_sync::RegistrySync;
use eventflow_ports::Membership;
use eventflow_protocol::UserId;
use std::sync::Arc;

/// All rooms, and what events need of the rest of the ingress.
pub(crate) struct Rooms {
    pub(crate) edge: Edge,
    pub(crate) membership: Membership,
    pub(crate) sockets: Sockets,
    pub(crate) event_budgets: EventBudgets,
    pub(crate) connection: Connection,
    pub(crate) shedding: Arc<Shedding>,
    pub(crate) presence: Arc<Presence>,
    pub(crate) typing: Arc<Typing>,
    pub(crate) resume: Arc<Resume>,
    pub(crate) receipts: Arc<Receipts>,
    pub(crate) registry: RegistrySync,
    pub(crate) background: Background,
}

impl Rooms {
    /// Registers a socket whose user is known: what it keeps counts for them. It is entered with the hub, so
    /// that it is found, and with the sweeper and the registry, so that others find it. Then its client is
    /// sent what it missed elsewhere.
    pub(crate) async fn register(&self, user: &UserId, socket: &ClientSocket) {
        socket.charge_to(user.as_str());
        self.sockets.hub.add(user, SocketHandle(socket.clone()));
        self.presence.heartbeat.here(socket);
        self.registry.entered(user.clone()).await;
        self.close_if_outdated(socket);
        self.resume.start(socket);
    }

    /// Closes a socket that came while its generation ended: nothing would reach it.
    pub(crate) fn close_if_outdated(&self, socket: &ClientSocket) {
        if !self.sockets.generation.includes(socket.state()) {
            socket.close_transport("restart");
        }
    }

    /// Forgets a socket whose session is gone for good.
    pub(crate) async fn forget(&self, user: &UserId, socket: &ClientSocket) {
        self.presence.forget(socket);
        self.presence.heartbeat.gone(user, socket);
        if self.sockets.hub.remove(user, &SocketHandle(socket.clone())) {
            self.registry.left(user.clone()).await;
        }
    }
}

//! Presence: which devices are here ([`heartbeat`]), and how people are shown to the sockets that follow them
//! ([`subscriptions`], [`statuses`], [`reconcile`]).
//!
//! A socket follows the people in the threads it has open and those it asked for. Published pages never ask
//! who is there, they show what they hear: so whoever opens a thread is told of everybody in it at once, and
//! again after a lost connection, since changes are not kept for those who are away. All of it may be
//! repeated: it says how things are.

pub(crate) mod heartbeat;
pub(crate) mod reconcile;
pub(crate) mod statuses;
pub(crate) mod subscriptions;

use crate::ws::background::Background;
use crate::ws::sockets::handle::{ClientSocket, SocketHandle};
use eventflow_protocol::Participants;
use eventflow_protocol::{ThreadId, UserId};
use heartbeat::Heartbeat;
use statuses::Statuses;
use std::sync::Arc;
use subscriptions::{PresenceSubscriptions, followed_in};
use tokio::sync::Semaphore;

/// Who is here, and who is shown to whom.
pub(crate) struct Presence {
    pub(crate) heartbeat: Heartbeat,
    pub(crate) subscriptions: Arc<PresenceSubscriptions<SocketHandle>>,
    pub(crate) statuses: Arc<Statuses>,
    pub(crate) background: Background,
    /// Lets so many returning clients be read for at the same time.
    pub(crate) reads: Arc<Semaphore>,
}

impl Presence {
    /// The socket has the thread open. Gives the people it follows there, who are to be shown to it.
    pub(crate) fn open_thread(
        &self,
        socket: &ClientSocket,
        viewer: &UserId,
        thread: ThreadId,
        people: &Participants,
    ) -> Box<[UserId]> {
        let followed = followed_in(people, viewer);
        let handle = SocketHandle(socket.clone());
        socket.state().subscriptions(|own| self.subscriptions.open(own, &handle, thread, followed.clone()));
        followed
    }

    /// The socket has the thread open no more.
    pub(crate) fn close_thread(&self, socket: &ClientSocket, thread: ThreadId) {
        let handle = SocketHandle(socket.clone());
        socket.state().subscriptions(|own| self.subscriptions.close(own, &handle, thread));
    }

    /// Opens the thread for a socket that types in it and has not opened it. A page whose gateway was
    /// replaced goes on typing and never joins again.
    pub(crate) async fn open_where_typing(
        &self,
        socket: &ClientSocket,
        viewer: &UserId,
        thread: ThreadId,
        people: &Participants,
    ) {
        let is_open = socket.state().subscriptions_if_any(|own| own.has_open(thread));
        if is_open != Some(true) {
            let followed = self.open_thread(socket, viewer, thread, people);
            self.show(socket, &followed).await;
        }
    }

    /// The socket asks for these people.
    pub(crate) fn ask(&self, socket: &ClientSocket, users: &[UserId]) {
        let handle = SocketHandle(socket.clone());
        socket.state().subscriptions(|own| self.subscriptions.ask(own, &handle, users));
    }

    /// The socket is gone for good.
    pub(crate) fn forget(&self, socket: &ClientSocket) {
        let handle = SocketHandle(socket.clone());
        socket.state().subscriptions_if_any(|own| self.subscriptions.forget_socket(own, &handle));
    }

    /// Tells a socket how these people are. If that is not known now, the next change or [`reconcile`] tells
    /// it.
    pub(crate) async fn show(&self, socket: &ClientSocket, users: &[UserId]) {
        if users.is_empty() {
            return;
        }
        match self.statuses.read(users).await {
            Ok(people) => {
                for person in people.values() {
                    for packet in self.statuses.announce(person) {
                        socket.emit(&packet);
                    }
                }
            }
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "presence is not shown");
            }
        }
    }

    /// The socket is back in its session and has missed who came and went meanwhile: shows everybody it
    /// follows again.
    pub(crate) fn show_again(self: &Arc<Self>, socket: &ClientSocket) {
        let followed = socket.state().subscriptions_if_any(|own| own.people()).unwrap_or_default();
        if followed.is_empty() {
            return;
        }
        let presence = Arc::clone(self);
        let socket = socket.clone();
        self.background.spawn(async move {
            // Only so many at once, since all clients of a gateway come back at the same moment. Closed only
            // with its process.
            let Ok(_permit) = presence.reads.acquire().await else { return };
            let followed: Vec<UserId> = followed.into_iter().collect();
            presence.show(&socket, &followed).await;
        });
    }
}

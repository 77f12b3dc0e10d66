//! Presence: which devices are here ([`heartbeat`]), and how people are shown to the sockets that follow them
//! ([`subscriptions`], [`statuses`], [`reconcile`]).
//!
//! A socket follows the people in the threads it has open and those it asked for. Published pages never ask
//! who is there, they show what they hear: so whoever opens a thread is told of everybody in it at once, and
//! again after a lost connection, since changes are not kept for those who are away. All of it may be
//! repeated: it says how things are.

pub(crate) mod blocks;
pub(crate) mod heartbeat;
pub(crate) mod reconcile;
pub(crate) mod statuses;
pub(crate) mod subscriptions;

use crate::contacts::Contacts;
use crate::ws::background::Background;
use crate::ws::sockets::handle::{ClientSocket, SocketHandle};
use crate::ws::sockets::hub::Hub;
use crate::ws::sockets::subscriptions::SocketSubscriptions;
use crate::ws::upstream::signals::Signals;
use eventflow_ports::{Apart, Clock, Membership, StoreError};
use eventflow_protocol::blocks::BlockLists;
use eventflow_protocol::event::Event;
use eventflow_protocol::{CommandId, Participants, ThreadId, UserId};
use heartbeat::Heartbeat;
use statuses::Statuses;
use std::collections::HashSet;
use std::sync::Arc;
use subscriptions::{FOLLOWED_THREAD_MAX, PresenceSubscriptions, followed_in};
use tokio::sync::Semaphore;

/// Who is here, and who is shown to whom.
pub(crate) struct Presence {
    pub(crate) heartbeat: Heartbeat,
    pub(crate) subscriptions: Arc<PresenceSubscriptions<SocketHandle>>,
    pub(crate) statuses: Arc<Statuses>,
    pub(crate) signals: Signals,
    /// Who may see whom; the same as that of the edge.
    pub(crate) contacts: Contacts,
    pub(crate) membership: Membership,
    /// Who is never shown to whom.
    pub(crate) apart: Apart,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) background: Background,
    /// Lets so many returning clients be read for at the same time.
    pub(crate) reads: Arc<Semaphore>,
}

/// People whom a socket is about to ask for.
pub(crate) struct Expected(Vec<UserId>);

impl Expected {
    /// The socket is about to ask for these people. Call it before looking whether its user may see them: if
    /// that becomes so meanwhile, [`Presence::share_a_thread`] shows them.
    pub(crate) fn of(socket: &ClientSocket, users: &[UserId]) -> Self {
        Self(socket.state().subscriptions(|own| own.add_hidden(users)))
    }

    /// Those who became visible since then.
    pub(crate) fn shown_meanwhile(self, socket: &ClientSocket) -> impl Iterator<Item = UserId> {
        self.0.into_iter().filter(|user| {
            socket.state().subscriptions_if_any(|own| own.is_hidden(user)).is_some_and(|is_hidden| !is_hidden)
        })
    }
}

impl Presence {
    /// The lists that say whom of these people a viewer may be shown; none of a thread that is too large to
    /// be followed.
    async fn lists_of(&self, people: &Participants, viewer: &UserId) -> Result<BlockLists, StoreError> {
        let followed: &[UserId] = if people.len() > FOLLOWED_THREAD_MAX { &[] } else { people };
        self.apart.lists(followed.iter().chain([viewer])).await
    }

    /// The socket has the thread open. Gives the people it follows there, who are to be shown to it.
    pub(crate) async fn open_thread(
        &self,
        socket: &ClientSocket,
        viewer: &UserId,
        thread: ThreadId,
        people: &Participants,
    ) -> Result<Box<[UserId]>, StoreError> {
        let lists = self.lists_of(people, viewer).await?;
        let followed = self.open_thread_with(socket, viewer, (thread, people), &lists);
        // A block that was heard meanwhile has not found this thread open.
        let lists = self.lists_of(people, viewer).await?;
        if followed.iter().any(|user| lists.are_apart(viewer, user)) {
            return Ok(self.open_thread_with(socket, viewer, (thread, people), &lists));
        }
        Ok(followed)
    }

    /// As [`Presence::open_thread`], for whom the lists are known.
    fn open_thread_with(
        &self,
        socket: &ClientSocket,
        viewer: &UserId,
        (thread, people): (ThreadId, &Participants),
        lists: &BlockLists,
    ) -> Box<[UserId]> {
        let followed = followed_in(people, viewer, lists);
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
        if is_open == Some(true) {
            return;
        }
        match self.open_thread(socket, viewer, thread, people).await {
            Ok(followed) => self.show(socket, &followed).await,
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "presence is not shown");
            }
        }
    }

    /// Other people are in a thread now: sockets that have it open follow those, and no others for it.
    pub(crate) fn follow_anew(
        &self,
        socket: &ClientSocket,
        viewer: &UserId,
        (thread, people): (ThreadId, &Participants),
        lists: &BlockLists,
    ) {
        let is_open = socket.state().subscriptions_if_any(|own| own.has_open(thread));
        match (is_open, people.contains(viewer)) {
            (Some(true), true) => drop(self.open_thread_with(socket, viewer, (thread, people), lists)),
            (Some(true), false) => self.close_thread(socket, thread),
            (Some(false) | None, _) => {}
        }
    }

    /// These people have got into a thread together and may see each other: sockets here that asked for one
    /// of them in vain follow them from now on, and are told how they are.
    pub(crate) fn share_a_thread(
        self: &Arc<Self>,
        hub: &Hub<SocketHandle>,
        people: &Participants,
        lists: &BlockLists,
    ) {
        self.contacts.forget(people);
        for viewer in people.iter() {
            let mut waiting = Vec::new();
            hub.each(viewer, |SocketHandle(socket)| {
                let take = |own: &mut SocketSubscriptions| {
                    own.take_hidden(|user| people.contains(user) && !lists.are_apart(viewer, user))
                };
                let visible = socket.state().subscriptions_if_any(take).unwrap_or_default();
                if !visible.is_empty() {
                    waiting.push((socket.clone(), visible));
                }
            });
            for (socket, visible) in waiting {
                self.ask(&socket, &visible);
                self.show_later(&socket, visible);
            }
        }
    }

    /// The socket asks for these people, whom its user may see.
    pub(crate) fn ask(&self, socket: &ClientSocket, users: &[UserId]) {
        let handle = SocketHandle(socket.clone());
        let visible: HashSet<&UserId> = users.iter().collect();
        socket.state().subscriptions(|own| {
            own.take_hidden(|user| visible.contains(user));
            self.subscriptions.ask(own, &handle, users);
        });
    }

    /// The socket's user chooses how they want to be seen, on all their devices: the others are told.
    pub(crate) async fn choose(&self, socket: &ClientSocket, user: &UserId, wants_away: bool) {
        socket.state().choose_away(wants_away);
        self.heartbeat.here(socket);
        let (user_id, command) = (user.clone(), CommandId::new());
        let event = Event::PresenceChosen { user_id, wants_away, command, at: self.clock.now() };
        if let Err(error) = self.signals.event(&event).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "other devices do not hear of a choice"
            );
        }
    }

    /// The user has chosen, here or elsewhere, how they want to be seen: it holds for all their sockets. All
    /// gateways hear the choices of one person in the same order, so the last one holds everywhere.
    pub(crate) fn adopt(&self, hub: &Hub<SocketHandle>, user: &UserId, wants_away: bool) {
        hub.each(user, |SocketHandle(socket)| {
            if socket.state().wants_away() != wants_away {
                socket.state().choose_away(wants_away);
                // A session whose client is away says nothing by itself; its heartbeats carry the choice.
                if socket.is_connected() {
                    self.heartbeat.here(socket);
                }
            }
        });
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
        if !followed.is_empty() {
            self.show_later(socket, followed.into_iter().collect());
        }
    }

    /// Tells a socket how these people are, in a task of its own.
    fn show_later(self: &Arc<Self>, socket: &ClientSocket, people: Vec<UserId>) {
        let presence = Arc::clone(self);
        let socket = socket.clone();
        self.background.spawn(async move {
            // Only so many at once, since all clients of a gateway come back at the same moment. Closed only
            // with its process.
            let Ok(_permit) = presence.reads.acquire().await else { return };
            presence.show(&socket, &people).await;
        });
    }
}

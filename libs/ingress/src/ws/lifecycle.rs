//! The hooks of a socket's life: let in, register before the client knows, take its events in order, forget when gone for good.
//!
//! What an event does is in [`crate::ws::events`] and [`crate::ws::send`]. Registering comes before the CONNECT answer, so
//! nothing that is stored after the answer can miss the socket.

use crate::edge::Edge;
use crate::refusal::Refusal;
use crate::ws::answer::Asker;
use crate::ws::beat::Beat;
use crate::ws::caps::Caps;
use crate::ws::connect;
use crate::ws::event::EventName;
use crate::ws::hub::Hub;
use crate::ws::journal::Writing;
use crate::ws::member::{Here, Member};
use crate::ws::receipts::Receipts;
use crate::ws::resume::{self, Note, Pasts, Resumable};
use crate::ws::roster::Roster;
use crate::ws::sight::Sight;
use crate::ws::typing::Typing;
use crate::ws::typing_heard::TypingHeard;
use crate::ws::watch::{Looking, Watch};
use eventflow_metrics::RefusalReason;
use eventflow_ports::Membership;
use eventflow_protocol::{ErrorCode, UserId};
use eventflow_socketio::{
    Accepted, Application, ClientEvent, ConnectError, DisconnectReason, Encoder, Handshake, JoinKind, Offset,
    Socket,
};
use http::request::Parts as RequestHead;
use parking_lot::Mutex;
use serde_json::value::RawValue;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a socket may stay without saying who it is.
pub(crate) const AUTHENTICATION_TIMEOUT: Duration = Duration::from_secs(10);

/// What all sockets of the gateway share.
pub(crate) struct Shared {
    pub(crate) edge: Edge,
    pub(crate) caps: Arc<Caps>,
    pub(crate) membership: Membership,
    pub(crate) hub: Arc<Hub<Here>>,
    pub(crate) roster: Roster,
    pub(crate) beat: Beat,
    pub(crate) watch: Watch<Here>,
    pub(crate) sight: Sight,
    pub(crate) typing: Arc<Typing>,
    pub(crate) typing_heard: TypingHeard,
    pub(crate) receipts: Receipts,
    pub(crate) journal: Writing,
    /// The last packet that went to everybody it is for.
    pub(crate) emitted: Mutex<Offset>,
    pub(crate) pasts: Pasts,
    /// Lets so many clients be read for at the same time.
    pub(crate) resumes: Semaphore,
    /// Who was caught up with and hears what everybody hears from the next batch on.
    pub(crate) joining: resume::Joining,
    pub(crate) encoder: Encoder,
    /// Answers being waited for, and deadlines.
    pub(crate) tasks: TaskTracker,
    /// Ends the deadlines.
    pub(crate) shutdown: CancellationToken,
    /// Sessions of different generations are not continued in each other: see [`Shared::start_generation`].
    pub(crate) generation: Arc<AtomicU64>,
    /// Whether events can reach sockets here.
    pub(crate) is_open: AtomicBool,
    /// [`AUTHENTICATION_TIMEOUT`], but in tests.
    pub(crate) authentication_timeout: Duration,
}

impl Shared {
    /// From here on no earlier session can be recovered: something that was addressed to them is lost.
    pub(crate) fn start_generation(&self) {
        self.generation.fetch_add(1, Relaxed);
    }

    /// Whether everything that was addressed to the socket since it came could reach it.
    pub(crate) fn is_current(&self, member: &Member) -> bool {
        member.generation() == self.generation.load(Relaxed)
    }

    /// Closes a socket that came while its generation ended: nothing would reach it.
    fn close_if_outdated(&self, socket: &Socket<Member>) {
        if !self.is_current(socket.state()) {
            socket.close_transport("restart");
        }
    }

    /// Registers a socket with its user, the user with the registry, and the device with the sweeper.
    pub(crate) async fn register(self: &Arc<Self>, user: &UserId, socket: &Socket<Member>) {
        self.hub.add(user, Here(socket.clone()));
        self.beat.here(socket);
        self.roster.entered(user.clone()).await;
        self.close_if_outdated(socket);
        self.resume(socket);
    }

    /// What was kept for the socket is on its way to it now.
    fn note_kept(&self, user: &UserId, socket: &Socket<Member>) {
        for (thread, seq) in socket.state().looking_if_any(Looking::take_kept).unwrap_or_default() {
            self.receipts.note(thread, user, seq);
        }
    }

    pub(crate) fn asker(&self, socket: &Socket<Member>, event: &ClientEvent) -> Asker {
        Asker { socket: socket.clone(), ack: event.ack, encoder: self.encoder.clone() }
    }

    /// Closes the socket if nobody has authenticated on it in time.
    fn expect_authentication(self: &Arc<Self>, socket: &Socket<Member>) {
        let (shared, socket) = (Arc::clone(self), socket.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(shared.authentication_timeout) => {}
                () = shared.shutdown.cancelled() => return,
            }
            if socket.state().user().is_none() && socket.is_connected() {
                let asker = Asker { socket: socket.clone(), ack: None, encoder: shared.encoder.clone() };
                asker.refuse_auth(&Refusal::unauthenticated());
                socket.close_transport("unauthenticated");
            }
        });
    }
}

/// What a session must share with the connection that wants to continue it: the user and the generation.
fn session_of(member: &Member) -> String {
    // A '#' cannot occur in a user id, so no user is mistaken for another.
    format!("{}#{}", member.user().map_or("", UserId::as_str), member.generation())
}

/// The application on the Socket.IO server.
pub(crate) struct SocketApp(pub(crate) Arc<Shared>);

impl Application for SocketApp {
    type State = Member;

    fn admit(&self, head: &RequestHead) -> Result<(), eventflow_socketio::RequestRefusal> {
        if !self.0.is_open.load(SeqCst) {
            return Err(connect::turned_away(&Refusal::new(
                ErrorCode::Unavailable,
                "the gateway is starting",
            )));
        }
        if self.0.edge.origins.admits(&head.headers) {
            return self.0.caps.knock(head).map_err(|refusal| connect::turned_away(&refusal));
        }
        self.0.edge.metrics.edge.refused.of(RefusalReason::Origin).inc();
        Err(connect::turned_away(&Refusal::new(ErrorCode::Forbidden, "this origin is not allowed")))
    }

    async fn connect(
        &self,
        _namespace: &str,
        handshake: &Handshake,
        auth: Option<&RawValue>,
    ) -> Result<Accepted<Member>, ConnectError> {
        let identity = connect::identify(&self.0.edge, handshake, auth).await?;
        let now = self.0.edge.clock.now();
        let generation = self.0.generation.load(Relaxed);
        let state = Member::arrived(identity.as_ref(), now).of_generation(generation);
        state.sit(connect::seat(&self.0.caps, handshake, state.user())?);
        let start = *self.0.emitted.lock();
        let note = Note { gateway: self.0.journal.name(generation), start, since: now, tag: state.tag() };
        Ok(Accepted { identity: Some(session_of(&state)), note: Some(note.to_string()), state })
    }

    async fn joining(&self, socket: &Socket<Member>, how: JoinKind<Member>) {
        match how {
            JoinKind::Recovered(newer) => socket.state().renew(&newer),
            JoinKind::Fresh(lost) => {
                if let Some(wanted) = lost.and_then(|lost| Resumable::of(&lost, socket.state().tag())) {
                    socket.add_to_note(&wanted.told());
                    socket.set_apart(true);
                    socket.state().wait_for(wanted);
                }
                if let Some(user) = socket.state().user() {
                    self.0.register(user, socket).await;
                }
            }
        }
    }

    async fn connected(&self, socket: &Socket<Member>, recovered: bool) {
        self.0.close_if_outdated(socket);
        let Some(user) = socket.state().user() else { return self.0.expect_authentication(socket) };
        if self.0.end_unless_it_stands(socket, user).await && recovered {
            self.0.beat.here(socket);
            self.0.note_kept(user, socket);
            self.0.show_again(socket);
        }
    }

    async fn event(&self, socket: &Socket<Member>, event: ClientEvent) {
        let name = EventName::of(&event.name);
        let taken = self.0.take(socket, name, event).await;
        self.0.edge.metrics.edge.events(name, taken).inc();
    }

    async fn disconnected(&self, socket: &Socket<Member>, reason: DisconnectReason) {
        socket.state().stand_up();
        self.0.stop_typing(socket);
        self.0.beat.lost(socket, reason);
    }

    async fn expired(&self, socket: &Socket<Member>) {
        let Some(user) = socket.state().user() else { return };
        socket.state().looking_if_any(|looking| self.0.watch.leave(looking, &Here(socket.clone())));
        self.0.beat.gone(user, socket);
        if self.0.hub.remove(user, &Here(socket.clone())) {
            self.0.roster.left(user.clone()).await;
        }
    }
}

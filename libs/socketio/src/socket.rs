//! A client in a namespace, as the application holds it.
//!
//! A [`Socket`] outlives its transport. While the client is away, the socket keeps recoverable packets; when
//! the session is recovered, they leave behind the CONNECT answer. All operations are short and never wait,
//! so any task may emit to any socket. Lock order: the socket's lock is taken before the engine's, never the
//! other way round.

mod life;

pub(crate) use life::Claim;

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::account::{AccountSession, Accounts};
use crate::codec::socket::{self, PacketKind};
use crate::engine::{Engine, Queued};
use crate::event::AckId;
use crate::id::Id;
use crate::order::Order;
use crate::packet::Packet;
use crate::reason::DisconnectReason;
use crate::replay::Replay;

/// Packets that the socket holds while it is joining: as many as a slow client may have waiting by default.
const MAX_PENDING: usize = 4_096;

/// A client in a namespace. Cloning shares it.
pub struct Socket<S>(Arc<SocketInner<S>>);

struct SocketInner<S> {
    id: Id,
    /// The secret that a client presents to recover the session.
    private_id: Option<Id>,
    /// The text that the client presents with it; see [`Accepted::note`](crate::Accepted::note).
    note: Option<Box<str>>,
    /// See [`Socket::add_to_note`].
    more: OnceLock<Box<str>>,
    namespace: Arc<str>,
    identity: Option<Box<str>>,
    /// See [`Socket::set_identity`].
    later_identity: OnceLock<Box<str>>,
    /// Where kept packets are counted; none if the server offers no recovery.
    accounts: Option<Arc<Accounts>>,
    lifecycle: Mutex<Lifecycle>,
    state: S,
}

#[derive(Debug)]
struct Lifecycle {
    phase: Phase,
    order: Order,
    /// The packets kept for a recovery; allocated with the first of them.
    replay: Option<Box<Replay>>,
    /// Whose packets they are.
    account: Option<AccountSession>,
    /// Wakes the new connection that waits to take the session over.
    claimant: Option<oneshot::Sender<()>>,
    /// Set once the session must not be recovered any more.
    forced_end: Option<ForcedEnd>,
}

/// How the server ends a session for good.
#[derive(Debug, Clone, Copy)]
enum ForcedEnd {
    /// With a DISCONNECT packet, after which the client stays away.
    Disconnect,
    /// By closing the transport, after which the client comes back by itself.
    Close(&'static str),
}

#[derive(Debug)]
enum Phase {
    /// The application knows the socket, the client does not yet.
    Joining(HeldPackets),
    /// The socket has a transport.
    Connected(Arc<Engine>),
    /// The transport is gone, and the application's hook for that is running.
    Leaving,
    /// The session waits to be recovered, since then.
    Parked(Instant),
    /// The session is gone for good.
    Gone,
}

/// The packets that are to leave behind the CONNECT answer.
#[derive(Debug, Default)]
struct HeldPackets {
    packets: Vec<Packet>,
    /// More than [`MAX_PENDING`] packets came.
    overflown: bool,
}

/// What an emit did with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmitOutcome {
    /// The packet waits for the transport.
    Queued,
    /// There is no transport. The packet is replayed if the session is recovered.
    Kept,
    /// The packet is lost: there is no transport, and it is not one to be kept.
    Dropped,
}

/// A session that is to be created.
#[derive(Debug, Clone)]
pub(crate) struct NewSession {
    pub(crate) namespace: Arc<str>,
    pub(crate) identity: Option<Box<str>>,
    pub(crate) accounts: Option<Arc<Accounts>>,
    pub(crate) note: Option<Box<str>>,
}

impl<S> Socket<S> {
    /// The socket's id, which the client knows too (`socket.id`). A recovered session keeps it.
    pub fn id(&self) -> &Id {
        &self.0.id
    }

    /// The application's own state.
    pub fn state(&self) -> &S {
        &self.0.state
    }

    /// The identity that the application gave.
    pub fn identity(&self) -> Option<&str> {
        self.0.later_identity.get().or(self.0.identity.as_ref()).map(AsRef::as_ref)
    }

    /// Sets the identity of a client that has shown it after it came: from now on only a connection of this
    /// identity can recover the session. The first call counts.
    pub fn set_identity(&self, identity: &str) {
        // A second call changes nothing: a session is one client's.
        let _ = self.0.later_identity.set(identity.into());
    }

    /// The namespace of the socket.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// Whether the socket has a transport.
    pub fn is_connected(&self) -> bool {
        matches!(self.0.lifecycle.lock().phase, Phase::Connected(_))
    }

    /// Whether the socket has lost its transport and may get another one.
    pub fn is_parked(&self) -> bool {
        matches!(self.0.lifecycle.lock().phase, Phase::Parked(_) | Phase::Leaving)
    }

    /// Whether the session is gone for good.
    pub fn is_gone(&self) -> bool {
        matches!(self.0.lifecycle.lock().phase, Phase::Gone)
    }

    /// How much is waiting for the transport.
    pub fn queued(&self) -> Queued {
        match &self.0.lifecycle.lock().phase {
            Phase::Connected(engine) => engine.queued(),
            _ => Queued::default(),
        }
    }

    /// Sends a packet of this socket's namespace. The caller emits packets for many sockets in the order of
    /// their offsets.
    pub fn emit(&self, packet: &Packet) -> EmitOutcome {
        let mut lifecycle = self.0.lifecycle.lock();
        let packet = lifecycle.order.place(packet);
        self.send(&mut lifecycle, &packet)
    }

    /// Sends a packet for this session alone that has a place of its own in the session's order, while the
    /// session is apart: see [`Socket::set_apart`].
    pub fn emit_apart(&self, packet: &Packet) -> EmitOutcome {
        let mut lifecycle = self.0.lifecycle.lock();
        let packet = lifecycle.order.follow(packet);
        self.send(&mut lifecycle, &packet)
    }

    /// Sets the session apart from the others, or ends that. While it is apart, only packets of
    /// [`Socket::emit_apart`] move the client's offset on; packets for many sockets come with offsets that
    /// repeat the last position.
    pub fn set_apart(&self, is_apart: bool) {
        self.0.lifecycle.lock().order.set_apart(is_apart);
    }

    /// Adds to the text that the client presents; see [`Accepted::note`](crate::Accepted::note). Call it
    /// once, while the socket is `joining`.
    pub fn add_to_note(&self, more: &str) {
        // A second call is too late: the client has the text already.
        let _ = self.0.more.set(more.into());
    }

    /// Counts what the session keeps for a recovery for this account, together with its other sessions. The
    /// first account stays.
    pub fn charge_to(&self, account: &str) {
        let Some(accounts) = &self.0.accounts else { return };
        let account = accounts.of(account);
        let mut lifecycle = self.0.lifecycle.lock();
        if lifecycle.account.is_some() || matches!(lifecycle.phase, Phase::Gone) {
            return;
        }
        if let Some(replay) = &mut lifecycle.replay {
            replay.charge_to(&account);
        }
        lifecycle.account = Some(account.open_session());
    }

    fn send(&self, lifecycle: &mut Lifecycle, packet: &Packet) -> EmitOutcome {
        let kept = self.keep(lifecycle, packet);
        let taken = match &mut lifecycle.phase {
            Phase::Connected(engine) => engine.push(packet.clone()),
            Phase::Joining(pending) => pending.push(packet),
            Phase::Leaving | Phase::Parked(_) | Phase::Gone => false,
        };
        match (taken, kept) {
            (true, _) => EmitOutcome::Queued,
            (false, true) => EmitOutcome::Kept,
            (false, false) => EmitOutcome::Dropped,
        }
    }

    /// Answers an event with one argument.
    pub fn ack<T: Serialize + ?Sized>(
        &self,
        id: AckId,
        argument: &T,
    ) -> Result<EmitOutcome, serde_json::Error> {
        let argument = serde_json::value::to_raw_value(argument)?;
        Ok(self.ack_raw(id, &[&argument]))
    }

    /// Answers an event with arguments that are JSON already. Answers are not kept for a recovery, since they
    /// belong to the connection.
    pub fn ack_raw(&self, id: AckId, arguments: &[&RawValue]) -> EmitOutcome {
        let text = socket::encode(PacketKind::Ack, self.namespace(), Some(id.0), arguments);
        self.push(Packet::control(text))
    }

    /// Answers an event with attachments, to which the arguments refer as `{"_placeholder":true,"num":n}`.
    pub fn ack_binary(&self, id: AckId, arguments: &[&RawValue], attachments: Vec<Bytes>) -> EmitOutcome {
        let text =
            socket::encode(PacketKind::BinaryAck(attachments.len()), self.namespace(), Some(id.0), arguments);
        self.push(Packet::new(text, attachments, None))
    }

    /// Closes the transport once the waiting packets have been sent. The client reconnects by itself and
    /// recovers.
    pub fn close_transport(&self, reason: &'static str) {
        if let Phase::Connected(engine) = &self.0.lifecycle.lock().phase {
            engine.end(DisconnectReason::Closed(reason));
        }
    }

    /// Sends a DISCONNECT and closes the transport. The client stays away until its application connects
    /// again, and gets a fresh session then.
    pub fn disconnect(&self) {
        self.force_end(ForcedEnd::Disconnect);
    }

    /// Ends the session for good, also one whose client is away: the server keeps nothing of it, and nobody
    /// can recover it. The transport closes without a DISCONNECT once the waiting packets have been sent, so
    /// the client reconnects by itself and gets a fresh session. `false` if that was decided before.
    pub fn end(&self, reason: &'static str) -> bool {
        self.force_end(ForcedEnd::Close(reason))
    }

    /// `true` if nobody had decided on the end of the session yet.
    fn force_end(&self, how: ForcedEnd) -> bool {
        let mut lifecycle = self.0.lifecycle.lock();
        let is_first = lifecycle.forced_end.replace(how).is_none();
        lifecycle.replay = None;
        if let Phase::Connected(engine) = &lifecycle.phase {
            engine.push_all(self.last_packets(how));
            engine.end(how.reason());
        }
        is_first
    }

    /// The packets that the client still gets.
    fn last_packets(&self, how: ForcedEnd) -> Vec<Packet> {
        match how {
            ForcedEnd::Disconnect => vec![Packet::control(socket::encode_disconnect(self.namespace()))],
            ForcedEnd::Close(_) => Vec::new(),
        }
    }

    fn push(&self, packet: Packet) -> EmitOutcome {
        match &self.0.lifecycle.lock().phase {
            Phase::Connected(engine) if engine.push(packet) => EmitOutcome::Queued,
            _ => EmitOutcome::Dropped,
        }
    }

    /// Keeps a packet for a recovery, if it has an offset, the session can still be recovered, and there is
    /// room.
    fn keep(&self, lifecycle: &mut Lifecycle, packet: &Packet) -> bool {
        let Some(Accounts { budget, .. }) = self.0.accounts.as_deref() else { return false };
        if packet.offset().is_none()
            || lifecycle.forced_end.is_some()
            || matches!(lifecycle.phase, Phase::Gone)
        {
            return false;
        }
        let away = matches!(lifecycle.phase, Phase::Leaving | Phase::Parked(_));
        let prune_age = (!away).then_some(budget.bounds.window);
        let Lifecycle { replay, account, .. } = lifecycle;
        let account = || account.as_ref().map(|session| Arc::clone(&session.0));
        let replay = replay.get_or_insert_with(|| Box::new(Replay::new(budget, account())));
        replay.push(packet, prune_age)
    }
}

impl ForcedEnd {
    fn reason(self) -> DisconnectReason {
        match self {
            Self::Disconnect => DisconnectReason::ServerLeft,
            Self::Close(reason) => DisconnectReason::Closed(reason),
        }
    }
}

impl HeldPackets {
    fn push(&mut self, packet: &Packet) -> bool {
        self.overflown |= self.packets.len() >= MAX_PENDING;
        if !self.overflown {
            self.packets.push(packet.clone());
        }
        !self.overflown
    }
}

impl<S> Clone for Socket<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for Socket<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Socket").field(&self.0.id).finish()
    }
}

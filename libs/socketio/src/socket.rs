//! A client in a namespace, as the application holds it.
//!
//! A [`Socket`] outlives its transport: while the client is away, recoverable packets are kept, and when the session is
//! recovered they leave behind the CONNECT answer. All operations are short and never wait, so any task may emit to
//! any socket. The lock here is taken before the one of the engine, never the other way round.

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

use crate::application::AckId;
use crate::codec::socket::{self, Kind};
use crate::config::Recovery;
use crate::engine::{Engine, Queued};
use crate::id::Id;
use crate::order::Order;
use crate::packet::Packet;
use crate::reason::DisconnectReason;
use crate::replay::Replay;

/// Packets that may come while a socket is joining, as many as a slow client may have waiting by default.
const MAX_PENDING: usize = 4_096;

/// A client in a namespace. Cloning shares it.
pub struct Socket<S>(Arc<Inner<S>>);

struct Inner<S> {
    id: Id,
    /// The secret that a client shows to recover the session.
    private_id: Option<Id>,
    /// What the client shows with it; see [`Accepted::note`](crate::Accepted::note).
    note: Option<Box<str>>,
    /// See [`Socket::add_to_note`].
    more: OnceLock<Box<str>>,
    namespace: Arc<str>,
    identity: Option<Box<str>>,
    recovery: Option<Arc<Recovery>>,
    link: Mutex<Link>,
    state: S,
}

#[derive(Debug)]
struct Link {
    place: Place,
    order: Order,
    /// Present once there has been a packet to keep.
    replay: Option<Box<Replay>>,
    /// A new connection waits to take the session over.
    claimant: Option<oneshot::Sender<()>>,
    /// Not to be recovered any more.
    condemned: Option<Condemned>,
}

/// How the client of a session that ends for good is to go.
#[derive(Debug, Clone, Copy)]
enum Condemned {
    /// With a DISCONNECT, after which it stays away.
    Disconnect,
    /// By the end of its transport, after which it comes back by itself.
    Close(&'static str),
}

#[derive(Debug)]
enum Place {
    /// Known to the application, not yet to the client.
    Joining(Pending),
    /// On a transport.
    Connected(Arc<Engine>),
    /// The transport is gone, and the application is being told.
    Leaving,
    /// Waiting to be recovered, since then.
    Parked(Instant),
    /// Gone for good.
    Gone,
}

/// What is to leave behind the CONNECT answer.
#[derive(Debug, Default)]
struct Pending {
    packets: Vec<Packet>,
    /// There was more than [`MAX_PENDING`].
    overflown: bool,
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It waits for the transport.
    Queued,
    /// There is no transport; it will be replayed if the session is recovered.
    Kept,
    /// It is not going anywhere.
    Dropped,
}

/// What is known of a session that is to be created.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) namespace: Arc<str>,
    pub(crate) name: Option<Box<str>>,
    pub(crate) recovery: Option<Arc<Recovery>>,
    pub(crate) note: Option<Box<str>>,
}

impl<S> Socket<S> {
    /// The id the client knows too (`socket.id`); a recovered session keeps it.
    pub fn id(&self) -> &Id {
        &self.0.id
    }

    /// What the application keeps.
    pub fn state(&self) -> &S {
        &self.0.state
    }

    /// Whom the application said it is.
    pub fn identity(&self) -> Option<&str> {
        self.0.identity.as_deref()
    }

    /// The namespace it is in.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// Whether it has a transport.
    pub fn is_connected(&self) -> bool {
        matches!(self.0.link.lock().place, Place::Connected(_))
    }

    /// Whether it has lost its transport and may get another one.
    pub fn is_parked(&self) -> bool {
        matches!(self.0.link.lock().place, Place::Parked(_) | Place::Leaving)
    }

    /// Whether it is gone for good.
    pub fn is_gone(&self) -> bool {
        matches!(self.0.link.lock().place, Place::Gone)
    }

    /// What is waiting for the transport.
    pub fn queued(&self) -> Queued {
        match &self.0.link.lock().place {
            Place::Connected(engine) => engine.queued(),
            _ => Queued::default(),
        }
    }

    /// Sends a packet; it must have been made for this socket's namespace. Packets for many are emitted in the order of their offsets.
    pub fn emit(&self, packet: &Packet) -> Delivery {
        let mut link = self.0.link.lock();
        let packet = link.order.place(packet);
        self.send(&mut link, &packet)
    }

    /// Sends a packet that is for this session alone and has a place in its order, while it is apart: see [`Socket::set_apart`].
    pub fn emit_apart(&self, packet: &Packet) -> Delivery {
        let mut link = self.0.link.lock();
        let packet = link.order.follow(packet);
        self.send(&mut link, &packet)
    }

    /// From here on the session is apart, or no more: while it is, only what [`Socket::emit_apart`] sends moves its client's offset on; what
    /// goes to many comes with offsets that repeat the last position.
    pub fn set_apart(&self, is_apart: bool) {
        self.0.link.lock().order.set_apart(is_apart);
    }

    /// Adds to what the client should present; see [`Accepted::note`](crate::Accepted::note). Once, while the socket is `joining`.
    pub fn add_to_note(&self, more: &str) {
        // A second time is too late: the client has been told.
        let _ = self.0.more.set(more.into());
    }

    fn send(&self, link: &mut Link, packet: &Packet) -> Delivery {
        let kept = self.keep(link, packet);
        let taken = match &mut link.place {
            Place::Connected(engine) => engine.push(packet.clone()),
            Place::Joining(pending) => pending.push(packet),
            Place::Leaving | Place::Parked(_) | Place::Gone => false,
        };
        match (taken, kept) {
            (true, _) => Delivery::Queued,
            (false, true) => Delivery::Kept,
            (false, false) => Delivery::Dropped,
        }
    }

    /// Answers an event with one argument.
    pub fn ack<T: Serialize + ?Sized>(&self, id: AckId, argument: &T) -> Result<Delivery, serde_json::Error> {
        let argument = serde_json::value::to_raw_value(argument)?;
        Ok(self.ack_raw(id, &[&argument]))
    }

    /// Answers an event with arguments that are JSON already. Answers are not kept: they belong to the connection.
    pub fn ack_raw(&self, id: AckId, arguments: &[&RawValue]) -> Delivery {
        let text = socket::encode(Kind::Ack, self.namespace(), Some(id.0), arguments);
        self.push(Packet::control(text))
    }

    /// Answers an event with attachments, to which the arguments refer as `{"_placeholder":true,"num":n}`.
    pub fn ack_binary(&self, id: AckId, arguments: &[&RawValue], attachments: Vec<Bytes>) -> Delivery {
        let text =
            socket::encode(Kind::BinaryAck(attachments.len()), self.namespace(), Some(id.0), arguments);
        self.push(Packet::new(text, attachments, None))
    }

    /// Closes the transport once what is waiting has been sent. The client reconnects by itself and recovers.
    pub fn close_transport(&self, reason: &'static str) {
        if let Place::Connected(engine) = &self.0.link.lock().place {
            engine.end(DisconnectReason::Closed(reason));
        }
    }

    /// Sends a DISCONNECT and closes the transport: the client stays away until it is told to connect, and finds a
    /// fresh session then.
    pub fn disconnect(&self) {
        self.condemn(Condemned::Disconnect);
    }

    /// Ends the session for good, also one whose client is away: nothing is kept any more and nobody can have it again. The transport is
    /// closed once what is waiting has been sent, without a DISCONNECT, so the client reconnects by itself and finds a fresh session.
    pub fn end(&self, reason: &'static str) {
        self.condemn(Condemned::Close(reason));
    }

    fn condemn(&self, how: Condemned) {
        let mut link = self.0.link.lock();
        link.condemned = Some(how);
        link.replay = None;
        if let Place::Connected(engine) = &link.place {
            engine.push_all(self.farewell(how));
            engine.end(how.reason());
        }
    }

    /// What a client is still told.
    fn farewell(&self, how: Condemned) -> Vec<Packet> {
        match how {
            Condemned::Disconnect => vec![Packet::control(socket::encode_disconnect(self.namespace()))],
            Condemned::Close(_) => Vec::new(),
        }
    }

    fn push(&self, packet: Packet) -> Delivery {
        match &self.0.link.lock().place {
            Place::Connected(engine) if engine.push(packet) => Delivery::Queued,
            _ => Delivery::Dropped,
        }
    }

    /// Keeps a packet for a recovery, if it is one to be kept.
    fn keep(&self, link: &mut Link, packet: &Packet) -> bool {
        let Some(recovery) = &self.0.recovery else { return false };
        if packet.offset().is_none() || link.condemned.is_some() || matches!(link.place, Place::Gone) {
            return false;
        }
        let away = matches!(link.place, Place::Leaving | Place::Parked(_));
        let prune_age = (!away).then_some(recovery.window);
        link.replay.get_or_insert_default().push(packet, Instant::now(), recovery, prune_age);
        true
    }
}

impl Condemned {
    fn reason(self) -> DisconnectReason {
        match self {
            Self::Disconnect => DisconnectReason::ServerLeft,
            Self::Close(reason) => DisconnectReason::Closed(reason),
        }
    }
}

impl Pending {
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

//! The Socket.IO side of one connection: which namespaces its client is in, and which hook a packet calls.
//!
//! A packet becomes at most one piece of work for the application ([`HookWork`]), which the connection's task
//! runs to its end before it reads on. A packet that the protocol does not allow in the client's state ends
//! the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use bytes::Bytes;

use crate::application::Application;
use crate::codec::CodecError;
use crate::codec::attachments::{Assembler, Complete};
use crate::codec::socket::{self, PacketBody};
use crate::engine::Engine;
use crate::event::{AckId, ClientEvent};
use crate::guard::{Hook, guarded};
use crate::handshake::Handshake;
use crate::join::{self, Request};
use crate::packed::PackedHandshake;
use crate::packet::Packet;
use crate::reason::DisconnectReason;
use crate::shared::ServerShared;
use crate::socket::Socket;

/// CONNECT packets of one connection: an application that leaves and joins again for each screen stays far
/// below. Each costs the application's checks, so a client that sends more has to connect again.
const CONNECTS_MAX: u32 = 100;

/// The client of one connection.
pub(crate) struct Client<A: Application> {
    shared: Arc<ServerShared<A>>,
    engine: Arc<Engine>,
    handshake: RememberedHandshake,
    connects: u32,
    sockets: Vec<Socket<A::State>>,
    assembler: Assembler,
}

/// The first request of the connection. It is packed while the client is in every namespace that exists:
/// headers are large.
enum RememberedHandshake {
    Whole(Arc<Handshake>),
    Packed(Box<PackedHandshake>),
}

/// A hook that runs for a packet.
pub(crate) struct HookWork<S> {
    pub(crate) hook: Hook<'static, HookOutcome<S>>,
    /// Of a CONNECT packet: whether the application has accepted the client.
    accepted: Option<Arc<AtomicBool>>,
}

impl<S> HookWork<S> {
    fn new(hook: impl Future<Output = HookOutcome<S>> + Send + 'static) -> Self {
        Self { hook: Box::pin(hook), accepted: None }
    }

    /// Whether the client only waits to be accepted. Then nothing depends on the hook but the client itself.
    pub(crate) fn waits_to_join(&self) -> bool {
        self.accepted.as_ref().is_some_and(|accepted| !accepted.load(Relaxed))
    }
}

/// What the hook changed.
pub(crate) enum HookOutcome<S> {
    /// Nothing that the client's state depends on.
    Done,
    /// The client has joined a namespace.
    Joined(Socket<S>),
}

impl<A: Application> Client<A> {
    pub(crate) fn new(shared: Arc<ServerShared<A>>, engine: Arc<Engine>, handshake: Handshake) -> Self {
        Self {
            shared,
            engine,
            handshake: RememberedHandshake::Whole(Arc::new(handshake)),
            connects: 0,
            sockets: Vec::new(),
            assembler: Assembler::default(),
        }
    }

    /// Takes a text message.
    pub(crate) fn text(&mut self, text: &str) -> Result<Option<HookWork<A::State>>, DisconnectReason> {
        let packet = socket::decode(text, self.shared.config.max_attachments).map_err(broken)?;
        let complete = self.assembler.packet(packet).map_err(broken)?;
        complete.map_or(Ok(None), |complete| self.packet(complete))
    }

    /// Takes a binary message.
    pub(crate) fn binary(&mut self, data: Bytes) -> Result<Option<HookWork<A::State>>, DisconnectReason> {
        let complete = self.assembler.attachment(data, self.shared.config.max_payload).map_err(broken)?;
        complete.map_or(Ok(None), |complete| self.packet(complete))
    }

    /// Takes over the outcome of a hook.
    pub(crate) fn worked(&mut self, worked: HookOutcome<A::State>) {
        if let HookOutcome::Joined(socket) = worked {
            self.sockets.push(socket);
            if self.sockets.len() == self.shared.namespaces.len() {
                self.handshake.pack();
            }
        }
    }

    /// Whether the client is in any namespace.
    pub(crate) fn is_in(&self) -> bool {
        !self.sockets.is_empty()
    }

    /// Forgets packets that are too old to be replayed.
    pub(crate) fn prune(&self) {
        self.sockets.iter().for_each(Socket::prune);
    }

    /// Leaves every namespace, because the transport is gone.
    pub(crate) async fn leave(&mut self, reason: DisconnectReason) {
        for socket in self.sockets.drain(..) {
            join::leave(&self.shared, &socket, reason).await;
        }
    }

    fn packet(&mut self, complete: Complete) -> Result<Option<HookWork<A::State>>, DisconnectReason> {
        let Complete { packet, attachments } = complete;
        let index = self.sockets.iter().position(|socket| socket.namespace() == &*packet.namespace);
        match (packet.body, index) {
            (PacketBody::Connect(auth), None) => self.connect(&packet.namespace, auth),
            (PacketBody::Disconnect, Some(index)) => Ok(Some(self.disconnect(index))),
            (PacketBody::Event { name, args, ack }, Some(index)) => {
                let event = ClientEvent { name, args, ack: ack.map(AckId), attachments };
                Ok(Some(self.event(index, event)))
            }
            (PacketBody::Ack, Some(_)) => Ok(None),
            _ => Err(DisconnectReason::ProtocolError),
        }
    }

    fn connect(
        &mut self,
        namespace: &str,
        auth: Option<Box<serde_json::value::RawValue>>,
    ) -> Result<Option<HookWork<A::State>>, DisconnectReason> {
        self.connects += 1;
        if self.connects > CONNECTS_MAX {
            return Err(DisconnectReason::ProtocolError);
        }
        let Some(namespace) = self.shared.namespaces.iter().find(|known| &***known == namespace) else {
            self.shared.stats.connect_errors.increment();
            let text = socket::encode_connect_error(namespace, "Invalid namespace", None);
            self.engine.push(Packet::control(text));
            return Ok(None);
        };
        let request = Request { namespace: Arc::clone(namespace), handshake: self.handshake.whole(), auth };
        let accepted = Arc::new(AtomicBool::new(false));
        let (shared, engine) = (Arc::clone(&self.shared), Arc::clone(&self.engine));
        let joining = join::join(shared, engine, request, Arc::clone(&accepted));
        let work = HookWork::new(async move { joining.await.map_or(HookOutcome::Done, HookOutcome::Joined) });
        Ok(Some(HookWork { accepted: Some(accepted), ..work }))
    }

    fn disconnect(&mut self, index: usize) -> HookWork<A::State> {
        let shared = Arc::clone(&self.shared);
        let socket = self.sockets.swap_remove(index);
        HookWork::new(async move {
            join::leave(&shared, &socket, DisconnectReason::ClientLeft).await;
            HookOutcome::Done
        })
    }

    fn event(&self, index: usize, event: ClientEvent) -> HookWork<A::State> {
        let shared = Arc::clone(&self.shared);
        let engine = Arc::clone(&self.engine);
        let socket = self.sockets[index].clone();
        HookWork::new(async move {
            if guarded(&shared.stats, shared.app.event(&socket, event)).await.is_none() {
                engine.end(DisconnectReason::ApplicationPanicked);
            }
            HookOutcome::Done
        })
    }
}

impl RememberedHandshake {
    fn whole(&mut self) -> Arc<Handshake> {
        match self {
            Self::Whole(handshake) => Arc::clone(handshake),
            Self::Packed(packed) => {
                let handshake = Arc::new(packed.unpack());
                *self = Self::Whole(Arc::clone(&handshake));
                handshake
            }
        }
    }

    fn pack(&mut self) {
        if let Self::Whole(handshake) = self {
            *self = Self::Packed(Box::new(PackedHandshake::of(handshake)));
        }
    }
}

fn broken(error: CodecError) -> DisconnectReason {
    tracing::debug!(%error, "a client broke the protocol");
    if error == CodecError::TooLarge { DisconnectReason::TooLarge } else { DisconnectReason::ProtocolError }
}

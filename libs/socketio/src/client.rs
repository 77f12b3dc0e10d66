//! The Socket.IO side of one connection: which namespaces its client is in, and what a packet asks for.
//!
//! A packet becomes at most one piece of work for the application ([`Work`]), which the connection's task runs to its
//! end before it reads on. A packet that makes no sense in the state the client is in ends the connection.

use std::sync::Arc;

use bytes::Bytes;

use crate::application::{AckId, Application, Event, Handshake};
use crate::codec::CodecError;
use crate::codec::attachments::{Assembler, Complete};
use crate::codec::socket::{self, Body};
use crate::engine::Engine;
use crate::guard::{Hook, guarded};
use crate::join::{self, Request};
use crate::packet::Packet;
use crate::reason::DisconnectReason;
use crate::server::Shared;
use crate::socket::Socket;

/// The client of one connection.
pub(crate) struct Client<A: Application> {
    shared: Arc<Shared<A>>,
    engine: Arc<Engine>,
    /// Kept until the client is in every namespace there is: headers are large.
    handshake: Option<Arc<Handshake>>,
    sockets: Vec<Socket<A::State>>,
    assembler: Assembler,
}

/// Something the application does for a packet.
pub(crate) type Work<S> = Hook<'static, Worked<S>>;

/// What came of it.
pub(crate) enum Worked<S> {
    /// Nothing the client's state depends on.
    Done,
    /// The client is in a namespace.
    Joined(Socket<S>),
}

impl<A: Application> Client<A> {
    pub(crate) fn new(shared: Arc<Shared<A>>, engine: Arc<Engine>, handshake: Handshake) -> Self {
        Self {
            shared,
            engine,
            handshake: Some(Arc::new(handshake)),
            sockets: Vec::new(),
            assembler: Assembler::default(),
        }
    }

    /// A text message.
    pub(crate) fn text(&mut self, text: &str) -> Result<Option<Work<A::State>>, DisconnectReason> {
        let packet = socket::decode(text, self.shared.config.max_attachments).map_err(broken)?;
        let complete = self.assembler.packet(packet).map_err(broken)?;
        complete.map_or(Ok(None), |complete| self.packet(complete))
    }

    /// A binary message.
    pub(crate) fn binary(&mut self, data: Bytes) -> Result<Option<Work<A::State>>, DisconnectReason> {
        let complete = self.assembler.attachment(data, self.shared.config.max_payload).map_err(broken)?;
        complete.map_or(Ok(None), |complete| self.packet(complete))
    }

    /// Takes note of what work has led to.
    pub(crate) fn worked(&mut self, worked: Worked<A::State>) {
        if let Worked::Joined(socket) = worked {
            self.sockets.push(socket);
            if self.sockets.len() == self.shared.namespaces.len() {
                self.handshake = None;
            }
        }
    }

    /// Whether the client is in any namespace.
    pub(crate) fn is_in(&self) -> bool {
        !self.sockets.is_empty()
    }

    /// Lets go of what is too old to be replayed.
    pub(crate) fn prune(&self) {
        self.sockets.iter().for_each(Socket::prune);
    }

    /// The transport is gone.
    pub(crate) async fn leave(&mut self, reason: DisconnectReason) {
        for socket in self.sockets.drain(..) {
            join::leave(&self.shared, &socket, reason).await;
        }
    }

    fn packet(&mut self, complete: Complete) -> Result<Option<Work<A::State>>, DisconnectReason> {
        let Complete { packet, attachments } = complete;
        let index = self.sockets.iter().position(|socket| socket.namespace() == &*packet.namespace);
        match (packet.body, index) {
            (Body::Connect(auth), None) => self.connect(&packet.namespace, auth),
            (Body::Disconnect, Some(index)) => Ok(Some(self.disconnect(index))),
            (Body::Event { name, args, ack }, Some(index)) => {
                let event = Event { name, args, ack: ack.map(AckId), attachments };
                Ok(Some(self.event(index, event)))
            }
            (Body::Ack, Some(_)) => Ok(None),
            _ => Err(DisconnectReason::ProtocolError),
        }
    }

    fn connect(
        &self,
        namespace: &str,
        auth: Option<Box<serde_json::value::RawValue>>,
    ) -> Result<Option<Work<A::State>>, DisconnectReason> {
        let Some(namespace) = self.shared.namespaces.iter().find(|known| &***known == namespace) else {
            self.shared.stats.connect_errors.increment();
            let text = socket::encode_connect_error(namespace, "Invalid namespace", None);
            self.engine.push(Packet::control(text));
            return Ok(None);
        };
        // Having been everywhere and left again, a client has to come with a new handshake.
        let handshake = self.handshake.clone().ok_or(DisconnectReason::ProtocolError)?;
        let request = Request { namespace: Arc::clone(namespace), handshake, auth };
        let joining = join::join(Arc::clone(&self.shared), Arc::clone(&self.engine), request);
        Ok(Some(Box::pin(async move { joining.await.map_or(Worked::Done, Worked::Joined) })))
    }

    fn disconnect(&mut self, index: usize) -> Work<A::State> {
        let shared = Arc::clone(&self.shared);
        let socket = self.sockets.swap_remove(index);
        Box::pin(async move {
            join::leave(&shared, &socket, DisconnectReason::ClientLeft).await;
            Worked::Done
        })
    }

    fn event(&self, index: usize, event: Event) -> Work<A::State> {
        let shared = Arc::clone(&self.shared);
        let engine = Arc::clone(&self.engine);
        let socket = self.sockets[index].clone();
        Box::pin(async move {
            if guarded(&shared.stats, shared.app.event(&socket, event)).await.is_none() {
                engine.end(DisconnectReason::ApplicationPanicked);
            }
            Worked::Done
        })
    }
}

fn broken(error: CodecError) -> DisconnectReason {
    tracing::debug!(%error, "a client broke the protocol");
    if error == CodecError::TooLarge { DisconnectReason::TooLarge } else { DisconnectReason::ProtocolError }
}

//! The steps of a socket's life, taken by the task of its connection and by the reaper: joining, leaving, waiting, being taken over.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Identity, Inner, Link, Pending, Place, Socket};
use crate::codec::socket;
use crate::engine::Engine;
use crate::id::Id;
use crate::offset::Offset;
use crate::order::Order;
use crate::packet::Packet;
use crate::reason::DisconnectReason;

/// The first step of taking a session over.
pub(crate) enum Claim {
    /// It is joining again.
    Taken {
        /// The packets its client has missed.
        missed: Vec<Packet>,
        /// What it was listed under as waiting.
        since: Instant,
    },
    /// Its old transport has to go first; ask again when told.
    Wait(oneshot::Receiver<()>),
    /// It cannot be recovered.
    Lost,
}

impl<S> Socket<S> {
    /// A new session, joining.
    pub(crate) fn new(identity: Identity, state: S) -> Self {
        let place = Place::Joining(Pending::default());
        let link = Link { place, order: Order::default(), replay: None, claimant: None, condemned: None };
        Self(Arc::new(Inner {
            id: Id::random(),
            private_id: identity.recovery.is_some().then(Id::random),
            note: identity.note,
            more: OnceLock::new(),
            namespace: identity.namespace,
            identity: identity.name,
            recovery: identity.recovery,
            link: Mutex::new(link),
            state,
        }))
    }

    /// The secret behind a recovery, if the server offers any.
    pub(crate) fn private_id(&self) -> Option<&Id> {
        self.0.private_id.as_ref()
    }

    /// What the client presents to have the session again.
    fn presented(&self) -> Option<String> {
        let id = self.0.private_id.as_ref()?;
        let more = self.0.more.get().map_or("", |more| more);
        Some(self.0.note.as_ref().map_or_else(|| id.to_string(), |note| format!("{id}.{note}{more}")))
    }

    /// Whether a connection with this identity may have this session.
    pub(crate) fn belongs_to(&self, identity: &Identity) -> bool {
        self.0.namespace == identity.namespace && self.0.identity == identity.name
    }

    /// Puts the socket on a transport: the CONNECT answer, what was missed, what came since.
    pub(crate) fn attach(&self, engine: &Arc<Engine>, missed: Vec<Packet>) {
        let answer =
            socket::encode_connect(self.namespace(), self.id().as_str(), self.presented().as_deref());
        let mut packets = vec![Packet::control(answer)];
        packets.extend(missed);
        let mut link = self.0.link.lock();
        let before = std::mem::replace(&mut link.place, Place::Connected(Arc::clone(engine)));
        if let Place::Joining(pending) = before {
            packets.extend(pending.packets);
            if pending.overflown {
                engine.end(DisconnectReason::SlowClient);
            }
        }
        let condemned = link.condemned;
        packets.extend(condemned.into_iter().flat_map(|how| self.farewell(how)));
        engine.push_all(packets);
        if let Some(how) = condemned {
            engine.end(how.reason());
        }
    }

    /// Takes the socket off its transport.
    pub(crate) fn detach(&self) {
        self.0.link.lock().place = Place::Leaving;
    }

    /// Whether it may be kept for a recovery.
    pub(crate) fn is_recoverable(&self) -> bool {
        self.0.recovery.is_some() && self.0.link.lock().condemned.is_none()
    }

    /// Makes it claimable. `since` is what it is listed under as waiting.
    pub(crate) fn park(&self, since: Instant) {
        let mut link = self.0.link.lock();
        if matches!(link.place, Place::Gone) {
            return;
        }
        link.place = Place::Parked(since);
        if let Some(claimant) = link.claimant.take() {
            // A claimant that has given up meanwhile is no loss.
            let _ = claimant.send(());
        }
    }

    /// The end.
    pub(crate) fn bury(&self) {
        let mut link = self.0.link.lock();
        link.place = Place::Gone;
        link.replay = None;
        link.claimant = None;
    }

    /// Tries to take the session over for a client that has seen packets up to `seen`.
    pub(crate) fn claim(&self, seen: Option<Offset>) -> Claim {
        let mut link = self.0.link.lock();
        let missed = link.replay.as_ref().map_or_else(|| Some(Vec::new()), |replay| replay.since(seen));
        let Some(missed) = missed.filter(|_| link.condemned.is_none()) else { return Claim::Lost };
        match &link.place {
            Place::Joining(_) | Place::Gone => return Claim::Lost,
            Place::Parked(since) => {
                let since = *since;
                link.place = Place::Joining(Pending::default());
                return Claim::Taken { missed, since };
            }
            Place::Connected(engine) => engine.end(DisconnectReason::Replaced),
            Place::Leaving => {}
        }
        let (sender, receiver) = oneshot::channel();
        link.claimant = Some(sender);
        Claim::Wait(receiver)
    }

    /// Forgets packets nobody will ask for any more.
    pub(crate) fn prune(&self) {
        let Some(recovery) = &self.0.recovery else { return };
        if let Some(replay) = &mut self.0.link.lock().replay {
            replay.prune(Instant::now(), recovery.window);
        }
    }
}

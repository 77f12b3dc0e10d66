//! The steps of a socket's life: joining, leaving, waiting, being taken over. The task of its connection and
//! the reaper take them.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{HeldPackets, Lifecycle, NewSession, Phase, Socket, SocketInner};
use crate::account::Account;
use crate::codec::socket;
use crate::engine::Engine;
use crate::id::Id;
use crate::offset::Offset;
use crate::order::Order;
use crate::packet::Packet;
use crate::reason::DisconnectReason;
use crate::replay::Replay;

/// The first step of taking a session over.
pub(crate) enum Claim {
    /// The session is joining again.
    Taken {
        /// The packets that its client has missed.
        missed: Vec<Packet>,
        /// The time under which it was listed as waiting.
        since: Instant,
    },
    /// Its old transport has to go first. Claim again when the receiver resolves.
    Wait(oneshot::Receiver<()>),
    /// The session cannot be recovered.
    Lost,
}

/// What a session had to forget.
#[derive(Debug, Default)]
pub(crate) struct Forgotten {
    pub(crate) packets: usize,
    /// The session waits since then, and its client cannot have got all of them.
    pub(crate) is_lost_since: Option<Instant>,
}

impl<S> Socket<S> {
    /// A new session in the phase `Joining`.
    pub(crate) fn new(identity: NewSession, state: S) -> Self {
        let phase = Phase::Joining(HeldPackets::default());
        let lifecycle = Lifecycle {
            phase,
            order: Order::default(),
            replay: None,
            account: None,
            claimant: None,
            forced_end: None,
        };
        Self(Arc::new(SocketInner {
            id: Id::random(),
            private_id: identity.accounts.is_some().then(Id::random),
            note: identity.note,
            more: OnceLock::new(),
            namespace: identity.namespace,
            identity: identity.identity,
            later_identity: OnceLock::new(),
            accounts: identity.accounts,
            lifecycle: Mutex::new(lifecycle),
            state,
        }))
    }

    /// The secret behind a recovery, if the server offers any.
    pub(crate) fn private_id(&self) -> Option<&Id> {
        self.0.private_id.as_ref()
    }

    /// The text that the client presents to recover the session.
    fn presented(&self) -> Option<String> {
        let id = self.0.private_id.as_ref()?;
        let more = self.0.more.get().map_or("", |more| more);
        Some(self.0.note.as_ref().map_or_else(|| id.to_string(), |note| format!("{id}.{note}{more}")))
    }

    /// Whether a connection with this identity may have this session.
    pub(crate) fn belongs_to(&self, identity: &NewSession) -> bool {
        self.0.namespace == identity.namespace && self.identity() == identity.identity.as_deref()
    }

    /// Puts the socket on a transport and queues the CONNECT answer, the missed packets, and the packets
    /// emitted since `joining`.
    pub(crate) fn attach(&self, engine: &Arc<Engine>, missed: Vec<Packet>) {
        let answer =
            socket::encode_connect(self.namespace(), self.id().as_str(), self.presented().as_deref());
        let mut packets = vec![Packet::control(answer)];
        packets.extend(missed);
        let mut lifecycle = self.0.lifecycle.lock();
        let before = std::mem::replace(&mut lifecycle.phase, Phase::Connected(Arc::clone(engine)));
        if let Phase::Joining(pending) = before {
            packets.extend(pending.packets);
            if pending.overflown {
                engine.end(DisconnectReason::SlowClient);
            }
        }
        let forced_end = lifecycle.forced_end;
        packets.extend(forced_end.into_iter().flat_map(|how| self.last_packets(how)));
        engine.push_all(packets);
        if let Some(how) = forced_end {
            engine.end(how.reason());
        }
    }

    /// Takes the socket off its transport.
    pub(crate) fn detach(&self) {
        self.0.lifecycle.lock().phase = Phase::Leaving;
    }

    /// Whether the session may be kept for a recovery.
    pub(crate) fn is_recoverable(&self) -> bool {
        self.0.accounts.is_some() && self.0.lifecycle.lock().forced_end.is_none()
    }

    /// Lets a new connection claim the session. `since` is the time under which it is listed as waiting.
    pub(crate) fn park(&self, since: Instant) {
        let mut lifecycle = self.0.lifecycle.lock();
        if matches!(lifecycle.phase, Phase::Gone) {
            return;
        }
        lifecycle.phase = Phase::Parked(since);
        if let Some(claimant) = lifecycle.claimant.take() {
            // A claimant that has given up meanwhile is no loss.
            let _ = claimant.send(());
        }
    }

    /// Ends the session: nothing is kept, and nobody can claim it.
    pub(crate) fn set_gone(&self) {
        let mut lifecycle = self.0.lifecycle.lock();
        lifecycle.phase = Phase::Gone;
        lifecycle.replay = None;
        lifecycle.account = None;
        lifecycle.claimant = None;
    }

    /// Tries to take the session over for a client that has got the packets up to `seen`.
    pub(crate) fn claim(&self, seen: Option<Offset>) -> Claim {
        let mut lifecycle = self.0.lifecycle.lock();
        let missed = lifecycle.replay.as_ref().map_or_else(|| Some(Vec::new()), |replay| replay.since(seen));
        let Some(missed) = missed.filter(|_| lifecycle.forced_end.is_none()) else { return Claim::Lost };
        match &lifecycle.phase {
            Phase::Joining(_) | Phase::Gone => return Claim::Lost,
            Phase::Parked(since) => {
                let since = *since;
                lifecycle.phase = Phase::Joining(HeldPackets::default());
                return Claim::Taken { missed, since };
            }
            Phase::Connected(engine) => engine.end(DisconnectReason::Replaced),
            Phase::Leaving => {}
        }
        let (sender, receiver) = oneshot::channel();
        lifecycle.claimant = Some(sender);
        Claim::Wait(receiver)
    }

    /// Forgets packets that are too old for a recovery.
    pub(crate) fn prune(&self) {
        let Some(accounts) = &self.0.accounts else { return };
        if let Some(replay) = &mut self.0.lifecycle.lock().replay {
            replay.prune(Instant::now(), accounts.budget.bounds.window);
        }
    }

    /// Whose packets it keeps.
    pub(crate) fn account(&self) -> Option<Arc<Account>> {
        self.0.lifecycle.lock().account.as_ref().map(|session| Arc::clone(&session.0))
    }

    /// Looks at what it keeps, if it keeps anything.
    pub(crate) fn look_at_replay(&self, look: impl FnOnce(&Replay)) {
        if let Some(replay) = &self.0.lifecycle.lock().replay {
            look(replay);
        }
    }

    /// Forgets packets that came at `cut` or before.
    pub(crate) fn forget_up_to(&self, cut: Instant) -> Forgotten {
        let mut lifecycle = self.0.lifecycle.lock();
        let forgotten = lifecycle.replay.as_mut().and_then(|replay| replay.forget_up_to(cut));
        let Some((packets, newest)) = forgotten else { return Forgotten::default() };
        let is_lost_since = match lifecycle.phase {
            Phase::Parked(since) if newest >= since => Some(since),
            _ => None,
        };
        Forgotten { packets, is_lost_since }
    }
}

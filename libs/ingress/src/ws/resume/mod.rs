//! Resume: a client comes with a session of another gateway, and what it had missed of messages is sent to
//! it, each once.
//!
//! Every gateway keeps a [`journal`] of the messages it puts on their way. From the client's token
//! ([`crate::ws::sockets::resume_token`]) and the journals of the gateways it was connected to
//! ([`journal_index`], [`session_chain`]) follows which messages it has; the store has the rest, and
//! [`catch_up`] sends it. [`handover`] is the moment from which on the socket hears what everybody hears.
//! Should this gateway be lost before that, the next one goes on from both journals.

pub(crate) mod catch_up;
pub(crate) mod handover;
pub(crate) mod journal;
pub(crate) mod journal_index;
mod session_chain;

use crate::ws::background::Background;
use crate::ws::sockets::handle::ClientSocket;
use crate::ws::sockets::live_gate::LiveGate;
use crate::ws::sockets::resume_token::ResumeToken;
use crate::ws::sockets::session::SocketSession;
use catch_up::CatchUp;
use eventflow_protocol::Timestamp;
use eventflow_socketio::Offset;
use handover::Handover;
use journal::JournalWriter;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::time::Instant;

/// What lets sessions go on elsewhere, and sessions of elsewhere go on here.
pub(crate) struct Resume {
    pub(crate) journal: Arc<JournalWriter>,
    pub(crate) handover: Arc<Handover>,
    pub(crate) catch_up: Arc<CatchUp>,
    background: Background,
    /// The last packet that went to everybody it is for.
    emitted: Mutex<Offset>,
}

impl Resume {
    /// Nothing was emitted after `emitted`.
    pub(crate) fn new(
        journal: Arc<JournalWriter>,
        handover: Arc<Handover>,
        catch_up: Arc<CatchUp>,
        background: Background,
        emitted: Offset,
    ) -> Self {
        Self { journal, handover, catch_up, background, emitted: Mutex::new(emitted) }
    }

    /// The packet at this offset went to everybody it is for.
    pub(crate) fn note_emitted(&self, offset: Offset) {
        *self.emitted.lock() = offset;
    }

    /// The token with which the client of a session that begins at `since` can resume it elsewhere.
    pub(crate) fn token(&self, session: &SocketSession, since: Timestamp) -> ResumeToken {
        let start = *self.emitted.lock();
        let gateway = self.journal.name(session.generation());
        ResumeToken { gateway, start, since, tag: session.tag() }
    }

    /// Sends the socket what it missed, in a task of its own, if its session has a closed gate.
    pub(crate) fn start(&self, socket: &ClientSocket) {
        let Some(left) = socket.state().gate(LiveGate::start).flatten() else { return };
        let catch_up = Arc::clone(&self.catch_up);
        let socket = socket.clone();
        let came = Instant::now();
        self.background.spawn_until_drain(async move { catch_up.run(&socket, left, came).await });
    }
}

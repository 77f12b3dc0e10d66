//! Handling a CONNECT packet, in the order that the application relies on.
//!
//! The application accepts (`connect`), the session is found or made, the application registers it
//! (`joining`), and only then the CONNECT answer is queued. Behind the answer come the packets that a
//! recovered session has missed, then those emitted since `joining`. So whatever happens after the answer
//! reaches the client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::application::Application;
use crate::codec::socket::encode_connect_error;
use crate::engine::Engine;
use crate::expiry::expire;
use crate::guard::guarded;
use crate::handshake::{Accepted, ConnectError, Handshake, JoinKind, Lost};
use crate::id::Id;
use crate::offset::Offset;
use crate::packet::Packet;
use crate::reason::DisconnectReason;
use crate::shared::ServerShared;
use crate::socket::{Claim, NewSession, Socket};

/// Takeover: how long a recovery waits for the hooks of the session's old transport to finish.
const TAKEOVER_TIMEOUT: Duration = Duration::from_secs(5);

/// A CONNECT packet for a namespace that exists.
pub(crate) struct Request {
    pub(crate) namespace: Arc<str>,
    pub(crate) handshake: Arc<Handshake>,
    pub(crate) auth: Option<Box<RawValue>>,
}

/// What a client presents to get its session back. Other fields of `auth` are the application's.
#[derive(Deserialize)]
struct PresentedSession {
    pid: Option<String>,
    offset: Option<String>,
}

/// Answers the packet. Gives the socket if the client has joined. `has_accepted` is set once the application
/// has accepted it; before, this may be dropped, and afterwards it must run to its end.
pub(crate) async fn join<A: Application>(
    shared: Arc<ServerShared<A>>,
    engine: Arc<Engine>,
    request: Request,
    has_accepted: Arc<AtomicBool>,
) -> Option<Socket<A::State>> {
    let accepted = accept(&shared, &engine, &request).await?;
    has_accepted.store(true, Relaxed);
    let identity = NewSession {
        namespace: Arc::clone(&request.namespace),
        identity: accepted.identity.map(String::into_boxed_str),
        accounts: shared.accounts.clone(),
        note: accepted.note.map(String::into_boxed_str),
    };
    let (socket, missed, how) = match recover(&shared, &identity, request.auth.as_deref()).await {
        RecoveryOutcome::Done(socket, missed) => (socket, Some(missed), JoinKind::Recovered(accepted.state)),
        RecoveryOutcome::None(lost) => (Socket::new(identity, accepted.state), None, JoinKind::Fresh(lost)),
    };
    enter(&shared, &engine, &socket, missed, how).await;
    Some(socket)
}

async fn accept<A: Application>(
    shared: &ServerShared<A>,
    engine: &Engine,
    request: &Request,
) -> Option<Accepted<A::State>> {
    let hook = shared.app.connect(&request.namespace, &request.handshake, request.auth.as_deref());
    let outcome =
        guarded(&shared.stats, hook).await.unwrap_or_else(|| Err(ConnectError::new("internal error")));
    let error = match outcome {
        Ok(accepted) => return Some(accepted),
        Err(error) => error,
    };
    shared.stats.connect_errors.increment();
    if let Some(reason) = error.closes {
        engine.end(DisconnectReason::Closed(reason));
        return None;
    }
    let text = encode_connect_error(&request.namespace, &error.message, error.data.as_deref());
    engine.push(Packet::control(text));
    None
}

/// Whether the session that a client asks for goes on.
enum RecoveryOutcome<S> {
    /// It goes on, and the client has to get these packets.
    Done(Socket<S>, Vec<Packet>),
    /// It does not go on, or the client asked for none.
    None(Option<Lost>),
}

/// Finds the session that the client asks for. It has to belong to the same identity and to continue without
/// a gap.
async fn recover<A: Application>(
    shared: &ServerShared<A>,
    identity: &NewSession,
    auth: Option<&RawValue>,
) -> RecoveryOutcome<A::State> {
    let presented =
        auth.filter(|_| identity.accounts.is_some()).and_then(|auth| serde_json::from_str(auth.get()).ok());
    let Some(PresentedSession { pid: Some(pid), offset }) = presented else {
        return RecoveryOutcome::None(None);
    };
    let (private_id, note) = pid.split_once('.').unwrap_or((&pid, ""));
    let offset = offset.as_deref().map(Offset::parse);
    let found = Id::parse(private_id).and_then(|id| shared.sessions.find(&id));
    let is_here = found.is_some();
    // A text that is not an offset tells nothing of what its client has got, so such a session cannot be
    // continued.
    if let (Some(socket), Some(seen)) = (found, offset.map_or(Some(None), |read| read.map(Some)))
        && let Some(missed) = take_over(shared, &socket, identity, seen).await
    {
        shared.stats.recovered.increment();
        return RecoveryOutcome::Done(socket, missed);
    }
    shared.stats.not_recovered.increment();
    RecoveryOutcome::None(Some(Lost { note: note.to_owned(), offset: offset.flatten(), is_here }))
}

async fn take_over<A: Application>(
    shared: &ServerShared<A>,
    socket: &Socket<A::State>,
    identity: &NewSession,
    seen: Option<Offset>,
) -> Option<Vec<Packet>> {
    let deadline = tokio::time::Instant::now() + TAKEOVER_TIMEOUT;
    loop {
        // Asked again after each wait: the session may have become somebody's meanwhile.
        if !socket.belongs_to(identity) {
            return None;
        }
        match socket.claim(seen) {
            Claim::Lost => return None,
            Claim::Wait(parked) => tokio::time::timeout_at(deadline, parked).await.ok()?.ok()?,
            Claim::Taken { missed, since } => {
                return shared.sessions.unpark(socket, since, &shared.stats).then_some(missed);
            }
        }
    }
}

/// Lets the application register the socket, queues the CONNECT answer, and tells the application so.
async fn enter<A: Application>(
    shared: &ServerShared<A>,
    engine: &Arc<Engine>,
    socket: &Socket<A::State>,
    missed: Option<Vec<Packet>>,
    how: JoinKind<A::State>,
) {
    let recovered = missed.is_some();
    if !recovered {
        shared.sessions.insert(socket);
    }
    let joined = guarded(&shared.stats, shared.app.joining(socket, how)).await;
    socket.attach(engine, missed.unwrap_or_default());
    shared.stats.connected.increment();
    let told = guarded(&shared.stats, shared.app.connected(socket, recovered)).await;
    if joined.and(told).is_none() {
        engine.end(DisconnectReason::ApplicationPanicked);
    }
}

/// Takes a socket off its transport, parks the session if it may come back, and expires it otherwise.
pub(crate) async fn leave<A: Application>(
    shared: &ServerShared<A>,
    socket: &Socket<A::State>,
    reason: DisconnectReason,
) {
    socket.detach();
    shared.stats.connected.decrement();
    guarded(&shared.stats, shared.app.disconnected(socket, reason)).await;
    let accounts = shared
        .accounts
        .as_ref()
        .filter(|_| reason.is_recoverable() && socket.is_recoverable() && !shared.connections.is_draining());
    let Some(accounts) = accounts else { return expire(shared, socket).await };
    let since = tokio::time::Instant::now();
    let evicted = shared.sessions.park(socket, since, accounts.budget.bounds.max_parked, &shared.stats);
    socket.park(since);
    if let Some(evicted) = evicted {
        expire(shared, &evicted).await;
    }
}

//! A CONNECT packet: who is it, which session is it, and the answer, in the order the application relies on.
//!
//! The application accepts (`connect`), the session is found or made, the application registers it (`joining`), and only
//! then the CONNECT answer is queued, behind it what a recovered session has missed and what was emitted since
//! `joining`. So whatever happens after the answer reaches the client.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::application::{Accepted, Application, ConnectError, Handshake, Joining, Lost};
use crate::codec::socket::encode_connect_error;
use crate::engine::Engine;
use crate::guard::guarded;
use crate::id::Id;
use crate::offset::Offset;
use crate::packet::Packet;
use crate::reaper::expire;
use crate::reason::DisconnectReason;
use crate::server::Shared;
use crate::socket::{Claim, Identity, Socket};

/// How long a recovery waits for the hooks of the session's old transport to finish.
const TAKEOVER_TIMEOUT: Duration = Duration::from_secs(5);

/// A CONNECT packet for a namespace that exists.
pub(crate) struct Request {
    pub(crate) namespace: Arc<str>,
    pub(crate) handshake: Arc<Handshake>,
    pub(crate) auth: Option<Box<RawValue>>,
}

/// What a client presents to get its session back; other fields are the application's.
#[derive(Deserialize)]
struct Presented {
    pid: Option<String>,
    offset: Option<String>,
}

/// Answers the packet. Gives the socket if the client is in.
pub(crate) async fn join<A: Application>(
    shared: Arc<Shared<A>>,
    engine: Arc<Engine>,
    request: Request,
) -> Option<Socket<A::State>> {
    let accepted = accept(&shared, &engine, &request).await?;
    let identity = Identity {
        namespace: Arc::clone(&request.namespace),
        name: accepted.identity.map(String::into_boxed_str),
        recovery: shared.recovery.clone(),
        note: accepted.note.map(String::into_boxed_str),
    };
    let (socket, missed, how) = match recover(&shared, &identity, request.auth.as_deref()).await {
        Recovery::Done(socket, missed) => (socket, Some(missed), Joining::Recovered(accepted.state)),
        Recovery::None(lost) => (Socket::new(identity, accepted.state), None, Joining::Fresh(lost)),
    };
    enter(&shared, &engine, &socket, missed, how).await;
    Some(socket)
}

async fn accept<A: Application>(
    shared: &Shared<A>,
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
    let text = encode_connect_error(&request.namespace, &error.message, error.data.as_deref());
    engine.push(Packet::control(text));
    None
}

/// What became of the session a client asks for.
enum Recovery<S> {
    /// It goes on, and these packets are due.
    Done(Socket<S>, Vec<Packet>),
    /// It does not, if any was asked for.
    None(Option<Lost>),
}

/// Finds the session the client asks for, if it is this identity's and can be continued without a gap.
async fn recover<A: Application>(
    shared: &Shared<A>,
    identity: &Identity,
    auth: Option<&RawValue>,
) -> Recovery<A::State> {
    let presented =
        auth.filter(|_| identity.recovery.is_some()).and_then(|auth| serde_json::from_str(auth.get()).ok());
    let Some(Presented { pid: Some(pid), offset }) = presented else { return Recovery::None(None) };
    let (private_id, note) = pid.split_once('.').unwrap_or((&pid, ""));
    let offset = offset.as_deref().map(Offset::parse);
    let found = Id::parse(private_id).and_then(|id| shared.sessions.find(&id));
    let is_here = found.is_some();
    // A text that is no offset is none of ours: nothing can be said of what its client has.
    if let (Some(socket), Some(seen)) =
        (found.filter(|socket| socket.belongs_to(identity)), offset.map_or(Some(None), |read| read.map(Some)))
        && let Some(missed) = take_over(shared, &socket, seen).await
    {
        shared.stats.recovered.increment();
        return Recovery::Done(socket, missed);
    }
    shared.stats.not_recovered.increment();
    Recovery::None(Some(Lost { note: note.to_owned(), offset: offset.flatten(), is_here }))
}

async fn take_over<A: Application>(
    shared: &Shared<A>,
    socket: &Socket<A::State>,
    seen: Option<Offset>,
) -> Option<Vec<Packet>> {
    let deadline = tokio::time::Instant::now() + TAKEOVER_TIMEOUT;
    loop {
        match socket.claim(seen) {
            Claim::Lost => return None,
            Claim::Wait(parked) => tokio::time::timeout_at(deadline, parked).await.ok()?.ok()?,
            Claim::Taken { missed, since } => {
                return shared.sessions.unpark(socket, since, &shared.stats).then_some(missed);
            }
        }
    }
}

/// Registers with the application, answers, and tells the application so.
async fn enter<A: Application>(
    shared: &Shared<A>,
    engine: &Arc<Engine>,
    socket: &Socket<A::State>,
    missed: Option<Vec<Packet>>,
    how: Joining<A::State>,
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

/// Takes a socket off its transport: it is parked if it may come back, else it is gone.
pub(crate) async fn leave<A: Application>(
    shared: &Shared<A>,
    socket: &Socket<A::State>,
    reason: DisconnectReason,
) {
    socket.detach();
    shared.stats.connected.decrement();
    guarded(&shared.stats, shared.app.disconnected(socket, reason)).await;
    let recovery = shared
        .recovery
        .as_ref()
        .filter(|_| reason.is_recoverable() && socket.is_recoverable() && !shared.connections.is_draining());
    let Some(recovery) = recovery else { return expire(shared, socket).await };
    let since = tokio::time::Instant::now();
    let evicted = shared.sessions.park(socket, since, recovery.max_parked, &shared.stats);
    socket.park(since);
    if let Some(evicted) = evicted {
        expire(shared, &evicted).await;
    }
}

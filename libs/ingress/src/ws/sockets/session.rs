//! The state of one socket: whose it is, on what credential, what its user did lately, and how much it has
//! asked.
//!
//! There are many sockets, so the state is small: an idle one has allocated nothing here. The user is set
//! once; a socket never changes hands.

use crate::identity::Identity;
use crate::refusal::Refusal;
use crate::sliding_window::SlidingWindow;
use crate::ws::sockets::connection_span::ConnectionSpan;
use crate::ws::sockets::credential::Credential;
use crate::ws::sockets::join_queue::JoinTurn;
use crate::ws::sockets::kept_receipts::KeptReceipts;
use crate::ws::sockets::limits::ConnectionPermit;
use crate::ws::sockets::live_gate::{LiveGate, Passage};
use crate::ws::sockets::resume_token::{LeftSessions, SessionTag};
use crate::ws::sockets::subscriptions::SocketSubscriptions;
use eventflow_ports::presence::{AWAY_AFTER, HEARTBEAT};
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use std::time::{Duration, Instant};

/// Silence in milliseconds after which the user's next activity is reported at once: others may be seeing the
/// user as away.
const REPORT_AFTER_MS: u128 = AWAY_AFTER.as_millis() - HEARTBEAT.as_millis();
/// Threads in which one socket can be typing.
const TYPING_MAX: usize = 16;

/// What the gateway keeps of one socket.
#[derive(Debug, Default)]
pub(crate) struct SocketSession {
    user: OnceLock<UserId>,
    credential: Mutex<Option<Credential>>,
    /// The session's name in the gateway's journal.
    tag: SessionTag,
    /// The generation of sessions it belongs to; see [`crate::ws::sockets::generation`].
    generation: u64,
    opened_ms: AtomicI64,
    active_ms: AtomicI64,
    wants_away: AtomicBool,
    events: Mutex<SlidingWindow>,
    unknown_events: Mutex<SlidingWindow>,
    /// Events that were past a budget and are not forgiven.
    refusals: AtomicU32,
    details: Mutex<Option<Box<Details>>>,
    connection_span: ConnectionSpan,
    /// The connection's share of the limits; none while the session is parked.
    permit: Mutex<Option<ConnectionPermit>>,
    /// The connection's turn to join, until it has joined.
    turn: Mutex<JoinTurn>,
    has_gate: AtomicBool,
    gate: Mutex<Option<Box<LiveGate>>>,
}

/// What most sockets need only once their client is active; allocated then.
#[derive(Debug, Default)]
struct Details {
    subscriptions: SocketSubscriptions,
    /// Threads in which the client last said that its user types.
    typing: Vec<ThreadId>,
    kept_receipts: KeptReceipts,
}

/// Who it is, and on what proof.
impl SocketSession {
    /// The session of a connection that came at `now`; `identity` if a credential came with the handshake.
    pub(crate) fn arrived(identity: Option<&Identity>, now: Timestamp) -> Self {
        let session = Self {
            tag: SessionTag::random(),
            opened_ms: now.0.into(),
            active_ms: now.0.into(),
            ..Self::default()
        };
        if let Some(identity) = identity {
            session.authenticate(identity);
        }
        session
    }

    /// The same session, in this generation.
    pub(crate) fn of_generation(self, generation: u64) -> Self {
        Self { generation, ..self }
    }

    /// The number of the generation it belongs to.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// The session's name in the gateway's journal.
    pub(crate) fn tag(&self) -> SessionTag {
        self.tag
    }

    /// The span of its connection, for as long as it is connected.
    pub(crate) fn connection_span(&self) -> &ConnectionSpan {
        &self.connection_span
    }

    /// Whose socket it is; `None` until they have authenticated.
    pub(crate) fn user(&self) -> Option<&UserId> {
        self.user.get()
    }

    /// The credential it stands on; `None` until they have authenticated.
    pub(crate) fn credential(&self) -> Option<Credential> {
        *self.credential.lock()
    }

    /// Sets whose socket it is, or renews the credential of the same user. `false` for anybody else.
    pub(crate) fn authenticate(&self, identity: &Identity) -> bool {
        let owner = self.user.get_or_init(|| identity.user.clone());
        let is_theirs = *owner == identity.user;
        if is_theirs {
            *self.credential.lock() = Some(Credential::of(identity));
            self.connection_span.name_user(owner);
        }
        is_theirs
    }

    /// What a connection must share with the session to continue it: the user and the generation.
    pub(crate) fn recovery_identity(&self) -> String {
        // A '#' cannot occur in a user id, so no user is mistaken for another.
        format!("{}#{}", self.user().map_or("", UserId::as_str), self.generation)
    }

    /// Takes over the connection of a newer handshake of the same user, and its credential unless that ends
    /// sooner.
    pub(crate) fn renew(&self, newer: &Self) {
        self.opened_ms.store(newer.opened_at().0, Relaxed);
        *self.permit.lock() = newer.permit.lock().take();
        let Some(offered) = newer.credential().filter(|_| newer.user() == self.user()) else { return };
        let mut credential = self.credential.lock();
        if credential.is_none_or(|own| own.expires <= offered.expires) {
            *credential = Some(offered);
        }
    }
}

/// Its share of the limits, and how much its client may ask.
impl SocketSession {
    /// The connection has got its permit.
    pub(crate) fn set_permit(&self, permit: ConnectionPermit) {
        *self.permit.lock() = Some(permit);
    }

    /// The connection has its turn to join.
    pub(crate) fn set_turn(&self, turn: JoinTurn) {
        *self.turn.lock() = turn;
    }

    /// The connection has joined: the next one may.
    pub(crate) fn release_turn(&self) {
        *self.turn.lock() = JoinTurn::default();
    }

    /// The connection is gone: its permit is given back.
    pub(crate) fn release_permit(&self) {
        *self.permit.lock() = None;
    }

    /// Counts the connection as one of this user's. Refuses if they have too many.
    pub(crate) fn claim_permit_for(&self, user: &UserId) -> Result<(), Refusal> {
        match self.permit.lock().as_mut() {
            Some(permit) => permit.claim_for(user),
            None => Ok(()),
        }
    }

    /// The network that the connection comes from; `None` if the session is parked, or if nobody tells.
    pub(crate) fn network(&self) -> Option<IpAddr> {
        self.permit.lock().as_ref()?.network()
    }

    /// Admits a known event if it is within the budget of `limit` a minute; else the error is the time until
    /// one is.
    pub(crate) fn admit_event(&self, limit: u32) -> Result<(), Duration> {
        self.events.lock().admit(limit, Instant::now())
    }

    /// Takes the last admission back: the event was refused for another reason.
    pub(crate) fn take_event_back(&self) {
        self.events.lock().take_back();
    }

    /// As [`SocketSession::admit_event`], for an event that is unknown or that asks for something unknown. It
    /// has a budget of its own, so it never costs a message.
    pub(crate) fn admit_unknown_event(&self, limit: u32) -> Result<(), Duration> {
        self.unknown_events.lock().admit(limit, Instant::now())
    }
}

/// What becomes of it past its budgets.
impl SocketSession {
    /// One more event was past a budget. Gives how many are not forgiven.
    pub(crate) fn note_refusal(&self) -> u32 {
        self.refusals.fetch_add(1, Relaxed).saturating_add(1)
    }

    /// An event was within the budgets: one that was past them is forgiven, and no more. Otherwise a flood
    /// that keeps to its budget now and then would be forgiven as a whole each time.
    pub(crate) fn forgive_refusal(&self) {
        // An error means that nothing is left to forgive.
        let _ = self.refusals.fetch_update(Relaxed, Relaxed, |refusals| refusals.checked_sub(1));
    }
}

/// What its user does.
impl SocketSession {
    /// When the connection was opened.
    pub(crate) fn opened_at(&self) -> Timestamp {
        Timestamp(self.opened_ms.load(Relaxed))
    }

    /// When its user last did something.
    pub(crate) fn active_at(&self) -> Timestamp {
        Timestamp(self.active_ms.load(Relaxed))
    }

    /// Notes that its user does something. `true` if that is news to others.
    pub(crate) fn note_activity(&self, now: Timestamp) -> bool {
        let before = self.active_ms.fetch_max(now.0, Relaxed);
        u128::try_from(now.0.saturating_sub(before)).is_ok_and(|idle| idle >= REPORT_AFTER_MS)
    }

    /// Whether its user chose to be shown as away.
    pub(crate) fn wants_away(&self) -> bool {
        self.wants_away.load(Relaxed)
    }

    /// Its user chooses whether to be shown as away.
    pub(crate) fn choose_away(&self, wants_away: bool) {
        self.wants_away.store(wants_away, Relaxed);
    }

    /// Works on the socket's presence subscriptions; allocates them if there are none.
    pub(crate) fn subscriptions<R>(&self, act: impl FnOnce(&mut SocketSubscriptions) -> R) -> R {
        self.details(|details| act(&mut details.subscriptions))
    }

    /// As [`SocketSession::subscriptions`], but does nothing if there are none.
    pub(crate) fn subscriptions_if_any<R>(
        &self,
        act: impl FnOnce(&mut SocketSubscriptions) -> R,
    ) -> Option<R> {
        self.details_if_any(|details| act(&mut details.subscriptions))
    }

    /// Notes that its user types in the thread. `false` if the socket is typing in too many threads already.
    pub(crate) fn start_typing(&self, thread: ThreadId) -> bool {
        self.details(|details| {
            if details.typing.contains(&thread) {
                return true;
            }
            let fits = details.typing.len() < TYPING_MAX;
            if fits {
                details.typing.push(thread);
            }
            fits
        })
    }

    /// Notes that its user types in the thread no more.
    pub(crate) fn stop_typing(&self, thread: ThreadId) {
        self.details_if_any(|details| details.typing.retain(|other| *other != thread));
    }

    /// Takes out all threads in which its user types.
    pub(crate) fn take_typing(&self) -> Vec<ThreadId> {
        self.details_if_any(|details| std::mem::take(&mut details.typing)).unwrap_or_default()
    }

    /// The message at `seq` is kept for the socket's return: its receipt waits until then.
    pub(crate) fn keep_receipt(&self, thread: ThreadId, seq: u64) {
        self.details(|details| details.kept_receipts.keep(thread, seq));
    }

    /// Takes out the receipts of what was kept for the socket and is on its way to it now.
    pub(crate) fn take_kept_receipts(&self) -> HashMap<ThreadId, u64> {
        self.details_if_any(|details| details.kept_receipts.take()).unwrap_or_default()
    }

    fn details<R>(&self, act: impl FnOnce(&mut Details) -> R) -> R {
        act(self.details.lock().get_or_insert_default())
    }

    fn details_if_any<R>(&self, act: impl FnOnce(&mut Details) -> R) -> Option<R> {
        self.details.lock().as_deref_mut().map(act)
    }
}

/// The order of its messages while its client is being caught up.
impl SocketSession {
    /// Its client had a session elsewhere: live messages wait until what it missed is there. Call it before
    /// anything can be emitted.
    pub(crate) fn close_gate(&self, left: LeftSessions) {
        *self.gate.lock() = Some(Box::new(LiveGate::new(left)));
        self.has_gate.store(true, Release);
    }

    /// Works on the gate; `None` if the session never had one.
    pub(crate) fn gate<R>(&self, act: impl FnOnce(&mut LiveGate) -> R) -> Option<R> {
        self.gate.lock().as_deref_mut().map(act)
    }

    /// Emits a message of a thread by `emit`, unless it has to wait or the client has it.
    pub(crate) fn emit_through_gate<R>(
        &self,
        thread: ThreadId,
        seq: u64,
        emit: impl FnOnce() -> R,
    ) -> Option<R> {
        // Nearly all sockets never had a gate: they pay for one atomic load, not for a lock.
        if !self.has_gate.load(Acquire) {
            return Some(emit());
        }
        // The lock is held while emitting, so that no catch-up can put a message in between.
        let mut gate = self.gate.lock();
        let passage = gate.as_deref_mut().map_or(Passage::Open, |gate| gate.arrive(thread, seq));
        match passage {
            Passage::Open => Some(emit()),
            Passage::Closed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Session;

    fn identity(user: &str, expires: i64) -> Identity {
        let user: UserId = user.parse().unwrap();
        Identity {
            name: user.to_string(),
            role: "user".into(),
            session: Session([7; 32]),
            expires: Timestamp(expires),
            issued_at: Some(Timestamp(2)),
            user,
        }
    }

    fn known(user: &str, expires: i64) -> SocketSession {
        SocketSession::arrived(Some(&identity(user, expires)), Timestamp(1))
    }

    fn expires(session: &SocketSession) -> i64 {
        session.credential().unwrap().expires.0
    }

    #[test]
    fn a_socket_never_changes_hands() {
        let session = SocketSession::arrived(None, Timestamp(1));
        assert_eq!((session.user(), session.credential()), (None, None));
        assert!(session.authenticate(&identity("ann", 5)));
        assert!(!session.authenticate(&identity("bob", 9)));
        assert_eq!((session.user().unwrap().as_str(), expires(&session)), ("ann", 5));
        assert!(session.authenticate(&identity("ann", 7)));
        assert_eq!(expires(&session), 7);
    }

    #[test]
    fn a_recovered_socket_keeps_the_later_expiry_of_its_own_user() {
        let session = known("ann", 5);
        session.renew(&known("ann", 8));
        session.renew(&known("ann", 3));
        session.renew(&known("bob", 99));
        session.renew(&SocketSession::arrived(None, Timestamp(60)));
        assert_eq!((expires(&session), session.opened_at()), (8, Timestamp(60)));
    }

    #[test]
    fn unknown_events_do_not_use_up_the_budget_of_known_ones() {
        let session = SocketSession::default();
        assert!(session.admit_unknown_event(1).is_ok());
        assert!(session.admit_unknown_event(1).is_err());
        assert!(session.admit_event(1).is_ok());
        assert!(session.admit_event(1).is_err());
    }

    #[test]
    fn an_event_within_the_budgets_forgives_one_that_was_past_them_and_no_more() {
        let session = SocketSession::default();
        session.forgive_refusal();
        let noted: Vec<u32> = (0..3).map(|_| session.note_refusal()).collect();
        assert_eq!(noted, [1, 2, 3]);
        session.forgive_refusal();
        assert_eq!(session.note_refusal(), 3);
    }

    #[test]
    fn activity_is_news_only_after_a_long_silence() {
        let session = known("ann", 5);
        assert!(!session.note_activity(Timestamp(200_000)));
        assert!(!session.note_activity(Timestamp(469_999)));
        assert!(session.note_activity(Timestamp(739_999)));
        assert!(!session.note_activity(Timestamp(739_999)));
    }

    #[test]
    fn an_idle_socket_is_small() {
        assert!(size_of::<SocketSession>() <= 344, "{}", size_of::<SocketSession>());
    }
}

//! What is kept per socket: whose it is, on what credential, what its user did lately, and how much it has asked.
//!
//! Small on purpose, since there are many: an idle socket has allocated nothing here. Who it is can be set once; a socket never
//! changes hands.

use crate::identity::{Identity, Session};
use crate::refusal::Refusal;
use crate::revocation;
use crate::sliding_window::SlidingWindow;
use crate::ws::caps::Seat;
use crate::ws::resume::{Resumable, Tag, Turn, Turns};
use crate::ws::watch::Looking;
use eventflow_ports::presence::{AWAY_AFTER, HEARTBEAT};
use eventflow_protocol::person::Revocation;
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use eventflow_socketio::Socket;
use parking_lot::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::{
    AtomicBool, AtomicI64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::time::Instant;

/// After this long without activity, in milliseconds, the next one is told at once: others may be seeing the user as away.
const TELL_AFTER_MS: u128 = AWAY_AFTER.as_millis() - HEARTBEAT.as_millis();

/// The application's part of a socket.
#[derive(Debug, Default)]
pub(crate) struct Member {
    user: OnceLock<UserId>,
    credential: Mutex<Option<Credential>>,
    /// Its name in the gateway's journal.
    tag: Tag,
    /// Which sessions of the gateway it is one of; see `Shared::start_generation`.
    generation: u64,
    opened_ms: AtomicI64,
    active_ms: AtomicI64,
    wants_away: AtomicBool,
    asked: Mutex<SlidingWindow>,
    unknown: Mutex<SlidingWindow>,
    looking: Mutex<Option<Box<Looking>>>,
    /// Its place among those who may be connected; none while it is parked.
    seat: Mutex<Option<Seat>>,
    has_turns: AtomicBool,
    turns: Mutex<Option<Box<Turns>>>,
}

/// What a socket stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    /// When it ends.
    pub(crate) expires: Timestamp,
    /// The login.
    pub(crate) session: Session,
    pub(crate) issued_at: Option<Timestamp>,
    /// Whether the user may see and do what others may not.
    pub(crate) is_admin: bool,
}

impl Credential {
    fn of(identity: &Identity) -> Self {
        let Identity { expires, session, issued_at, .. } = *identity;
        Self { expires, session, issued_at, is_admin: identity.is_admin() }
    }

    /// Whether `revocation`, of the same user, takes it back.
    pub(crate) fn is_ended_by(&self, revocation: &Revocation) -> bool {
        revocation::is_revoked_by(revocation, self.session, self.issued_at)
    }
}

/// A socket as the hub holds it; equal to itself only.
#[derive(Clone, Debug)]
pub(crate) struct Here(pub(crate) Socket<Member>);

impl PartialEq for Here {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl Member {
    /// Somebody who came at `now`; `identity` if a credential came with the handshake.
    pub(crate) fn arrived(identity: Option<&Identity>, now: Timestamp) -> Self {
        let member =
            Self { tag: Tag::random(), opened_ms: now.0.into(), active_ms: now.0.into(), ..Self::default() };
        if let Some(identity) = identity {
            member.authenticate(identity);
        }
        member
    }

    /// The same, of this generation of sessions.
    pub(crate) fn of_generation(self, generation: u64) -> Self {
        Self { generation, ..self }
    }

    /// Which sessions of the gateway it is one of.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whose socket it is; `None` until they have authenticated.
    pub(crate) fn user(&self) -> Option<&UserId> {
        self.user.get()
    }

    /// What it stands on; `None` until they have authenticated.
    pub(crate) fn credential(&self) -> Option<Credential> {
        *self.credential.lock()
    }

    /// The connection has got a seat.
    pub(crate) fn sit(&self, seat: Seat) {
        *self.seat.lock() = Some(seat);
    }

    /// The connection is gone.
    pub(crate) fn stand_up(&self) {
        *self.seat.lock() = None;
    }

    /// The connection is to become this user's; refused if they have too many.
    pub(crate) fn sit_as(&self, user: &UserId) -> Result<(), Refusal> {
        self.seat.lock().as_mut().map_or(Ok(()), |seat| seat.take_for(user))
    }

    /// When the connection was opened.
    pub(crate) fn opened_at(&self) -> Timestamp {
        Timestamp(self.opened_ms.load(Relaxed))
    }

    /// When its user last did something.
    pub(crate) fn active_at(&self) -> Timestamp {
        Timestamp(self.active_ms.load(Relaxed))
    }

    /// Its user does something. `true` if that is news to others.
    pub(crate) fn acts(&self, now: Timestamp) -> bool {
        let before = self.active_ms.fetch_max(now.0, Relaxed);
        u128::try_from(now.0.saturating_sub(before)).is_ok_and(|idle| idle >= TELL_AFTER_MS)
    }

    /// Whether its user chose to be shown as away.
    pub(crate) fn wants_away(&self) -> bool {
        self.wants_away.load(Relaxed)
    }

    /// Its user chooses.
    pub(crate) fn choose_away(&self, wants_away: bool) {
        self.wants_away.store(wants_away, Relaxed);
    }

    /// Sets whose socket it is, or renews the credential of the same user. `false` for anybody else.
    pub(crate) fn authenticate(&self, identity: &Identity) -> bool {
        let is_theirs = *self.user.get_or_init(|| identity.user.clone()) == identity.user;
        if is_theirs {
            *self.credential.lock() = Some(Credential::of(identity));
        }
        is_theirs
    }

    /// Takes over the connection and, unless it ends sooner, the credential of a newer handshake of the same user.
    pub(crate) fn renew(&self, newer: &Self) {
        self.opened_ms.store(newer.opened_at().0, Relaxed);
        *self.seat.lock() = newer.seat.lock().take();
        let Some(offered) = newer.credential().filter(|_| newer.user() == self.user()) else { return };
        let mut credential = self.credential.lock();
        if credential.is_none_or(|own| own.expires <= offered.expires) {
            *credential = Some(offered);
        }
    }

    /// What it looks at and does, made if there is nothing yet.
    pub(crate) fn looking<R>(&self, act: impl FnOnce(&mut Looking) -> R) -> R {
        act(self.looking.lock().get_or_insert_default())
    }

    /// As [`Member::looking`], for what is no loss if there is nothing.
    pub(crate) fn looking_if_any<R>(&self, act: impl FnOnce(&mut Looking) -> R) -> Option<R> {
        self.looking.lock().as_deref_mut().map(act)
    }

    /// Its name in the gateway's journal.
    pub(crate) fn tag(&self) -> Tag {
        self.tag
    }

    /// Its client had a session elsewhere: messages wait until what it missed is there. To be called before anything can be emitted.
    pub(crate) fn wait_for(&self, wanted: Resumable) {
        *self.turns.lock() = Some(Box::new(Turns::new(wanted)));
        self.has_turns.store(true, Release);
    }

    /// The order of its messages, if it was caught up with or is being so.
    pub(crate) fn turns<R>(&self, act: impl FnOnce(&mut Turns) -> R) -> Option<R> {
        self.turns.lock().as_deref_mut().map(act)
    }

    /// Emits a message of a thread by `emit`, unless it has to wait or the socket has it.
    pub(crate) fn emit_in_turn<R>(&self, thread: ThreadId, seq: u64, emit: impl FnOnce() -> R) -> Option<R> {
        if !self.has_turns.load(Acquire) {
            return Some(emit());
        }
        let mut turns = self.turns.lock();
        let turn = turns.as_deref_mut().map_or(Turn::Now, |turns| turns.take(thread, seq));
        (turn == Turn::Now).then(emit)
    }

    /// Whether a known event is within the budget of `limit` a minute.
    pub(crate) fn may_ask(&self, limit: u32) -> bool {
        self.asked.lock().admits(limit, Instant::now())
    }

    /// Whether an unknown event is still worth an answer. It has a budget of its own, so it never costs a message.
    pub(crate) fn may_ask_unknown(&self, limit: u32) -> bool {
        self.unknown.lock().admits(limit, Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn known(user: &str, expires: i64) -> Member {
        Member::arrived(Some(&identity(user, expires)), Timestamp(1))
    }

    fn expires(member: &Member) -> i64 {
        member.credential().unwrap().expires.0
    }

    #[test]
    fn a_socket_never_changes_hands() {
        let member = Member::arrived(None, Timestamp(1));
        assert_eq!((member.user(), member.credential()), (None, None));
        assert!(member.authenticate(&identity("ann", 5)));
        assert!(!member.authenticate(&identity("bob", 9)));
        assert_eq!((member.user().unwrap().as_str(), expires(&member)), ("ann", 5));
        assert!(member.authenticate(&identity("ann", 7)));
        assert_eq!(expires(&member), 7);
    }

    #[test]
    fn a_recovered_socket_keeps_the_later_expiry_of_its_own_user() {
        let member = known("ann", 5);
        member.renew(&known("ann", 8));
        member.renew(&known("ann", 3));
        member.renew(&known("bob", 99));
        member.renew(&Member::arrived(None, Timestamp(60)));
        assert_eq!((expires(&member), member.opened_at()), (8, Timestamp(60)));
    }

    #[test]
    fn unknown_events_do_not_use_up_the_budget_of_known_ones() {
        let member = Member::default();
        assert!(member.may_ask_unknown(1));
        assert!(!member.may_ask_unknown(1));
        assert!(member.may_ask(1));
        assert!(!member.may_ask(1));
    }

    #[test]
    fn activity_is_news_only_after_a_long_silence() {
        let member = known("ann", 5);
        assert!(!member.acts(Timestamp(200_000)));
        assert!(!member.acts(Timestamp(469_999)));
        assert!(member.acts(Timestamp(739_999)));
        assert!(!member.acts(Timestamp(739_999)));
    }

    #[test]
    fn a_revocation_ends_one_login_or_everything_older() {
        let credential = known("ann", 5).credential().unwrap();
        let revocation = |session: Option<[u8; 32]>, at| Revocation {
            user_id: "ann".parse().unwrap(),
            session: session.map(|bytes| Session(bytes).to_string()),
            at: Timestamp(at),
        };
        assert!(credential.is_ended_by(&revocation(Some([7; 32]), 0)));
        assert!(!credential.is_ended_by(&revocation(Some([8; 32]), 9)));
        assert!(credential.is_ended_by(&revocation(None, 3)));
        assert!(!credential.is_ended_by(&revocation(None, 2)), "issued at that moment or later");
    }

    #[test]
    fn an_idle_socket_is_small() {
        assert!(size_of::<Member>() <= 320, "{}", size_of::<Member>());
    }
}

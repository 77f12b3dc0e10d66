//! What is kept per socket: whose it is, until when, and how much it has asked lately.
//!
//! Small on purpose, since there are many: an idle socket has allocated nothing here. Who it is can be set once; a socket never
//! changes hands.

use crate::identity::Identity;
use crate::rate::Window;
use eventflow_protocol::{Timestamp, UserId};
use eventflow_socketio::Socket;
use parking_lot::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Instant;

/// The application's part of a socket.
#[derive(Debug, Default)]
pub(crate) struct Member {
    user: OnceLock<UserId>,
    expires_ms: AtomicI64,
    asked: Mutex<Window>,
    unknown: Mutex<Window>,
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
    /// Somebody whose credential came with the handshake.
    pub(crate) fn known(identity: &Identity) -> Self {
        let member = Self::default();
        member.authenticate(identity);
        member
    }

    /// Whose socket it is; `None` until they have authenticated.
    pub(crate) fn user(&self) -> Option<&UserId> {
        self.user.get()
    }

    /// When the credential ends.
    pub(crate) fn expires(&self) -> Timestamp {
        Timestamp(self.expires_ms.load(Relaxed))
    }

    /// Sets whose socket it is, or renews the credential of the same user. `false` for anybody else.
    pub(crate) fn authenticate(&self, identity: &Identity) -> bool {
        let is_theirs = *self.user.get_or_init(|| identity.user.clone()) == identity.user;
        if is_theirs {
            self.expires_ms.store(identity.expires.0, Relaxed);
        }
        is_theirs
    }

    /// Takes over the credential of a newer handshake of the same user.
    pub(crate) fn renew(&self, newer: &Self) {
        if newer.user().is_some() && newer.user() == self.user() {
            self.expires_ms.fetch_max(newer.expires().0, Relaxed);
        }
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
    use crate::identity::Session;

    fn identity(user: &str, expires: i64) -> Identity {
        let user: UserId = user.parse().unwrap();
        Identity { name: user.to_string(), role: "user".into(), session: Session([0; 32]), expires: Timestamp(expires), user }
    }

    #[test]
    fn a_socket_never_changes_hands() {
        let member = Member::default();
        assert_eq!(member.user(), None);
        assert!(member.authenticate(&identity("ann", 5)));
        assert!(!member.authenticate(&identity("bob", 9)));
        assert_eq!((member.user().unwrap().as_str(), member.expires()), ("ann", Timestamp(5)));
        assert!(member.authenticate(&identity("ann", 7)));
        assert_eq!(member.expires(), Timestamp(7));
    }

    #[test]
    fn a_recovered_socket_keeps_the_later_expiry_of_its_own_user() {
        let member = Member::known(&identity("ann", 5));
        member.renew(&Member::known(&identity("ann", 8)));
        member.renew(&Member::known(&identity("ann", 3)));
        member.renew(&Member::known(&identity("bob", 99)));
        member.renew(&Member::default());
        assert_eq!(member.expires(), Timestamp(8));
    }

    #[test]
    fn unknown_events_do_not_use_up_the_budget_of_known_ones() {
        let member = Member::default();
        assert!(member.may_ask_unknown(1));
        assert!(!member.may_ask_unknown(1));
        assert!(member.may_ask(1));
        assert!(!member.may_ask(1));
    }
}

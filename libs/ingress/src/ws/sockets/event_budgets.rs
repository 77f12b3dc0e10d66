//! Event budgets across sockets: how many events one user, or one address on which nobody has signed in, may
//! send in a minute over all their sockets here. Without them the limit of a socket would start anew with
//! each connection.
//!
//! The limit of a socket is exact ([`crate::sliding_window`]); these are [`Buckets`] of a minute. Typing and
//! names that the protocol does not have are apart, so that they never cost a message.

use crate::buckets::Buckets;
use crate::refusal::Refusal;
use crate::settings::IngressConfig;
use eventflow_protocol::UserId;
use std::net::IpAddr;

/// Typing: events for each other event of a user's budget. With the default budget a user has 1,200 a minute,
/// which is 20 keys in a second.
const TYPING_FACTOR: u32 = 4;

const TOO_MANY: &str = "too many events of this user in the last minute";
const TOO_MANY_KEYS: &str = "too many typing events in the last minute";
const TOO_MANY_OF_NOBODY: &str = "too many events before signing in from this address in the last minute";

/// What an event is, for those who count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventKind {
    /// An event of the protocol, but typing.
    Known,
    /// `typing:start` or `typing:stop`.
    Typing,
    /// A name that the protocol does not have.
    Unknown,
}

/// The budgets of one gateway; `None` where there is no limit.
pub(crate) struct EventBudgets {
    known: Option<Buckets<UserId>>,
    typing: Option<Buckets<UserId>>,
    unknown: Option<Buckets<UserId>>,
    nobody: Option<Buckets<IpAddr>>,
}

impl EventBudgets {
    /// Full budgets for everybody, as the settings say.
    pub(crate) fn new(config: &IngressConfig) -> Self {
        let per_user = config.events_per_minute_user;
        Self {
            known: Buckets::new(per_user),
            typing: Buckets::new(per_user.saturating_mul(TYPING_FACTOR)),
            unknown: Buckets::new(per_user),
            nobody: Buckets::new(config.rest_per_minute_ip),
        }
    }

    /// Takes one event from the budget of a user.
    pub(crate) fn admit(&self, kind: EventKind, user: &UserId) -> Result<(), Refusal> {
        let (buckets, error) = match kind {
            EventKind::Known => (&self.known, TOO_MANY),
            EventKind::Typing => (&self.typing, TOO_MANY_KEYS),
            EventKind::Unknown => (&self.unknown, TOO_MANY),
        };
        buckets.as_ref().map_or(Ok(()), |buckets| buckets.admit(user, error))
    }

    /// Takes one event, of any kind, from the budget of a network from which nobody has signed in on the
    /// socket.
    pub(crate) fn admit_nobody(&self, network: Option<IpAddr>) -> Result<(), Refusal> {
        let (Some(buckets), Some(network)) = (&self.nobody, network) else { return Ok(()) };
        buckets.admit(&network, TOO_MANY_OF_NOBODY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_users_and_addresses_have_budgets_of_their_own() {
        let mut config = IngressConfig::new(&[0; 32]);
        (config.events_per_minute_user, config.rest_per_minute_ip) = (2, 3);
        let budgets = EventBudgets::new(&config);
        let [ann, ben]: [UserId; 2] = ["ann", "ben"].map(|name| name.parse().unwrap());
        let count = |kind, user| (0..20).filter(|_| budgets.admit(kind, user).is_ok()).count();
        assert_eq!(count(EventKind::Unknown, &ann), 2);
        assert_eq!(count(EventKind::Typing, &ann), 8);
        assert_eq!(count(EventKind::Known, &ann), 2);
        assert_eq!(count(EventKind::Known, &ben), 2);
        let address = Some(IpAddr::from([10, 0, 0, 1]));
        assert_eq!((0..20).filter(|_| budgets.admit_nobody(address).is_ok()).count(), 3);
        assert!((0..20).all(|_| budgets.admit_nobody(None).is_ok()), "the listener does not tell addresses");
    }

    #[test]
    fn zero_is_no_limit() {
        let mut config = IngressConfig::new(&[0; 32]);
        (config.events_per_minute_user, config.rest_per_minute_ip) = (0, 0);
        let budgets = EventBudgets::new(&config);
        let ann = "ann".parse().unwrap();
        assert!((0..9_999).all(|_| budgets.admit(EventKind::Known, &ann).is_ok()));
        assert!((0..9_999).all(|_| budgets.admit(EventKind::Typing, &ann).is_ok()));
        assert!((0..9_999).all(|_| budgets.admit_nobody(Some([10, 0, 0, 1].into())).is_ok()));
    }
}

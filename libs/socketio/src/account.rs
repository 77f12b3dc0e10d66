//! The account of one user: what all their sessions keep together, and which of them have no transport.
//!
//! A packet that several sessions of the account keep counts once. Past its share of the budget the account's
//! oldest packets are forgotten, and past the number of sessions that may wait, the oldest of those.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::budget::{self, Budget, PLACE_BYTES};
use crate::id::Id;
use crate::packet::KeptPacket;

/// The accounts of a server's sessions, and the budget that they share.
#[derive(Debug)]
pub(crate) struct Accounts {
    pub(crate) budget: Arc<Budget>,
    open: Mutex<HashMap<Box<str>, Weak<Account>>>,
}

/// What the sessions of one user keep together.
#[derive(Debug)]
pub(crate) struct Account {
    name: Box<str>,
    all: Arc<Accounts>,
    usage: Mutex<Usage>,
}

#[derive(Debug, Default)]
struct Usage {
    bytes: usize,
    sessions: usize,
    /// How many sessions keep a packet, by its address. Empty while there is one session, which keeps each
    /// packet once; what was kept then is counted without an entry here.
    shared: HashMap<usize, u32>,
    /// The sessions without a transport, by the time since when.
    parked: BTreeSet<(Instant, Id)>,
}

/// One session's share in an account.
#[derive(Debug)]
pub(crate) struct AccountSession(pub(crate) Arc<Account>);

impl Accounts {
    /// Nobody has an account yet.
    pub(crate) fn new(budget: Arc<Budget>) -> Arc<Self> {
        Arc::new(Self { budget, open: Mutex::default() })
    }

    /// The account of this name.
    pub(crate) fn of(self: &Arc<Self>, name: &str) -> Arc<Account> {
        let mut open = self.open.lock();
        if let Some(account) = open.get(name).and_then(Weak::upgrade) {
            return account;
        }
        let account = Arc::new(Account { name: name.into(), all: Arc::clone(self), usage: Mutex::default() });
        open.insert(name.into(), Arc::downgrade(&account));
        account
    }

    /// Forgets an account that nobody has any more.
    fn close(&self, name: &str) {
        let mut open = self.open.lock();
        // Another one of the same name may have been opened meanwhile.
        if open.get(name).is_some_and(|account| account.strong_count() == 0) {
            open.remove(name);
        }
    }
}

impl Account {
    /// Another session belongs to the account.
    pub(crate) fn open_session(self: Arc<Self>) -> AccountSession {
        self.usage.lock().sessions += 1;
        AccountSession(self)
    }

    /// A session keeps the packet. Asks for room if that is too much.
    pub(crate) fn keep(&self, kept: &Arc<KeptPacket>) {
        let mut usage = self.usage.lock();
        usage.bytes += PLACE_BYTES;
        if usage.sessions > 1 {
            let keepers = usage.shared.entry(address(kept)).or_default();
            *keepers += 1;
            if *keepers > 1 {
                return;
            }
        }
        usage.bytes += kept.bytes();
        if usage.bytes > self.limit() {
            self.all.budget.ask_for_room();
        }
    }

    /// A session keeps the packet no longer.
    pub(crate) fn forget(&self, kept: &Arc<KeptPacket>) {
        let mut usage = self.usage.lock();
        usage.bytes -= PLACE_BYTES;
        if let Some(keepers) = usage.shared.get_mut(&address(kept)) {
            *keepers -= 1;
            if *keepers > 0 {
                return;
            }
            usage.shared.remove(&address(kept));
            if usage.shared.is_empty() {
                // What a burst has made it allocate is given back.
                usage.shared = HashMap::new();
            }
        }
        usage.bytes -= kept.bytes();
    }

    /// Whether its sessions may keep nothing more until something was forgotten.
    pub(crate) fn is_exhausted(&self) -> bool {
        budget::is_exhausted(self.usage.lock().bytes, self.limit())
    }

    /// Bytes to be forgotten now.
    pub(crate) fn excess(&self) -> usize {
        budget::excess(self.usage.lock().bytes, self.limit())
    }

    /// A session lost its transport. Gives the one that has to expire for it, if too many wait.
    pub(crate) fn park(&self, since: Instant, session: Id) -> Option<(Instant, Id)> {
        let mut usage = self.usage.lock();
        usage.parked.insert((since, session));
        if usage.parked.len() > self.all.budget.bounds.max_parked_per_account {
            return usage.parked.pop_first();
        }
        None
    }

    /// A session waits no longer.
    pub(crate) fn unpark(&self, since: Instant, session: Id) {
        self.usage.lock().parked.remove(&(since, session));
    }

    fn limit(&self) -> usize {
        self.all.budget.bounds.max_bytes_per_account
    }
}

fn address(kept: &Arc<KeptPacket>) -> usize {
    Arc::as_ptr(kept).addr()
}

impl Drop for Account {
    fn drop(&mut self) {
        self.all.close(&self.name);
    }
}

impl Drop for AccountSession {
    fn drop(&mut self) {
        self.0.usage.lock().sessions -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Recovery;
    use crate::packet::Encoder;

    fn accounts(bounds: Recovery) -> Arc<Accounts> {
        Accounts::new(Budget::new(bounds, Arc::default()))
    }

    fn used(account: &Account) -> usize {
        account.usage.lock().bytes
    }

    #[test]
    fn an_account_is_one_for_all_who_name_it_and_goes_with_the_last_of_them() {
        let accounts = accounts(Recovery::default());
        let (one, same) = (accounts.of("ann"), accounts.of("ann"));
        assert!(Arc::ptr_eq(&one, &same));
        drop((one, same));
        assert!(accounts.open.lock().is_empty());
    }

    #[test]
    fn what_two_sessions_of_an_account_keep_counts_once_and_each_place_beside() {
        let accounts = accounts(Recovery::default());
        let encoder = Encoder::new();
        let kept = [1, 2].map(|number| encoder.event("n", &number).unwrap().keep(&accounts.budget));
        let account = accounts.of("ann");
        let _one = Arc::clone(&account).open_session();
        account.keep(&kept[0]);
        let two = Arc::clone(&account).open_session();
        account.keep(&kept[1]);
        account.keep(&kept[1]);
        let both: usize = kept.iter().map(|kept| kept.bytes()).sum();
        assert_eq!(used(&account), both + 3 * PLACE_BYTES);
        account.forget(&kept[0]);
        account.forget(&kept[1]);
        assert_eq!(used(&account), kept[1].bytes() + PLACE_BYTES);
        drop(two);
        account.forget(&kept[1]);
        assert_eq!((used(&account), account.usage.lock().shared.len()), (0, 0));
    }

    #[test]
    fn a_packet_kept_before_and_after_a_second_session_came_is_let_go_in_any_order() {
        let accounts = accounts(Recovery::default());
        let kept = Encoder::new().event("n", &1).unwrap().keep(&accounts.budget);
        let account = accounts.of("ann");
        let _one = Arc::clone(&account).open_session();
        account.keep(&kept);
        let _two = Arc::clone(&account).open_session();
        account.keep(&kept);
        account.forget(&kept);
        account.forget(&kept);
        assert_eq!(used(&account), 0);
    }

    #[test]
    fn of_too_many_sessions_that_wait_the_oldest_has_to_go() {
        let accounts = accounts(Recovery { max_parked_per_account: 2, ..Recovery::default() });
        let account = accounts.of("ann");
        let ids = [(); 3].map(|()| Id::random());
        let now = Instant::now();
        assert_eq!([0, 1].map(|index| account.park(now, ids[index])), [None; 2]);
        account.unpark(now, ids[0]);
        assert_eq!(account.park(now, ids[2]), None);
        let later = now + std::time::Duration::from_secs(1);
        assert!(account.park(later, ids[0]).is_some_and(|(since, _)| since == now));
    }
}

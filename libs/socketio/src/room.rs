//! Making room: when sessions keep more than they may, their oldest packets are forgotten, first those of
//! accounts that keep too much, then those of all sessions.
//!
//! A client whose packets are forgotten is told that it is not recovered, and the application tells it what
//! it missed by other means. A waiting session that has forgotten something its client cannot have got is of
//! no use any more: it ends.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::account::Account;
use crate::application::Application;
use crate::budget::{Budget, Crowd, PLACE_BYTES};
use crate::expiry::expire;
use crate::replay::Replay;
use crate::shared::ServerShared;
use crate::socket::Socket;

/// Sessions looked at before other tasks get their turn: some tens of microseconds.
const STEP: usize = 256;
/// Ages are told apart by so much.
const AGE_STEP: Duration = Duration::from_millis(10);
/// Rounds of one visit. One is nearly always enough: a packet that several sessions keep counts in part for
/// each of them, so a round can forget too little.
const ROUNDS: usize = 8;

/// Forgets until everybody keeps to their bounds.
pub(crate) async fn make_room<A: Application>(shared: &ServerShared<A>, budget: &Budget) {
    let sockets = shared.sessions.all();
    for (account, sockets) in crowded_accounts(&sockets) {
        forget_oldest(shared, budget, &sockets, Crowd::Account, || account.excess()).await;
    }
    forget_oldest(shared, budget, &sockets, Crowd::Server, || budget.excess()).await;
}

/// The accounts that keep too much, each with its sessions.
fn crowded_accounts<S>(sockets: &[Socket<S>]) -> Vec<(Arc<Account>, Vec<Socket<S>>)> {
    let mut crowded: HashMap<usize, (Arc<Account>, Vec<Socket<S>>)> = HashMap::new();
    for socket in sockets {
        if let Some(account) = socket.account().filter(|account| account.excess() > 0) {
            let address = Arc::as_ptr(&account).addr();
            crowded.entry(address).or_insert_with(|| (account, Vec::new())).1.push(socket.clone());
        }
    }
    crowded.into_values().collect()
}

async fn forget_oldest<A: Application>(
    shared: &ServerShared<A>,
    budget: &Budget,
    sockets: &[Socket<A::State>],
    crowd: Crowd,
    excess: impl Fn() -> usize,
) {
    for _ in 0..ROUNDS {
        let excess = excess();
        if excess == 0 {
            break;
        }
        let mut ages = Ages::new();
        for step in sockets.chunks(STEP) {
            for socket in step {
                socket.look_at_replay(|replay| ages.add(replay));
            }
            tokio::task::yield_now().await;
        }
        let Some(cut) = ages.cut(excess) else { break };
        for step in sockets.chunks(STEP) {
            for socket in step {
                forget_up_to(shared, budget, socket, crowd, cut).await;
            }
            tokio::task::yield_now().await;
        }
    }
}

async fn forget_up_to<A: Application>(
    shared: &ServerShared<A>,
    budget: &Budget,
    socket: &Socket<A::State>,
    crowd: Crowd,
    cut: Instant,
) {
    let forgotten = socket.forget_up_to(cut);
    budget.count_forgotten(crowd, forgotten.packets);
    if let Some(since) = forgotten.is_lost_since
        && shared.sessions.unpark(socket, since, &shared.stats)
    {
        expire(shared, socket).await;
    }
}

/// How much is kept, by age.
struct Ages {
    now: Instant,
    bytes: BTreeMap<u128, usize>,
}

impl Ages {
    fn new() -> Self {
        Self { now: Instant::now(), bytes: BTreeMap::new() }
    }

    /// Adds what a session keeps; of a packet that several keep, its part.
    fn add(&mut self, replay: &Replay) {
        for kept in replay.kept() {
            let age = self.now.saturating_duration_since(kept.at).as_millis() / AGE_STEP.as_millis();
            *self.bytes.entry(age).or_default() +=
                PLACE_BYTES + kept.bytes() / Arc::strong_count(kept).max(1);
        }
    }

    /// Until when packets have to be forgotten, so that this many bytes go; `None` if nothing is kept.
    fn cut(&self, bytes: usize) -> Option<Instant> {
        let mut oldest = self.bytes.iter().rev();
        let mut gone = 0;
        let reached = oldest.find(|(_, more)| {
            gone += **more;
            gone >= bytes
        });
        let (age, _) = reached.or(self.bytes.first_key_value())?;
        let age = AGE_STEP * u32::try_from(*age).ok()?;
        Some(if age.is_zero() { Instant::now() } else { self.now - age })
    }
}

//! How much may be searched: by one user in a minute and at the same time, and by all of this process at
//! once.
//!
//! A search reads far more than any page of a listing, so it has a budget of its own beside that of all
//! requests.

use crate::buckets::Buckets;
use crate::refusal::Refusal;
use eventflow_protocol::UserId;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Searches of one user in a minute: one a second, as of somebody who types and looks.
const PER_MINUTE: u32 = 60;
/// Searches at the same time in this process. More would only wait for each other's disk and cores.
const AT_ONCE: usize = 8;
/// Searches of one user at the same time in this process: two tabs, or one whose last search is not over when
/// its next one begins. So nobody takes all the room.
const OF_ONE: usize = 2;
/// How long a search waits for its turn: most take a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// The budgets of searches.
pub(crate) struct Searches {
    users: Option<Buckets<UserId>>,
    room: Semaphore,
    /// How many searches of whom are under way. At most [`AT_ONCE`] of them search, the others wait for
    /// [`PATIENCE`].
    under_way: Mutex<HashMap<UserId, usize>>,
}

/// The turn of a search, which ends when it is dropped.
pub(crate) struct Turn<'a> {
    user: UserId,
    searches: &'a Searches,
    room: Option<SemaphorePermit<'a>>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.room = None;
        let mut under_way = self.searches.under_way.lock();
        if let Some(count) = under_way.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(&self.user);
            }
        }
    }
}

impl Searches {
    /// Full budgets for everybody.
    pub(crate) fn new() -> Self {
        Self { users: Buckets::new(PER_MINUTE), room: Semaphore::new(AT_ONCE), under_way: Mutex::default() }
    }

    /// Waits for the turn of a search. The user's minute is asked last, so that a search that is refused for
    /// another reason takes nothing from it.
    pub(crate) async fn admit(&self, user: &UserId) -> Result<Turn<'_>, Refusal> {
        let busy = || Refusal::busy("too many people search at the moment, please try again", PATIENCE);
        let mut turn = self.begin(user)?;
        let room = timeout(PATIENCE, self.room.acquire()).await.map_err(|_| busy())?.map_err(|_| busy())?;
        turn.room = Some(room);
        if let Some(users) = &self.users {
            users.admit(user, "too many searches, please wait")?;
        }
        Ok(turn)
    }

    /// Counts one more search of a user.
    fn begin(&self, user: &UserId) -> Result<Turn<'_>, Refusal> {
        let mut under_way = self.under_way.lock();
        let count = under_way.entry(user.clone()).or_default();
        if *count >= OF_ONE {
            let error = "your other searches are not over yet, please wait";
            return Err(Refusal::rate_limited(error, PATIENCE));
        }
        *count += 1;
        Ok(Turn { user: user.clone(), searches: self, room: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::ErrorCode;

    #[tokio::test(start_paused = true)]
    async fn a_user_has_a_budget_and_all_together_have_room() {
        let searches = Searches::new();
        let user = |n: usize| format!("user{n}").parse::<UserId>().unwrap();
        for _ in 0..PER_MINUTE {
            drop(searches.admit(&user(0)).await.unwrap());
        }
        assert_eq!(searches.admit(&user(0)).await.err().unwrap().code, ErrorCode::RateLimited);
        let mut held = Vec::new();
        for n in 1..=AT_ONCE {
            held.push(searches.admit(&user(n)).await.unwrap());
        }
        assert_eq!(searches.admit(&user(99)).await.err().unwrap().code, ErrorCode::Unavailable);
        held.pop();
        assert!(searches.admit(&user(99)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_takes_all_the_room() {
        let searches = Searches::new();
        let [ann, bob] = ["ann", "bob"].map(|user| user.parse::<UserId>().unwrap());
        let mut held = Vec::new();
        for _ in 0..OF_ONE {
            held.push(searches.admit(&ann).await.unwrap());
        }
        let refused = searches.admit(&ann).await.err().unwrap();
        assert_eq!(refused.code, ErrorCode::RateLimited);
        assert!(searches.admit(&bob).await.is_ok());
        held.pop();
        held.push(searches.admit(&ann).await.unwrap());
        drop(held);
        assert!(searches.under_way.lock().is_empty(), "nobody is remembered");
    }

    #[tokio::test(start_paused = true)]
    async fn a_search_that_is_refused_for_others_under_way_costs_nothing() {
        let searches = Searches::new();
        let ann: UserId = "ann".parse().unwrap();
        let mut held = Vec::new();
        for _ in 0..OF_ONE {
            held.push(searches.admit(&ann).await.unwrap());
        }
        for _ in 0..PER_MINUTE {
            assert!(searches.admit(&ann).await.is_err());
        }
        drop(held);
        for _ in 0..PER_MINUTE as usize - OF_ONE {
            drop(searches.admit(&ann).await.unwrap());
        }
        assert!(searches.admit(&ann).await.is_err(), "the minute is used up");
    }
}

//! How much may be searched: by one user in a minute, and by all of this process at once.
//!
//! A search reads far more than any page of a listing, so it has a budget of its own beside that of all
//! requests.

use crate::buckets::Buckets;
use crate::refusal::Refusal;
use eventflow_protocol::UserId;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Searches of one user in a minute: one a second, as of somebody who types and looks.
const PER_MINUTE: u32 = 60;
/// Searches at the same time in this process. More would only wait for each other's disk and cores.
const AT_ONCE: usize = 8;
/// How long a search waits for its turn: most take a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// The budgets of searches.
pub(crate) struct Searches {
    users: Option<Buckets<UserId>>,
    room: Semaphore,
}

impl Searches {
    /// Full budgets for everybody.
    pub(crate) fn new() -> Self {
        Self { users: Buckets::new(PER_MINUTE), room: Semaphore::new(AT_ONCE) }
    }

    /// Waits for the turn of a search, which lasts as long as the permit.
    pub(crate) async fn admit(&self, user: &UserId) -> Result<SemaphorePermit<'_>, Refusal> {
        if let Some(users) = &self.users {
            users.admit(user, "too many searches, please wait")?;
        }
        let busy = || Refusal::busy("too many people search at the moment, please try again", PATIENCE);
        timeout(PATIENCE, self.room.acquire()).await.map_err(|_| busy())?.map_err(|_| busy())
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
        assert_eq!(searches.admit(&user(0)).await.unwrap_err().code, ErrorCode::RateLimited);
        let mut held = Vec::new();
        for n in 1..=AT_ONCE {
            held.push(searches.admit(&user(n)).await.unwrap());
        }
        assert_eq!(searches.admit(&user(99)).await.unwrap_err().code, ErrorCode::Unavailable);
        held.pop();
        assert!(searches.admit(&user(99)).await.is_ok());
    }
}

//! The one task that ends sessions whose client did not come back, and makes room when too much is kept.
//!
//! It looks at the oldest parked session from time to time, and ends all of them when the server ends. No
//! session ends twice: only the task that takes it out of the table ends it.

use std::sync::Arc;
use std::time::Duration;

use crate::application::Application;
use crate::budget::Budget;
use crate::expiry::expire;
use crate::room::make_room;
use crate::shared::ServerShared;

/// Lateness: a session may expire this much late. Exactness is worth less than a timer per session.
const MAX_LATENESS: Duration = Duration::from_secs(1);
/// Pause between two rounds of making room, so that a flood does not turn them into one.
const ROOM_PAUSE: Duration = Duration::from_millis(10);

/// Runs until the server ends.
pub(crate) async fn run<A: Application>(shared: Arc<ServerShared<A>>, budget: Arc<Budget>) {
    let window = budget.bounds.window;
    let mut ticks = tokio::time::interval((window / 4).clamp(Duration::from_millis(1), MAX_LATENESS));
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => break,
            _ = ticks.tick() => expire_older_than(&shared, window).await,
            () = budget.wait_until_crowded() => {
                make_room(&shared, &budget).await;
                tokio::time::sleep(ROOM_PAUSE).await;
            }
        }
    }
    expire_older_than(&shared, Duration::ZERO).await;
}

async fn expire_older_than<A: Application>(shared: &ServerShared<A>, window: Duration) {
    while let Some(socket) = shared.sessions.take_expired(window, &shared.stats) {
        expire(shared, &socket).await;
    }
}

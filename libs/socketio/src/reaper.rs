//! The one task that ends sessions whose client did not come back.
//!
//! It looks at the oldest parked session from time to time, and ends all of them when the server ends. No
//! session ends twice: only the task that takes it out of the table ends it.

use std::sync::Arc;
use std::time::Duration;

use crate::application::Application;
use crate::guard::guarded;
use crate::shared::ServerShared;
use crate::socket::Socket;

/// Lateness: a session may expire this much late. Exactness is worth less than a timer per session.
const MAX_LATENESS: Duration = Duration::from_secs(1);

/// Runs until the server ends.
pub(crate) async fn run<A: Application>(shared: Arc<ServerShared<A>>, window: Duration) {
    let mut ticks = tokio::time::interval((window / 4).clamp(Duration::from_millis(1), MAX_LATENESS));
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => break,
            _ = ticks.tick() => expire_older_than(&shared, window).await,
        }
    }
    expire_older_than(&shared, Duration::ZERO).await;
}

async fn expire_older_than<A: Application>(shared: &ServerShared<A>, window: Duration) {
    while let Some(socket) = shared.sessions.take_expired(window, &shared.stats) {
        expire(shared, &socket).await;
    }
}

/// Ends a session for good.
pub(crate) async fn expire<A: Application>(shared: &ServerShared<A>, socket: &Socket<A::State>) {
    shared.sessions.remove(socket);
    socket.set_gone();
    guarded(&shared.stats, shared.app.expired(socket)).await;
}

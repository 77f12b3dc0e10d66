//! The one task that ends sessions nobody came back for.
//!
//! It looks at the oldest parked session from time to time, and when the server ends drops all of them. Ending a
//! session twice is impossible: whoever takes it out of the table does it.

use std::sync::Arc;
use std::time::Duration;

use crate::application::Application;
use crate::guard::guarded;
use crate::server::Shared;
use crate::socket::Socket;

/// How late a session may expire: exactness is worth less than a timer per session.
const MAX_LATENESS: Duration = Duration::from_secs(1);

/// Runs until the server ends.
pub(crate) async fn run<A: Application>(shared: Arc<Shared<A>>, window: Duration) {
    let mut ticks = tokio::time::interval((window / 4).clamp(Duration::from_millis(1), MAX_LATENESS));
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => break,
            _ = ticks.tick() => expire_older_than(&shared, window).await,
        }
    }
    expire_older_than(&shared, Duration::ZERO).await;
}

async fn expire_older_than<A: Application>(shared: &Shared<A>, window: Duration) {
    while let Some(socket) = shared.sessions.take_expired(window, &shared.stats) {
        expire(shared, &socket).await;
    }
}

/// Ends a session for good.
pub(crate) async fn expire<A: Application>(shared: &Shared<A>, socket: &Socket<A::State>) {
    shared.sessions.remove(socket);
    socket.bury();
    guarded(&shared.stats, shared.app.expired(socket)).await;
}

//! Catch-up: a client reads history beside the live stream, at most once at a time. It reads again after a
//! pause if a reading failed or left a gap. Dropping it is safe because it only reads.

use crate::{error::LoadError, member::Shared, rest::Stored};
use futures_util::{FutureExt as _, future::BoxFuture};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// Pause before a catch-up that failed or brought nothing is repeated.
const AGAIN_AFTER: Duration = Duration::from_millis(300);

/// Result of reading history.
pub type Fetched = Result<Vec<Stored>, LoadError>;

/// At most one reading of history.
#[derive(Default)]
pub struct CatchUp {
    running: Option<BoxFuture<'static, Fetched>>,
    rests_until: Option<Instant>,
}

impl CatchUp {
    /// Whether a reading may start now.
    pub fn is_ready(&self) -> bool {
        self.running.is_none() && self.rests_until.is_none_or(|until| until <= Instant::now())
    }

    /// Starts to read `thread` after `after`, as user number `user`.
    pub fn start(&mut self, shared: &Arc<Shared>, user: u32, thread: &Arc<str>, after: u32) {
        let (shared, thread) = (Arc::clone(shared), Arc::clone(thread));
        let fetch = async move {
            let target = &shared.target;
            target.rest.history(&target.token(user), &target.run, &thread, after).await
        };
        self.running = Some(fetch.boxed());
    }

    /// Waits until the reading is done; for ever if there is none. Cancel-safe.
    pub async fn done(&mut self) -> Fetched {
        let Some(running) = &mut self.running else { return std::future::pending().await };
        let fetched = running.await;
        self.running = None;
        fetched
    }

    /// Ends the reading. If the client is still behind, the next reading starts only after a pause.
    pub fn rest_if(&mut self, behind: bool) {
        self.rests_until = behind.then(|| Instant::now() + AGAIN_AFTER);
    }

    /// Time at which the next reading may start, if there is a pause.
    pub fn wake_at(&self) -> Option<Instant> {
        self.rests_until.filter(|_| self.running.is_none())
    }
}

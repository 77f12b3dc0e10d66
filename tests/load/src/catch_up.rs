//! A client's reading of history: at most one at a time, beside the live stream, again after a pause if it
//! failed or left a hole. Dropping it is safe: it only reads.

use crate::{error::LoadError, member::Shared, rest::Stored};
use futures_util::{FutureExt as _, future::BoxFuture};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// Pause before a failed or fruitless catch-up is repeated.
const AGAIN_AFTER: Duration = Duration::from_millis(300);

/// What a reading gives.
pub type Fetched = Result<Vec<Stored>, LoadError>;

/// At most one reading of history.
#[derive(Default)]
pub struct CatchUp {
    running: Option<BoxFuture<'static, Fetched>>,
    rests_until: Option<Instant>,
}

impl CatchUp {
    /// May a reading start now?
    pub fn is_ready(&self) -> bool {
        self.running.is_none() && self.rests_until.is_none_or(|until| until <= Instant::now())
    }

    /// Starts reading `thread` after `after`, as user number `user`.
    pub fn start(&mut self, shared: &Arc<Shared>, user: u32, thread: &Arc<str>, after: u32) {
        let (shared, thread) = (Arc::clone(shared), Arc::clone(thread));
        let fetch = async move {
            let target = &shared.target;
            target.rest.history(&target.token(user), &target.run, &thread, after).await
        };
        self.running = Some(fetch.boxed());
    }

    /// Until the reading is done; never, if there is none. Safe to drop and call again.
    pub async fn done(&mut self) -> Fetched {
        let Some(running) = &mut self.running else { return std::future::pending().await };
        let fetched = running.await;
        self.running = None;
        fetched
    }

    /// The reading is done; if the client is still behind, the next one waits a moment.
    pub fn rest_if(&mut self, behind: bool) {
        self.rests_until = behind.then(|| Instant::now() + AGAIN_AFTER);
    }

    /// When the next reading may start, if one rests.
    pub fn wake_at(&self) -> Option<Instant> {
        self.rests_until.filter(|_| self.running.is_none())
    }
}

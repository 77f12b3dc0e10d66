//! How many jobs use the store at the same time: a job gives its place away while it waits for a push
//! service. It knows until when its batch begins pushes.

use std::future::Future;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// A job's place among those that use the store.
pub(super) struct Turn<'a> {
    turns: &'a Semaphore,
    place: Option<SemaphorePermit<'a>>,
    /// Until when pushes are begun for it.
    pub(super) until: Instant,
}

impl<'a> Turn<'a> {
    /// Waits for a place. The semaphore is never closed.
    pub(super) async fn of(turns: &'a Semaphore, until: Instant) -> Self {
        Self { turns, place: turns.acquire().await.ok(), until }
    }

    /// Waits for something that is not the store; others have the place meanwhile.
    pub(super) async fn outside<T>(&mut self, waiting: impl Future<Output = T>) -> T {
        self.place = None;
        let result = waiting.await;
        self.place = self.turns.acquire().await.ok();
        result
    }
}

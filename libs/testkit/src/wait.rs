//! Waiting for something to become true, with a deadline that says what did not.

use anyhow::bail;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Longest that anything expected may take: generous, since tests share their machine with builds.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Gives what `look` finds, asking again while it finds nothing; after [`PATIENCE`] an error that says `what`
/// did not happen.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> anyhow::Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return Ok(found);
        }
        if Instant::now() > deadline {
            bail!("not within {PATIENCE:?}: {what}");
        }
        // sleep: between two looks
        sleep(LOOK_EVERY).await;
    }
}

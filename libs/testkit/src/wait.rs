//! Waiting for something to become true, with a deadline whose error says what did not.

use anyhow::bail;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Deadline: the longest time that anything expected may take. Generous, since tests share their machine with
/// builds.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// Pause between two calls of `look`.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Gives what `look` finds, and calls it again while it finds nothing. After [`PATIENCE`] gives an error that
/// says `what` did not happen.
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

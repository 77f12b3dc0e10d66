//! Chores: what workers do by the clock and not for a queue. They look for what is due, and delete what is
//! old.

use eventflow_ports::StoreError;
use std::error::Error;

/// Deletes what is old until nothing of it is left; `delete` deletes some and says how many. What cannot be
/// deleted now is deleted the next time. `what` names it in the log, e.g. `old sends`.
pub(crate) async fn delete_old<F>(what: &str, mut delete: impl FnMut() -> F)
where
    F: Future<Output = Result<u64, StoreError>>,
{
    loop {
        match delete().await {
            Ok(0) => break,
            Ok(count) => tracing::debug!(count, "{what} are deleted"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "{what} were not deleted");
                break;
            }
        }
    }
}

//! What is done by the clock, and fails for a while.

use std::error::Error;

/// Tells of a chore that fails, once until it has succeeded again.
#[derive(Debug, Default)]
pub struct Failing(bool);

impl Failing {
    /// Notes how the chore ended. Calls `warn` with its error if it succeeded the time before.
    pub fn note<T, E: Error + 'static>(
        &mut self,
        result: &Result<T, E>,
        warn: impl FnOnce(&(dyn Error + 'static)),
    ) {
        if let (Err(error), false) = (result, self.0) {
            warn(error);
        }
        self.0 = result.is_err();
    }
}

//! Why the job of a window is not done.

use eventflow_bus::handler::Unavailable;
use eventflow_bus::settle::Outcome;
use eventflow_ports::StoreError;
use eventflow_protocol::outbound::DeliveryEntry;

/// Why a job is not done.
pub(super) enum Trouble {
    /// Something that every job needs is down.
    Down(Unavailable),
    /// This job ends so.
    Settled(Outcome),
    /// The mail was not sent.
    Unsent {
        /// What becomes of the job.
        outcome: Outcome,
        /// What the mail server said, for the log.
        answer: String,
        /// The rows of the window if it is not tried again.
        rows: Vec<DeliveryEntry>,
        /// Whether the server may have taken it all the same.
        perhaps_sent: bool,
    },
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } => Self::Down(Unavailable::new("the store", error)),
            StoreError::Failed { .. } => Self::Settled(Outcome::retry_for(&error)),
            StoreError::Refused { .. } => Self::Settled(Outcome::reject_for(&error)),
        }
    }
}

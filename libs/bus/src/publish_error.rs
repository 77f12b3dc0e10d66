//! Publish errors: why an envelope is not on its way.

use crate::port::BrokerError;

/// Why the broker did not accept an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The broker cannot be reached now. If the lane has sent the envelope before, the broker may or may not
    /// have it.
    #[error("publish: the broker is unavailable")]
    Unavailable,
    /// The broker holds publishers back, or the lane is full.
    #[error("publish: overloaded")]
    Overloaded,
    /// The broker refused the envelope for good: the queue does not exist or is full.
    #[error("publish: the broker refused")]
    Refused,
}

impl From<&BrokerError> for PublishError {
    fn from(error: &BrokerError) -> Self {
        match error {
            BrokerError::Unavailable(_) | BrokerError::Lost { .. } => Self::Unavailable,
            BrokerError::Blocked => Self::Overloaded,
            BrokerError::Unroutable(_) | BrokerError::Refused(_) | BrokerError::Mismatch { .. } => {
                Self::Refused
            }
        }
    }
}

//! The budgets that limit how many events a socket may send.

use crate::refusal::Refusal;
use eventflow_protocol::ErrorCode;

/// The budget that an event is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Budget {
    /// The events of a socket per minute.
    Events,
    /// None: typing is limited by what it makes others hear.
    Free,
    /// A budget of its own, so that unknown events never cost a message.
    Unknown,
}

/// The refusal of an event past its budget.
pub(super) fn past_budget() -> Refusal {
    Refusal::new(ErrorCode::RateLimited, "too many events in the last minute")
}

//! What became of the try to send a window, and what of the window it leaves out.

use super::trouble::Trouble;
use crate::notify::again::Remaining;
use eventflow_protocol::outbound::{About, DeliveryEntry, DeliveryOutcome, Reason};

/// What became of a try.
pub(super) struct Tried {
    /// What became of the mail.
    pub(super) outcome: Result<DeliveryOutcome, Trouble>,
    /// What the mail leaves out of the window, and why.
    pub(super) left_out: Vec<(About, Reason)>,
}

/// What the second decision leaves out, and why.
pub(super) fn left_out(remaining: &Remaining) -> Vec<(About, Reason)> {
    let reason = |entry: &DeliveryEntry| match entry.outcome {
        DeliveryOutcome::Suppressed { reason } => Some((entry.about, reason)),
        _ => None,
    };
    remaining.suppressed.iter().filter_map(reason).collect()
}

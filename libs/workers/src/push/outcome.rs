//! What a window closes with: the row of the delivery log, and the label that counts it.

use super::deliver::Delivered;
use eventflow_metrics::{PushWindowOutcome, SuppressedPush};
use eventflow_protocol::outbound::{DeliveryOutcome, Reason};

/// What a window closes with whose devices were asked: how many have it, how many have not, and what was said
/// last.
pub(super) fn outcome_of(delivered: Delivered) -> (DeliveryOutcome, PushWindowOutcome) {
    let Delivered { taken, missed, accepted, refused, again, .. } = delivered;
    let why_not = refused.or(again);
    if taken > 0 {
        let (provider, answer) = match accepted {
            Some(accepted) => (accepted.provider.to_owned(), accepted.answer),
            // All of them had it before this attempt.
            None => ("push".to_owned(), String::new()),
        };
        let mut answer = format!("{answer}, {}", devices(taken));
        if let Some(why) = why_not {
            answer = format!("{answer}; not to {}: {why}", devices(missed));
        }
        return (DeliveryOutcome::Sent { provider, answer }, PushWindowOutcome::Sent);
    }
    match why_not {
        Some(answer) => (DeliveryOutcome::Failed { answer }, PushWindowOutcome::Failed),
        None => (DeliveryOutcome::Suppressed { reason: Reason::NoDevice }, PushWindowOutcome::NoDevice),
    }
}

fn devices(count: usize) -> String {
    format!("{count} device{}", if count == 1 { "" } else { "s" })
}

/// The reason as metrics name it. Those of e-mail never come here.
pub(super) fn suppressed(reason: Reason) -> SuppressedPush {
    match reason {
        Reason::Read => SuppressedPush::Read,
        Reason::TakenBack => SuppressedPush::TakenBack,
        Reason::Muted => SuppressedPush::Muted,
        Reason::Archived => SuppressedPush::Archived,
        Reason::Left => SuppressedPush::Left,
        Reason::Blocked => SuppressedPush::Blocked,
        Reason::Preference => SuppressedPush::Preference,
        Reason::Revoked => SuppressedPush::Revoked,
        Reason::NoDevice => SuppressedPush::NoDevice,
        Reason::Online => SuppressedPush::Online,
        Reason::Gone => SuppressedPush::Gone,
        Reason::NoAddress
        | Reason::AddressSuppressed
        | Reason::Cancelled
        | Reason::SwitchedOff
        | Reason::NotChosen => SuppressedPush::Other,
    }
}

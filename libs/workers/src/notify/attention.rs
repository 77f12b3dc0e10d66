//! Who sees what their sockets are sent, as presence knows it.

use eventflow_ports::PresenceStore;
use eventflow_ports::devices::Contact;
use eventflow_protocol::presence::Status;
use eventflow_protocol::{Timestamp, UserId};
use std::time::Duration;

/// How much the clocks of the hosts may differ that store things and that note who comes. Whoever came so
/// shortly before a thing counts as having come after it: being told twice does less harm than not at all.
const CLOCKS_DIFFER: Duration = Duration::from_secs(5);

/// Why nobody can say whether somebody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// The presence store does not answer.
    Now,
    /// The system has none that its processes share.
    Always,
}

/// Whether the person's sockets were sent what was stored `at` that time: they were there already, and still
/// are. However late this is asked, who has come since does not count.
pub(super) async fn was_there(
    presence: &dyn PresenceStore,
    user: &UserId,
    now: Timestamp,
    at: Timestamp,
) -> bool {
    match presence.online_since(std::slice::from_ref(user), now).await {
        Ok(known) => known.get(user).is_some_and(|since| since.plus(CLOCKS_DIFFER) <= at),
        Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "nobody can say who was there");
            false
        }
    }
}

/// Whether a socket of somebody who was there has told them what was stored `at` that time. `None` if nobody
/// can say yet: the gateway may have died before it told them, and has not been heard of since.
pub(super) async fn has_told(
    presence: &dyn PresenceStore,
    user: &UserId,
    now: Timestamp,
    at: Timestamp,
) -> Option<bool> {
    match presence.contact(user, (at.minus(CLOCKS_DIFFER), at), now).await {
        // Those that left in order are forgotten after a while.
        Ok(Some(Contact::Heard) | None) => Some(true),
        Ok(Some(Contact::Lost)) => Some(false),
        Ok(Some(Contact::Unsure)) => None,
        Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "nobody can say who was there");
            None
        }
    }
}

/// How likely the person sees what their sockets are sent. If nobody can say, they are offline: what is told
/// twice does less harm than what is not told.
pub(super) async fn status(presence: &dyn PresenceStore, user: &UserId, now: Timestamp) -> Status {
    known_status(presence, user, now).await.unwrap_or_default()
}

/// The same, or why nobody can say.
pub(super) async fn known_status(
    presence: &dyn PresenceStore,
    user: &UserId,
    now: Timestamp,
) -> Result<Status, Unknown> {
    match presence.attention(std::slice::from_ref(user), now).await {
        Ok(known) => Ok(known.get(user).copied().unwrap_or_default()),
        Err(error) => {
            let why = if error.is_not_shared() { Unknown::Always } else { Unknown::Now };
            tracing::debug!(error = &error as &dyn std::error::Error, "nobody can say who is there");
            Err(why)
        }
    }
}

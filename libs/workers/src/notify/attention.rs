//! Who sees what their sockets are sent, as presence knows it.

use eventflow_ports::PresenceStore;
use eventflow_protocol::presence::Status;
use eventflow_protocol::{Timestamp, UserId};
use std::time::Duration;

/// How much the clocks of the hosts may differ that store things and that note who comes. Whoever came so
/// shortly before a thing counts as having come after it: being told twice does less harm than not at all.
const CLOCKS_DIFFER: Duration = Duration::from_secs(5);

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

/// How likely the person sees what their sockets are sent. If nobody can say, they are offline: what is told
/// twice does less harm than what is not told.
pub(super) async fn status(presence: &dyn PresenceStore, user: &UserId, now: Timestamp) -> Status {
    known_status(presence, user, now).await.unwrap_or_default()
}

/// The same; `None` if nobody can say.
pub(super) async fn known_status(
    presence: &dyn PresenceStore,
    user: &UserId,
    now: Timestamp,
) -> Option<Status> {
    match presence.attention(std::slice::from_ref(user), now).await {
        Ok(known) => Some(known.get(user).copied().unwrap_or_default()),
        Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "nobody can say who is there");
            None
        }
    }
}

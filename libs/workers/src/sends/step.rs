//! One step of a send, apart from its events: who comes next, who wants to be told, what is stored and
//! logged.
//!
//! Safe to repeat because the ids of notifications and of rows of the log follow from the send and the
//! person.

use super::parts::SendParts;
use crate::chore::delete_old;
use crate::notify::{chosen_channels, wanted_form, wants};
use eventflow_ports::{Segment, StoreError};
use eventflow_protocol::inbox::Notification;
use eventflow_protocol::outbound::{About, Channel, DeliveryEntry, DeliveryOutcome, Reason};
use eventflow_protocol::sends::{BulkSend, Recipients};
use eventflow_protocol::{Timestamp, UserId};

/// The people of a step, sorted by whether they want to be told. Whoever is erased is neither.
#[derive(Default)]
pub(super) struct Sorted {
    pub(super) wanted: Vec<Notification>,
    pub(super) unwanted: Vec<UserId>,
}

impl SendParts {
    /// The next people of a send, as many as a step has.
    pub(super) async fn next_people(&self, send: &BulkSend) -> Result<Vec<UserId>, StoreError> {
        let after = send.cursor.as_ref();
        let segment = match &send.to {
            Recipients::Users(users) => {
                let from = after.map_or(0, |after| users.partition_point(|user| user <= after));
                return Ok(users[from..].iter().take(self.step_people() as usize).cloned().collect());
            }
            Recipients::Role(role) => Segment::Role(role.clone()),
            Recipients::Everybody => Segment::Everybody,
        };
        self.directory.people(&segment, after, self.step_people()).await
    }

    /// Asks everybody's preferences in one call, as the decision does for the people of a message.
    pub(super) async fn sorted(&self, send: &BulkSend, people: &[UserId]) -> Result<Sorted, StoreError> {
        self.erased.refresh().await?;
        let mut known = self.inbox.preferences_of(people).await?;
        let mut sorted = Sorted::default();
        for user in people {
            if self.erased.includes(user) {
                continue;
            }
            let preferences = known.remove(user).unwrap_or_default();
            match wanted_form(send.notification_for(user, &preferences.locale), &preferences) {
                Some(notification) => sorted.wanted.push(notification),
                None => sorted.unwanted.push(user.clone()),
            }
        }
        Ok(sorted)
    }

    /// Stores notifications. Returns those that the store has, now or since an earlier attempt.
    pub(super) async fn store(&self, wanted: Vec<Notification>) -> Result<Vec<Notification>, StoreError> {
        match self.inbox.add_notifications(&wanted).await {
            Ok(_) => Ok(wanted),
            Err(error @ StoreError::Unavailable { .. }) => Err(error),
            Err(error) => self.store_one_by_one(wanted, error).await,
        }
    }

    /// The store fails at some of them. If it fails at all, the step is made again later.
    async fn store_one_by_one(
        &self,
        wanted: Vec<Notification>,
        mut error: StoreError,
    ) -> Result<Vec<Notification>, StoreError> {
        let mut stored = Vec::new();
        for notification in wanted {
            match self.inbox.add_notifications(std::slice::from_ref(&notification)).await {
                Ok(_) => stored.push(notification),
                Err(down @ StoreError::Unavailable { .. }) => return Err(down),
                Err(other) => {
                    tracing::error!(
                        error = &other as &dyn std::error::Error,
                        notification = %notification.id,
                        "a notification of a send could not be stored"
                    );
                    error = other;
                }
            }
        }
        if stored.is_empty() { Err(error) } else { Ok(stored) }
    }

    /// Notes why these people are not told.
    pub(super) async fn log(&self, send: &BulkSend, unwanted: &[UserId]) -> Result<(), StoreError> {
        let now = self.clock.now();
        let rows: Vec<DeliveryEntry> = unwanted
            .iter()
            .flat_map(|user| Channel::ALL.map(|channel| suppressed(send, user, channel, now)))
            .collect();
        if rows.is_empty() { Ok(()) } else { self.outbound.log_deliveries(&rows).await }
    }

    /// Deletes sends that ended long ago. What cannot be deleted now is deleted the next time.
    pub(super) async fn forget(&self) {
        let before = self.clock.now().minus(self.kept);
        delete_old("old sends", || self.sends.forget_sends(before)).await;
    }
}

fn suppressed(send: &BulkSend, user: &UserId, channel: Channel, now: Timestamp) -> DeliveryEntry {
    let about = About::Notification { notification_id: send.id.notification_for(user) };
    let is_chosen = wants(chosen_channels(&send.content.data), channel);
    let reason = if is_chosen { Reason::Preference } else { Reason::NotChosen };
    DeliveryEntry::new(user.clone(), channel, about, None, DeliveryOutcome::Suppressed { reason }, now)
}

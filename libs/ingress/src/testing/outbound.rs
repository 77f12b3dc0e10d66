//! A delivery log in memory. The ingress opens no windows.

use async_trait::async_trait;
use eventflow_ports::{
    DeliveriesOf, DeliveryCount, DeliveryPage, Held, Hold, KeptMail, Outbound, StoreError, Taken,
};
use eventflow_protocol::client::answers::DeliveryWord;
use eventflow_protocol::outbound::{About, Channel, DeliveryEntry, Window, WindowId};
use eventflow_protocol::{NotificationId, Timestamp, UserId};
use parking_lot::Mutex;
use std::time::Duration;

const NO_WINDOWS: &str = "the ingress only reads the log";

#[derive(Default)]
pub(crate) struct TestOutbound(Mutex<Vec<DeliveryEntry>>);

fn is_of(entry: &DeliveryEntry, of: &DeliveriesOf) -> bool {
    let is_about = |id: &NotificationId| entry.about == About::Notification { notification_id: *id };
    match of {
        DeliveriesOf::User(user) => entry.user_id == *user,
        DeliveriesOf::Notification(id) => is_about(id),
    }
}

#[async_trait]
impl Outbound for TestOutbound {
    async fn log_deliveries(&self, entries: &[DeliveryEntry]) -> Result<(), StoreError> {
        self.0.lock().extend_from_slice(entries);
        Ok(())
    }

    async fn deliveries_of(
        &self,
        of: &DeliveriesOf,
        page: DeliveryPage,
    ) -> Result<Vec<DeliveryEntry>, StoreError> {
        let mut found: Vec<DeliveryEntry> =
            self.0.lock().iter().filter(|entry| is_of(entry, of)).cloned().collect();
        found.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.id)));
        found.retain(|entry| page.after.is_none_or(|after| (entry.at, entry.id) < after));
        found.truncate(page.limit as usize);
        Ok(found)
    }

    async fn hold(&self, _: &[Hold]) -> Result<Vec<Held>, StoreError> {
        unreachable!("{NO_WINDOWS}")
    }

    async fn claim_due(
        &self,
        _: Channel,
        _: Timestamp,
        _: Duration,
        _: u32,
    ) -> Result<Vec<Window>, StoreError> {
        unreachable!("{NO_WINDOWS}")
    }

    async fn hand_over(&self, _: &[WindowId]) -> Result<(), StoreError> {
        unreachable!("{NO_WINDOWS}")
    }

    async fn window(&self, _: WindowId) -> Result<Option<Window>, StoreError> {
        unreachable!("{NO_WINDOWS}")
    }

    async fn take_window(&self, _: WindowId, _: Timestamp, _: Duration) -> Result<Taken, StoreError> {
        unreachable!("{NO_WINDOWS}")
    }

    async fn keep_mail(&self, _: WindowId, _: Option<&KeptMail>) -> Result<(), StoreError> {
        unreachable!("{NO_WINDOWS}")
    }

    async fn kept_mail(&self, _: WindowId) -> Result<Option<KeptMail>, StoreError> {
        unreachable!("{NO_WINDOWS}")
    }

    async fn release_window(&self, _: WindowId) -> Result<(), StoreError> {
        unreachable!("{NO_WINDOWS}")
    }

    async fn postpone_window(&self, _: WindowId, _: Timestamp) -> Result<(), StoreError> {
        unreachable!("{NO_WINDOWS}")
    }

    async fn hasten_windows(&self, _: &UserId, _: Timestamp) -> Result<(), StoreError> {
        unreachable!("{NO_WINDOWS}")
    }

    async fn close_window(&self, _: WindowId, _: &[DeliveryEntry]) -> Result<bool, StoreError> {
        unreachable!("{NO_WINDOWS}")
    }

    async fn count_deliveries(&self, since: Timestamp) -> Result<Vec<DeliveryCount>, StoreError> {
        let count = |entry: &DeliveryEntry| DeliveryCount {
            channel: entry.channel,
            outcome: DeliveryWord::from(&entry.outcome),
            reason: None,
            rows: 1,
        };
        Ok(self.0.lock().iter().filter(|entry| entry.at >= since).map(count).collect())
    }

    async fn forget_deliveries(&self, _: Timestamp) -> Result<u64, StoreError> {
        unreachable!("{NO_WINDOWS}")
    }
}

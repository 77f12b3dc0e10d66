//! A suppression list in memory.

use async_trait::async_trait;
use eventflow_ports::{StoreError, SuppressionPage, Suppressions};
use eventflow_protocol::MailAddress;
use eventflow_protocol::mail::{ChangeSuppression, Suppression, SuppressionChange};
use parking_lot::Mutex;
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct TestSuppressions(Mutex<BTreeMap<String, Suppression>>);

impl TestSuppressions {
    /// Applies a change, and says whether it changed the list.
    pub(crate) fn change(&self, change: &ChangeSuppression) -> bool {
        let mut list = self.0.lock();
        let key = change.address.key();
        match &change.change {
            SuppressionChange::Lift => list.remove(&key).is_some(),
            SuppressionChange::Suppress { .. } if list.contains_key(&key) => false,
            SuppressionChange::Suppress { reason, detail } => {
                let address = change.address.clone();
                let suppression =
                    Suppression { address, reason: *reason, detail: detail.clone(), at: change.at };
                list.insert(key, suppression).is_none()
            }
        }
    }
}

#[async_trait]
impl Suppressions for TestSuppressions {
    async fn change_suppression(&self, change: &ChangeSuppression) -> Result<bool, StoreError> {
        Ok(self.change(change))
    }

    async fn suppression(&self, address: &MailAddress) -> Result<Option<Suppression>, StoreError> {
        Ok(self.0.lock().get(&address.key()).cloned())
    }

    async fn suppressions(&self, page: SuppressionPage) -> Result<Vec<Suppression>, StoreError> {
        let after = page.after.map(|address| address.key()).unwrap_or_default();
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        Ok(self
            .0
            .lock()
            .iter()
            .filter(|(key, _)| **key > after)
            .take(limit)
            .map(|(_, one)| one.clone())
            .collect())
    }
}

//! Push devices of a test: a list in memory.

use async_trait::async_trait;
use eventflow_ports::push_devices::Shown;
use eventflow_ports::{PushDevices, StoreError};
use eventflow_protocol::push::{PushDevice, RemovePushDevice};
use eventflow_protocol::{PushDeviceId, Timestamp, UserId};
use parking_lot::Mutex;
use std::collections::HashSet;

/// Push devices of a test.
#[derive(Default)]
pub(crate) struct TestDevices(Mutex<Vec<PushDevice>>);

impl TestDevices {
    /// Registers a device, unless it was registered later than this.
    pub(crate) fn register(&self, device: PushDevice) {
        let mut devices = self.0.lock();
        if devices.iter().any(|known| known.id == device.id && known.at >= device.at) {
            return;
        }
        devices.retain(|known| known.id != device.id);
        devices.insert(0, device);
    }

    /// Removes a device of this owner, unless it was registered later than this.
    pub(crate) fn remove(&self, removal: &RemovePushDevice) {
        let is_meant = |known: &PushDevice| {
            known.id == removal.device_id && known.user_id == removal.user_id && known.at <= removal.at
        };
        self.0.lock().retain(|known| !is_meant(known));
    }
}

#[async_trait]
impl PushDevices for TestDevices {
    async fn register_device(&self, _device: &PushDevice) -> Result<(), StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn remove_device(&self, _removal: &RemovePushDevice) -> Result<bool, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn devices_of(&self, user: &UserId) -> Result<Vec<PushDevice>, StoreError> {
        Ok(self.0.lock().iter().filter(|device| device.user_id == *user).cloned().collect())
    }
    async fn device_changed_at(&self, device: PushDeviceId) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.0.lock().iter().find(|known| known.id == device).map(|known| known.at))
    }
    async fn owners_among(&self, _users: &[UserId]) -> Result<HashSet<UserId>, StoreError> {
        panic!("the ingress does not ask for it")
    }
    async fn note_shown(&self, _shown: &[Shown]) -> Result<(), StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn shown(&self, _user: &UserId, _tag: &str) -> Result<Vec<Shown>, StoreError> {
        panic!("the ingress does not ask for it")
    }
    async fn shown_tags(&self, _user: &UserId, _prefix: &str) -> Result<Vec<String>, StoreError> {
        panic!("the ingress does not ask for it")
    }
    async fn forget_shown(
        &self,
        _devices: &[PushDeviceId],
        _tag: &str,
        _up_to: u64,
    ) -> Result<(), StoreError> {
        panic!("the ingress writes nothing")
    }
}

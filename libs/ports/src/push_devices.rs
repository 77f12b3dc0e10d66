//! The port to push devices: where a person's pushes go, and what they show there.
//!
//! Every change may be repeated. Of a registration and a removal the later one counts, whatever their order
//! of arrival: the commands of two people keep no order between them. So whoever accepts a change makes it
//! later than what it finds, whatever the clock says. [`crate::push_devices_contract`] checks these promises.

use crate::store::StoreError;
use async_trait::async_trait;
use eventflow_protocol::push::{PushDevice, RemovePushDevice};
use eventflow_protocol::{PushDeviceId, Timestamp, UserId};
use std::collections::HashSet;
use std::time::Duration;

/// Time for which a store remembers that a device was removed, so that a registration from before the removal
/// does not bring it back. No command is on its way for as long: the retry ladder ends after two hours.
pub const REMOVAL_KEPT: Duration = Duration::from_hours(24);
/// Time for which a store remembers what a device shows. Push services drop a message after four weeks.
pub const SHOWN_KEPT: Duration = Duration::from_hours(28 * 24);

/// Tags that are read at once. No screen shows as many.
pub const TAGS_MAX: usize = 100;

/// What a device shows: the newest push under one tag. A push replaces the one before with the same tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The device.
    pub device_id: PushDeviceId,
    /// The owner of the device when it was pushed to.
    pub user_id: UserId,
    /// What the push was about: a thread or a notification.
    pub tag: String,
    /// The push that is shown; a repetition of it must not be sent again.
    pub push: String,
    /// The `seq` of the newest message that it tells of; 0 if it is about no message.
    pub seq: u64,
    /// When the push service took it.
    pub at: Timestamp,
}

/// Keeps push devices.
#[async_trait]
pub trait PushDevices: Send + Sync + 'static {
    /// Registers a device, or renews its registration.
    ///
    /// A device belongs to whoever registered it last, and shows nothing of its owner before. Of a person's
    /// devices only the [`DEVICES_PER_USER_MAX`](eventflow_protocol::push::DEVICES_PER_USER_MAX) that were
    /// registered last stay. Nothing changes if the device was registered or removed later than this.
    async fn register_device(&self, device: &PushDevice) -> Result<(), StoreError>;

    /// Removes a device of this owner, unless it was registered again later. Returns whether it is removed
    /// now; `false` if it was not there.
    async fn remove_device(&self, removal: &RemovePushDevice) -> Result<bool, StoreError>;

    /// When this device was registered or removed last, by whomever; `None` if nobody knows it. A change that
    /// is to count must be later.
    async fn device_changed_at(&self, device: PushDeviceId) -> Result<Option<Timestamp>, StoreError>;

    /// Reads a person's devices, the newest registration first.
    async fn devices_of(&self, user: &UserId) -> Result<Vec<PushDevice>, StoreError>;

    /// Who of these people has a device, in one call.
    async fn owners_among(&self, users: &[UserId]) -> Result<HashSet<UserId>, StoreError>;

    /// Remembers what devices show now. What a device shows under the same tag is replaced, unless that tells
    /// of later messages.
    async fn note_shown(&self, shown: &[Shown]) -> Result<(), StoreError>;

    /// Reads what a person's devices show under a tag, of the devices that they still own.
    async fn shown(&self, user: &UserId, tag: &str) -> Result<Vec<Shown>, StoreError>;

    /// Reads the tags that begin with `prefix` and under which a person's devices show something, at most
    /// [`TAGS_MAX`] of them, each once.
    async fn shown_tags(&self, user: &UserId, prefix: &str) -> Result<Vec<String>, StoreError>;

    /// Forgets what these devices show under a tag, unless it tells of messages after `up_to`.
    async fn forget_shown(&self, devices: &[PushDeviceId], tag: &str, up_to: u64) -> Result<(), StoreError>;
}

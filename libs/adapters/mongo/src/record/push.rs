//! Push devices as the database keeps them.

use crate::record::values::{count, date, moment, object_id, place};
use eventflow_ports::push_devices::Shown;
use eventflow_protocol::push::{PushDevice, PushTarget};
use eventflow_protocol::{PushDeviceId, UserId};
use mongodb::bson::DateTime;
use mongodb::bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

/// A document of `pushDevices`. Without owner and target: the device was removed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceRecord {
    #[serde(rename = "_id")]
    pub(crate) id: ObjectId,
    #[serde(default)]
    user_id: Option<UserId>,
    #[serde(default)]
    target: Option<PushTarget>,
    #[serde(default)]
    name: String,
    pub(crate) at: DateTime,
}

/// A document of `pushShown`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShownRecord {
    device_id: ObjectId,
    user_id: UserId,
    tag: String,
    push: String,
    seq: i64,
    at: DateTime,
}

impl From<&PushDevice> for DeviceRecord {
    fn from(device: &PushDevice) -> Self {
        Self {
            id: object_id(device.id),
            user_id: Some(device.user_id.clone()),
            target: Some(device.target.clone()),
            name: device.name.clone(),
            at: date(device.at),
        }
    }
}

impl DeviceRecord {
    /// The device, unless it was removed.
    pub(crate) fn into_device(self) -> Option<PushDevice> {
        Some(PushDevice {
            id: PushDeviceId::from_bytes(self.id.bytes()),
            user_id: self.user_id?,
            target: self.target?,
            name: self.name,
            at: moment(self.at),
        })
    }
}

impl From<&Shown> for ShownRecord {
    fn from(shown: &Shown) -> Self {
        Self {
            device_id: object_id(shown.device_id),
            user_id: shown.user_id.clone(),
            tag: shown.tag.clone(),
            push: shown.push.clone(),
            seq: place(shown.seq),
            at: date(shown.at),
        }
    }
}

impl From<ShownRecord> for Shown {
    fn from(record: ShownRecord) -> Self {
        Self {
            device_id: PushDeviceId::from_bytes(record.device_id.bytes()),
            user_id: record.user_id,
            tag: record.tag,
            push: record.push,
            seq: count(record.seq),
            at: moment(record.at),
        }
    }
}

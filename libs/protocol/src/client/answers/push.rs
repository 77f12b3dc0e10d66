//! Answers about devices that pushes go to.

use crate::client::shape::Success;
use crate::push::{PushDevice, PushTarget};
use crate::{PushDeviceId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A device of the caller. Its address and keys are shown to nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShownDevice {
    /// The id.
    #[serde(rename = "_id")]
    pub id: PushDeviceId,
    /// How it is reached.
    pub kind: DeviceKind,
    /// What its owner called it; may be empty.
    pub name: String,
    /// When it was registered, the last time if it came again.
    #[serde(rename = "registeredAt")]
    pub registered_at: Timestamp,
}

/// How a device is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// An app, by Firebase Cloud Messaging.
    Fcm,
    /// A browser, by its push service.
    Webpush,
}

impl From<PushDevice> for ShownDevice {
    fn from(device: PushDevice) -> Self {
        let kind = match device.target {
            PushTarget::Fcm { .. } => DeviceKind::Fcm,
            PushTarget::WebPush(_) => DeviceKind::Webpush,
        };
        Self { id: device.id, kind, name: device.name, registered_at: device.at }
    }
}

/// The device is registered: `POST /devices`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceAnswer {
    /// The device.
    pub device: ShownDevice,
    /// Always true.
    pub success: Success,
}

/// The caller's devices: `GET /devices`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DevicesAnswer {
    /// The devices, the newest registration first.
    pub devices: Vec<ShownDevice>,
    /// Always true.
    pub success: Success,
}

/// What a browser subscribes with: `GET /push/key`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PushKeyAnswer {
    /// The `applicationServerKey` in base64url; `null` if this system sends no pushes to browsers.
    #[serde(rename = "publicKey")]
    pub public_key: Option<String>,
    /// Always true.
    pub success: Success,
}

//! Requests about devices that pushes go to.

use crate::client::parse::InvalidRequest;
use crate::client::values::{DeviceName, FcmToken, PushAuth, PushEndpoint, PushPublicKey};
use crate::push::{PushDevice, PushTarget, Subscription};
use crate::{Timestamp, UserId};
use schemars::JsonSchema;
use serde::Deserialize;

/// `POST /devices`: send the caller's pushes to this device too. One of `subscription` and `fcmToken` is
/// there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceBody {
    /// The subscription of a browser, as `PushSubscription.toJSON()` gives it.
    #[serde(default)]
    pub subscription: Option<SubscriptionBody>,
    /// The registration token of an app, from Firebase Cloud Messaging.
    #[serde(default)]
    pub fcm_token: Option<FcmToken>,
    /// What the owner sees in a list of devices.
    #[serde(default)]
    pub name: DeviceName,
}

/// The subscription of a browser.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct SubscriptionBody {
    /// The address at the push service.
    pub endpoint: PushEndpoint,
    /// The keys that only this browser can read pushes with.
    pub keys: SubscriptionKeys,
}

/// The keys of a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct SubscriptionKeys {
    /// The public key of the browser.
    pub p256dh: PushPublicKey,
    /// The authentication secret.
    pub auth: PushAuth,
}

impl DeviceBody {
    /// The device, registered by this person at this moment.
    pub fn into_device(self, user: UserId, at: Timestamp) -> Result<PushDevice, InvalidRequest> {
        let target = match (self.subscription, self.fcm_token) {
            (Some(SubscriptionBody { endpoint, keys }), None) => PushTarget::WebPush(Subscription {
                endpoint: endpoint.into_string(),
                p256dh: keys.p256dh.into_string(),
                auth: keys.auth.into_string(),
            }),
            (None, Some(token)) => PushTarget::Fcm { token: token.into_string() },
            _ => return Err(InvalidRequest::new("one of subscription and fcmToken must be there")),
        };
        Ok(PushDevice::new(user, target, self.name.into_string(), at))
    }
}

//! Push devices: where a person's pushes go.
//!
//! A device is a browser's subscription (Web Push) or an app's registration token (FCM). Its id follows from
//! its address at the push service, so registering it again finds it. An address belongs to one person at a
//! time: whoever registered it last.

use crate::id::PushDeviceId;
use crate::outbound::WindowJob;
use crate::{NotificationId, ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::fmt;
use url::Url;

/// Devices of one person that pushes go to. Nobody carries as many; the one that was registered longest ago
/// gives way to a new one. A browser registers itself again whenever its page is opened.
pub const DEVICES_PER_USER_MAX: usize = 20;
/// Longest registration token of an app in bytes. Tokens of today have some 200, and Google promises no
/// bound.
pub const FCM_TOKEN_MAX_BYTES: usize = 1_024;
/// Longest address of a subscription in bytes. Those of today's push services have 150 to 600.
pub const ENDPOINT_MAX_BYTES: usize = 1_024;
/// Longest name of a device in Unicode scalar values: one line of a list.
pub const DEVICE_NAME_MAX_CHARS: usize = 100;

/// Where a push goes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PushTarget {
    /// An app, by Firebase Cloud Messaging; iOS too, which FCM reaches by APNs.
    Fcm {
        /// The registration token.
        token: String,
    },
    /// A browser, by its push service (RFC 8030).
    WebPush(Subscription),
}

/// A browser's subscription, as `PushSubscription.toJSON()` gives it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The address at the push service: an `https` URL.
    pub endpoint: String,
    /// The browser's public key: an uncompressed point of P-256 (65 bytes) in base64url without padding.
    pub p256dh: String,
    /// The authentication secret: 16 bytes in base64url without padding.
    pub auth: String,
}

/// A device that a person registered. Also the command to register it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushDevice {
    /// The id; it follows from the target.
    pub id: PushDeviceId,
    /// The owner.
    pub user_id: UserId,
    /// Where its pushes go.
    pub target: PushTarget,
    /// What its owner sees in a list, e.g. `Firefox on Linux`; may be empty.
    #[serde(default)]
    pub name: String,
    /// When the ingress accepted the registration, the last one if it came again.
    pub at: Timestamp,
}

/// Work for a push worker. A window's job is written as it is, so that whoever only knows [`WindowJob`] can
/// publish it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PushJob {
    /// Send this window, unless it is closed.
    Window(WindowJob),
    /// Take away what was read.
    Clear(ClearPushes),
    /// Take away notifications that were read.
    ClearNotifications(ClearNotifications),
}

/// Devices of a person shall show nothing more of a thread, because it was read elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearPushes {
    /// The reader.
    pub user_id: UserId,
    /// The thread.
    pub thread_id: ThreadId,
    /// The read cursor: what tells of later messages stays.
    pub up_to: u64,
}

/// Devices of a person shall not show notifications any more that were read or deleted elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearNotifications {
    /// The reader.
    pub user_id: UserId,
    /// The notification; `None` for all that are read.
    pub notification_id: Option<NotificationId>,
    /// When the ingress accepted it. No other job has this field.
    pub read_at: Timestamp,
}

/// Command: a device gets no more pushes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovePushDevice {
    /// The device.
    pub device_id: PushDeviceId,
    /// The owner. Somebody else's device stays.
    pub user_id: UserId,
    /// When it was asked for. A device that was registered again later stays.
    pub at: Timestamp,
}

impl PushJob {
    /// The person whose devices it is about.
    pub fn user_id(&self) -> &UserId {
        match self {
            Self::Window(job) => &job.user_id,
            Self::Clear(clear) => &clear.user_id,
            Self::ClearNotifications(clear) => &clear.user_id,
        }
    }
}

impl PushDevice {
    /// The device with this target.
    pub fn new(user_id: UserId, target: PushTarget, name: String, at: Timestamp) -> Self {
        Self { id: PushDeviceId::of_address(target.address()), user_id, target, name, at }
    }
}

impl PushTarget {
    /// What names the device at its push service. Whoever knows it may be able to reach the device.
    pub fn address(&self) -> &str {
        match self {
            Self::Fcm { token } => token,
            Self::WebPush(subscription) => &subscription.endpoint,
        }
    }
}

impl Subscription {
    /// The push service's host and port, `host:port`: the same however the address spells them, with the port
    /// of `https` where it names none. `None` if the address is no URL with a host.
    pub fn host(&self) -> Option<String> {
        let url = Url::parse(&self.endpoint).ok()?;
        // A name with a dot at its end is the same name.
        let host = url.host_str()?.trim_end_matches('.');
        Some(format!("{host}:{}", url.port_or_known_default()?))
    }
}

/// Hides what a stranger could send pushes with: targets stand in logs and dead letters.
impl fmt::Debug for PushTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fcm { .. } => "Fcm(***)",
            Self::WebPush(_) => "WebPush(***)",
        })
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscription(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    #[test]
    fn the_job_of_a_window_is_a_push_job_and_the_two_kinds_are_told_apart() {
        let (user_id, window_id) = ("ann".parse::<UserId>().unwrap(), crate::outbound::WindowId::new());
        let job = WindowJob { window_id, user_id: user_id.clone() };
        let bytes = codec::encode(&job).unwrap();
        assert_eq!(codec::decode::<PushJob>(&bytes).unwrap(), PushJob::Window(job));
        let thread_id = ThreadId::from_bytes([1; 12]);
        let clear = ClearPushes { user_id: user_id.clone(), thread_id, up_to: u64::MAX };
        let one = NotificationId::from_bytes([2; 12]);
        let read = |notification_id| {
            let user_id = user_id.clone();
            PushJob::ClearNotifications(ClearNotifications {
                user_id,
                notification_id,
                read_at: Timestamp(1),
            })
        };
        for job in [PushJob::Clear(clear), read(None), read(Some(one))] {
            assert_eq!(codec::decode::<PushJob>(&codec::encode(&job).unwrap()).unwrap(), job);
        }
    }

    #[test]
    fn a_host_is_the_same_however_it_is_written_and_another_port_is_another_one() {
        let of = |address: &str| {
            let endpoint = format!("https://{address}");
            Subscription { endpoint, p256dh: String::new(), auth: String::new() }.host()
        };
        for written in ["A.Example/1", "a.example./1", "a.example:443/1", "A.EXAMPLE.:0443?1", "a.example:"] {
            assert_eq!(of(written).as_deref(), Some("a.example:443"), "{written}");
        }
        for written in ["127.0.0.1/1", "0x7f.1/1", "2130706433/1"] {
            assert_eq!(of(written).as_deref(), Some("127.0.0.1:443"), "{written}");
        }
        assert_eq!(of("a.example:8443/1").as_deref(), Some("a.example:8443"));
        assert_eq!(of("[2001:DB8::1]/1").as_deref(), Some("[2001:db8::1]:443"));
        assert_eq!(of("[2001:0db8:0::1]:444/1").as_deref(), Some("[2001:db8::1]:444"));
        assert_eq!(of("300.300.300.300/1"), None);
    }

    #[test]
    fn a_device_is_known_by_its_address_and_shows_none_of_it() {
        let device = |token: &str, user: &str| {
            let target = PushTarget::Fcm { token: token.to_owned() };
            PushDevice::new(user.parse().unwrap(), target, "Phone".to_owned(), Timestamp(1))
        };
        assert_eq!(device("canary", "ann").id, device("canary", "bob").id);
        assert_ne!(device("canary", "ann").id, device("other", "ann").id);
        assert!(!format!("{:?}", device("canary", "ann")).contains("canary"));
    }
}

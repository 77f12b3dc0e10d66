//! Presence: what gateways report about devices, and what others see of a person.

use crate::{Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a person is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// One of the person's clients connected or sent an event, any event, in the last 5 minutes. Pings, REST
    /// requests and received events do not count.
    Online,
    /// The person is connected and not active, or chose to be away.
    Away,
    /// The person is not connected.
    #[default]
    Offline,
}

/// A person's presence, as clients get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    /// The person.
    pub user_id: UserId,
    /// Whether the person is there.
    pub status: Status,
    /// When the person was last active; `null` if nobody has ever seen them.
    pub last_seen: Option<Timestamp>,
}

impl Presence {
    /// Of somebody whom nobody has ever seen, and of whoever a viewer may not know of.
    pub fn never_seen(user_id: UserId) -> Self {
        Self { user_id, status: Status::Offline, last_seen: None }
    }

    /// As somebody is shown to whom a block keeps them apart: they have gone since then, and have not come
    /// back. Whoever had gone before has not been seen since that.
    #[must_use]
    pub fn gone_since(self, since: Timestamp) -> Self {
        let last_seen = match self.status {
            Status::Offline => self.last_seen.map(|at| at.min(since)),
            Status::Online | Status::Away => Some(since),
        };
        Self { status: Status::Offline, last_seen, ..self }
    }
}

/// What a gateway reports about one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// The device is connected.
    Here {
        /// When its user last did something.
        active_at: Timestamp,
        /// Whether its user chose to be shown as away although active.
        wants_away: bool,
        /// Whether its client is away and its session waits. Such a device never comes back by itself once it
        /// has gone: its client has come back elsewhere.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        parked: bool,
    },
    /// The device disconnected in order, or its client came back as another device.
    Gone,
}

/// A report about one device, on its way to the presence sweeper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceSignal {
    /// The device's user.
    pub user_id: UserId,
    /// The device: unique over all gateways, the same through reconnects of one session.
    pub device: String,
    /// What the gateway reports.
    #[serde(rename = "sign")]
    pub state: DeviceState,
    /// When the gateway reported it. A signal older than the device's newest changes nothing.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_keeps_its_names_between_processes() {
        let state = DeviceState::Here { active_at: Timestamp(0), wants_away: true, parked: false };
        let signal =
            DeviceSignal { user_id: "ann".parse().unwrap(), device: "d".into(), state, at: Timestamp(0) };
        let at = "1970-01-01T00:00:00.000Z";
        assert_eq!(
            serde_json::to_string(&signal).unwrap(),
            format!(
                r#"{{"user_id":"ann","device":"d","sign":{{"here":{{"active_at":"{at}","wants_away":true}}}},"at":"{at}"}}"#
            )
        );
    }
}

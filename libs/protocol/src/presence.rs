//! Who is there: what gateways say of devices, and what others see of a person.

use crate::{Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether somebody is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A device of theirs is active.
    Online,
    /// There, but not active.
    Away,
    /// Not there.
    #[default]
    Offline,
}

/// A person's presence, as clients get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    /// Whose.
    pub user_id: UserId,
    /// Whether they are there.
    pub status: Status,
    /// When they were last active; none if never seen.
    pub last_seen: Option<Timestamp>,
}

/// What a gateway says of one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// There; last active then; wants to be shown as away although active (the user chose so).
    Here {
        /// When its user last did something.
        active_at: Timestamp,
        /// The user chose to be away.
        wants_away: bool,
    },
    /// Left in order.
    Gone,
}

/// A sign of one device, on its way to the sweeper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// Whose device.
    pub user_id: UserId,
    /// Which: unique over all gateways, the same through reconnects of one session.
    pub device: String,
    /// What.
    pub sign: Sign,
    /// When; a signal older than the device's newest changes nothing.
    pub at: Timestamp,
}

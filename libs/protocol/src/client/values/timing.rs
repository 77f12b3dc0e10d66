//! Values of preferences: times of day, time zones, languages, muted threads.

use crate::ThreadId;
use crate::client::values::unfit::Unfit;
use crate::schedule::{LOCALE_MAX_BYTES, TimeZoneName, WallTime, is_locale};
use schemars::JsonSchema;
use serde::Deserialize;

/// A time of day, `HH:MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("pattern" = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
pub struct WallClock(pub WallTime);

impl TryFrom<String> for WallClock {
    type Error = Unfit;

    fn try_from(text: String) -> Result<Self, Unfit> {
        text.parse().map(Self).map_err(|_| Unfit::must_be("a time of day like 22:00"))
    }
}

/// A time zone of the IANA database.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("minLength" = 1))]
pub struct TimeZoneReference(TimeZoneName);

impl TimeZoneReference {
    /// The zone's name in the spelling of the database.
    pub fn into_name(self) -> TimeZoneName {
        self.0
    }
}

impl TryFrom<String> for TimeZoneReference {
    type Error = Unfit;

    fn try_from(text: String) -> Result<Self, Unfit> {
        let known = TimeZoneName::known(&text).map(Self);
        known.ok_or_else(|| Unfit::must_be("a time zone like Europe/Berlin"))
    }
}

/// The name of a language, or nothing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("pattern" = "^([A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*)?$", "maxLength" = LOCALE_MAX_BYTES))]
pub struct LocaleName(String);

impl LocaleName {
    /// The name.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for LocaleName {
    type Error = Unfit;

    fn try_from(text: String) -> Result<Self, Unfit> {
        let fits = text.is_empty() || is_locale(&text);
        if fits { Ok(Self(text)) } else { Err(Unfit::must_be("a language like de or pt-BR")) }
    }
}

/// The thread that a mute names. Nobody looks whether there is one: a mute of no thread does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("pattern" = "^[0-9a-f]{24}$"))]
pub struct MutedThread(pub ThreadId);

impl TryFrom<String> for MutedThread {
    type Error = Unfit;

    fn try_from(text: String) -> Result<Self, Unfit> {
        text.parse().map(Self).map_err(|_| Unfit::must_be("the id of a thread"))
    }
}

//! Requests about preferences.

use crate::Timestamp;
use crate::client::given::FIELD;
use crate::client::parse::InvalidRequest;
use crate::client::values::{List, LocaleName, MutedThread, NotificationKind, TimeZoneReference, WallClock};
use crate::inbox::{Channels, KIND_MAX_BYTES, PREFERENCE_KINDS_MAX, Preferences};
use crate::schedule::{DigestInterval, Every, MUTES_MAX, Mute, QuietHours};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// `POST`, `PUT` or `PATCH /notifications/preferences`: how the caller wants to be told. `POST` and `PUT`
/// replace what was there: a field that is not named has its default. `PATCH` leaves such a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreferencesBody {
    /// For every kind that is not named in `types`.
    #[serde(default)]
    pub channels: ChannelsBody,
    /// The older form of `channels.inApp`.
    #[serde(default)]
    pub in_app: Option<bool>,
    /// The older form of `channels.email`.
    #[serde(default)]
    pub email: Option<bool>,
    /// The older form of `channels.push`.
    #[serde(default)]
    pub push: Option<bool>,
    /// By kind.
    #[serde(default)]
    pub types: ChannelsByKind,
    /// The hours in which nothing is sent.
    #[serde(default)]
    pub quiet_hours: Option<QuietHoursBody>,
    /// How mails are gathered.
    #[serde(default)]
    pub digest: Option<DigestBody>,
    /// The time zone of quiet hours and daily digests.
    #[serde(default)]
    pub time_zone: Option<TimeZoneReference>,
    /// The language of mails and push messages; empty for the system's own.
    #[serde(default)]
    pub locale: Option<LocaleName>,
    /// Whether to tell the caller also while a page is open that they do not look at.
    #[serde(default)]
    pub when_away: Option<bool>,
    /// All threads of which the caller wants to be told nothing.
    #[serde(default)]
    pub mutes: Option<List<MuteBody, MUTES_MAX>>,
}

impl PreferencesBody {
    /// The preferences that replace all others, set at this moment.
    pub fn into_preferences(self, at: Timestamp) -> Result<Preferences, InvalidRequest> {
        self.onto(Preferences::default(), at)
    }

    /// These preferences with what the body names, set at this moment.
    pub fn onto(self, stored: Preferences, at: Timestamp) -> Result<Preferences, InvalidRequest> {
        let older = ChannelsBody { in_app: self.in_app, email: self.email, push: self.push };
        let channels = self.channels.onto(older.onto(stored.channels));
        let mut types = stored.types;
        for (kind, body) in self.types.0 {
            let kind = kind.into_string();
            // A channel that a new kind does not name is on, whatever holds for the other kinds.
            let before = types.get(&kind).copied().unwrap_or_default();
            types.insert(kind, body.onto(before));
        }
        if types.len() > PREFERENCE_KINDS_MAX {
            return Err(InvalidRequest::new(format!("types has more than {PREFERENCE_KINDS_MAX} entries")));
        }
        let quiet_hours = match self.quiet_hours {
            Some(body) => body.onto(stored.quiet_hours)?,
            None => stored.quiet_hours,
        };
        let mutes = self.mutes.map(|List(mutes)| mutes.into_iter().map(MuteBody::into_mute).collect());
        Ok(Preferences {
            channels,
            types,
            quiet_hours,
            digest: match self.digest {
                Some(body) => body.onto(stored.digest)?,
                None => stored.digest,
            },
            time_zone: self.time_zone.map_or(stored.time_zone, TimeZoneReference::into_name),
            locale: self.locale.map_or(stored.locale, LocaleName::into_string),
            when_away: self.when_away.unwrap_or(stored.when_away),
            mutes: mutes.unwrap_or(stored.mutes),
            updated_at: Some(at),
        })
    }
}

/// Ways to reach somebody. A channel that is not named is on, or with `PATCH` as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ChannelsBody {
    /// In the inbox and by event.
    pub in_app: Option<bool>,
    /// By e-mail.
    pub email: Option<bool>,
    /// To their devices.
    pub push: Option<bool>,
}

impl ChannelsBody {
    fn onto(self, before: Channels) -> Channels {
        Channels {
            in_app: self.in_app.unwrap_or(before.in_app),
            email: self.email.unwrap_or(before.email),
            push: self.push.unwrap_or(before.push),
        }
    }
}

/// The hours in which nothing is sent. What is not named is as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct QuietHoursBody {
    /// Whether they hold; they do if it is not named.
    pub enabled: Option<bool>,
    /// When they begin, `HH:MM`.
    pub from: Option<WallClock>,
    /// When they end, `HH:MM`.
    pub until: Option<WallClock>,
}

impl QuietHoursBody {
    fn onto(self, before: QuietHours) -> Result<QuietHours, InvalidRequest> {
        let quiet_hours = QuietHours {
            enabled: self.enabled.unwrap_or(true),
            from: self.from.map_or(before.from, |WallClock(time)| time),
            until: self.until.map_or(before.until, |WallClock(time)| time),
        };
        if quiet_hours.from == quiet_hours.until {
            let path = "quietHours.until".to_owned();
            let message = format!("{path} must not be the time at which they begin");
            return Err(InvalidRequest { path, message });
        }
        Ok(quiet_hours)
    }
}

/// How mails are gathered. What is not named is as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DigestBody {
    /// How long mails wait.
    pub every: Option<Every>,
    /// The hour of the day at which a daily digest comes.
    #[schemars(range(max = 23))]
    pub hour: Option<u8>,
}

impl DigestBody {
    fn onto(self, before: DigestInterval) -> Result<DigestInterval, InvalidRequest> {
        if self.hour.is_some_and(|hour| hour > 23) {
            let path = "digest.hour".to_owned();
            return Err(InvalidRequest { message: format!("{path} must be 0 to 23"), path });
        }
        Ok(DigestInterval {
            every: self.every.unwrap_or(before.every),
            hour: self.hour.unwrap_or(before.hour),
        })
    }
}

/// A thread of which the caller wants to be told nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MuteBody {
    /// The thread.
    pub thread_id: MutedThread,
    /// When the mute ends; never if it is not named.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

impl MuteBody {
    fn into_mute(self) -> Mute {
        let MuteBody { thread_id: MutedThread(thread_id), until } = self;
        Mute { thread_id, until }
    }
}

/// Channels by kind of notification, for at most [`PREFERENCE_KINDS_MAX`] kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
pub struct ChannelsByKind(BTreeMap<NotificationKind, ChannelsBody>);

impl<'de> Deserialize<'de> for ChannelsByKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Kinds)
    }
}

struct Kinds;

impl<'de> Visitor<'de> for Kinds {
    type Value = ChannelsByKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut given: A) -> Result<ChannelsByKind, A::Error> {
        if given.size_hint().is_some_and(|count| count > PREFERENCE_KINDS_MAX) {
            return Err(A::Error::custom(format_args!(
                "{FIELD} has more than {PREFERENCE_KINDS_MAX} entries"
            )));
        }
        let mut kinds = BTreeMap::new();
        while let Some(kind) = given.next_key::<String>()? {
            let kind = NotificationKind::try_from(kind).map_err(|_| {
                A::Error::custom(format_args!(
                    "a key of {FIELD} must match [a-z0-9_.:-]{{1,{KIND_MAX_BYTES}}}"
                ))
            })?;
            kinds.insert(kind, given.next_value()?);
        }
        Ok(ChannelsByKind(kinds))
    }
}

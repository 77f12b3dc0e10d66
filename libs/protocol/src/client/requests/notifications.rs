//! Requests about preferences.

use crate::Timestamp;
use crate::client::given::FIELD;
use crate::client::parse::InvalidRequest;
use crate::client::values::{List, LocaleName, MutedThread, NotificationKind, TimeZoneReference, WallClock};
use crate::inbox::{KIND_MAX_BYTES, PREFERENCE_KINDS_MAX, Preferences};
use crate::preferences::{
    ChannelsChange, DigestChange, InvalidChange, PreferenceFields, PreferencesChange, QuietHoursChange,
};
use crate::schedule::{Every, MUTES_MAX, Mute};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// `POST`, `PUT` or `PATCH /notifications/preferences`: how the caller wants to be told. `POST` and `PUT`
/// replace what was there: a field that is not named has its default. `PATCH` leaves such a field as it is.
///
/// A field that is not known is refused: a misspelt one would look like a setting that was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreferencesBody {
    /// For every type. What is not named is `true`. The three may stand in the body itself, too, as older
    /// clients write them.
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
    /// For single types: `{"<type>": {inApp?, email?, push?}}`. Messages of threads have the type `message`.
    /// What is not named is as in `channels`.
    #[serde(default)]
    pub types: ChannelsByKind,
    /// Times as `HH:MM` on the person's clock; they may go over midnight. Mails and push messages wait until
    /// they end. `enabled` is `true` if it is not named; without `quietHours` it is `false`.
    #[serde(default)]
    pub quiet_hours: Option<QuietHoursBody>,
    /// How long mails wait for further ones. `every` is `immediately` (default), `15m`, `1h` or `1d`; a daily
    /// one comes at `hour`, 0 to 23, default 8. Push messages do not wait.
    #[serde(default)]
    pub digest: Option<DigestBody>,
    /// The time zone of quiet hours and daily digests, a name of the IANA database like `Europe/Berlin`;
    /// default `UTC`.
    #[serde(default)]
    pub time_zone: Option<TimeZoneReference>,
    /// The language of mails and push messages, like `de` or `pt-BR`; empty (default) for the system's own.
    #[serde(default)]
    pub locale: Option<LocaleName>,
    /// `true`: mails and push messages also while a page is open that the person does not look at; default
    /// `false`.
    #[serde(default)]
    pub when_away: Option<bool>,
    /// All muted threads; of their messages the person gets no mail and no push message, for ever or until
    /// then. A notification of the application that names the thread comes all the same.
    #[serde(default)]
    pub mutes: Option<List<MuteBody, MUTES_MAX>>,
    /// Part of what is shown, so that it can be sent back whole. It changes nothing.
    #[serde(default)]
    pub updated_at: Option<Timestamp>,
}

impl PreferencesBody {
    /// The preferences that replace all others, set at this moment.
    pub fn into_preferences(self, at: Timestamp) -> Result<Preferences, InvalidRequest> {
        Ok(self.into_change()?.onto(Preferences::default(), at)?)
    }

    /// What the body changes. Whether that fits what is stored shows when the change is carried out.
    pub fn into_change(self) -> Result<PreferencesChange, InvalidRequest> {
        let types = self.types.0.into_iter().map(|(kind, body)| (kind.into_string(), body.into_change()));
        let mutes = self.mutes.map(|List(mutes)| each_once(mutes)).transpose()?;
        Ok(PreferencesChange::Fields(PreferenceFields {
            channels: ChannelsChange {
                in_app: self.channels.in_app.or(self.in_app),
                email: self.channels.email.or(self.email),
                push: self.channels.push.or(self.push),
            },
            types: types.collect(),
            quiet_hours: self.quiet_hours.map(QuietHoursBody::into_change).transpose()?,
            digest: self.digest.map(DigestBody::into_change).transpose()?,
            time_zone: self.time_zone.map(TimeZoneReference::into_name),
            locale: self.locale.map(LocaleName::into_string),
            when_away: self.when_away,
            mutes,
        }))
    }
}

impl From<InvalidChange> for InvalidRequest {
    fn from(invalid: InvalidChange) -> Self {
        Self { path: invalid.path().to_owned(), message: invalid.to_string() }
    }
}

/// Ways to reach somebody. A channel that is not named is on, or with `PATCH` as it was; of a kind in `types`
/// it is as for every kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ChannelsBody {
    /// In the inbox and by event.
    pub in_app: Option<bool>,
    /// By e-mail.
    pub email: Option<bool>,
    /// To their devices.
    pub push: Option<bool>,
}

impl ChannelsBody {
    fn into_change(self) -> ChannelsChange {
        ChannelsChange { in_app: self.in_app, email: self.email, push: self.push }
    }
}

/// The hours in which nothing is sent. What is not named is as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct QuietHoursBody {
    /// Whether they hold; they do if it is not named.
    pub enabled: Option<bool>,
    /// When they begin, `HH:MM`.
    pub from: Option<WallClock>,
    /// When they end, `HH:MM`.
    pub until: Option<WallClock>,
}

impl QuietHoursBody {
    fn into_change(self) -> Result<QuietHoursChange, InvalidRequest> {
        let (from, until) = (self.from.map(|WallClock(time)| time), self.until.map(|WallClock(time)| time));
        if from.is_some() && from == until {
            return Err(InvalidChange::NoQuietHours.into());
        }
        Ok(QuietHoursChange { enabled: self.enabled.unwrap_or(true), from, until })
    }
}

/// How mails are gathered. What is not named is as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct DigestBody {
    /// How long mails wait.
    pub every: Option<Every>,
    /// The hour of the day at which a daily digest comes.
    #[schemars(range(max = 23))]
    pub hour: Option<u8>,
}

impl DigestBody {
    fn into_change(self) -> Result<DigestChange, InvalidRequest> {
        if self.hour.is_some_and(|hour| hour > 23) {
            let path = "digest.hour".to_owned();
            return Err(InvalidRequest { message: format!("{path} must be 0 to 23"), path });
        }
        Ok(DigestChange { every: self.every, hour: self.hour })
    }
}

/// A thread of which the caller wants to be told nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MuteBody {
    /// The thread.
    pub thread_id: MutedThread,
    /// When the mute ends; never if it is not named.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// How long a thread that the path names is muted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct MuteEndBody {
    /// When the mute ends; never if it is not named.
    pub until: Option<Timestamp>,
}

impl MuteBody {
    fn into_mute(self) -> Mute {
        let MuteBody { thread_id: MutedThread(thread_id), until } = self;
        Mute { thread_id, until }
    }
}

/// The mutes, unless two are of one thread: nobody could tell which of them holds.
fn each_once(mutes: Vec<MuteBody>) -> Result<Vec<Mute>, InvalidRequest> {
    let mut threads = BTreeSet::new();
    let mutes: Vec<Mute> = mutes.into_iter().map(MuteBody::into_mute).collect();
    match mutes.iter().position(|mute| !threads.insert(mute.thread_id)) {
        None => Ok(mutes),
        Some(again) => {
            let path = format!("mutes[{again}].threadId");
            Err(InvalidRequest { message: format!("{path} is in mutes before"), path })
        }
    }
}

/// Channels by type of notification, for at most 100 types.
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

//! Changes of somebody's preferences, which keep what they do not name.
//!
//! A change travels as it was asked for, and the store merges it into what it has
//! ([`PreferencesChange::onto`]). So two changes at the same moment, of different fields and at different
//! gateways, both count.

use crate::inbox::{Channels, NamedChannels, PREFERENCE_KINDS_MAX, Preferences, later};
use crate::schedule::{DigestInterval, Every, MUTES_MAX, Mute, QuietHours, TimeZoneName, WallTime};
use crate::{ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Command: change a person's preferences. What it does not name stays as it is when it is carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePreferences {
    /// The person.
    pub user_id: UserId,
    /// What becomes of them.
    pub change: PreferencesChange,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// What a command does to preferences. Repeating it comes to the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreferencesChange {
    /// Give these fields these values.
    Fields(PreferenceFields),
    /// Send no more e-mail, of any kind.
    StopMails,
    /// Mute this thread, or give its mute this end; the other mutes stay.
    Mute(Mute),
    /// Take this thread out of the mutes.
    Unmute(ThreadId),
}

/// The fields that a change names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PreferenceFields {
    /// For every kind that `types` does not name.
    pub channels: ChannelsChange,
    /// By kind; the other kinds stay. A channel that nobody has named for a kind is as for every kind.
    pub types: BTreeMap<String, ChannelsChange>,
    /// The hours in which nothing is sent.
    pub quiet_hours: Option<QuietHoursChange>,
    /// How mails are gathered.
    pub digest: Option<DigestChange>,
    /// The time zone of quiet hours and daily digests.
    pub time_zone: Option<TimeZoneName>,
    /// The language of mails and push messages.
    pub locale: Option<String>,
    /// Whether to tell the person also while a page is open that they do not look at.
    pub when_away: Option<bool>,
    /// All muted threads. [`PreferencesChange::Mute`] changes one of them.
    pub mutes: Option<Vec<Mute>>,
}

/// The channels that a change names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChannelsChange {
    /// The inbox, and an event.
    pub in_app: Option<bool>,
    /// E-mail.
    pub email: Option<bool>,
    /// Push messages to their devices.
    pub push: Option<bool>,
}

/// What a change says about quiet hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHoursChange {
    /// Whether they hold.
    pub enabled: bool,
    /// When they begin.
    #[serde(default)]
    pub from: Option<WallTime>,
    /// When they end.
    #[serde(default)]
    pub until: Option<WallTime>,
}

/// What a change says about digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DigestChange {
    /// How long mails wait.
    pub every: Option<Every>,
    /// The hour of the day, 0 to 23, at which a daily digest comes.
    pub hour: Option<u8>,
}

/// Why a change does not fit the preferences that are stored. The sentence names the field and the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChange {
    /// There would be more kinds with channels of their own than [`PREFERENCE_KINDS_MAX`].
    #[error("types has more than {PREFERENCE_KINDS_MAX} entries")]
    TooManyKinds,
    /// There would be more mutes than [`MUTES_MAX`] that have not ended.
    #[error("mutes has more than {MUTES_MAX} entries")]
    TooManyMutes,
    /// The quiet hours would end when they begin.
    #[error("quietHours.until must not be the time at which they begin")]
    NoQuietHours,
}

impl PreferencesChange {
    /// The stored preferences with this change, which was accepted at this moment. They are later than the
    /// stored ones by their `updated_at`, unless the change finds nothing to do.
    pub fn onto(&self, stored: Preferences, at: Timestamp) -> Result<Preferences, InvalidChange> {
        let updated_at = later(&stored, at);
        let changed = match self {
            Self::Fields(fields) => fields.onto(stored)?,
            Self::StopMails if stored.want_mail() => without_mail(stored),
            Self::Mute(mute) if !stored.mutes.contains(mute) => muted(stored, *mute, at)?,
            Self::Unmute(thread) if stored.mutes.iter().any(|mute| mute.thread_id == *thread) => {
                unmuted(stored, *thread)
            }
            Self::StopMails | Self::Mute(_) | Self::Unmute(_) => return Ok(stored),
        };
        Ok(Preferences { updated_at: Some(updated_at), ..changed })
    }
}

impl PreferenceFields {
    fn onto(&self, stored: Preferences) -> Result<Preferences, InvalidChange> {
        let (channels, mut types) = (self.channels.onto(stored.channels), stored.types);
        for (kind, change) in &self.types {
            types.entry(kind.clone()).or_default().name(*change);
        }
        if types.len() > PREFERENCE_KINDS_MAX {
            return Err(InvalidChange::TooManyKinds);
        }
        let quiet_hours = match self.quiet_hours {
            Some(change) => change.onto(stored.quiet_hours)?,
            None => stored.quiet_hours,
        };
        Ok(Preferences {
            channels,
            types,
            quiet_hours,
            digest: self.digest.map_or(stored.digest, |change| change.onto(stored.digest)),
            time_zone: self.time_zone.clone().unwrap_or(stored.time_zone),
            locale: self.locale.clone().unwrap_or(stored.locale),
            when_away: self.when_away.unwrap_or(stored.when_away),
            mutes: self.mutes.clone().unwrap_or(stored.mutes),
            updated_at: stored.updated_at,
        })
    }
}

impl ChannelsChange {
    fn onto(self, before: Channels) -> Channels {
        Channels {
            in_app: self.in_app.unwrap_or(before.in_app),
            email: self.email.unwrap_or(before.email),
            push: self.push.unwrap_or(before.push),
        }
    }
}

impl NamedChannels {
    /// Takes over what a change names.
    fn name(&mut self, change: ChannelsChange) {
        self.in_app = change.in_app.or(self.in_app);
        self.email = change.email.or(self.email);
        self.push = change.push.or(self.push);
    }
}

impl QuietHoursChange {
    fn onto(self, before: QuietHours) -> Result<QuietHours, InvalidChange> {
        let from = self.from.unwrap_or(before.from);
        let until = self.until.unwrap_or(before.until);
        if from == until {
            return Err(InvalidChange::NoQuietHours);
        }
        Ok(QuietHours { enabled: self.enabled, from, until })
    }
}

impl DigestChange {
    fn onto(self, before: DigestInterval) -> DigestInterval {
        DigestInterval { every: self.every.unwrap_or(before.every), hour: self.hour.unwrap_or(before.hour) }
    }
}

impl InvalidChange {
    /// The field that is wrong.
    pub fn path(self) -> &'static str {
        match self {
            Self::TooManyKinds => "types",
            Self::TooManyMutes => "mutes",
            Self::NoQuietHours => "quietHours.until",
        }
    }
}

/// Mutes that have ended make room, so that somebody who mutes for an hour each day does not run out of it.
fn muted(stored: Preferences, mute: Mute, at: Timestamp) -> Result<Preferences, InvalidChange> {
    let mut stored = unmuted(stored, mute.thread_id);
    stored.mutes.retain(|other| other.until.is_none_or(|until| at < until));
    if stored.mutes.len() >= MUTES_MAX {
        return Err(InvalidChange::TooManyMutes);
    }
    stored.mutes.push(mute);
    Ok(stored)
}

fn unmuted(mut stored: Preferences, thread: ThreadId) -> Preferences {
    stored.mutes.retain(|mute| mute.thread_id != thread);
    stored
}

fn without_mail(mut preferences: Preferences) -> Preferences {
    preferences.channels.email = false;
    for named in preferences.types.values_mut() {
        // What was not named has just become so.
        named.email = named.email.and(Some(false));
    }
    preferences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::command::{Command, Subject};
    use crate::inbox::SetPreferences;
    use serde_json::{Value, json};

    fn fields(fields: PreferenceFields) -> PreferencesChange {
        PreferencesChange::Fields(fields)
    }

    fn email(email: bool) -> ChannelsChange {
        ChannelsChange { email: Some(email), ..ChannelsChange::default() }
    }

    /// The command with these names, after the way to the worker.
    fn read(command: Value) -> Command {
        let command: Command = serde_json::from_value(command).unwrap();
        assert_eq!(codec::decode::<Command>(&codec::encode(&command).unwrap()).unwrap(), command);
        command
    }

    #[test]
    fn a_kind_that_is_named_anew_is_as_every_kind_and_brings_no_mail_back() {
        let stopped = PreferencesChange::StopMails.onto(Preferences::default(), Timestamp(7)).unwrap();
        let no_push = ChannelsChange { push: Some(false), ..ChannelsChange::default() };
        let types = BTreeMap::from([("message".to_owned(), no_push)]);
        let named = PreferenceFields { types: types.clone(), ..PreferenceFields::default() };
        let changed = fields(named).onto(stopped, Timestamp(8)).unwrap();
        assert_eq!(changed.channels_for("message"), Channels { in_app: true, email: false, push: false });
        assert!(!changed.want_mail());
        let both = PreferenceFields { channels: email(false), types, ..PreferenceFields::default() };
        let changed = fields(both).onto(Preferences::default(), Timestamp(8)).unwrap();
        assert!(!changed.want_mail(), "in one change");
    }

    #[test]
    fn what_a_kind_does_not_name_follows_what_is_changed_for_every_kind_later() {
        let no_push = ChannelsChange { push: Some(false), ..ChannelsChange::default() };
        let types = BTreeMap::from([("news".to_owned(), no_push)]);
        let named = PreferenceFields { types, ..PreferenceFields::default() };
        let first = fields(named).onto(Preferences::default(), Timestamp(1)).unwrap();
        let no_mail = PreferenceFields { channels: email(false), ..PreferenceFields::default() };
        let then = fields(no_mail).onto(first, Timestamp(2)).unwrap();
        assert_eq!(then.channels_for("news"), Channels { in_app: true, email: false, push: false });
        assert!(!then.channels_of("other", true).email, "no kind wants mail");
        let types = BTreeMap::from([("news".to_owned(), email(true))]);
        let both = fields(PreferenceFields { types, ..PreferenceFields::default() });
        let both = both.onto(then, Timestamp(3)).unwrap();
        assert_eq!(both.channels_for("news"), Channels { in_app: true, email: true, push: false });
    }

    #[test]
    fn a_change_is_later_than_what_it_changes_also_if_its_clock_is_behind() {
        let change = fields(PreferenceFields { when_away: Some(true), ..PreferenceFields::default() });
        let first = change.onto(Preferences::default(), Timestamp(7)).unwrap();
        assert_eq!((first.when_away, first.updated_at), (true, Some(Timestamp(7))));
        for (at, updated_at) in [(6, 8), (7, 8), (8, 8), (9, 9)] {
            let next = change.onto(first.clone(), Timestamp(at)).unwrap();
            assert_eq!(next.updated_at, Some(Timestamp(updated_at)), "{at}");
        }
    }

    #[test]
    fn mails_stop_for_every_kind_and_stopping_them_again_changes_nothing() {
        let types = [("news".to_owned(), email(true)), ("quiet".to_owned(), email(false))];
        let change = fields(PreferenceFields { types: types.into(), ..PreferenceFields::default() });
        let stored = change.onto(Preferences::default(), Timestamp(1)).unwrap();
        let stopped = PreferencesChange::StopMails.onto(stored, Timestamp(2)).unwrap();
        assert_eq!(stopped.channels, Channels { email: false, ..Channels::default() });
        for kind in ["news", "quiet"] {
            assert_eq!(stopped.types[kind], NamedChannels { email: Some(false), ..NamedChannels::default() });
        }
        assert_eq!(stopped.updated_at, Some(Timestamp(2)));
        assert_eq!(PreferencesChange::StopMails.onto(stopped.clone(), Timestamp(3)).unwrap(), stopped);
        // Mails of one kind alone are mails too.
        let one = fields(PreferenceFields {
            types: [("news".to_owned(), email(true))].into(),
            ..PreferenceFields::default()
        });
        let some = one.onto(stopped.clone(), Timestamp(4)).unwrap();
        let none = PreferencesChange::StopMails.onto(some, Timestamp(5)).unwrap();
        assert_eq!(none, Preferences { updated_at: Some(Timestamp(5)), ..stopped });
    }

    #[test]
    fn the_kinds_are_bounded_together_with_those_that_are_stored() {
        let kinds = |from: usize, count: usize| {
            let types = (from..from + count).map(|n| (format!("k{n}"), email(false))).collect();
            fields(PreferenceFields { types, ..PreferenceFields::default() })
        };
        let full = kinds(0, PREFERENCE_KINDS_MAX).onto(Preferences::default(), Timestamp(1)).unwrap();
        assert_eq!(
            kinds(PREFERENCE_KINDS_MAX, 1).onto(full.clone(), Timestamp(2)),
            Err(InvalidChange::TooManyKinds)
        );
        assert!(kinds(PREFERENCE_KINDS_MAX - 1, 1).onto(full, Timestamp(2)).is_ok(), "it is there");
        for invalid in [InvalidChange::TooManyKinds, InvalidChange::NoQuietHours] {
            assert!(invalid.to_string().starts_with(invalid.path()), "{invalid}");
        }
    }

    #[test]
    fn a_change_survives_the_way_to_the_worker() {
        let all = PreferenceFields {
            channels: email(false),
            types: [("a.b".to_owned(), email(true))].into(),
            quiet_hours: Some(QuietHoursChange { enabled: true, from: WallTime::hour(23), until: None }),
            digest: Some(DigestChange { every: Some(Every::Hour), hour: None }),
            time_zone: TimeZoneName::known("Europe/Berlin"),
            locale: Some(String::new()),
            when_away: Some(false),
            mutes: Some(vec![Mute { thread_id: "0123456789abcdef01234567".parse().unwrap(), until: None }]),
        };
        let user_id: UserId = "ann".parse().unwrap();
        for change in [fields(all), fields(PreferenceFields::default()), PreferencesChange::StopMails] {
            let command = Command::ChangePreferences(ChangePreferences {
                user_id: user_id.clone(),
                change,
                at: Timestamp(7),
            });
            assert_eq!(codec::decode::<Command>(&codec::encode(&command).unwrap()).unwrap(), command);
            assert_eq!(command.subject(), Subject::User(user_id.clone()));
            assert_eq!((command.kind(), command.at()), ("change_preferences", Some(Timestamp(7))));
        }
    }

    #[test]
    fn processes_of_other_versions_read_the_same_names() {
        let change = json!({
            "kind": "change_preferences", "user_id": "ann", "at": "1970-01-01T00:00:00.007Z",
            "change": { "fields": { "types": { "news": { "email": false, "fax": true } }, "later": 1 } },
        });
        let Command::ChangePreferences(change) = read(change) else { panic!("another command") };
        let types = [("news".to_owned(), email(false))].into();
        assert_eq!(change.change, fields(PreferenceFields { types, ..PreferenceFields::default() }));
        let stop = json!({ "kind": "change_preferences", "user_id": "ann", "at": "1970-01-01T00:00:00.007Z", "change": "stop_mails" });
        let Command::ChangePreferences(stop) = read(stop) else { panic!("another command") };
        assert_eq!(stop.change, PreferencesChange::StopMails);
    }

    #[test]
    fn preferences_that_an_earlier_version_sent_as_a_whole_are_read_still() {
        let set = json!({
            "kind": "set_preferences", "user_id": "ann",
            "preferences": {
                "channels": { "inApp": true, "email": false, "push": true },
                "types": { "news": { "inApp": true, "email": true, "push": false } },
                "quietHours": { "enabled": true, "from": "23:00", "until": "07:00" },
                "digest": { "every": "1h", "hour": 8 },
                "timeZone": "Europe/Berlin", "locale": "de", "whenAway": true, "mutes": [], "updatedAt": "1970-01-01T00:00:00.007Z",
            },
        });
        let Command::SetPreferences(SetPreferences { user_id, preferences }) = read(set) else {
            panic!("another command")
        };
        assert_eq!((user_id.as_str(), preferences.updated_at), ("ann", Some(Timestamp(7))));
        assert_eq!(preferences.channels, Channels { email: false, ..Channels::default() });
        assert_eq!(preferences.types["news"], Channels { push: false, ..Channels::default() }.into());
        assert_eq!(
            (preferences.digest.every, preferences.quiet_hours.from),
            (Every::Hour, WallTime::hour(23).unwrap())
        );
    }
}

//! The request that tells people something: one, some, a role or everybody, now or later.

use crate::client::parse::InvalidRequest;
use crate::client::values::{
    ClientKey, List, Metadata, NamedUser, NotificationKind, NotificationText, NotificationTitle, RoleName,
    TemplateName, ThreadReference, UserIds,
};
use crate::inbox::{Notify, SenderKey};
use crate::outbound::{DELIVER_BY, PRIORITY};
use crate::sends::{Recipients, SEND_AHEAD_MAX, SEND_USERS_MAX, SendContent};
use crate::{ThreadId, Timestamp, UserId};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Most people told by one request that waits for the result.
pub const NOTIFIED_MAX: usize = SEND_USERS_MAX;

/// How long after its time a send with a key may be asked for. Whoever got no clear answer repeats the
/// request, perhaps behind the time that it names; later it is a mistake in the time.
const REPEATED_WITHIN: Duration = Duration::from_mins(10);

/// `POST /notifications`: tell people something.
///
/// With `userIds` and `userId` alone the answer says what became of each person. With `to`, `sendAt` or
/// `template` it is a send, which goes on after the answer.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationBody {
    /// The people; together with `userId` at least one.
    #[serde(default)]
    pub user_ids: UserIds<NOTIFIED_MAX>,
    /// One person more.
    #[serde(default)]
    pub user_id: Option<NamedUser>,
    /// Who is told by a send; not together with `userIds` and `userId`.
    #[serde(default)]
    pub to: Option<RecipientsBody>,
    /// When a send begins; at once if it is not named.
    #[serde(default)]
    pub send_at: Option<Timestamp>,
    /// What sort of thing it is, e.g. `order_update`.
    #[serde(default, rename = "type")]
    pub kind: Option<NotificationKind>,
    /// One line.
    #[serde(default)]
    pub title: Option<NotificationTitle>,
    /// The text.
    #[serde(default)]
    pub message: Option<NotificationText>,
    /// The template that title and text are made from, instead of `title` and `message`.
    #[serde(default)]
    pub template: Option<TemplateName>,
    /// The host application's free-form object; a template takes its values from it.
    #[serde(default)]
    pub data: Metadata,
    /// The ways beside the inbox by which people may be told; all of them if it is not named.
    #[serde(default)]
    pub channels: Option<List<ChannelWord, 3>>,
    /// How urgent it is.
    #[serde(default)]
    pub priority: Option<PriorityWord>,
    /// The conversation it is about.
    #[serde(default)]
    pub thread_id: Option<ThreadReference>,
    /// The sender's own key: the same key of the same sender to the same person is the same notification.
    #[serde(default)]
    pub client_notification_id: Option<ClientKey>,
}

/// Who is told by a send: an id, a list of ids, or a segment of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipientsBody {
    /// These people.
    Users(Vec<UserId>),
    /// People of the directory.
    Segment(SegmentBody),
}

/// A segment of the directory: exactly one of its fields.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentBody {
    /// Everybody who has this role.
    #[serde(default)]
    pub role: Option<RoleName>,
    /// `true`: everybody.
    #[serde(default)]
    pub everybody: Option<bool>,
}

/// A way by which people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ChannelWord {
    /// The inbox, and an event: always there.
    InApp,
    /// E-mail.
    Email,
    /// Push messages.
    Push,
}

/// How urgent a notification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PriorityWord {
    /// It waits for digests and quiet hours.
    Normal,
    /// It waits for nothing.
    Critical,
}

impl NotificationBody {
    /// Whether this is a send, which goes on after its answer.
    pub fn is_send(&self) -> bool {
        self.to.is_some() || self.send_at.is_some() || self.template.is_some()
    }

    /// One command for each person. `thread_id` is the thread that the request names, which the caller has
    /// looked at.
    pub fn into_commands(
        mut self,
        by: &UserId,
        thread_id: Option<ThreadId>,
        at: Timestamp,
    ) -> Result<Vec<Notify>, InvalidRequest> {
        let recipients = self.people()?;
        let key = self.client_notification_id.take();
        let key = key.map(|key| SenderKey { by: by.clone(), key: key.into_string() });
        let SendContent { kind, title, text, data, thread_id, .. } = self.into_content(thread_id)?;
        let template =
            Notify { user_id: by.clone(), kind, title, text, data, thread_id, key, typed: None, at };
        Ok(recipients.into_iter().map(|user_id| Notify { user_id, ..template.clone() }).collect())
    }

    /// Who is told by a send.
    pub fn recipients(&mut self) -> Result<Recipients, InvalidRequest> {
        let is_older_form = self.user_id.is_some() || !self.user_ids.0.is_empty();
        match self.to.take() {
            Some(_) if is_older_form => {
                Err(InvalidRequest::new("to and userIds (or userId) exclude each other"))
            }
            None => self.people().map(Recipients::of_users),
            Some(RecipientsBody::Users(users)) if users.is_empty() => {
                Err(InvalidRequest { path: "to".to_owned(), message: "to must name somebody".to_owned() })
            }
            Some(RecipientsBody::Users(users)) => Ok(Recipients::of_users(users)),
            Some(RecipientsBody::Segment(segment)) => segment.recipients(),
        }
    }

    /// When the send is to begin. `is_known`: the same send was kept before, so its time may have passed.
    /// With a key the same request may have been accepted before, and be on its way.
    pub fn time(
        &self,
        now: Timestamp,
        has_key: bool,
        is_known: bool,
    ) -> Result<Option<Timestamp>, InvalidRequest> {
        let earliest = if has_key { now.minus(REPEATED_WITHIN) } else { now };
        let wrong = |message: &str| {
            Err(InvalidRequest { path: "sendAt".to_owned(), message: format!("sendAt {message}") })
        };
        match self.send_at {
            Some(at) if at < earliest && !is_known => wrong("is in the past"),
            Some(at) if at > now.plus(SEND_AHEAD_MAX) => wrong("is more than a year ahead"),
            at => Ok(at),
        }
    }

    /// What everybody is told. With a template, title and text are left for it to fill in.
    pub fn into_content(self, thread_id: Option<ThreadId>) -> Result<SendContent, InvalidRequest> {
        let missing = || InvalidRequest { path: "title".to_owned(), message: "title is missing".to_owned() };
        let has_text = self.title.is_some() || self.message.is_some();
        let title = match (self.title, &self.template) {
            (_, Some(_)) if has_text => {
                return Err(InvalidRequest::new("template and title (or message) exclude each other"));
            }
            (_, Some(_)) => String::new(),
            (title, None) => title.ok_or_else(missing)?.into_string(),
        };
        let mut data = self.data.into_object();
        if let Some(List(channels)) = &self.channels {
            data.insert(DELIVER_BY.to_owned(), chosen(channels));
        }
        // What the request says itself wins over what `data` says.
        let (field, critical) = PRIORITY;
        match self.priority {
            Some(PriorityWord::Critical) => drop(data.insert(field.to_owned(), critical.into())),
            Some(PriorityWord::Normal) => drop(data.remove(field)),
            None => {}
        }
        Ok(SendContent {
            kind: self.kind.unwrap_or_default().into_string(),
            title,
            text: self.message.unwrap_or_default().into_string(),
            data: sorted(data),
            thread_id,
            template: self.template.map(TemplateName::into_string),
            translations: BTreeMap::new(),
        })
    }

    /// Everybody whom the older form names, once each.
    fn people(&self) -> Result<Vec<UserId>, InvalidRequest> {
        let mut users = self.user_ids.clone().into_ids();
        users.extend(self.user_id.iter().map(|NamedUser(id)| id.clone()));
        users.sort_unstable();
        users.dedup();
        match users.len() {
            0 => Err(InvalidRequest::new("userId, userIds or to must name somebody")),
            1..=NOTIFIED_MAX => Ok(users),
            _ => Err(InvalidRequest::new(format!("userIds has more than {NOTIFIED_MAX} items"))),
        }
    }
}

impl SegmentBody {
    fn recipients(self) -> Result<Recipients, InvalidRequest> {
        match (self.role, self.everybody) {
            (Some(role), None | Some(false)) => Ok(Recipients::Role(role.into_string())),
            (None, Some(true)) => Ok(Recipients::Everybody),
            _ => {
                let message = "to must have either a role, or everybody: true".to_owned();
                Err(InvalidRequest { path: "to".to_owned(), message })
            }
        }
    }
}

/// The names of the chosen channels beside the inbox.
fn chosen(channels: &[ChannelWord]) -> Value {
    let names = [(ChannelWord::Email, "email"), (ChannelWord::Push, "push")];
    names.into_iter().filter(|(word, _)| channels.contains(word)).map(|(_, name)| name).collect()
}

fn sorted(data: Map<String, Value>) -> Map<String, Value> {
    let mut object = Value::Object(data);
    object.sort_all_objects();
    if let Value::Object(sorted) = object { sorted } else { Map::new() }
}

impl<'de> Deserialize<'de> for RecipientsBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyForm)
    }
}

/// A segment that is easily taken for a user id.
const EVERYBODY: &str = "everybody";

struct AnyForm;

impl<'de> Visitor<'de> for AnyForm {
    type Value = RecipientsBody;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a user id, a list of user ids, or an object")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<RecipientsBody, E> {
        // Whoever writes it means the segment; a person with this id is reached by `userIds`.
        if text == EVERYBODY {
            return Err(E::custom("everybody is written as {\"everybody\": true}"));
        }
        let NamedUser(user) = NamedUser::try_from(text.to_owned()).map_err(E::custom)?;
        Ok(RecipientsBody::Users(vec![user]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, given: A) -> Result<RecipientsBody, A::Error> {
        let users = UserIds::<SEND_USERS_MAX>::deserialize(SeqAccessDeserializer::new(given))?;
        Ok(RecipientsBody::Users(users.into_ids()))
    }

    fn visit_map<A: MapAccess<'de>>(self, given: A) -> Result<RecipientsBody, A::Error> {
        SegmentBody::deserialize(MapAccessDeserializer::new(given)).map(RecipientsBody::Segment)
    }
}

impl JsonSchema for RecipientsBody {
    fn schema_name() -> Cow<'static, str> {
        "RecipientsBody".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            generator.subschema_for::<NamedUser>(),
            generator.subschema_for::<UserIds<SEND_USERS_MAX>>(),
            generator.subschema_for::<SegmentBody>(),
        ] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::read;
    use serde_json::json;

    fn body(fields: Value) -> Result<NotificationBody, InvalidRequest> {
        let Value::Object(object) = fields else { panic!("an object") };
        read(object)
    }

    fn recipients(to: &Value) -> Result<Recipients, String> {
        let taken = body(json!({ "title": "t", "to": to })).and_then(|mut body| body.recipients());
        taken.map_err(|error| error.message)
    }

    #[test]
    fn a_send_goes_to_one_to_some_to_a_role_or_to_everybody() {
        let users =
            |names: &[&str]| Recipients::Users(names.iter().map(|name| name.parse().unwrap()).collect());
        for (to, expected) in [
            (json!("ann"), users(&["ann"])),
            (json!(["bob", "ann", "bob"]), users(&["ann", "bob"])),
            (json!({"role": "driver"}), Recipients::Role("driver".to_owned())),
            (json!({"everybody": true}), Recipients::Everybody),
        ] {
            assert_eq!(recipients(&to), Ok(expected));
        }
        for (to, message) in [
            (json!([]), "to must name somebody"),
            (json!({}), "to must have either a role, or everybody: true"),
            (json!({"everybody": false}), "to must have either a role, or everybody: true"),
            (json!({"role": "a", "everybody": true}), "to must have either a role, or everybody: true"),
            (json!({"role": "a b"}), "to.role must match [A-Za-z0-9_.:-]{1,64}"),
            (json!(7), "to must be a user id, a list of user ids, or an object"),
            (json!({"segment": "vip"}), "to.segment is not known"),
        ] {
            assert_eq!(recipients(&to), Err(message.to_owned()), "{to}");
        }
    }

    #[test]
    fn channels_and_priority_are_words_of_closed_sets() {
        let content = |fields| body(fields).and_then(|body| body.into_content(None));
        let chosen = content(json!({"title": "t", "channels": ["inApp", "push"], "priority": "critical"}));
        assert_eq!(
            Value::Object(chosen.unwrap().data),
            json!({"deliverBy": ["push"], "priority": "critical"})
        );
        let normal = json!({"title": "t", "priority": "normal", "data": {"priority": "critical"}});
        assert_eq!(Value::Object(content(normal).unwrap().data), json!({}), "the request wins");
        for (fields, message) in [
            (json!({"title": "t", "channels": ["sms"]}), "channels[0] must be inApp, email or push"),
            (json!({"title": "t", "priority": "high"}), "priority must be normal or critical"),
            (json!({}), "title is missing"),
            (json!({"template": "a b"}), "template must match [A-Za-z0-9_-]{1,64}"),
            (json!({"template": "a", "title": "t"}), "template and title (or message) exclude each other"),
            (json!({"template": "a", "message": "t"}), "template and title (or message) exclude each other"),
        ] {
            assert_eq!(content(fields).unwrap_err().message, message);
        }
    }

    #[test]
    fn a_send_begins_within_a_year_and_not_in_the_past() {
        let now = Timestamp(1_800_000_000_000);
        let time = |moment: Timestamp, has_key, is_known| {
            let body = body(json!({"title": "t", "sendAt": moment.to_iso()})).unwrap();
            body.time(now, has_key, is_known).map_err(|error| error.message)
        };
        let (last, late) = (now.plus(SEND_AHEAD_MAX), now.minus(REPEATED_WITHIN));
        let [too_far, past, too_late] = [last.0 + 1, now.0 - 1, late.0 - 1].map(Timestamp);
        let is_past = Err("sendAt is in the past".to_owned());
        assert_eq!(time(last, false, false), Ok(Some(last)));
        assert_eq!(time(past, false, false), is_past);
        assert_eq!(time(late, true, false), Ok(Some(late)), "it may have been accepted in time");
        assert_eq!(time(too_late, true, false), is_past);
        assert_eq!(time(too_late, true, true), Ok(Some(too_late)), "it was kept");
        assert_eq!(time(too_far, true, false), Err("sendAt is more than a year ahead".to_owned()));
    }
}

//! Notifications and preferences: a client's JSON in, commands out.
//!
//! Titles and texts are cleaned like messages, since published clients put them into pages as they are. Kinds
//! are short and plain, because they become map keys.

use crate::fields::{self, Object};
use crate::refusal::Refusal;
use crate::validate::ids::parse_thread_id;
use crate::validate::key::client_key;
use crate::validate::metadata;
use crate::validate::people::user_ids;
use eventflow_protocol::content::clean_within;
use eventflow_protocol::inbox::{
    Channels, KIND_MAX_BYTES, Notify, PREFERENCE_KINDS_MAX, Preferences, SenderKey, TEXT_MAX_CHARS,
    TITLE_MAX_CHARS,
};
use eventflow_protocol::{Timestamp, UserId};
use serde_json::Value;
use std::collections::BTreeMap;

/// Most people told by one request.
pub const NOTIFIED_MAX: usize = 1_000;
/// The kind of a notification that names none.
const DEFAULT_KIND: &str = "general";

/// One command per person from `userIds` or `userId`, `type`, `title`, `message`, `data`, `threadId` and
/// `clientNotificationId`.
pub fn notification(body: &mut Object, by: &UserId, at: Timestamp) -> Result<Vec<Notify>, Refusal> {
    let users = recipients(body)?;
    let kind = fields::optional_text(body, "type", "type")?.unwrap_or_else(|| DEFAULT_KIND.to_owned());
    let kind = self::kind(kind, "type")?;
    let title = line(&fields::text(body, "title", "title")?)?;
    let text = text(&fields::optional_text(body, "message", "message")?.unwrap_or_default())?;
    let data = metadata::take_field(body, "data", "data")?;
    let thread = fields::optional_text(body, "threadId", "threadId")?;
    let thread_id = thread.map(|thread| parse_thread_id(&thread)).transpose()?;
    let key = client_key(body, "clientNotificationId")?.map(|key| SenderKey { by: by.clone(), key });
    let notify = |user_id| Notify {
        user_id,
        kind: kind.clone(),
        title: title.clone(),
        text: text.clone(),
        data: data.clone(),
        thread_id,
        key: key.clone(),
        at,
    };
    Ok(users.into_iter().map(notify).collect())
}

/// Preferences from `channels` and `types`. A channel that is not named keeps its default.
pub fn preferences(body: &mut Object, at: Timestamp) -> Result<Preferences, Refusal> {
    let channels = channels(fields::object(body, "channels", "channels")?, "channels")?;
    let named = fields::object(body, "types", "types")?;
    if named.len() > PREFERENCE_KINDS_MAX {
        return Err(Refusal::invalid(format!("types has more than {PREFERENCE_KINDS_MAX} entries")));
    }
    let types = named
        .into_iter()
        .map(|(kind, value)| preference(kind, value))
        .collect::<Result<BTreeMap<_, _>, _>>()?;
    Ok(Preferences { channels, types, updated_at: Some(at) })
}

fn preference(kind: String, value: Value) -> Result<(String, Channels), Refusal> {
    let kind = self::kind(kind, "a key of types")?;
    let path = format!("types.{kind}");
    let Value::Object(wanted) = value else { return Err(fields::wrong_type(&path, "an object")) };
    Ok((kind, channels(wanted, &path)?))
}

fn channels(mut wanted: Object, path: &str) -> Result<Channels, Refusal> {
    let mut flag = |field: &str| match fields::take(&mut wanted, field) {
        None => Ok(true),
        Some(Value::Bool(flag)) => Ok(flag),
        Some(_) => Err(fields::wrong_type(&format!("{path}.{field}"), "true or false")),
    };
    Ok(Channels { in_app: flag("inApp")?, email: flag("email")?, push: flag("push")? })
}

fn recipients(body: &mut Object) -> Result<Vec<UserId>, Refusal> {
    let mut users = user_ids(body, "userIds", NOTIFIED_MAX)?;
    if let Some(user) = fields::optional_text(body, "userId", "userId")? {
        users.push(user.parse().map_err(|error| Refusal::invalid(format!("userId: {error}")))?);
    }
    users.sort_unstable();
    users.dedup();
    match users.len() {
        0 => Err(Refusal::invalid("userIds must name somebody")),
        1..=NOTIFIED_MAX => Ok(users),
        _ => Err(Refusal::invalid(format!("userIds has more than {NOTIFIED_MAX} items"))),
    }
}

fn kind(kind: String, path: &str) -> Result<String, Refusal> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.:-".contains(&byte);
    let good = (1..=KIND_MAX_BYTES).contains(&kind.len()) && kind.bytes().all(allowed);
    if good {
        Ok(kind)
    } else {
        Err(Refusal::invalid(format!("{path} must match [a-z0-9_.:-]{{1,{KIND_MAX_BYTES}}}")))
    }
}

fn line(raw: &str) -> Result<String, Refusal> {
    let title = clean_within(raw, TITLE_MAX_CHARS)
        .map(|clean| clean.split_whitespace().collect::<Vec<_>>().join(" "));
    let title = title.filter(|title| (1..=TITLE_MAX_CHARS).contains(&title.chars().count()));
    title.ok_or_else(|| Refusal::invalid(format!("title must have 1 to {TITLE_MAX_CHARS} characters")))
}

fn text(raw: &str) -> Result<String, Refusal> {
    let text = clean_within(raw, TEXT_MAX_CHARS).filter(|text| text.chars().count() <= TEXT_MAX_CHARS);
    text.ok_or_else(|| Refusal::invalid(format!("message is longer than {TEXT_MAX_CHARS} characters")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::content::RAW_BYTES_PER_CHAR;
    use serde_json::json;

    fn object(value: &Value) -> Object {
        value.as_object().cloned().unwrap()
    }

    fn notify(body: &Value) -> Result<Vec<Notify>, Refusal> {
        notification(&mut object(body), &"admin".parse().unwrap(), Timestamp(7))
    }

    #[test]
    fn one_request_tells_each_person_once_in_clean_words() {
        let body = json!({"userIds": ["bob", "ann", "bob"], "userId": "ann", "type": "order_update", "title": "<b>Sent</b>\n now",
            "message": "a < b<script>", "data": {"order": 7}});
        let told = notify(&body).unwrap();
        assert_eq!(told.iter().map(|one| one.user_id.as_str()).collect::<Vec<_>>(), ["ann", "bob"]);
        assert_eq!(
            (told[0].title.as_str(), told[0].text.as_str(), told[0].data["order"].as_i64()),
            ("Sent now", "a < b", Some(7))
        );
    }

    #[test]
    fn a_notification_without_people_or_title_or_with_odd_fields_is_refused() {
        let many: Vec<String> = (0..=NOTIFIED_MAX).map(|n| format!("u{n}")).collect();
        for bad in [
            json!({"title": "x"}),
            json!({"userId": "a b", "title": "x"}),
            json!({"userIds": many, "title": "x"}),
            json!({"userId": "ann"}),
            json!({"userId": "ann", "title": "<p>"}),
            json!({"userId": "ann", "title": "x".repeat(TITLE_MAX_CHARS + 1)}),
            json!({"userId": "ann", "title": "x", "message": "x".repeat(TEXT_MAX_CHARS + 1)}),
            json!({"userId": "ann", "title": format!("x<{}>", "a".repeat(TITLE_MAX_CHARS * RAW_BYTES_PER_CHAR))}),
            json!({"userId": "ann", "title": "x", "message": format!("<{}>", "a".repeat(TEXT_MAX_CHARS * RAW_BYTES_PER_CHAR))}),
            json!({"userId": "ann", "title": "x", "type": "Order Update"}),
            json!({"userId": "ann", "title": "x", "data": {"$where": 1}}),
            json!({"userId": {"$ne": 1}, "title": "x"}),
            json!({"userId": "ann", "title": "x", "clientNotificationId": ""}),
        ] {
            assert!(notify(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn preferences_name_channels_by_kind() {
        let body = json!({"channels": {"email": false}, "types": {"order_update": {"push": false}}});
        let preferences = preferences(&mut object(&body), Timestamp(7)).unwrap();
        assert_eq!(preferences.channels, Channels { in_app: true, email: false, push: true });
        assert_eq!(
            preferences.channels_for("order_update"),
            Channels { in_app: true, email: true, push: false }
        );
        for bad in
            [json!({"channels": {"email": 1}}), json!({"types": {"A b": {}}}), json!({"types": {"a": true}})]
        {
            assert!(super::preferences(&mut object(&bad), Timestamp(7)).is_err(), "{bad}");
        }
    }
}

//! Requests take what clients send, and refuse the rest with a sentence that names the field.

use super::*;
use crate::change::Wish;
use crate::client::{InvalidRequest, parse};
use crate::content::RAW_BYTES_PER_CHAR;
use crate::id::USER_ID_RULE;
use crate::inbox::{Channels, Notify, Preferences, SenderKey, TEXT_MAX_CHARS, TITLE_MAX_CHARS};
use crate::person::NAME_MAX_CHARS;
use crate::{MailAddress, Timestamp, UserId};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Debug;

const THREAD: &str = "0123456789abcdef01234567";

fn read<T: DeserializeOwned>(body: &Value) -> T {
    parse(body.to_string().as_bytes()).unwrap_or_else(|refused| panic!("{body}: {refused}"))
}

fn refused<T: DeserializeOwned + Debug>(body: &Value) -> String {
    parse::<T>(body.to_string().as_bytes()).expect_err("a bad request").message
}

fn tell(body: NotificationBody) -> Result<Vec<Notify>, InvalidRequest> {
    body.into_commands(&"admin".parse().unwrap(), None, Timestamp(7))
}

fn names(people: &[UserId]) -> Vec<&str> {
    people.iter().map(UserId::as_str).collect()
}

#[test]
fn a_message_is_clean_text_with_a_short_key() {
    let body: SendMessageBody = read(&json!({"content": "a < b && c > d <3", "attachments": [], "extra": 1}));
    assert_eq!(body.content.0.as_str(), "a < b && c > d <3");
    assert_eq!(body.client_message_id, None);
    let typed = read::<SendMessageBody>(&json!({"content": "<b>hi</b>\u{0}"})).content.0;
    assert_eq!(typed.as_str(), "<b>hi</b>");
    read::<SendMessageBody>(&json!({"content": "👍".repeat(10_000)}));
    for (body, said) in [
        (json!({}), "content is missing"),
        (json!({"content": null}), "content is missing"),
        (json!({"content": 5}), "content must be a text"),
        (json!({"content": {"$gt": ""}}), "content must be a text"),
        (json!({"content": ["a"]}), "content must be a text"),
        (json!({"content": ""}), "the message is empty"),
        (json!({"content": "\u{200B}\u{2800}", "attachments": []}), "the message is empty"),
        (json!({"content": "👍".repeat(10_001)}), "the message is longer than 10000 characters"),
        (json!({"content": "a", "attachments": {}}), "attachments must be a list"),
    ] {
        assert_eq!(refused::<SendMessageBody>(&body), said);
    }
    for good in ["1", "<m@mail.example>", "a\tb\u{0}\u{202E}", "ключ", &"x".repeat(128)] {
        let body: SendMessageBody = read(&json!({"content": "a", "clientMessageId": good}));
        assert_eq!(body.client_message_id.unwrap().into_string(), good);
    }
    for bad in ["", &"x".repeat(129), "a\u{FFFD}"] {
        assert_eq!(
            refused::<SendMessageBody>(&json!({"content": "a", "clientMessageId": bad})),
            "clientMessageId must be a text of 1 to 128 bytes without U+FFFD"
        );
    }
    for bad in [json!(7), json!({"a": 1})] {
        let body = json!({"content": "a", "clientMessageId": bad});
        assert_eq!(refused::<SendMessageBody>(&body), "clientMessageId must be a text");
    }
    assert_eq!(
        read::<SendMessageBody>(&json!({"content": "a", "clientMessageId": null})).client_message_id,
        None
    );
}

#[test]
fn a_message_with_a_file_needs_no_text() {
    let file = json!([{"type": "image", "url": "/f/1"}]);
    for body in [
        json!({"attachments": file}),
        json!({"attachments": file, "content": null}),
        json!({"attachments": file, "content": " "}),
    ] {
        let body: SendMessageBody = read(&body);
        assert_eq!((body.content.0.as_str(), body.attachments.0.len()), ("", 1));
    }
    let event: SendMessageEvent = read(&json!({"threadId": THREAD, "attachments": file}));
    assert_eq!(event.body.content.0.as_str(), "");
}

#[test]
fn an_event_names_a_thread_or_message_and_a_text_that_is_no_id_names_none() {
    let SendMessageEvent { thread_id: thread, body } = read(&json!({"threadId": THREAD, "content": "a"}));
    assert_eq!((thread.id().unwrap().to_string().as_str(), body.content.0.as_str()), (THREAD, "a"));
    let unknown: ThreadEvent = read(&json!({"threadId": "thread123"}));
    assert_eq!((unknown.thread_id.id(), unknown.thread_id.as_str()), (None, "thread123"));
    assert_eq!(refused::<ThreadEvent>(&json!({"threadId": {"$ne": null}})), "threadId must be a text");
    assert_eq!(refused::<ThreadEvent>(&json!({"threadId": null})), "threadId is missing");
    assert_eq!(refused::<SendMessageEvent>(&json!({"content": "a"})), "threadId is missing");
    assert_eq!(refused::<MessageEvent>(&json!({})), "messageId is missing");
    assert_eq!(refused::<EditMessageEvent>(&json!({"messageId": THREAD})), "content is missing");
    assert_eq!(refused::<EditMessageBody>(&json!({"content": 1})), "content must be a text");
}

#[test]
fn a_reaction_is_one_plain_emoji_and_a_wish() {
    for good in ["👍", "❤️", "👨‍👩‍👧‍👦", "+1", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"] {
        let body: ReactionBody = read(&json!({"emoji": good}));
        assert_eq!((body.emoji.into_string().as_str(), body.action), (good, Wish::Toggle));
    }
    assert_eq!(read::<ReactionBody>(&json!({"emoji": "👍", "action": "remove"})).action, Wish::Remove);
    assert_eq!(read::<ReactionBody>(&json!({"emoji": "👍", "action": null})).action, Wish::Toggle);
    for bad in ["", " ", "a b", "<b>", "a&b", "\"", "x\u{0}", "\u{202E}x", "\u{FE0F}", &"👍".repeat(17)] {
        assert_eq!(
            refused::<ReactionBody>(&json!({"emoji": bad})),
            "emoji must be a sign of 1 to 64 bytes",
            "{bad}"
        );
    }
    for (body, said) in [
        (json!({}), "emoji is missing"),
        (json!({"emoji": 1}), "emoji must be a text"),
        (json!({"emoji": "👍", "action": "flip"}), "action must be add, remove or toggle"),
        (json!({"emoji": "👍", "action": 1}), "action must be a text"),
    ] {
        assert_eq!(refused::<ReactionBody>(&body), said);
    }
    assert_eq!(refused::<ReactionEvent>(&json!({"emoji": "👍"})), "messageId is missing");
}

#[test]
fn a_message_is_read_by_its_id_or_by_thread_and_place() {
    let by_id: ReadMessageEvent = read(&json!({"messageId": THREAD, "seq": "not looked at"}));
    assert!(matches!(by_id, ReadMessageEvent::Message(message) if message.as_str() == THREAD));
    let by_place: ReadMessageEvent = read(&json!({"threadId": THREAD, "seq": 7, "messageId": null}));
    assert!(matches!(by_place, ReadMessageEvent::Place { thread, seq: 7 } if thread.as_str() == THREAD));
    for (body, said) in [
        (json!({}), "messageId is missing"),
        (json!({"messageId": 1}), "messageId must be a text"),
        (json!({"threadId": THREAD}), "seq is missing"),
        (json!({"threadId": THREAD, "seq": -1}), "seq must be a whole number"),
        (json!({"threadId": 1, "seq": 1}), "threadId must be a text"),
    ] {
        assert_eq!(refused::<ReadMessageEvent>(&body), said);
    }
    assert_eq!(read::<ReadThreadBody>(&json!({"seq": 7})).seq, Some(Seq(7)));
    assert_eq!(read::<ReadThreadBody>(&json!({"seq": null})).seq, None);
    assert_eq!(refused::<ReadThreadBody>(&json!({"seq": "7"})), "seq must be a number of a message");
}

#[test]
fn a_thread_has_its_creator_and_nobody_twice() {
    let create =
        |body: &Value| read::<CreateThreadBody>(body).into_command("ann".parse().unwrap(), Timestamp(5));
    let first =
        create(&json!({"participants": ["zoe", "bob", "zoe"], "metadata": {"a": 1, "b": 2}})).unwrap();
    assert_eq!(names(&first.participants), ["ann", "bob", "zoe"]);
    let again =
        create(&json!({"participants": ["ann", "zoe", "bob"], "metadata": {"b": 2, "a": 1}})).unwrap();
    assert_eq!(again.thread_id, first.thread_id);
    assert_ne!(create(&json!({"participants": ["zoe", "bob"]})).unwrap().thread_id, first.thread_id);
    let many = |count: usize| (0..count).map(|n| format!("u{n}")).collect::<Vec<_>>();
    assert_eq!(create(&json!({"participants": many(4_999)})).unwrap().participants.len(), 5_000);
    for (body, said) in [
        (json!({}), "participants must name somebody else"),
        (json!({"participants": []}), "participants must name somebody else"),
        (json!({"participants": ["ann"]}), "participants must name somebody else"),
        (json!({"participants": many(5_000)}), "a thread has at most 5000 participants"),
    ] {
        assert_eq!(create(&body).unwrap_err().message, said);
    }
    for (body, said) in [
        (json!({"participants": "bob"}), "participants must be a list"),
        (json!({"participants": [{"$ne": 1}]}), "participants[0] must be a text"),
        (json!({"participants": ["bob", 7]}), "participants[1] must be a text"),
        (json!({"participants": ["a,b"]}), format!("participants[0]: {USER_ID_RULE}").as_str()),
        (json!({"participants": many(5_001)}), "participants has more than 5000 items"),
        (json!({"metadata": 1}), "metadata must be an object"),
    ] {
        assert_eq!(refused::<CreateThreadBody>(&body), said);
    }
}

#[test]
fn a_sync_names_places_in_threads() {
    let event: SyncEvent = read(
        &json!({"threads": [{"threadId": "x"}, {"threadId": "y", "after": 3, "changesAfter": 2}], "threadsAfter": "1970-01-01T00:00:00.007Z"}),
    );
    assert_eq!(event.threads.0.iter().map(|place| place.changes_after).collect::<Vec<_>>(), [None, Some(2)]);
    assert_eq!(event.threads.0.iter().map(|place| place.after).collect::<Vec<_>>(), [0, 3]);
    assert_eq!((event.limit.messages(), event.threads_after), (500, Some(Timestamp(7))));
    assert_eq!(read::<SyncEvent>(&json!({"threadsAfter": 7})).threads_after, Some(Timestamp(7)));
    assert_eq!(read::<SyncEvent>(&json!({"limit": 9_000_000})).limit.messages(), 500);
    assert_eq!(read::<SyncEvent>(&json!({"limit": 3})).limit.messages(), 3);
    let time = "threadsAfter must be a time such as 2030-01-31T12:00:00.000Z";
    for (body, said) in [
        (json!({"threads": 1}), "threads must be a list"),
        (json!({"threads": vec![1; 101]}), "threads has more than 100 items"),
        (json!({"threads": [1]}), "threads[0] must be an object"),
        (json!({"threads": [{"after": 1}]}), "threads[0].threadId is missing"),
        (
            json!({"threads": [{"threadId": "x"}, {"threadId": "x"}, {"threadId": "x", "after": "1"}]}),
            "threads[2].after must be a whole number",
        ),
        (json!({"limit": 0}), "limit must be a whole number from 1"),
        (json!({"limit": 1.5}), "limit must be a whole number from 1"),
        (json!({"threadsAfter": "yesterday"}), time),
        (json!({"threadsAfter": true}), time),
    ] {
        assert_eq!(refused::<SyncEvent>(&body), said);
    }
}

#[test]
fn a_socket_says_who_it_is_and_whom_it_asks_about() {
    let event: AuthEvent = read(&json!({"userId": "ann"}));
    assert_eq!((event.user_id.as_deref(), event.token), (Some("ann"), None));
    assert_eq!(refused::<AuthEvent>(&json!({})), "userId is missing");
    assert_eq!(refused::<AuthEvent>(&json!({"userId": null, "token": null})), "userId is missing");
    assert_eq!(refused::<AuthEvent>(&json!({"token": 1})), "token must be a text");
    assert_eq!(read::<HandshakeAuth>(&json!({"token": "t"})).token.as_deref(), Some("t"));
    assert_eq!(read::<PresenceUpdateEvent>(&json!({"status": "away"})).status, PresenceChoice::Away);
    for (body, said) in [
        (json!({}), "status is missing"),
        (json!({"status": 1}), "status must be a text"),
        (json!({"status": "offline"}), "status must be online or away"),
    ] {
        assert_eq!(refused::<PresenceUpdateEvent>(&body), said);
    }
    assert_eq!(names(&read::<PresenceSyncEvent>(&json!({"userIds": ["ann"]})).user_ids), ["ann"]);
    for (body, said) in [
        (json!({}), "userIds is missing"),
        (json!({"userIds": []}), "userIds is missing"),
        (json!({"userIds": vec!["a"; 201]}), "userIds has more than 200 items"),
        (json!({"userIds": ["ann", 7]}), "userIds[1] must be a text"),
    ] {
        assert_eq!(refused::<PresenceSyncEvent>(&body), said);
    }
}

#[test]
fn a_notification_tells_each_person_once_in_clean_words() {
    let body: NotificationBody = read(
        &json!({"userIds": ["bob", "ann", "bob"], "userId": "ann", "type": "order_update", "title": "<b>Sent</b>\n now\u{202E}",
            "message": "a < b<script>\u{0}", "data": {"order": 7}}),
    );
    let told = tell(body).unwrap();
    assert_eq!(told.iter().map(|one| one.user_id.as_str()).collect::<Vec<_>>(), ["ann", "bob"]);
    assert_eq!((told[0].title.as_str(), told[0].text.as_str()), ("<b>Sent</b> now", "a < b<script>"));
    assert_eq!(told[1].data["order"], 7);
    let least = tell(read(&json!({"title": "x", "userId": "ann", "clientNotificationId": "k"}))).unwrap();
    assert_eq!((least[0].kind.as_str(), least[0].text.as_str()), ("general", ""));
    assert_eq!(least[0].key, Some(SenderKey { by: "admin".parse().unwrap(), key: "k".into() }));
    assert_eq!(
        tell(read(&json!({"title": "x"}))).unwrap_err().message,
        "userId, userIds or to must name somebody"
    );
    let many: Vec<String> = (0..=NOTIFIED_MAX).map(|n| format!("u{n}")).collect();
    let title = "title must have 1 to 200 characters";
    let long = "message is longer than 2000 characters";
    assert_eq!(tell(read(&json!({"userId": "ann"}))).unwrap_err().message, "title is missing");
    for (body, said) in [
        (json!({"userId": "a,b", "title": "x"}), format!("userId: {USER_ID_RULE}").as_str()),
        (json!({"userId": {"$ne": 1}, "title": "x"}), "userId must be a text"),
        (json!({"userIds": many, "title": "x"}), "userIds has more than 1000 items"),
        (json!({"title": "\u{200B}"}), title),
        (json!({"title": "x".repeat(TITLE_MAX_CHARS + 1)}), title),
        (json!({"title": format!("x{}", "\u{0}".repeat(TITLE_MAX_CHARS * RAW_BYTES_PER_CHAR))}), title),
        (json!({"title": "x", "message": "x".repeat(TEXT_MAX_CHARS + 1)}), long),
        (json!({"title": "x", "message": "\u{0}".repeat(TEXT_MAX_CHARS * RAW_BYTES_PER_CHAR + 1)}), long),
        (json!({"title": "x", "type": "Order Update"}), "type must match [a-z0-9_.:-]{1,64}"),
        (
            json!({"title": "x", "data": {"$where": 1}}),
            "a key in data is empty, starts with '$' or contains '.' or a control character",
        ),
        (
            json!({"title": "x", "clientNotificationId": ""}),
            "clientNotificationId must be a text of 1 to 128 bytes without U+FFFD",
        ),
    ] {
        assert_eq!(refused::<NotificationBody>(&body), said);
    }
}

#[test]
fn preferences_name_channels_by_kind() {
    let body: PreferencesBody =
        read(&json!({"channels": {"email": false}, "types": {"order_update": {"push": false}}}));
    let preferences = body.into_preferences(Timestamp(7)).unwrap();
    assert_eq!(preferences.channels, Channels { in_app: true, email: false, push: true });
    // A kind has what is said of every kind, but for what it says itself.
    assert_eq!(
        preferences.channels_for("order_update"),
        Channels { in_app: true, email: false, push: false }
    );
    assert_eq!(preferences.updated_at, Some(Timestamp(7)));
    let many: serde_json::Map<String, Value> = (0..=100).map(|n| (format!("k{n}"), json!({}))).collect();
    for (body, said) in [
        (json!({"channels": 1}), "channels must be an object"),
        (json!({"channels": {"email": 1}}), "channels.email must be true or false"),
        (json!({"types": {"A b": {}}}), "a key of types must match [a-z0-9_.:-]{1,64}"),
        (json!({"types": {"a": true}}), "types.a must be an object"),
        (json!({"types": {"a": null}}), "types.a must be an object"),
        (json!({"types": {"a": {"push": "no"}}}), "types.a.push must be true or false"),
        (json!({"types": many}), "types has more than 100 entries"),
        (json!({"inApp": "yes"}), "inApp must be true or false"),
        (json!({"quietHours": {"from": "7:00"}}), "quietHours.from must be a time of day like 22:00"),
        (json!({"quietHours": "night"}), "quietHours must be an object"),
        (json!({"quitHours": {"from": "22:00"}}), "quitHours is not known"),
        (json!({"quietHours": {"form": "22:00"}}), "quietHours.form is not known"),
        (json!({"digest": {"evry": "1h"}}), "digest.evry is not known"),
        (json!({"channels": {"inapp": true}}), "channels.inapp is not known"),
        (json!({"digest": {"every": "2h"}}), "digest.every must be immediately, 15m, 1h or 1d"),
        (json!({"digest": {"hour": -1}}), "digest.hour must be a whole number"),
        (json!({"timeZone": "Mars/Base"}), "timeZone must be a time zone like Europe/Berlin"),
        (json!({"locale": "de_DE"}), "locale must be a language like de or pt-BR"),
        (json!({"mutes": [{"threadId": "x"}]}), "mutes[0].threadId must be the id of a thread"),
        (json!({"mutes": [{"until": null}]}), "mutes[0].threadId is missing"),
    ] {
        assert_eq!(refused::<PreferencesBody>(&body), said);
    }
}

#[test]
fn a_partial_change_of_preferences_leaves_the_rest() {
    let thread = "0123456789abcdef01234567";
    let first: PreferencesBody = read(&json!({
        "email": false, "types": {"a": {"push": false}}, "locale": "pt-BR", "timeZone": "europe/berlin",
        "quietHours": {"from": "23:30", "until": "06:00"}, "digest": {"every": "1d", "hour": 18},
        "mutes": [{"threadId": thread, "until": "2030-01-31T12:00:00.000Z"}],
    }));
    let stored = first.into_preferences(Timestamp(1)).unwrap();
    assert_eq!(stored.channels, Channels { in_app: true, email: false, push: true }, "the older form");
    assert_eq!(stored.time_zone.as_str(), "Europe/Berlin");
    let patch = |body: Value| {
        let change = read::<PreferencesBody>(&body).into_change()?;
        change.onto(stored.clone(), Timestamp(2)).map_err(InvalidRequest::from)
    };
    let untouched = Preferences { updated_at: Some(Timestamp(2)), ..stored.clone() };
    assert_eq!(patch(json!({})).unwrap(), untouched);
    let louder = patch(json!({"channels": {"push": false}, "types": {"a": {"email": false}}})).unwrap();
    assert_eq!(louder.channels, Channels { in_app: true, email: false, push: false });
    assert_eq!(louder.channels_for("a"), Channels { in_app: true, email: false, push: false });
    let off = patch(json!({"quietHours": {"enabled": false}, "digest": {"every": "1h"}})).unwrap();
    assert_eq!((off.quiet_hours.enabled, off.quiet_hours.from), (false, stored.quiet_hours.from));
    assert_eq!((off.digest.hour, off.locale.as_str(), off.mutes.len()), (18, "pt-BR", 1));
    let quiet = patch(json!({"channels": {"email": true, "inApp": false}})).unwrap();
    assert_eq!(quiet.channels_for("a"), Channels { in_app: false, email: true, push: false }, "not named");
    let none = patch(json!({"mutes": [], "locale": ""})).unwrap();
    assert_eq!((none.mutes, none.locale.as_str()), (Vec::new(), ""));
    for (body, said) in [
        (
            json!({"quietHours": {"until": "23:30"}}),
            "quietHours.until must not be the time at which they begin",
        ),
        (json!({"digest": {"hour": 24}}), "digest.hour must be 0 to 23"),
    ] {
        assert_eq!(patch(body).unwrap_err().message, said);
    }
    let whole = read::<PreferencesBody>(&json!({"quietHours": {"from": "06:00", "until": "06:00"}}));
    let said = whole.into_change().unwrap_err();
    assert_eq!(
        said.message, "quietHours.until must not be the time at which they begin",
        "whatever is stored"
    );
}

#[test]
fn a_profile_has_a_name_in_one_clean_line() {
    let body: ProfileBody =
        read(&json!({"name": " Ann <3\u{0}\n O'Hara ", "avatar": "/a.png", "email": "ann@example.com"}));
    let profile = body.into_profile("ann".parse().unwrap());
    assert_eq!((profile.name.as_str(), profile.avatar.as_deref()), ("Ann <3 O'Hara", Some("/a.png")));
    let name = "name must have 1 to 200 characters";
    let avatar = "avatar must be an https address or a path on this site";
    let email = "email must be an address like name@example.com";
    for (body, said) in [
        (json!({}), "name is missing"),
        (json!({"name": "\u{2060}"}), name),
        (json!({"name": "x".repeat(NAME_MAX_CHARS + 1)}), name),
        (json!({"name": format!("a{}", "\u{0}".repeat(NAME_MAX_CHARS * RAW_BYTES_PER_CHAR))}), name),
        (json!({"name": "a", "avatar": "javascript:alert(1)"}), avatar),
        (json!({"name": "a", "avatar": "//evil.test/a"}), avatar),
        (json!({"name": "a", "email": "a@"}), email),
        (json!({"name": "a", "email": "a@x.example."}), email),
        (json!({"name": "a", "email": "a@b_c.example"}), email),
        (json!({"name": "a", "email": "a@xn--a.example"}), email),
        (json!({"name": "a", "email": "a@b.c\r\nBcc: x@y.z"}), email),
        (json!({"name": "a", "email": "a@b@c.d"}), email),
    ] {
        assert_eq!(refused::<ProfileBody>(&body), said);
    }
}

/// Mails go to all of these.
#[test]
fn an_address_is_what_mails_can_be_sent_to() {
    for address in ["root@localhost", "jürgen@example.com", "idn@bücher.example", "a+b@例え.テスト"] {
        let body: ProfileBody = read(&json!({"name": "Ann", "email": address}));
        assert_eq!(
            body.into_profile("ann".parse().unwrap()).email.as_deref(),
            Some(address),
            "as it was given"
        );
        assert!(address.parse::<MailAddress>().is_ok());
    }
}

#[test]
fn a_login_is_sixty_four_hexadecimal_digits() {
    let body: RevocationBody = read(&json!({"session": "AB".repeat(32)}));
    assert_eq!(body.session.unwrap().into_string(), "ab".repeat(32));
    assert_eq!(read::<RevocationBody>(&json!({})).session, None);
    for bad in ["", "ab", &"xy".repeat(32)] {
        assert_eq!(
            refused::<RevocationBody>(&json!({"session": bad})),
            "session must be 64 hexadecimal digits"
        );
    }
}

#[test]
fn preferences_can_be_sent_back_as_they_were_shown() {
    let shown = Preferences { updated_at: Some(Timestamp(1_000)), ..Preferences::default() };
    let sent: PreferencesBody = parse(&serde_json::to_vec(&shown).unwrap()).unwrap();
    assert_eq!(sent.into_preferences(Timestamp(1_000)).unwrap(), shown);
}

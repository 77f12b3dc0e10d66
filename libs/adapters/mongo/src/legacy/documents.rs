//! One old document as a plain struct, whatever its generation called its fields. Nothing fails here: a field
//! that is missing, or whose type cannot be understood, is absent in the struct, and the importer decides
//! what that means.

use eventflow_protocol::Timestamp;
use mongodb::bson::{Bson, DateTime, Document};
use std::collections::BTreeMap;

/// The name of the computed field by which messages are grouped.
pub(super) const GROUP: &str = "eventflowImportThread";
/// Numbers below this are seconds since 1970, others milliseconds: in seconds it is the year 5138, in
/// milliseconds 1973.
const SECONDS_BELOW: i64 = 100_000_000_000;

const ID: &[&str] = &["id", "_id"];
const PEOPLE: &[&str] = &["participants", "participantIds", "members", "users"];
const PERSON: &[&str] = &["userId", "id", "_id"];
const SENDER: &[&str] = &["fromUserId", "senderId", "sender_id", "userId", "from", "sender"];
const RECIPIENT: &[&str] = &["toUserId", "recipientId", "receiverId", "to"];
const TEXT: &[&str] = &["text", "content", "message", "body"];
const TIME: &[&str] = &["sentAt", "createdAt", "created_at", "timestamp", "date"];
const FILES: &[&str] = &["attachments", "files"];
const FILE_URL: &[&str] = &["url", "fileUrl", "href", "path"];
const FILE_NAME: &[&str] = &["filename", "fileName", "originalName", "name"];
const FILE_SIZE: &[&str] = &["size", "fileSize", "bytes"];
const FILE_TYPE: &[&str] = &["mimeType", "mimetype", "contentType"];
const EMOJI: &[&str] = &["emoji", "reaction", "sign"];
const REACTORS: &[&str] = &["userId", "user", "users", "by", "senderId"];

/// A conversation of the old system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegacyThread {
    /// Its own id, else the database's; empty if there is neither.
    pub id: String,
    /// Every name by which messages may call the thread.
    pub names: Vec<String>,
    /// The people in the thread, the customer first. Ids may repeat.
    pub people: Vec<String>,
    /// Start of the thread.
    pub created_at: Option<Timestamp>,
    /// The thread is archived or deleted; it does not say for whom.
    pub is_archived_or_deleted: bool,
    /// Ids and titles that lead back to what the thread was about, by their field names.
    pub facts: BTreeMap<String, String>,
}

/// A message of the old system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegacyMessage {
    /// Its own id, else the database's; empty if there is neither.
    pub id: String,
    /// The name by which the message calls its thread.
    pub thread: Option<String>,
    /// The id of the sender.
    pub sender: Option<String>,
    /// The id of the recipient, if the document names one.
    pub recipient: Option<String>,
    /// The text as it was stored.
    pub text: Option<String>,
    /// When it was sent, else when the database made its id.
    pub sent_at: Option<Timestamp>,
    /// The message is read; it does not say by whom.
    pub is_read: bool,
    /// The people who have read it.
    pub read_by: Vec<String>,
    /// The sender deleted it.
    pub is_deleted: bool,
    /// When the sender deleted it, if the document says so.
    pub deleted_at: Option<Timestamp>,
    /// The files of the message. A file that cannot be understood is an empty [`LegacyFile`].
    pub attachments: Vec<LegacyFile>,
    /// The reactions to it.
    pub reactions: Vec<LegacyReaction>,
}

/// A file of an old message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegacyFile {
    /// `image` and the like, or a media type.
    pub kind: Option<String>,
    /// The address of the file.
    pub url: Option<String>,
    /// The name of the file.
    pub name: Option<String>,
    /// The size in bytes.
    pub size: Option<u64>,
    /// The media type.
    pub media_type: Option<String>,
}

/// A reaction to an old message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegacyReaction {
    /// The emoji.
    pub emoji: Option<String>,
    /// The person who reacted.
    pub user: Option<String>,
    /// When, if the document says so.
    pub at: Option<Timestamp>,
}

pub(super) fn thread(document: &Document) -> LegacyThread {
    let named = |field: &str| document.get(field).and_then(text);
    let supplier = named("recipientId").or_else(|| named("supplierUserId")).or_else(|| named("supplierId"));
    let pair = [named("customerId"), supplier].into_iter().flatten();
    LegacyThread {
        id: first(document, ID, text).unwrap_or_default(),
        names: ID.iter().filter_map(|field| named(field)).collect(),
        people: pair.chain(first(document, PEOPLE, people).unwrap_or_default()).collect(),
        created_at: first(document, TIME, time).or_else(|| made(document)),
        is_archived_or_deleted: ["archived", "deleted"]
            .into_iter()
            .any(|word| says(document, "status", word)),
        facts: document
            .iter()
            .filter(|(name, _)| is_fact(name))
            .filter_map(|(name, value)| Some((name.clone(), text(value)?)))
            .collect(),
    }
}

pub(super) fn message(document: &Document) -> LegacyMessage {
    let is_set = |field: &str| {
        document.get(field).is_some_and(|value| !matches!(value, Bson::Null | Bson::Boolean(false)))
    };
    LegacyMessage {
        id: first(document, ID, text).unwrap_or_default(),
        thread: document.get(GROUP).and_then(text),
        sender: first(document, SENDER, person),
        recipient: first(document, RECIPIENT, person),
        text: first(document, TEXT, |value| value.as_str().map(str::to_owned)),
        sent_at: first(document, TIME, time).or_else(|| made(document)),
        is_read: ["isRead", "read", "readAt"].into_iter().any(is_set) || says(document, "status", "read"),
        read_by: document.get("readBy").and_then(people).unwrap_or_default(),
        is_deleted: ["deletedAt", "isDeleted", "deleted"].into_iter().any(is_set),
        deleted_at: document.get("deletedAt").and_then(time),
        attachments: first(document, FILES, |value| Some(value.as_array()?.iter().map(file).collect()))
            .unwrap_or_default(),
        reactions: document.get("reactions").map(reactions).unwrap_or_default(),
    }
}

fn says(document: &Document, field: &str, word: &str) -> bool {
    document.get_str(field).is_ok_and(|found| found.eq_ignore_ascii_case(word))
}

/// A file: an object that describes it, or its address alone.
fn file(value: &Bson) -> LegacyFile {
    let Bson::Document(object) = value else {
        return LegacyFile { url: text(value), ..LegacyFile::default() };
    };
    LegacyFile {
        kind: object.get("type").and_then(text),
        url: first(object, FILE_URL, text),
        name: first(object, FILE_NAME, text),
        size: first(object, FILE_SIZE, whole),
        media_type: first(object, FILE_TYPE, text),
    }
}

/// Reads reactions: a list of objects with an emoji and its people, or one object from emojis to their
/// people.
fn reactions(value: &Bson) -> Vec<LegacyReaction> {
    let of = |emoji: Option<String>, at, people: Option<Vec<String>>| {
        let users = people
            .filter(|people| !people.is_empty())
            .map_or(vec![None], |people| people.into_iter().map(Some).collect());
        users
            .into_iter()
            .map(move |user| LegacyReaction { emoji: emoji.clone(), user, at })
            .collect::<Vec<_>>()
    };
    let one = |value: &Bson| match value {
        Bson::Document(object) => {
            let people =
                first(object, REACTORS, |value| people_in(value).or_else(|| Some(vec![person(value)?])));
            of(first(object, EMOJI, text), first(object, TIME, time), people)
        }
        _ => of(None, None, None),
    };
    match value {
        Bson::Array(list) => list.iter().flat_map(one).collect(),
        Bson::Document(object) => {
            object.iter().flat_map(|(emoji, value)| of(Some(emoji.clone()), None, people_in(value))).collect()
        }
        _ => Vec::new(),
    }
}

/// A list of people.
fn people_in(value: &Bson) -> Option<Vec<String>> {
    Some(value.as_array()?.iter().filter_map(person).collect())
}

fn whole(value: &Bson) -> Option<u64> {
    match value {
        Bson::Int32(number) => u64::try_from(*number).ok(),
        Bson::Int64(number) => u64::try_from(*number).ok(),
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is whole, not negative and small enough to be exact"
        )]
        Bson::Double(number) if number.fract() == 0.0 && (0.0..9e15).contains(number) => Some(*number as u64),
        _ => None,
    }
}

/// The first of these fields that can be read.
fn first<T>(document: &Document, fields: &[&str], read: impl Fn(&Bson) -> Option<T>) -> Option<T> {
    fields.iter().filter_map(|field| document.get(field)).find_map(read)
}

/// What can be an id or a title: a text, an `ObjectId`, a whole number.
fn text(value: &Bson) -> Option<String> {
    match value {
        Bson::String(text) if !text.is_empty() => Some(text.clone()),
        Bson::ObjectId(id) => Some(id.to_hex()),
        Bson::Int32(number) => Some(number.to_string()),
        Bson::Int64(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A person: their id, or an object that has it.
fn person(value: &Bson) -> Option<String> {
    match value {
        Bson::Document(object) => first(object, PERSON, text),
        value => text(value),
    }
}

/// A list of people, or an object whose keys they are.
fn people(value: &Bson) -> Option<Vec<String>> {
    match value {
        Bson::Array(list) => Some(list.iter().filter_map(person).collect()),
        Bson::Document(object) => Some(object.keys().cloned().collect()),
        _ => None,
    }
}

/// A date, an ISO 8601 text, or a number of seconds or milliseconds.
fn time(value: &Bson) -> Option<Timestamp> {
    let from_number = |number: i64| {
        let ms = if number < SECONDS_BELOW { number.checked_mul(1_000)? } else { number };
        (ms > 0).then_some(Timestamp(ms))
    };
    match value {
        Bson::DateTime(date) => Some(Timestamp(date.timestamp_millis())),
        Bson::String(text) => {
            DateTime::parse_rfc3339_str(text).ok().map(|date| Timestamp(date.timestamp_millis()))
        }
        Bson::Int32(number) => from_number(i64::from(*number)),
        Bson::Int64(number) => from_number(*number),
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a cast of a float saturates, and a saturated time is far away either way"
        )]
        Bson::Double(number) if number.is_finite() => from_number(*number as i64),
        _ => None,
    }
}

/// When the database made the document's id.
fn made(document: &Document) -> Option<Timestamp> {
    document.get_object_id("_id").ok().map(|id| Timestamp(id.timestamp().timestamp_millis()))
}

fn is_fact(name: &str) -> bool {
    let is_id = name == "_id" || name == "id" || name.ends_with("Id");
    is_id || name == "subject" || name == "title"
}

#[cfg(test)]
mod tests {
    use super::*;
    use mongodb::bson::{doc, oid::ObjectId};

    #[test]
    fn a_message_of_any_generation_says_the_same() {
        let expected = LegacyMessage {
            id: "m1".into(),
            thread: Some("t1".into()),
            sender: Some("ann".into()),
            text: Some("hello".into()),
            sent_at: Some(Timestamp(1_700_000_000_000)),
            ..LegacyMessage::default()
        };
        let date = DateTime::from_millis(1_700_000_000_000);
        for document in [
            doc! { "id": "m1", GROUP: "t1", "fromUserId": "ann", "text": "hello", "sentAt": "2023-11-14T22:13:20.000Z" },
            doc! { "id": "m1", GROUP: "t1", "senderId": "ann", "content": "hello", "createdAt": date, "read": false },
            doc! { "_id": "m1", GROUP: "t1", "sender": { "id": "ann" }, "message": "hello", "timestamp": 1_700_000_000_000_i64 },
            doc! { "id": "m1", GROUP: "t1", "from": "ann", "body": "hello", "timestamp": 1_700_000_000 },
            doc! { "id": "m1", GROUP: "t1", "userId": "ann", "text": null, "message": "hello", "sentAt": "2023-11-15T00:13:20+02:00" },
        ] {
            assert_eq!(message(&document), expected, "{document}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_absent() {
        let odd = message(
            &doc! { "text": { "$ne": 1 }, "senderId": true, "sentAt": "soon", "attachments": "no", GROUP: null },
        );
        assert_eq!(odd, LegacyMessage::default());
        assert_eq!(thread(&doc! { "participants": "ann", "customerId": null }), LegacyThread::default());
    }

    #[test]
    fn the_databases_own_id_stands_in_for_an_id_and_a_date() {
        let id = ObjectId::parse_str("6553f10000000000000000aa").unwrap();
        let found = message(&doc! { "_id": id, "text": "x" });
        assert_eq!(
            (found.id.as_str(), found.sent_at),
            ("6553f10000000000000000aa", Some(Timestamp(1_700_000_000_000)))
        );
    }

    #[test]
    fn reading_and_deletion_are_recognised() {
        for document in [
            doc! { "isRead": true },
            doc! { "read": true },
            doc! { "readAt": "2023" },
            doc! { "status": "Read" },
        ] {
            assert!(message(&document).is_read, "{document}");
        }
        for document in
            [doc! { "isRead": false }, doc! { "readAt": null }, doc! { "status": "sent" }, doc! {}]
        {
            assert!(!message(&document).is_read, "{document}");
        }
        let by = message(
            &doc! { "readBy": [{ "userId": "ann", "readAt": 1 }, "ben"], "deletedAt": DateTime::from_millis(1) },
        );
        assert_eq!((by.read_by, by.is_deleted), (vec!["ann".to_owned(), "ben".to_owned()], true));
    }

    #[test]
    fn files_and_reactions_of_any_generation_are_understood() {
        let found = message(&doc! {
            "attachments": [
                { "type": "image", "url": "/f/1", "filename": "a.png", "size": 7, "mimeType": "image/png" },
                { "type": "image/png", "fileUrl": "/f/2", "name": "b.png", "size": 7.0 }, "/f/3", 5.5,
            ],
            "reactions": [
                { "emoji": "👍", "userId": "ann", "createdAt": DateTime::from_millis(5) },
                { "emoji": "🎉", "users": ["ann", { "id": "ben" }] }, { "emoji": "❤️" }, "odd",
            ],
        });
        let names: Vec<_> = found
            .attachments
            .iter()
            .map(|file| (file.url.as_deref(), file.name.as_deref(), file.size))
            .collect();
        let expected = [
            (Some("/f/1"), Some("a.png"), Some(7)),
            (Some("/f/2"), Some("b.png"), Some(7)),
            (Some("/f/3"), None, None),
            (None, None, None),
        ];
        assert_eq!(names, expected);
        let emojis = |reactions: &[LegacyReaction]| -> Vec<_> {
            reactions
                .iter()
                .map(|reaction| (reaction.emoji.clone().unwrap_or_default(), reaction.user.clone()))
                .collect()
        };
        let (ann, ben) = (Some("ann".to_owned()), Some("ben".to_owned()));
        let expected = [("👍", ann.clone()), ("🎉", ann.clone()), ("🎉", ben), ("❤️", None), ("", None)];
        assert_eq!(emojis(&found.reactions), expected.map(|(emoji, user)| (emoji.to_owned(), user)));
        assert_eq!(found.reactions[0].at, Some(Timestamp(5)));
        let by_emoji = message(&doc! { "reactions": { "👍": ["ann"] } });
        assert_eq!(emojis(&by_emoji.reactions), [("👍".to_owned(), ann)]);
    }

    #[test]
    fn the_people_of_a_thread_come_from_its_roles_and_its_list() {
        let id = ObjectId::parse_str("6553f10000000000000000aa").unwrap();
        let found = thread(&doc! {
            "_id": id, "id": "t1", "customerId": "ann", "supplierId": "shop", "recipientId": "ben", "subject": "Wedding",
            "participants": ["ann", { "userId": "cem" }], "lastMessage": "secret",
        });
        assert_eq!(
            (found.id.as_str(), found.people),
            ("t1", ["ann", "ben", "ann", "cem"].map(String::from).to_vec())
        );
        assert_eq!(found.names, ["t1", "6553f10000000000000000aa"]);
        let facts: Vec<&str> = found.facts.keys().map(String::as_str).collect();
        assert_eq!(facts, ["_id", "customerId", "id", "recipientId", "subject", "supplierId"]);
        assert_eq!(thread(&doc! { "supplierId": "shop" }).people, ["shop"]);
    }
}

//! From a client's bytes to a request, or to a sentence that names the field and the rule.
//!
//! Values are taken by their JSON type and never converted: an object where a text belongs is refused, so
//! nothing a database could read as an operator ever gets in (`{"$ne": ""}`). Unknown fields are ignored. The
//! parser bounds how deep JSON is nested.

use crate::client::given::{FIELD, Given, Problem};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What some editors and .NET writers put before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The fields of one JSON object.
pub type Object = Map<String, Value>;

/// A request that a client has to change before it sends it again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidRequest {
    /// The field that is wrong, e.g. `threads[2].after`; empty for the request as a whole.
    pub path: String,
    /// A sentence for people. It names the field and the rule, and repeats nothing of what the client wrote.
    pub message: String,
}

impl InvalidRequest {
    /// A request that is wrong as a whole, or in more than one field.
    pub fn new(message: impl Into<String>) -> Self {
        Self { path: String::new(), message: message.into() }
    }
}

/// Reads a request from the bytes of a body or of an event's argument.
pub fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, InvalidRequest> {
    read(parse_object(json)?)
}

/// As [`parse`], for an object that is itself a field: its errors name `parent.field`.
pub fn parse_field<T: DeserializeOwned>(json: &[u8], parent: &str) -> Result<T, InvalidRequest> {
    read_below(parse_object(json)?, parent)
}

/// Reads bytes that must be one JSON object, behind a byte order mark or not (RFC 8259, section 8.1). Nesting
/// ends at the parser's limit of 128 levels, not in the stack.
pub fn parse_object(json: &[u8]) -> Result<Object, InvalidRequest> {
    let json = json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json);
    // What is wrong is rare, so characters are looked at only then.
    match serde_json::from_slice(json).or_else(|_| serde_json::from_slice(&whole_characters(json))) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(InvalidRequest::new("the body must be a JSON object")),
        Err(_) => Err(InvalidRequest::new("the body is not valid JSON")),
    }
}

/// The texts among the fields of an object that cannot be read as a whole, because something else in it is
/// too deep for the parser: enough to say which request is refused.
pub fn texts_of(json: &[u8]) -> Object {
    let json = whole_characters(json);
    let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(&json).unwrap_or_default();
    let text = |raw: &RawValue| serde_json::from_str(raw.get()).ok().map(Value::String);
    fields.into_iter().filter_map(|(field, raw)| Some((field, text(raw)?))).collect()
}

/// The JSON with U+FFFD in place of each half of a character: `"\ud83d"` is what a `slice` leaves of an
/// emoji, and no text (RFC 8259, 8.2).
fn whole_characters(json: &[u8]) -> Cow<'_, [u8]> {
    let mut whole = Vec::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(next) = json.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        let escape = at + next;
        at = escape
            + match (unit(json, escape), unit(json, escape + UNIT_BYTES)) {
                (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 2 * UNIT_BYTES,
                (Some(0xD800..=0xDFFF), _) => {
                    whole.extend_from_slice(&json[copied..escape]);
                    whole.extend_from_slice(br"\ufffd");
                    copied = escape + UNIT_BYTES;
                    UNIT_BYTES
                }
                (Some(_), _) => UNIT_BYTES,
                // Another escape has two bytes.
                (None, _) => 2,
            };
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    whole.extend_from_slice(&json[copied..]);
    Cow::Owned(whole)
}

/// Bytes of an escaped UTF-16 unit, `\uXXXX`.
const UNIT_BYTES: usize = 6;

/// The UTF-16 unit that is escaped here.
fn unit(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + UNIT_BYTES)?.strip_prefix(br"\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Reads a request from the fields of an object.
pub fn read<T: DeserializeOwned>(object: Object) -> Result<T, InvalidRequest> {
    read_below(object, "")
}

fn read_below<T: DeserializeOwned>(object: Object, parent: &str) -> Result<T, InvalidRequest> {
    serde_path_to_error::deserialize(Given(Value::Object(object))).map_err(|error| {
        let path = error.path().iter().next().map_or(String::new(), |_| error.path().to_string());
        invalid(&joined(parent, &path), error.inner())
    })
}

fn invalid(path: &str, problem: &Problem) -> InvalidRequest {
    if let Problem::Missing(field) = problem {
        let path = joined(path, field);
        return InvalidRequest { message: format!("{path} is missing"), path };
    }
    InvalidRequest { message: problem.to_string().replace(FIELD, path), path: path.to_owned() }
}

fn joined(parent: &str, field: &str) -> String {
    match (parent, field) {
        ("", path) | (path, "") => path.to_owned(),
        (parent, field) => format!("{parent}.{field}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[test]
    fn a_body_must_be_one_json_object() {
        for bad in ["[]", "null", "\"a\""] {
            assert_eq!(
                parse_object(bad.as_bytes()).unwrap_err().message,
                "the body must be a JSON object",
                "{bad}"
            );
        }
        for bad in ["", "{", "{}{}", "{a:1}", "{\u{feff}}", "\u{feff}\u{feff}{}"] {
            assert_eq!(
                parse_object(bad.as_bytes()).unwrap_err().message,
                "the body is not valid JSON",
                "{bad}"
            );
        }
        assert_eq!(parse_object(b" {\"a\":1} ").unwrap().len(), 1);
        assert_eq!(parse_object("\u{feff}{\"a\":1}".as_bytes()).unwrap().len(), 1, "a byte order mark");
        assert!(parse_object(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn half_a_character_is_read_as_the_replacement_character() {
        for (json, read) in [
            (r#"{"a":"x\ud83d"}"#, "x\u{FFFD}"),
            (r#"{"a":"\uDE00y"}"#, "\u{FFFD}y"),
            (r#"{"a":"\ud83d\ud83d\ude00"}"#, "\u{FFFD}😀"),
            (r#"{"a":"\ud83dx\ude00"}"#, "\u{FFFD}x\u{FFFD}"),
            (r#"{"a":"\\ud83d\\\ud83d"}"#, "\\ud83d\\\u{FFFD}"),
            (r#"{"a":"\ud83d\n"}"#, "\u{FFFD}\n"),
            (r#"{"a":"\ud83d\ude00"}"#, "😀"),
        ] {
            assert_eq!(parse_object(json.as_bytes()).unwrap()["a"], read, "{json}");
        }
        assert_eq!(parse_object(br#"{"\ud83d":1}"#).unwrap()["\u{FFFD}"], 1);
        for bad in [r#"{"a":"\ud83"}"#, r#"{"a":"\ud83d"#, r#"{"a":"\"#, r#"{"a":"\ud83d\"}"#] {
            assert!(parse_object(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn of_an_object_that_is_too_deep_its_texts_can_be_read() {
        let deep = format!(r#"{{"key":"k\ud83d","n":1,"a":{}{}}}"#, "[".repeat(1_000), "]".repeat(1_000));
        assert!(parse_object(deep.as_bytes()).is_err());
        let texts = texts_of(deep.as_bytes());
        assert_eq!((texts.len(), &texts["key"]), (1, &Value::from("k\u{FFFD}")));
        assert!(texts_of(b"{").is_empty());
    }

    #[test]
    fn numbers_of_free_form_objects_keep_their_digits_and_others_are_not_converted() {
        let free = r#"{"a":117.63331139400017,"b":18446744073709551616,"c":[1e+400,-0,1.50,-7]}"#;
        let json = format!(r#"{{"name":"a","free":{free},"other":1e400}}"#);
        let read: Outer = parse(json.as_bytes()).unwrap();
        assert_eq!(Value::Object(read.free).to_string(), free);
        for count in ["1e400", "18446744073709551616", "-0", "1.0", "1e2"] {
            let json = format!(r#"{{"name":"a","inner":[{{"count":{count}}}]}}"#);
            assert_eq!(message(&json), "inner[0].count must be a whole number", "{count}");
        }
        let most: Outer = parse(br#"{"name":"a","inner":[{"count":18446744073709551615}]}"#).unwrap();
        assert_eq!(most.inner[0].count, u64::MAX);
    }

    #[test]
    fn nesting_a_thousand_levels_deep_is_refused_and_does_not_overflow() {
        for depth in [1_000, 100_000] {
            let body = format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
            assert!(parse_object(body.as_bytes()).is_err());
        }
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Outer {
        name: String,
        #[serde(default)]
        is_new: bool,
        #[serde(default)]
        inner: Vec<Inner>,
        #[serde(default)]
        free: Object,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        count: u64,
        word: Option<Word>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Word {
        Yes,
        No,
    }

    fn message(json: &str) -> String {
        let refused = parse::<Outer>(json.as_bytes()).unwrap_err();
        assert!(refused.message.starts_with(&refused.path), "{refused:?}");
        refused.message
    }

    #[test]
    fn an_error_names_the_field_and_what_it_must_be() {
        for (json, said) in [
            (r"{}", "name is missing"),
            (r#"{"name":null}"#, "name is missing"),
            (r#"{"name":{"$ne":""}}"#, "name must be a text"),
            (r#"{"name":5}"#, "name must be a text"),
            (r#"{"name":"a","isNew":1}"#, "isNew must be true or false"),
            (r#"{"name":"a","inner":{}}"#, "inner must be a list"),
            (r#"{"name":"a","inner":["x"]}"#, "inner[0] must be an object"),
            (r#"{"name":"a","inner":[{"count":1},{}]}"#, "inner[1].count is missing"),
            (r#"{"name":"a","inner":[{"count":-1}]}"#, "inner[0].count must be a whole number"),
            (r#"{"name":"a","inner":[{"count":1.5}]}"#, "inner[0].count must be a whole number"),
            (r#"{"name":"a","inner":[{"count":"1"}]}"#, "inner[0].count must be a whole number"),
            (r#"{"name":"a","inner":[{"count":1,"word":"maybe"}]}"#, "inner[0].word must be yes or no"),
            (r#"{"name":"a","inner":[{"count":1,"word":{"yes":1}}]}"#, "inner[0].word must be a text"),
            (r#"{"name":"a","free":[]}"#, "free must be an object"),
        ] {
            assert_eq!(message(json), said, "{json}");
        }
    }

    #[test]
    fn null_is_absent_but_stays_in_free_form_objects_and_unknown_fields_are_ignored() {
        let json =
            br#"{"name":"a","isNew":null,"inner":null,"free":{"x":null,"y":[null,1.5,-2]},"other":{"a":1}}"#;
        let read: Outer = parse(json).unwrap();
        let free = serde_json::json!({"x": null, "y": [null, 1.5, -2]}).as_object().cloned().unwrap();
        assert_eq!(read, Outer { name: "a".into(), is_new: false, inner: Vec::new(), free });
    }

    #[test]
    fn the_path_of_an_object_within_another_begins_with_its_own_name() {
        let refused = parse_field::<Outer>(br#"{"name":5}"#, "auth").unwrap_err();
        assert_eq!(
            (refused.path.as_str(), refused.message.as_str()),
            ("auth.name", "auth.name must be a text")
        );
        assert_eq!(parse_field::<Outer>(b"{}", "auth").unwrap_err().message, "auth.name is missing");
    }
}

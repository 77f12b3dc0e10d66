//! From a client's bytes to a request, or to a sentence that names the field and the rule.
//!
//! Values are taken by their JSON type and never converted: an object where a text belongs is refused, so
//! nothing a database could read as an operator ever gets in (`{"$ne": ""}`). Unknown fields are ignored. The
//! parser bounds how deep JSON is nested.

use crate::client::given::{FIELD, Given, Problem};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

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
    match serde_json::from_slice(json) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(InvalidRequest::new("the body must be a JSON object")),
        Err(_) => Err(InvalidRequest::new("the body is not valid JSON")),
    }
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

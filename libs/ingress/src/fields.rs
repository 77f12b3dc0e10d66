//! Fields of a client's JSON object, read one by one, with refusals that name the field.
//!
//! Values are taken by their JSON type and never converted: an object where a text belongs is refused, so
//! nothing a database could read as an operator ever gets in (`{"$ne": ""}`). Unknown fields are ignored.
//! Nesting is bounded by the parser.

use crate::refusal::Refusal;
use eventflow_protocol::ErrorCode;
use serde_json::{Map, Value};

/// The fields of one object.
pub type Object = Map<String, Value>;

/// Reads a body that must be one JSON object. Deep nesting ends at the parser's limit of 128 levels, not in
/// the stack.
pub fn parse(json: &[u8]) -> Result<Object, Refusal> {
    match serde_json::from_slice(json) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Refusal::invalid("the body must be a JSON object")),
        Err(_) => Err(Refusal::invalid("the body is not valid JSON")),
    }
}

/// Takes an optional field out of an object; `null` is absent.
pub fn take(object: &mut Object, field: &str) -> Option<Value> {
    object.remove(field).filter(|value| !value.is_null())
}

/// Takes a text that may be absent. `path` is how the refusal names it.
pub fn optional_text(object: &mut Object, field: &str, path: &str) -> Result<Option<String>, Refusal> {
    match take(object, field) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong_type(path, "a text")),
    }
}

/// Takes a text that must be there.
pub fn text(object: &mut Object, field: &str, path: &str) -> Result<String, Refusal> {
    optional_text(object, field, path)?.ok_or_else(|| missing(path))
}

/// Takes a list; an absent one is empty. Longer ones than `max` are refused before their items are looked at.
pub fn list(object: &mut Object, field: &str, max: usize) -> Result<Vec<Value>, Refusal> {
    match take(object, field) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() <= max => Ok(items),
        Some(Value::Array(_)) => {
            Err(Refusal::new(ErrorCode::Invalid, format!("{field} has more than {max} items")))
        }
        Some(_) => Err(wrong_type(field, "a list")),
    }
}

/// Takes an object; an absent one is empty.
pub fn object(object: &mut Object, field: &str, path: &str) -> Result<Object, Refusal> {
    match take(object, field) {
        None => Ok(Object::new()),
        Some(Value::Object(inner)) => Ok(inner),
        Some(_) => Err(wrong_type(path, "an object")),
    }
}

/// A field that must be there is not.
pub fn missing(path: &str) -> Refusal {
    Refusal::invalid(format!("{path} is missing"))
}

/// A field has another JSON type than it should.
pub fn wrong_type(path: &str, expected: &str) -> Refusal {
    Refusal::invalid(format!("{path} must be {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_must_be_one_json_object() {
        for bad in ["", "[]", "null", "\"a\"", "{", "{}{}", "{a:1}", "\u{feff}{}"] {
            assert_eq!(parse(bad.as_bytes()).unwrap_err().code, ErrorCode::Invalid, "{bad}");
        }
        assert_eq!(parse(b" {\"a\":1} ").unwrap().len(), 1);
        assert!(parse(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn nesting_a_thousand_levels_deep_is_refused_and_does_not_overflow() {
        for depth in [1_000, 100_000] {
            let body = format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
            assert!(parse(body.as_bytes()).is_err());
        }
    }

    #[test]
    fn refusals_name_the_field() {
        let mut body = parse(br#"{"content":{"$ne":""},"items":[1,2,3]}"#).unwrap();
        assert_eq!(text(&mut body, "content", "content").unwrap_err().error, "content must be a text");
        assert_eq!(text(&mut body, "name", "user.name").unwrap_err().error, "user.name is missing");
        assert_eq!(list(&mut body, "items", 2).unwrap_err().error, "items has more than 2 items");
        assert_eq!(list(&mut body, "items", 2), Ok(vec![]));
    }
}

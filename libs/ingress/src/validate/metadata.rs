//! Free-form metadata of clients: any JSON object within bounds, in canonical key order.
//!
//! It is stored, hashed into a thread's identity and sent back. So its size and depth are bounded, its keys
//! are not ones a database reads as operators or paths, and its keys are sorted, whatever map type the build
//! happens to use.

use crate::fields::{self, Object};
use crate::refusal::Refusal;
use serde_json::Value;

/// Most bytes as JSON: a subject, some references, not a document.
pub const METADATA_MAX_BYTES: usize = 16 * 1024;
/// Deepest nesting, the object itself being the first level. Databases bound it too (MongoDB at 100).
pub const METADATA_MAX_DEPTH: usize = 8;

/// Takes the `metadata` of an object. `path` is how a refusal names it.
pub(super) fn take(object: &mut Object, path: &str) -> Result<Object, Refusal> {
    take_field(object, "metadata", path)
}

/// Takes another free-form field, under the same rules.
pub(super) fn take_field(object: &mut Object, field: &str, path: &str) -> Result<Object, Refusal> {
    let mut metadata = Value::Object(fields::object(object, field, path)?);
    check(&metadata, path, METADATA_MAX_DEPTH)?;
    if metadata.to_string().len() > METADATA_MAX_BYTES {
        return Err(Refusal::invalid(format!("{path} is larger than {METADATA_MAX_BYTES} bytes")));
    }
    metadata.sort_all_objects();
    match metadata {
        Value::Object(sorted) => Ok(sorted),
        _ => Err(fields::wrong_type(path, "an object")),
    }
}

/// Checks depth and keys; `levels` more may be nested.
fn check(value: &Value, path: &str, levels: usize) -> Result<(), Refusal> {
    if !matches!(value, Value::Object(_) | Value::Array(_)) {
        return Ok(());
    }
    let Some(levels) = levels.checked_sub(1) else {
        return Err(Refusal::invalid(format!("{path} is nested deeper than {METADATA_MAX_DEPTH} levels")));
    };
    match value {
        Value::Object(map) if map.keys().any(|key| !is_key(key)) => Err(Refusal::invalid(format!(
            "a key in {path} is empty, starts with '$' or contains '.' or a control character"
        ))),
        Value::Object(map) => map.values().try_for_each(|inner| check(inner, path, levels)),
        Value::Array(items) => items.iter().try_for_each(|inner| check(inner, path, levels)),
        _ => Ok(()),
    }
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && !key.starts_with('$') && !key.contains(|c: char| c == '.' || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn taken(metadata: Value) -> Result<Object, Refusal> {
        let mut body = Object::new();
        body.insert("metadata".into(), metadata);
        take(&mut body, "metadata")
    }

    fn nested(levels: usize) -> Value {
        (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }))
    }

    #[test]
    fn an_ordinary_object_comes_back_with_sorted_keys() {
        let metadata = taken(json!({"subject": "Project", "a": {"z": 1, "b": [true, null]}})).unwrap();
        assert_eq!(
            Value::Object(metadata).to_string(),
            r#"{"a":{"b":[true,null],"z":1},"subject":"Project"}"#
        );
        assert_eq!(take(&mut Object::new(), "metadata").unwrap(), Object::new());
    }

    #[test]
    fn size_and_depth_are_bounded() {
        assert!(taken(nested(METADATA_MAX_DEPTH)).is_ok());
        assert!(taken(nested(METADATA_MAX_DEPTH + 1)).is_err());
        assert!(taken(json!({"a": "x".repeat(METADATA_MAX_BYTES - 8)})).is_ok());
        assert!(taken(json!({"a": "x".repeat(METADATA_MAX_BYTES - 7)})).is_err());
    }

    #[test]
    fn keys_that_a_database_would_interpret_are_refused() {
        for bad in [
            json!({"$where": "1"}),
            json!({"a": [{"b.c": 1}]}),
            json!({"": 1}),
            json!({"a\u{0}": 1}),
            json!("x"),
            json!([]),
        ] {
            assert!(taken(bad.clone()).is_err(), "{bad}");
        }
    }
}

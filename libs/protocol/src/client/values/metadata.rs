//! Free-form metadata of clients: any JSON object within bounds, in canonical key order.
//!
//! It is stored, hashed into a thread's identity and sent back. So its size and depth are bounded, its keys
//! are not ones a database reads as operators or paths, and its keys are sorted, whatever map type the build
//! happens to use.

use crate::client::given::FIELD;
use crate::client::parse::Object;
use crate::client::values::unfit::Unfit;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Most bytes as JSON: a subject, some references, not a document.
pub const METADATA_MAX_BYTES: usize = 16 * 1024;
/// Deepest nesting, the object itself being the first level. Databases bound it too (MongoDB at 100).
pub const METADATA_MAX_DEPTH: usize = 8;

/// A free-form object of the host application.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "Object")]
pub struct Metadata(Object);

impl Metadata {
    /// The object, its keys sorted at every level.
    pub fn into_object(self) -> Object {
        self.0
    }
}

impl TryFrom<Object> for Metadata {
    type Error = Unfit;

    fn try_from(object: Object) -> Result<Self, Unfit> {
        let mut metadata = Value::Object(object);
        check(&metadata, METADATA_MAX_DEPTH)?;
        if metadata.to_string().len() > METADATA_MAX_BYTES {
            return Err(Unfit::field(format_args!("is larger than {METADATA_MAX_BYTES} bytes")));
        }
        metadata.sort_all_objects();
        match metadata {
            Value::Object(sorted) => Ok(Self(sorted)),
            _ => Err(Unfit::must_be("an object")),
        }
    }
}

/// Checks depth and keys; `levels` more may be nested.
fn check(value: &Value, levels: usize) -> Result<(), Unfit> {
    if !matches!(value, Value::Object(_) | Value::Array(_)) {
        return Ok(());
    }
    let Some(levels) = levels.checked_sub(1) else {
        return Err(Unfit::field(format_args!("is nested deeper than {METADATA_MAX_DEPTH} levels")));
    };
    match value {
        Value::Object(map) if map.keys().any(|key| !is_key(key)) => Err(Unfit::sentence(format_args!(
            "a key in {FIELD} is empty, starts with '$' or contains '.' or a control character"
        ))),
        Value::Object(map) => map.values().try_for_each(|inner| check(inner, levels)),
        Value::Array(items) => items.iter().try_for_each(|inner| check(inner, levels)),
        _ => Ok(()),
    }
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && !key.starts_with('$') && !key.contains(|c: char| c == '.' || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{InvalidRequest, read};
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    struct Body {
        #[serde(default)]
        metadata: Metadata,
    }

    fn taken(metadata: &Value) -> Result<Object, InvalidRequest> {
        let body: Body = read(json!({ "metadata": metadata }).as_object().cloned().unwrap())?;
        Ok(body.metadata.into_object())
    }

    fn nested(levels: usize) -> Value {
        (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }))
    }

    #[test]
    fn an_ordinary_object_comes_back_with_sorted_keys() {
        let metadata = taken(&json!({"subject": "Project", "a": {"z": 1, "b": [true, null]}})).unwrap();
        assert_eq!(
            Value::Object(metadata).to_string(),
            r#"{"a":{"b":[true,null],"z":1},"subject":"Project"}"#
        );
        assert_eq!(taken(&Value::Null).unwrap(), Object::new());
    }

    #[test]
    fn size_and_depth_are_bounded() {
        assert!(taken(&nested(METADATA_MAX_DEPTH)).is_ok());
        let too_deep = taken(&nested(METADATA_MAX_DEPTH + 1)).unwrap_err();
        assert_eq!(too_deep.message, "metadata is nested deeper than 8 levels");
        assert!(taken(&json!({"a": "x".repeat(METADATA_MAX_BYTES - 8)})).is_ok());
        let too_large = taken(&json!({"a": "x".repeat(METADATA_MAX_BYTES - 7)})).unwrap_err();
        assert_eq!(too_large.message, "metadata is larger than 16384 bytes");
    }

    #[test]
    fn keys_that_a_database_would_interpret_are_refused() {
        for bad in [json!({"$where": "1"}), json!({"a": [{"b.c": 1}]}), json!({"": 1}), json!({"a\u{0}": 1})]
        {
            assert_eq!(
                taken(&bad).unwrap_err().message,
                "a key in metadata is empty, starts with '$' or contains '.' or a control character",
                "{bad}"
            );
        }
        for bad in [json!("x"), json!([])] {
            assert_eq!(taken(&bad).unwrap_err().message, "metadata must be an object", "{bad}");
        }
    }
}

//! A client's free-form JSON object as a document: any object can be stored and comes back as it was.
//!
//! Most objects become native documents, which operators can query. BSON cannot hold every JSON object (a NUL
//! in a key, an integer beyond 63 bits, more than 100 levels), and keys that begin with `$` are taken for
//! operators or extended JSON by one tool or another. Such an object is kept as its JSON text under the key
//! `$json`, because one odd object must not hold up the batch that it is written with.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// The only key of an object that is kept as text.
const AS_TEXT: &str = "$json";
/// Levels of a native document: well below the server's limit of 100 for a whole document, and nobody queries
/// deeper.
const LEVELS_MAX: usize = 32;

/// A free-form object on its way to or from the database.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FreeForm(pub(crate) Map<String, Value>);

impl Serialize for FreeForm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if is_native(&self.0) {
            return self.0.serialize(serializer);
        }
        let text = serde_json::to_string(&self.0).map_err(serde::ser::Error::custom)?;
        Map::from_iter([(AS_TEXT.to_owned(), Value::String(text))]).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FreeForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Map::deserialize(deserializer)?;
        match object.get(AS_TEXT) {
            Some(Value::String(text)) if object.len() == 1 => {
                let mut parser = serde_json::Deserializer::from_str(text);
                Map::deserialize(&mut parser).map(Self).map_err(serde::de::Error::custom)
            }
            _ => Ok(Self(object)),
        }
    }
}

fn is_native(object: &Map<String, Value>) -> bool {
    object.iter().all(|(key, value)| fits_key(key) && fits(value, 1))
}

fn fits(value: &Value, level: usize) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => number.is_i64() || number.is_f64(),
        Value::Array(values) => level < LEVELS_MAX && values.iter().all(|value| fits(value, level + 1)),
        Value::Object(object) => {
            level < LEVELS_MAX && object.iter().all(|(key, value)| fits_key(key) && fits(value, level + 1))
        }
    }
}

/// A key of a BSON document ends at the first NUL.
fn fits_key(key: &str) -> bool {
    !key.contains('\0') && !key.starts_with('$')
}

#[cfg(test)]
mod tests {
    use super::*;
    use mongodb::bson::{Document, deserialize_from_slice, serialize_to_vec};
    use serde_json::json;

    #[derive(Serialize, Deserialize)]
    struct Holder {
        metadata: FreeForm,
    }

    fn round_trip(value: &Value) -> (Document, Value) {
        let holder = Holder { metadata: FreeForm(value.as_object().unwrap().clone()) };
        let bytes = serialize_to_vec(&holder).unwrap();
        let back: Holder = deserialize_from_slice(&bytes).unwrap();
        let stored: Document = deserialize_from_slice(&bytes).unwrap();
        (stored, Value::Object(back.metadata.0))
    }

    #[test]
    fn ordinary_objects_are_native_documents() {
        let value =
            json!({"subject": "x", "n": 1, "big": i64::MAX, "f": 1.0, "list": [1, {"a.b": null, "": {}}]});
        let (stored, back) = round_trip(&value);
        assert_eq!(back, value);
        assert_eq!(stored.get_document("metadata").unwrap().get_str("subject").unwrap(), "x");
    }

    #[test]
    fn what_bson_cannot_hold_comes_back_unchanged_too() {
        let deep = (0..110).fold(json!(1), |inner, _| json!({ "a": inner }));
        for value in [
            json!({"n": u64::MAX}),
            json!({"a": {"$oid": "1"}}),
            json!({"a\u{0}b": 1}),
            deep,
            json!({"$json": "{}"}),
            json!({"$json": 1}),
        ] {
            let (stored, back) = round_trip(&value);
            assert_eq!(back, value);
            assert!(stored.get_document("metadata").unwrap().get_str(AS_TEXT).is_ok());
        }
    }
}

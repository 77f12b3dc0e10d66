//! A client's free-form JSON object between processes and in stores: any object comes back as it was, its
//! numbers digit by digit. (Only the sign of an exponent is written out, as JavaScript does: `1e400` comes
//! back as `1e+400`.)
//!
//! JSON shows the object itself. Other encodings (MessagePack, BSON) get native values, which operators of a
//! database can query, where these are exact. They cannot hold every JSON object: there are numbers with more
//! digits or a larger exponent than a double has, NULs in a key, more than 100 levels, and keys that begin
//! with `$`, which one tool or another takes for operators or extended JSON. Such an object is kept as its
//! JSON text under the key `$json`, because one odd object must not hold up the batch that it is written
//! with.

use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Number, Value};

/// The only key of an object that is kept as text.
const AS_TEXT: &str = "$json";
/// Levels of a native document: well below the limit of 100 that MongoDB has for a whole document, and nobody
/// queries deeper.
const LEVELS_MAX: usize = 32;

/// A free-form object on its way to or from a store or another process, in whatever encoding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FreeForm(pub Map<String, Value>);

/// Writes an object for `#[serde(with)]`: JSON as it is, other encodings as a [`FreeForm`].
pub fn serialize<S: Serializer>(object: &Map<String, Value>, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() { object.serialize(serializer) } else { write(object, serializer) }
}

/// Reads what [`serialize`] wrote. The encoding cannot be asked for: inside a tagged enum serde reads from a
/// buffer that calls itself human-readable whatever the bytes were. No client's object has a key that begins
/// with `$`.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    FreeForm::deserialize(deserializer).map(|FreeForm(object)| object)
}

impl Serialize for FreeForm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for FreeForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Map::deserialize(deserializer)?;
        match object.get(AS_TEXT) {
            Some(Value::String(text)) if object.len() == 1 => {
                serde_json::from_str(text).map(Self).map_err(serde::de::Error::custom)
            }
            _ => Ok(Self(object)),
        }
    }
}

fn write<S: Serializer>(object: &Map<String, Value>, serializer: S) -> Result<S::Ok, S::Error> {
    if is_native(object) {
        return NativeObject(object).serialize(serializer);
    }
    let text = serde_json::to_string(object).map_err(S::Error::custom)?;
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(AS_TEXT, &text)?;
    map.end()
}

/// An object of values that every encoding holds exactly.
struct NativeObject<'a>(&'a Map<String, Value>);

impl Serialize for NativeObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in self.0 {
            map.serialize_entry(key, &Native(value))?;
        }
        map.end()
    }
}

/// A value that every encoding holds exactly.
struct Native<'a>(&'a Value);

impl Serialize for Native<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(flag) => serializer.serialize_bool(*flag),
            Value::String(text) => serializer.serialize_str(text),
            Value::Number(number) => match NativeNumber::of(number) {
                Some(NativeNumber::Whole(whole)) => serializer.serialize_i64(whole),
                Some(NativeNumber::Double(double)) => serializer.serialize_f64(double),
                None => Err(S::Error::custom("a number that no double holds")),
            },
            Value::Array(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    list.serialize_element(&Native(value))?;
                }
                list.end()
            }
            Value::Object(object) => NativeObject(object).serialize(serializer),
        }
    }
}

/// A number from which its own digits follow.
#[derive(Clone, Copy)]
pub(crate) enum NativeNumber {
    Whole(i64),
    Double(f64),
}

impl NativeNumber {
    /// `None` if neither an integer of 64 bits nor a double is written with the digits of this number.
    pub(crate) fn of(number: &Number) -> Option<Self> {
        let digits = number.as_str();
        if let Some(whole) = number.as_i64().filter(|whole| whole.to_string() == digits) {
            return Some(Self::Whole(whole));
        }
        let double = number.as_f64()?;
        (Number::from_f64(double)?.as_str() == digits).then_some(Self::Double(double))
    }
}

fn is_native(object: &Map<String, Value>) -> bool {
    object.iter().all(|(key, value)| fits_key(key) && fits(value, 1))
}

fn fits(value: &Value, level: usize) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => NativeNumber::of(number).is_some(),
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
    use crate::codec;
    use proptest::prelude::*;
    use serde_json::json;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Holder {
            #[serde(with = "super")]
            metadata: Map<String, Value>,
        },
    }

    /// The object after a way in MessagePack, and whether it was native there.
    fn round_trip(object: &str) -> (String, bool) {
        let metadata = serde_json::from_str(object).unwrap();
        let bytes = codec::encode(&Tagged::Holder { metadata }).unwrap();
        let is_native = !bytes.windows(AS_TEXT.len()).any(|part| part == AS_TEXT.as_bytes());
        let Tagged::Holder { metadata } = codec::decode(&bytes).unwrap();
        (serde_json::to_string(&metadata).unwrap(), is_native)
    }

    #[test]
    fn ordinary_objects_are_native_values() {
        for object in [
            r#"{"":{},"a":null,"b":[true,"x",{"c":-1}]}"#,
            r#"{"n":9223372036854775807}"#,
            r#"{"n":117.63331139400017}"#,
            r#"{"n":-0.0}"#,
            r#"{"n":1e+21}"#,
        ] {
            assert_eq!(round_trip(object), (object.to_owned(), true));
        }
    }

    #[test]
    fn numbers_come_back_digit_by_digit() {
        for number in
            ["18446744073709551616", "1e+400", "-1e-400", "1.50", "-0", "0.1000000000000000055511151231257827"]
        {
            let object = format!(r#"{{"a":[{{"n":{number}}}]}}"#);
            assert_eq!(round_trip(&object), (object, false));
        }
    }

    #[test]
    fn what_other_encodings_cannot_hold_comes_back_unchanged_too() {
        let deep = (0..110).fold(json!(1), |inner, _| json!({ "a": inner }));
        let odd = [
            json!({"a": {"$oid": "1"}}),
            json!({"a\u{0}b": 1}),
            deep,
            json!({"$json": "{}"}),
            json!({"$json": 1}),
        ];
        for object in odd {
            assert_eq!(round_trip(&object.to_string()), (object.to_string(), false));
        }
    }

    #[test]
    fn json_shows_the_object_itself() {
        let text = r#"{"kind":"Holder","metadata":{"n":1e+400}}"#;
        let read: Tagged = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }

    proptest! {
        #[test]
        fn every_double_comes_back(double in any::<f64>().prop_filter("JSON has no such number", |double| double.is_finite())) {
            let object = json!({ "n": double }).to_string();
            prop_assert_eq!(round_trip(&object), (object, true));
        }
    }
}

//! Untrusted JSON as a source of values: nothing is converted, `null` is absent, and an error says what a
//! field must be.
//!
//! [`Given`] hands a parsed JSON value to serde. Its errors are [`Problem`]s, which keep what is wrong apart
//! from where it is wrong; [`crate::client::parse()`] puts both together.

use crate::free_form::NativeNumber;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserializer, Expected, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;
use std::fmt::{self, Display};

/// Stands for the path of the value in the sentence of a [`Problem::Sentence`].
pub(super) const FIELD: &str = "{field}";

/// The only key of the map by which `serde_json` hands over a number that no primitive holds, so that a
/// free-form value keeps its digits. To every other type such a number is a map, and refused.
const DIGITS: &str = "$serde_json::private::Number";

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    /// An object lacks this field.
    Missing(&'static str),
    /// The value has another JSON type than this, or is not one of these.
    MustBe(String),
    /// A whole sentence, in which [`FIELD`] stands for the path of the value.
    Sentence(String),
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(field) => write!(f, "{field} is missing"),
            Self::MustBe(expected) => write!(f, "{FIELD} must be {expected}"),
            Self::Sentence(sentence) => f.write_str(sentence),
        }
    }
}

impl std::error::Error for Problem {}

impl de::Error for Problem {
    fn custom<T: Display>(sentence: T) -> Self {
        Self::Sentence(sentence.to_string())
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::MustBe(in_plain_words(&expected.to_string()))
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::MustBe(in_plain_words(&expected.to_string()))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::MustBe(one_of(expected))
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self::Sentence(format!("{FIELD} is not known"))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

/// What serde's own types expect, in the words of the protocol page.
fn in_plain_words(expected: &str) -> String {
    let plain = match expected {
        "a string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        "a map" => "an object",
        other if other.starts_with("struct ") => "an object",
        other => other,
    };
    plain.to_owned()
}

/// `a, b or c`.
fn one_of(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// A JSON value that a client gave.
pub(super) struct Given(pub(super) Value);

impl<'de> Deserializer<'de> for Given {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(flag),
            Value::String(text) => visitor.visit_string(text),
            Value::Number(number) => match (number.as_u64(), NativeNumber::of(&number)) {
                (Some(whole), Some(NativeNumber::Whole(_)) | None)
                    if whole.to_string() == number.as_str() =>
                {
                    visitor.visit_u64(whole)
                }
                (_, Some(NativeNumber::Whole(negative))) => visitor.visit_i64(negative),
                (_, Some(NativeNumber::Double(double))) => visitor.visit_f64(double),
                (_, None) => {
                    let digits = std::iter::once((DIGITS, number.as_str().to_owned()));
                    visitor.visit_map(MapDeserializer::new(digits))
                }
            },
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Given))),
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(field, value)| (field, Given(value)));
                visitor.visit_map(MapDeserializer::new(fields))
            }
        }
    }

    /// An object of the protocol: a field that is `null` is absent. Free-form objects are read as maps and
    /// keep theirs.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let Value::Object(mut fields) = self.0 else { return Err(Problem::MustBe("an object".to_owned())) };
        fields.retain(|_, value| !value.is_null());
        Given(Value::Object(fields)).deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    /// One of a closed set of words.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let Value::String(word) = self.0 else { return Err(Problem::MustBe("a text".to_owned())) };
        visitor.visit_enum(word.into_deserializer())
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier ignored_any
    }
}

impl IntoDeserializer<'_, Problem> for Given {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

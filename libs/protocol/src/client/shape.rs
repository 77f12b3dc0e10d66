//! What answers and events are made of: documents with `id` beside `_id`, fields in alphabetical order,
//! `success: true`.

use crate::document::{Message, Thread};
use crate::inbox::Notification;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::marker::PhantomData;

/// A stored document that clients know by its id.
pub trait Document: Serialize {
    /// The document's id as text.
    fn id_text(&self) -> String;
}

impl Document for Message {
    fn id_text(&self) -> String {
        self.id.to_string()
    }
}

impl Document for Thread {
    fn id_text(&self) -> String {
        self.id.to_string()
    }
}

impl Document for Notification {
    fn id_text(&self) -> String {
        self.id.to_string()
    }
}

impl<T: Document> Document for &T {
    fn id_text(&self) -> String {
        (*self).id_text()
    }
}

impl<T: Document + Clone> Document for Cow<'_, T> {
    fn id_text(&self) -> String {
        self.as_ref().id_text()
    }
}

/// A document as clients get it: `id` repeats `_id`, for clients that prefer that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithId<T>(pub T);

impl<T: Document> Serialize for WithId<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Both<'a, T: Serialize> {
            id: String,
            #[serde(flatten)]
            document: &'a T,
        }
        Both { id: self.0.id_text(), document: &self.0 }.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for WithId<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for WithId<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}WithId", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        let properties =
            schema.ensure_object().get_mut("properties").and_then(|fields| fields.as_object_mut());
        if let Some(properties) = properties
            && let Some(id) = properties.get("_id").cloned()
        {
            properties.insert("id".to_owned(), id);
        }
        // The server always writes it; whoever sends the document need not.
        if generator.contract().is_serialize()
            && let Some(required) =
                schema.ensure_object().get_mut("required").and_then(|fields| fields.as_array_mut())
        {
            required.push("id".into());
        }
        schema
    }
}

/// A value whose JSON has its fields in alphabetical order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sorted<T>(pub T);

impl<T: Serialize> Serialize for Sorted<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A `serde_json::Value` keeps its fields in alphabetical order.
        serde_json::to_value(&self.0).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Sorted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for Sorted<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A document that is JSON text already, so that a callback and an event share it and its bytes can be
/// counted.
#[derive(Clone, Debug)]
pub struct Written<T> {
    json: Box<RawValue>,
    document: PhantomData<fn() -> T>,
}

impl<T: Document> Written<T> {
    /// Writes a document, as [`WithId`] does.
    pub fn of(document: &T) -> Result<Self, serde_json::Error> {
        let json = serde_json::value::to_raw_value(&WithId(document))?;
        Ok(Self { json, document: PhantomData })
    }
}

impl<T> Written<T> {
    /// The document as JSON text.
    pub fn as_str(&self) -> &str {
        self.json.get()
    }
}

impl<T> PartialEq for Written<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl<T> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl<'de, T: Document + Deserialize<'de>> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(&T::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl<T: JsonSchema> JsonSchema for Written<T> {
    fn schema_name() -> Cow<'static, str> {
        WithId::<T>::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        WithId::<T>::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        WithId::<T>::json_schema(generator)
    }
}

/// The field `success` of everything that is not an error: always `true`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Success;

impl Serialize for Success {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

impl<'de> Deserialize<'de> for Success {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if bool::deserialize(deserializer)? { Ok(Self) } else { Err(D::Error::custom("this is an error")) }
    }
}

impl JsonSchema for Success {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Success".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "boolean", "const": true })
    }
}

//! Documents that a request names. A text that is no id names no document, so it is not an error of the
//! request.

use crate::id::{DocumentId, OfMessage, OfThread};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::marker::PhantomData;

/// The thread that a request names.
pub type ThreadReference = DocumentReference<OfThread>;
/// The message that a request names.
pub type MessageReference = DocumentReference<OfMessage>;

/// A document as a client named it.
///
/// Whoever is told that there is no such thread learns the same from a made-up text as from a thread of
/// others, so both are answered alike: [`DocumentReference::id`] is `None`, and the handler refuses with
/// `not_found`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentReference<Kind> {
    text: String,
    kind: PhantomData<fn() -> Kind>,
}

impl<Kind> DocumentReference<Kind> {
    /// The document's id, if the text is one.
    pub fn id(&self) -> Option<DocumentId<Kind>> {
        self.text.parse().ok()
    }

    /// The text, as the client wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<'de, Kind> Deserialize<'de> for DocumentReference<Kind> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self { text, kind: PhantomData })
    }
}

impl<Kind> JsonSchema for DocumentReference<Kind> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        DocumentId::<Kind>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        DocumentId::<Kind>::json_schema(generator)
    }
}

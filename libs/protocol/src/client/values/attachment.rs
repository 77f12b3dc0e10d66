//! The files of a message: ids of uploaded ones, and references, which say where a browser may be sent and
//! what name it may show.
//!
//! What a reference names lives with the host application; nothing is fetched here. A reference is refused,
//! never repaired: a silently changed address or name would be another file.

use crate::AttachmentId;
use crate::client::given::FIELD;
use crate::client::values::metadata::Metadata;
use crate::client::values::unfit::Unfit;
use crate::client::values::words::Link;
use crate::content::{clean, is_blank, is_override};
use crate::document::{Attachment, AttachmentKind};
use crate::uploads::FILE_NAME_MAX_BYTES;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Largest size in bytes that a JavaScript client reads exactly (2^53 - 1).
const SIZE_MAX: u64 = (1 << 53) - 1;
/// Longest type or subtype (RFC 6838, section 4.2).
const MIME_NAME_MAX_BYTES: usize = 127;

/// A file that a message shall have: a reference to one that the host application stores, or the id alone of
/// one that was uploaded. The ingress fills in what an uploaded file is.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "Fields")]
#[schemars(with = "Either")]
pub struct AttachmentReference(pub Attachment);

/// The fields of either, each good by itself. With a `url` it is a reference, and `id` is not looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    #[serde(rename = "type", default)]
    kind: Option<AttachmentKind>,
    #[serde(default)]
    url: Option<Link>,
    #[serde(default)]
    filename: FileName,
    #[serde(default)]
    size: FileSize,
    #[serde(default)]
    mime_type: MimeType,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    id: Option<Value>,
}

/// What a client may write.
#[derive(JsonSchema)]
#[schemars(rename = "AttachmentReference", untagged)]
#[allow(dead_code, reason = "it only describes what `Fields` reads")]
enum Either {
    /// A reference to a file that the host application stores.
    Reference(Reference),
    /// A file of the sender's own that was uploaded.
    Uploaded(Uploaded),
}

/// A reference to a file that the host application stores.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FileReference")]
#[allow(dead_code, reason = "it only describes what `Fields` reads")]
struct Reference {
    /// What a viewer does with the file.
    #[serde(rename = "type")]
    kind: AttachmentKind,
    /// An absolute `https` address, or a path on the same site.
    url: Link,
    /// Shown to people; no path, no quotation mark, no control characters.
    #[serde(default)]
    filename: FileName,
    /// Bytes.
    #[serde(default)]
    size: FileSize,
    /// As in `Content-Type`, of which parameters are dropped. It must fit `type`.
    #[serde(default)]
    mime_type: MimeType,
    /// The client's free-form object.
    #[serde(default)]
    metadata: Metadata,
}

/// A file of the sender's own that was uploaded, by its id. Everything else about it the server knows.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "UploadedFile")]
#[allow(dead_code, reason = "it only describes what `Fields` reads")]
struct Uploaded {
    /// The id of the uploaded file.
    id: AttachmentId,
    /// The client's free-form object.
    #[serde(default)]
    metadata: Metadata,
}

impl TryFrom<Fields> for AttachmentReference {
    type Error = Unfit;

    fn try_from(fields: Fields) -> Result<Self, Unfit> {
        let missing = |name: &str| Unfit::sentence(format_args!("{FIELD}.{name} is missing"));
        let uploaded = match (&fields.url, fields.id) {
            (None, Some(id)) => Some(attachment_id(&id)?),
            (Some(_), _) | (None, None) => None,
        };
        let metadata = fields.metadata.into_object();
        if let Some(id) = uploaded {
            return Ok(Self(named(id, metadata)));
        }
        let kind = fields.kind.ok_or_else(|| missing("type"))?;
        let url = fields.url.ok_or_else(|| missing("url"))?;
        if !is_of(&fields.mime_type.0, kind) {
            return Err(Unfit::sentence(format_args!("{FIELD}.mimeType does not belong to {FIELD}.type")));
        }
        Ok(Self(Attachment {
            kind,
            url: url.into_string(),
            filename: fields.filename.0,
            size: fields.size.0,
            mime_type: fields.mime_type.0,
            metadata,
            id: None,
            thumbnail_url: None,
            width: None,
            height: None,
        }))
    }
}

fn attachment_id(given: &Value) -> Result<AttachmentId, Unfit> {
    let id = given.as_str().and_then(|text| text.parse().ok());
    id.ok_or_else(|| Unfit::sentence(format_args!("{FIELD}.id must be the id of an uploaded file")))
}

/// An uploaded file of which only the id is known yet.
fn named(id: AttachmentId, metadata: Map<String, Value>) -> Attachment {
    Attachment {
        kind: AttachmentKind::Document,
        url: String::new(),
        filename: String::new(),
        size: 0,
        mime_type: String::new(),
        metadata,
        id: Some(id),
        thumbnail_url: None,
        width: None,
        height: None,
    }
}

/// Whether a file of this type may be shown as this: what a page shows by itself must be a picture or a film.
/// An SVG is a document, since it can run script where it is opened.
fn is_of(mime: &str, kind: AttachmentKind) -> bool {
    let mime = mime.to_ascii_lowercase();
    if mime.is_empty() {
        return true;
    }
    match kind {
        AttachmentKind::Image => mime.starts_with("image/") && !mime.starts_with("image/svg"),
        AttachmentKind::Video => mime.starts_with("video/"),
        AttachmentKind::Document => true,
    }
}

/// A name without a path, and one that reads as what it is; empty if there is none.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, extend("maxLength" = FILE_NAME_MAX_BYTES))]
struct FileName(String);

impl TryFrom<String> for FileName {
    type Error = Unfit;

    fn try_from(name: String) -> Result<Self, Unfit> {
        if name.is_empty() || is_filename(&name) {
            // Nothing of a good name goes; what it leaves open is closed.
            return Ok(Self(clean(&name)));
        }
        Err(Unfit::must_be("a plain file name"))
    }
}

/// No path, no control characters, no end of an attribute or of a line, and no override, which lets
/// `gnp.exe` end in `exe.png`. Joiners and marks are part of names in many scripts.
fn is_filename(name: &str) -> bool {
    let is_line_end = |c: char| matches!(c, '\u{2028}' | '\u{2029}');
    let is_odd =
        |c: char| c.is_control() || matches!(c, '/' | '\\' | '"') || is_line_end(c) || is_override(c);
    name.len() <= FILE_NAME_MAX_BYTES
        && !name.contains(is_odd)
        && !is_blank(name)
        && !matches!(name.trim(), "." | "..")
}

/// A number of bytes that JavaScript reads exactly; 0 if it is not known.
#[derive(Default, JsonSchema)]
#[schemars(inline)]
struct FileSize(u64);

impl<'de> Deserialize<'de> for FileSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(NumberOfBytes)
    }
}

struct NumberOfBytes;

impl Visitor<'_> for NumberOfBytes {
    type Value = FileSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of bytes")
    }

    fn visit_u64<E: Error>(self, size: u64) -> Result<FileSize, E> {
        if size <= SIZE_MAX {
            return Ok(FileSize(size));
        }
        Err(E::invalid_value(Unexpected::Unsigned(size), &self))
    }
}

/// `type/subtype`; empty if there is none. Browsers name parameters behind it
/// (`video/webm;codecs=vp8,opus`), which say nothing that a viewer needs, and are dropped.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline)]
struct MimeType(String);

impl TryFrom<String> for MimeType {
    type Error = Unfit;

    fn try_from(mime: String) -> Result<Self, Unfit> {
        let essence = mime.split(';').next().unwrap_or_default().trim();
        if mime.is_empty() || is_mime_type(essence) {
            return Ok(Self(essence.to_owned()));
        }
        Err(Unfit::must_be("type/subtype"))
    }
}

/// Both names are restricted names of RFC 6838.
fn is_mime_type(mime: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
    let is_name = |name: &str| {
        let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        starts && name.len() <= MIME_NAME_MAX_BYTES && name.bytes().all(is_allowed)
    };
    mime.split_once('/').is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}

#[cfg(test)]
#[path = "attachment/tests.rs"]
mod tests;

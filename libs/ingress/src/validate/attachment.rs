//! References to files: where a browser may be sent, and what name it may show.
//!
//! The files themselves live with the host application; nothing is fetched here. A reference is refused,
//! never repaired: a silently changed address or name would be another file.

use crate::fields::{self, Object};
use crate::refusal::Refusal;
use crate::validate::metadata;
use eventflow_protocol::content::clean;
use eventflow_protocol::document::{ATTACHMENTS_MAX, Attachment, AttachmentKind};
use http::Uri;
use serde_json::Value;

/// Longest address in bytes: what every browser and proxy takes.
const URL_MAX_BYTES: usize = 2_048;
/// Longest file name in bytes: what file systems take.
const FILENAME_MAX_BYTES: usize = 255;
/// Largest size in bytes that a JavaScript client reads exactly (2^53 - 1).
const SIZE_MAX: u64 = (1 << 53) - 1;
/// Longest type or subtype (RFC 6838, section 4.2).
const MIME_NAME_MAX_BYTES: usize = 127;

/// Takes the `attachments` of a message body.
pub(crate) fn take_all(body: &mut Object) -> Result<Vec<Attachment>, Refusal> {
    let items = fields::list(body, "attachments", ATTACHMENTS_MAX)?;
    items.into_iter().enumerate().map(|(index, item)| parse(item, &format!("attachments[{index}]"))).collect()
}

fn parse(item: Value, path: &str) -> Result<Attachment, Refusal> {
    let Value::Object(mut item) = item else { return Err(fields::wrong_type(path, "an object")) };
    let at = |field: &str| format!("{path}.{field}");
    let attachment = Attachment {
        kind: kind(&fields::text(&mut item, "type", &at("type"))?, &at("type"))?,
        url: checked(fields::text(&mut item, "url", &at("url"))?, is_safe_url, || {
            format!("{path}.url must be an https address or a path on this site")
        })?,
        filename: checked(
            optional(&mut item, "filename", path)?,
            |name| name.is_empty() || is_filename(name),
            || format!("{path}.filename must be a plain file name"),
        )?,
        size: size(&mut item, &at("size"))?,
        mime_type: checked(
            optional(&mut item, "mimeType", path)?,
            |mime| mime.is_empty() || is_mime_type(mime),
            || format!("{path}.mimeType must be type/subtype"),
        )?,
        metadata: metadata::take(&mut item, &at("metadata"))?,
    };
    if !is_of(&attachment.mime_type, attachment.kind) {
        return Err(Refusal::invalid(format!("{path}.mimeType does not belong to {path}.type")));
    }
    Ok(attachment)
}

/// Whether a file of this type may be shown as this: what a page shows by itself must be a picture or a film.
/// An SVG is a document, since it can run script where it is opened.
fn is_of(mime: &str, kind: AttachmentKind) -> bool {
    let mime = mime.to_ascii_lowercase();
    match kind {
        _ if mime.is_empty() => true,
        AttachmentKind::Image => mime.starts_with("image/") && !mime.starts_with("image/svg"),
        AttachmentKind::Video => mime.starts_with("video/"),
        AttachmentKind::Document => true,
    }
}

fn optional(item: &mut Object, field: &str, path: &str) -> Result<String, Refusal> {
    Ok(fields::optional_text(item, field, &format!("{path}.{field}"))?.unwrap_or_default())
}

fn checked(
    text: String,
    is_good: impl Fn(&str) -> bool,
    refusal: impl Fn() -> String,
) -> Result<String, Refusal> {
    if is_good(&text) { Ok(text) } else { Err(Refusal::invalid(refusal())) }
}

fn kind(text: &str, path: &str) -> Result<AttachmentKind, Refusal> {
    match text {
        "image" => Ok(AttachmentKind::Image),
        "video" => Ok(AttachmentKind::Video),
        "document" => Ok(AttachmentKind::Document),
        _ => Err(Refusal::invalid(format!("{path} must be image, video or document"))),
    }
}

fn size(item: &mut Object, path: &str) -> Result<u64, Refusal> {
    match fields::take(item, "size") {
        None => Ok(0),
        Some(value) => {
            let size = value.as_u64().filter(|size| *size <= SIZE_MAX);
            size.ok_or_else(|| Refusal::invalid(format!("{path} must be a number of bytes")))
        }
    }
}

/// `https://host…` or `/path` on this site. Everything else can run script (`javascript:`, `data:`), leave
/// the encryption (`http:`), or mean another host than it seems (`//host`, `\`, user names before `@`).
pub(crate) fn is_safe_url(url: &str) -> bool {
    let plain = url.len() <= URL_MAX_BYTES
        && url.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\<>\"'`".contains(&byte));
    let Some(uri) = plain.then(|| url.parse::<Uri>().ok()).flatten() else { return false };
    match uri.scheme_str() {
        Some("https") => uri
            .authority()
            .is_some_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@')),
        Some(_) => false,
        None => url.starts_with('/') && !url.starts_with("//"),
    }
}

/// A name without a path, and one that reads as what it is: no control characters, markup or direction
/// changes.
fn is_filename(name: &str) -> bool {
    let hidden =
        |c: char| matches!(c, '\u{200B}'..='\u{200F}' | '\u{061C}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}');
    let plain =
        !name.contains(|c: char| c.is_control() || matches!(c, '/' | '\\' | '<' | '>' | '"') || hidden(c));
    name.len() <= FILENAME_MAX_BYTES
        && plain
        && clean(name) == name
        && !matches!(name.trim(), "" | "." | "..")
}

/// `type/subtype`, both restricted names of RFC 6838.
fn is_mime_type(mime: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
    let is_name = |name: &str| {
        let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        starts && name.len() <= MIME_NAME_MAX_BYTES && name.bytes().all(allowed)
    };
    mime.split_once('/').is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(field: &str, value: Value) -> Result<Attachment, Refusal> {
        let mut item =
            json!({"type": "image", "url": "/f/1", "filename": "a.png", "size": 1, "mimeType": "image/png"});
        item[field] = value;
        parse(item, "attachments[0]")
    }

    #[test]
    fn only_https_addresses_and_paths_of_this_site_are_accepted() {
        for good in
            ["https://cdn.example.com/a.png?x=1#top", "HTTPS://cdn.example.com", "/files/a%20b.png", "/"]
        {
            assert!(with("url", json!(good)).is_ok(), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "http://example.com/a",
            "ftp://a/b",
            "//evil.example/a",
            "/\\evil.example",
            "\\\\evil",
            "https://",
            "https:///a",
            "https://good.example@evil.example/",
            "file.png",
            "../etc/passwd",
            "",
            " https://a.example",
            "java\nscript:alert(1)",
            "https://a.example/<b>",
            "blob:https://a/1",
            "/a\"onerror=\"x",
            "https://a.example/\u{202E}gnp",
        ] {
            assert!(with("url", json!(bad)).is_err(), "{bad}");
        }
        assert!(with("url", json!(format!("/{}", "x".repeat(URL_MAX_BYTES)))).is_err());
    }

    #[test]
    fn a_file_name_is_a_name_and_reads_as_what_it_is() {
        for good in ["a.png", "Bericht über 2026 (final).pdf", "日本.txt", ".profile", ""] {
            assert!(with("filename", json!(good)).is_ok(), "{good}");
        }
        for bad in [
            "../a",
            "a/b",
            "a\\b",
            "..",
            ".",
            " ",
            "a\u{0}.png",
            "a\r\nb",
            "gnp.\u{202E}exe",
            "<img src=x>",
            "a\u{200B}b",
        ] {
            assert!(with("filename", json!(bad)).is_err(), "{bad}");
        }
        assert!(with("filename", json!("x".repeat(FILENAME_MAX_BYTES + 1))).is_err());
    }

    #[test]
    fn sizes_and_mime_types_are_checked() {
        for bad in [json!(-1), json!(1.5), json!("1"), json!(1_u64 << 53), json!({})] {
            assert!(with("size", bad.clone()).is_err(), "{bad}");
        }
        for good in ["image/png", "IMAGE/webp", ""] {
            assert!(with("mimeType", json!(good)).is_ok(), "{good}");
        }
        for bad in ["image", "image/", "/png", "image/png; charset=x", "a/b/c", "im age/png", "image/p\nng"] {
            assert!(with("mimeType", json!(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_page_shows_by_itself_is_a_picture_or_a_film() {
        let file = |kind: &str, mime: &str| {
            parse(json!({"type": kind, "url": "/f/1", "mimeType": mime}), "attachments[0]")
        };
        for (kind, mime) in
            [("video", "video/mp4"), ("document", "application/vnd.ms-excel"), ("document", "image/svg+xml")]
        {
            assert!(file(kind, mime).is_ok(), "{kind} {mime}");
        }
        for (kind, mime) in [
            ("image", "text/html"),
            ("image", "image/svg+xml"),
            ("image", "Image/SVG"),
            ("video", "image/png"),
            ("video", "text/html"),
        ] {
            assert_eq!(
                file(kind, mime).unwrap_err().error,
                "attachments[0].mimeType does not belong to attachments[0].type"
            );
        }
    }

    #[test]
    fn refusals_name_the_attachment_and_its_field() {
        assert_eq!(with("url", json!({"a": 1})).unwrap_err().error, "attachments[0].url must be a text");
        assert_eq!(
            with("type", json!("audio")).unwrap_err().error,
            "attachments[0].type must be image, video or document"
        );
        assert_eq!(
            with("metadata", json!([])).unwrap_err().error,
            "attachments[0].metadata must be an object"
        );
        assert_eq!(
            parse(json!("x"), "attachments[3]").unwrap_err().error,
            "attachments[3] must be an object"
        );
    }

    #[test]
    fn there_are_at_most_ten() {
        let body = |count: usize| {
            let mut body = Object::new();
            body.insert("attachments".into(), json!(vec![json!({"type": "image", "url": "/a"}); count]));
            take_all(&mut body)
        };
        assert_eq!(body(ATTACHMENTS_MAX).unwrap().len(), ATTACHMENTS_MAX);
        assert!(body(ATTACHMENTS_MAX + 1).is_err());
    }
}

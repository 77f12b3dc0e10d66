//! What a file is, by its first bytes. What the client says of it, and the end of its name, mean nothing.

use eventflow_protocol::document::AttachmentKind;

/// How many of the first bytes are looked at: the furthest mark of a known type is within them.
pub(crate) const HEAD_BYTES: u64 = 8 * 1024;
/// The type of bytes that say nothing.
const UNKNOWN: &str = "application/octet-stream";
/// The type of a text.
const TEXT: &str = "text/plain";
/// Pictures that browsers show and that run nothing. SVG is a document: it can run script.
const PICTURES: [&str; 4] = ["image/gif", "image/jpeg", "image/png", "image/webp"];
/// Films that browsers play.
const FILMS: [&str; 4] = ["video/mp4", "video/quicktime", "video/webm", "video/x-m4v"];

/// The type of a file that begins like this.
pub(crate) fn mime_type(head: &[u8]) -> &'static str {
    match infer::get(head).map(|known| known.mime_type()) {
        // A page or a document for a browser is a text that somebody downloads.
        Some(mime) if mime.starts_with("text/") => TEXT,
        Some(mime) => mime,
        None if is_text(head) => TEXT,
        None => UNKNOWN,
    }
}

/// What a client does with a file of this type.
pub(crate) fn kind_of(mime: &str) -> AttachmentKind {
    if PICTURES.contains(&mime) {
        AttachmentKind::Image
    } else if FILMS.contains(&mime) {
        AttachmentKind::Video
    } else {
        AttachmentKind::Document
    }
}

/// Whether a browser may show a file of this type in place.
pub(crate) fn is_shown_in_place(mime: &str) -> bool {
    PICTURES.contains(&mime)
}

/// As it stands in `Content-Type`.
pub(crate) fn content_type(mime: &str) -> &str {
    if mime == TEXT { "text/plain; charset=utf-8" } else { mime }
}

/// Whether these are the first bytes of a text: UTF-8 without the control characters that no text has. The
/// last character may be cut.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}');
    !text.is_empty() && !text.contains(is_odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_say_what_they_are() {
        for (head, mime) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
            (b"GIF89a", "image/gif"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
            (b"%PDF-1.7", "application/pdf"),
            (b"MZ\x90\0", "application/vnd.microsoft.portable-executable"),
            (b"<!DOCTYPE html><script>alert(1)</script>", "text/plain"),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>", "text/plain"),
            (b"<?xml version=\"1.0\"?><svg/>", "text/plain"),
            (b"#!/bin/sh\nrm -rf /\n", "text/plain"),
            ("日本語".as_bytes(), "text/plain"),
            (&"日本語".as_bytes()[..7], "text/plain"),
            (b"a\0b", "application/octet-stream"),
            (b"\xC3\x28", "application/octet-stream"),
            (b"", "application/octet-stream"),
        ] {
            let found = mime_type(head);
            assert!(
                found == mime || (mime == "text/plain" && kind_of(found) == AttachmentKind::Document),
                "{found}"
            );
        }
    }

    #[test]
    fn only_safe_pictures_are_shown_in_place() {
        for mime in ["image/svg+xml", "text/html", "application/pdf", "video/mp4", "image/tiff"] {
            assert!(!is_shown_in_place(mime), "{mime}");
        }
        assert!(PICTURES.iter().all(|mime| is_shown_in_place(mime)));
        assert_eq!(kind_of("video/mp4"), AttachmentKind::Video);
        assert_eq!(kind_of("image/svg+xml"), AttachmentKind::Document);
    }
}

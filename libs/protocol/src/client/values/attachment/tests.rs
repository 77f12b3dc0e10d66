use super::*;
use crate::client::requests::SendMessageBody;
use crate::client::{InvalidRequest, read};
use crate::document::ATTACHMENTS_MAX;
use serde_json::{Value, json};

fn send(attachments: &[Value]) -> Result<Vec<Attachment>, InvalidRequest> {
    let body = json!({"content": "a", "attachments": attachments});
    let body: SendMessageBody = read(body.as_object().cloned().unwrap())?;
    Ok(body.attachments.into_attachments())
}

fn with(field: &str, value: Value) -> Result<Attachment, InvalidRequest> {
    let mut item =
        json!({"type": "image", "url": "/f/1", "filename": "a.png", "size": 1, "mimeType": "image/png"});
    item[field] = value;
    Ok(send(&[item])?.remove(0))
}

#[test]
fn only_https_addresses_and_paths_of_this_site_are_accepted() {
    for good in ["https://cdn.example.com/a.png?x=1#top", "HTTPS://cdn.example.com", "/files/a%20b.png", "/"]
    {
        assert!(with("url", json!(good)).is_ok(), "{good}");
    }
    for (typed, kept) in [
        ("https://f.example.com/d/it's.pdf", "https://f.example.com/d/it%27s.pdf"),
        ("https://f.example.com/a b?q='ü'", "https://f.example.com/a%20b?q=%27%C3%BC%27"),
        ("/files/Bericht über 日本.pdf", "/files/Bericht%20%C3%BCber%20%E6%97%A5%E6%9C%AC.pdf"),
        ("/100%25/(a)+b~c!.png", "/100%25/(a)+b~c!.png"),
    ] {
        assert_eq!(with("url", json!(typed)).unwrap().url, kept);
    }
    for bad in [
        "https://ü.example/a",
        "https://it's.example/a",
        "javascript:alert('1')",
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
        assert_eq!(
            with("url", json!(bad)).unwrap_err().message,
            "attachments[0].url must be an https address or a path on this site",
            "{bad}"
        );
    }
    assert!(with("url", json!(format!("/{}", "x".repeat(2_048)))).is_err());
}

#[test]
fn a_file_name_is_a_name_and_reads_as_what_it_is() {
    for good in [
        "a.png",
        "Bericht über 2026 (final).pdf",
        "日本.txt",
        ".profile",
        "نامه\u{200C}ها.pdf",
        "👨\u{200D}👩\u{200D}👧.jpg",
        "לוח\u{200F} 1.png",
        "\u{2068}Foto\u{2069}.heic",
        "it's <final>.txt",
        "",
    ] {
        assert_eq!(with("filename", json!(good)).unwrap().filename, good);
    }
    assert_eq!(with("filename", json!("\u{2068}Foto.heic")).unwrap().filename, "\u{2068}Foto.heic\u{2069}");
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
        "a\u{2028}b",
        "\u{200B}\u{2060}",
        "a\"b",
    ] {
        assert_eq!(
            with("filename", json!(bad)).unwrap_err().message,
            "attachments[0].filename must be a plain file name",
            "{bad}"
        );
    }
    assert!(with("filename", json!("x".repeat(FILE_NAME_MAX_BYTES + 1))).is_err());
}

#[test]
fn sizes_and_mime_types_are_checked() {
    for bad in [json!(-1), json!(1.5), json!("1"), json!(1_u64 << 53), json!({})] {
        assert_eq!(
            with("size", bad.clone()).unwrap_err().message,
            "attachments[0].size must be a number of bytes",
            "{bad}"
        );
    }
    for (good, kept) in [
        ("image/png", "image/png"),
        ("IMAGE/webp", "IMAGE/webp"),
        ("image/png; charset=x", "image/png"),
        ("image/jpeg ; a=\"<b>\";", "image/jpeg"),
        ("", ""),
    ] {
        assert_eq!(with("mimeType", json!(good)).unwrap().mime_type, kept);
    }
    for bad in ["image", "image/", "/png", ";image/png", "a/b/c", "im age/png", "image/p\nng"] {
        assert_eq!(
            with("mimeType", json!(bad)).unwrap_err().message,
            "attachments[0].mimeType must be type/subtype",
            "{bad}"
        );
    }
}

#[test]
fn what_a_page_shows_by_itself_is_a_picture_or_a_film() {
    let file = |kind: &str, mime: &str| send(&[json!({"type": kind, "url": "/f/1", "mimeType": mime})]);
    for (kind, mime) in [
        ("video", "video/mp4"),
        ("video", "video/webm;codecs=vp8,opus"),
        ("document", "application/vnd.ms-excel"),
        ("document", "image/svg+xml"),
    ] {
        assert!(file(kind, mime).is_ok(), "{kind} {mime}");
    }
    for (kind, mime) in [
        ("image", "text/html"),
        ("image", "image/svg+xml"),
        ("image", "Image/SVG"),
        ("image", "image/svg+xml;charset=utf-8"),
        ("video", "image/png"),
        ("video", "text/html"),
    ] {
        assert_eq!(
            file(kind, mime).unwrap_err().message,
            "attachments[0].mimeType does not belong to attachments[0].type"
        );
    }
}

#[test]
fn refusals_name_the_attachment_and_its_field() {
    assert_eq!(with("url", json!({"a": 1})).unwrap_err().message, "attachments[0].url must be a text");
    assert_eq!(with("url", Value::Null).unwrap_err().message, "attachments[0].url is missing");
    assert_eq!(
        with("type", json!("audio")).unwrap_err().message,
        "attachments[0].type must be image, video or document"
    );
    assert_eq!(with("type", json!(1)).unwrap_err().message, "attachments[0].type must be a text");
    assert_eq!(with("metadata", json!([])).unwrap_err().message, "attachments[0].metadata must be an object");
    let good = json!({"type": "image", "url": "/f/1"});
    assert_eq!(
        send(&[good.clone(), good.clone(), good, json!("x")]).unwrap_err().message,
        "attachments[3] must be an object"
    );
}

#[test]
fn there_are_at_most_ten() {
    let many = |count: usize| send(&vec![json!({"type": "image", "url": "/a"}); count]);
    assert_eq!(many(ATTACHMENTS_MAX).unwrap().len(), ATTACHMENTS_MAX);
    assert_eq!(many(ATTACHMENTS_MAX + 1).unwrap_err().message, "attachments has more than 10 items");
}

#[test]
fn an_id_alone_names_an_uploaded_file_and_beside_an_address_it_means_nothing() {
    let id = "0123456789abcdef01234567";
    let named = send(&[json!({"id": id, "metadata": {"a": 1}, "size": 7})]).unwrap().remove(0);
    assert_eq!(named.id, Some(id.parse().unwrap()));
    assert_eq!((named.url.as_str(), named.size, named.metadata.len()), ("", 0, 1));
    for (odd, url) in [(json!(id), "/f/1"), (json!(7), "/f/2"), (json!({"$ne": 1}), "/f/3")] {
        let reference = send(&[json!({"id": odd, "type": "image", "url": url})]).unwrap().remove(0);
        assert_eq!((reference.id, reference.url.as_str()), (None, url));
    }
    for wrong in [json!("x"), json!(7), json!({"$ne": 1}), json!(""), json!([])] {
        assert_eq!(
            send(&[json!({ "id": wrong })]).unwrap_err().message,
            "attachments[0].id must be the id of an uploaded file"
        );
    }
    for nothing in [json!({}), json!({"id": null})] {
        assert_eq!(send(&[nothing]).unwrap_err().message, "attachments[0].type is missing");
    }
}

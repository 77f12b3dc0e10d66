//! Uploaded files, in forms and by tus, and how they are got back. Who may is in the matrix of routes and
//! roles.

mod downloads;
pub(super) mod resumable;

use super::{Reply, Rig};
use crate::testing::NOW;
use axum::body::Body;
use bytes::Bytes;
use eventflow_ports::BlobKey;
use eventflow_protocol::uploads::{UploadState, WAITING_MAX};
use eventflow_protocol::{AttachmentId, ThreadId};
use futures_util::stream;
use http::Method;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use image::{DynamicImage, ImageFormat, RgbImage};
use serde_json::{Value, json};
use std::io::Cursor;
use std::sync::atomic::Ordering::SeqCst;

const FILES: &str = "/api/v2/attachments";
const BOUNDARY: &str = "----x";

/// A form with one file.
pub(super) fn form(name: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: image/png\r\n\r\n"
    );
    [head.as_bytes(), bytes, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat()
}

async fn post_form(rig: &Rig, user: &str, body: Vec<u8>) -> Reply {
    let call = rig.call(Method::POST, FILES).header(CONTENT_LENGTH.as_str(), &body.len().to_string());
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    call.header(CONTENT_TYPE.as_str(), &kind).body(body).of(user).send().await
}

pub(super) async fn upload(rig: &Rig, user: &str, name: &str, bytes: &[u8]) -> Value {
    post_form(rig, user, form(name, bytes)).await.expect(201)["attachment"].clone()
}

fn id(attachment: &Value) -> AttachmentId {
    attachment["id"].as_str().unwrap().parse().unwrap()
}

pub(super) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let image = DynamicImage::from(RgbImage::new(width, height));
    image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes
}

pub(super) async fn send_file(rig: &Rig, thread: ThreadId, user: &str, file: &Value) -> Reply {
    let body = json!({"attachments": [{"id": file["id"]}]});
    rig.post(&format!("/api/v2/messages/{thread}"), &body).of(user).send().await
}

#[tokio::test]
async fn a_file_is_what_its_bytes_are() {
    let rig = Rig::new().await;
    let shown = upload(&rig, "ann", "holiday.png", &png(640, 320)).await;
    let url = format!("{FILES}/{}", id(&shown));
    assert_eq!(shown["url"], url);
    assert_eq!(shown["thumbnailUrl"], format!("{url}/thumbnail"));
    assert_eq!((&shown["type"], &shown["mimeType"]), (&json!("image"), &json!("image/png")));
    assert_eq!((&shown["width"], &shown["height"]), (&json!(640), &json!(320)));
    assert_eq!(shown["filename"], "holiday.png");
    for (name, bytes, mime) in [
        ("a.png", &b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"[..], "text/plain"),
        ("a.png", b"<!DOCTYPE html><script>alert(1)</script>", "text/plain"),
        (
            "a.jpg",
            b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8\0\0\0",
            "application/vnd.microsoft.portable-executable",
        ),
        ("a.txt", b"%PDF-1.7 ...", "application/pdf"),
        ("a.exe", b"just words", "text/plain"),
        ("a", b"\0\x01\x02", "application/octet-stream"),
        ("empty", b"", "application/octet-stream"),
    ] {
        let shown = upload(&rig, "ann", name, bytes).await;
        assert_eq!((&shown["mimeType"], &shown["type"]), (&json!(mime), &json!("document")), "{name}");
        assert_eq!(shown["size"], bytes.len());
        assert!(shown.get("thumbnailUrl").is_none() && shown.get("width").is_none(), "{shown}");
    }
}

#[tokio::test]
async fn a_name_has_no_path_and_no_tricks() {
    let rig = Rig::new().await;
    for (name, kept) in [
        ("../../../etc/passwd", "passwd"),
        ("..\\\\..\\\\boot.ini", "boot.ini"),
        ("exe\u{202E}gnp.exe", "exegnp.exe"),
        ("<img src=x>.png", "<\u{2060}img src=x>.png"),
        ("", "file"),
    ] {
        let shown = upload(&rig, "ann", name, b"x").await;
        let thread = rig.world.store.thread_of(&["ann", "bob"]);
        let sent = send_file(&rig, thread, "ann", &shown).await.expect(201);
        assert_eq!(sent["message"]["attachments"][0]["filename"], kept, "{name}");
    }
}

#[tokio::test]
async fn a_message_shows_its_files_and_only_those_of_its_sender() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (file, foreign) =
        (upload(&rig, "ann", "a.png", &png(2, 1)).await, upload(&rig, "bob", "b", b"b").await);
    let path = format!("/api/v2/messages/{thread}");
    let reference = json!({"type": "image", "url": "https://host.test/p.png", "filename": "p.png"});
    let odd =
        json!({"id": file["id"], "metadata": {"caption": "c"}, "url": null, "size": 99, "filename": "z"});
    let body = json!({"content": "see", "attachments": [odd, reference]});
    let sent = rig.post(&path, &body).of("ann").send().await.expect(201);
    let shown = &sent["message"]["attachments"];
    let mut expected = file.clone();
    expected["metadata"] = json!({"caption": "c"});
    assert_eq!(shown[0], expected, "the server says what the file is");
    assert_eq!(shown[1]["url"], reference["url"]);
    assert!(shown[1].get("id").is_none());
    let both = rig.world.uploads.get(id(&file)).unwrap();
    assert_eq!(both.uses.len(), 1);
    let unfinished = resumable::begin(&rig, "ann", 10).await;
    for (attachments, names) in [
        (json!([{"id": foreign["id"]}]), "attachments[0].id"),
        (json!([reference, {"id": "0123456789abcdef01234567"}]), "attachments[1].id"),
        (json!([{"id": "x"}]), "attachments[0].id"),
        (json!([{"id": file["id"]}, {"id": file["id"]}]), "attachments[1].id"),
        (json!([{"id": unfinished}]), "attachments[0].id"),
        (json!(vec![json!({"id": file["id"]}); 11]), "attachments"),
    ] {
        let refused = rig.post(&path, &json!({"attachments": attachments})).of("ann").send().await;
        refused.refused(400, "invalid");
        assert!(refused.body["error"].as_str().unwrap().contains(names), "{}", refused.body);
    }
    let again = send_file(&rig, thread, "ann", &file).await.expect(201);
    assert_ne!(again["message"]["_id"], sent["message"]["_id"], "a file may be sent again");
}

#[tokio::test]
async fn limits_are_kept_and_named() {
    let rig = Rig::with(|config| {
        config.files.file_max = 10_000;
        config.files.quota = Some(25_000);
        config.files.types = vec!["image/*".to_owned(), "text/plain".to_owned()];
    })
    .await;
    let large = post_form(&rig, "ann", form("a", &[b'a'; 10_001])).await;
    large.refused(413, "too_large");
    assert!(large.body["error"].as_str().unwrap().contains("10000"), "{}", large.body);
    post_form(&rig, "ann", form("a", &vec![b'a'; 200_000])).await.refused(413, "too_large");
    let refused = post_form(&rig, "ann", form("a.png", b"%PDF-1.7")).await;
    refused.refused(415, "wrong_type");
    for _ in 0..2 {
        upload(&rig, "ann", "a", &[b'a'; 10_000]).await;
    }
    post_form(&rig, "ann", form("a", &[b'a'; 6_000])).await.refused(413, "quota_exceeded");
    upload(&rig, "ann", "a", &[b'a'; 4_000]).await;
    upload(&rig, "bob", "a", &[b'a'; 10_000]).await;
    let usage = rig.world.parts.uploads.file_usage(&"ann".parse().unwrap()).await.unwrap();
    assert_eq!((usage.bytes, usage.waiting), (24_000, 3), "what was refused counts nothing");
    let text = rig.world.parts.metrics.render().unwrap();
    for reason in ["too_large", "type", "quota"] {
        assert!(!text.contains(&format!("refused_total{{reason=\"{reason}\"}} 0")), "{reason}");
    }
}

#[tokio::test]
async fn a_person_has_so_many_files_that_no_message_uses() {
    let rig = Rig::new().await;
    for _ in 0..WAITING_MAX {
        resumable::begin(&rig, "ann", 1).await;
    }
    post_form(&rig, "ann", form("a", b"a")).await.refused(413, "quota_exceeded");
    upload(&rig, "bob", "a", b"a").await;
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let rig = Rig::new().await;
    rig.post(FILES, &json!({})).of("ann").send().await.refused(415, "invalid");
    post_form(&rig, "ann", b"nothing".to_vec()).await.refused(400, "invalid");
    let none =
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--{BOUNDARY}--\r\n");
    post_form(&rig, "ann", none.into_bytes()).await.refused(400, "invalid");
    let twice = [&form("a", b"a")[..form("a", b"a").len() - 11], &form("b", b"b")[..]].concat();
    post_form(&rig, "ann", twice).await.refused(400, "invalid");
    let usage = rig.world.parts.uploads.file_usage(&"ann".parse().unwrap()).await.unwrap();
    assert_eq!((usage.bytes, usage.waiting), (0, 0));
}

#[tokio::test]
async fn a_form_that_is_written_wrongly_is_told_what_is_wrong_with_it() {
    let rig = Rig::new().await;
    let head = "Content-Disposition: form-data; name=\"a\"; filename=\"a\"\r\n";
    let part = |headers: &str| format!("--{BOUNDARY}\r\n{headers}\r\nhi\r\n--{BOUNDARY}--\r\n").into_bytes();
    let cut_by = |bytes: usize| form("a", b"abc")[..form("a", b"abc").len() - bytes].to_vec();
    let many = "X: x\r\n".repeat(40);
    for (body, says) in [
        (format!("--{BOUNDARY}\r\n{head}\r\nhi").into_bytes(), "closing boundary"),
        (cut_by(8), "closing boundary"),
        (cut_by(4), "closing boundary"),
        (b"no boundary".to_vec(), "closing boundary"),
        (format!("--{BOUNDARY}\r\n{head}").into_bytes(), "closing boundary"),
        (part(&format!("{head}{many}")), "header"),
        (part(&format!("{head}: x\r\n")), "header"),
        (part("Content-Disposition: form-data; name=\"a\"\r\n"), "file is missing"),
        (part("X: x\r\n"), "file is missing"),
    ] {
        let refused = post_form(&rig, "ann", body.clone()).await;
        refused.refused(400, "invalid");
        let error = refused.body["error"].as_str().unwrap();
        assert!(error.contains(says), "{error}: {}", String::from_utf8_lossy(&body));
        assert!(refused.body.get("retryAfterMs").is_none(), "{}", refused.body);
    }
    for kind in ["multipart/form-data", "multipart/form-data; boundary", "multipart/mixed; boundary=x", "x"] {
        let call = rig.call(Method::POST, FILES).header(CONTENT_TYPE.as_str(), kind);
        call.body(form("a", b"abc")).of("ann").send().await.refused(415, "invalid");
    }
    let usage = rig.world.parts.uploads.file_usage(&"ann".parse().unwrap()).await.unwrap();
    assert_eq!((usage.bytes, usage.waiting), (0, 0), "nothing of them is kept");
}

#[tokio::test]
async fn a_form_whose_connection_breaks_may_be_sent_again() {
    let rig = Rig::new().await;
    let begun = Bytes::from(form("a", b"abc")[..form("a", b"abc").len() - 20].to_vec());
    let cut = Body::from_stream(stream::iter(vec![Ok(begun), Err(std::io::Error::other("cut"))]));
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let call = rig.call(Method::POST, FILES).header(CONTENT_TYPE.as_str(), &kind).body(cut);
    call.of("ann").send().await.refused(503, "unavailable");
    let text = rig.world.parts.metrics.render().unwrap();
    assert!(text.contains("refused_total{reason=\"gone\"} 1"), "{text}");
}

#[tokio::test]
async fn a_picture_that_would_take_gigabytes_gets_no_thumbnail() {
    let rig = Rig::new().await;
    let mut bomb = png(1, 1);
    bomb[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
    let sum = crc(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&sum.to_be_bytes());
    let shown = upload(&rig, "ann", "bomb.png", &bomb).await;
    assert_eq!((&shown["width"], shown.get("thumbnailUrl")), (&json!(60_000), None));
}

#[tokio::test]
async fn only_so_many_uploads_are_in_progress() {
    let rig = Rig::with(|config| config.files.at_once_user = 1).await;
    let stalled = || Body::from_stream(stream::pending::<std::io::Result<Bytes>>());
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let call = || rig.call(Method::POST, FILES).header(CONTENT_TYPE.as_str(), &kind).body(stalled());
    let first = call().of("ann").send();
    tokio::pin!(first);
    assert!(futures_util::poll!(&mut first).is_pending());
    tokio::task::yield_now().await;
    assert!(futures_util::poll!(&mut first).is_pending());
    let refused = call().of("ann").send().await;
    refused.refused(429, "rate_limited");
    assert!(refused.body["retryAfterMs"].as_u64().unwrap() >= 1_000);
}

#[tokio::test]
async fn bytes_that_are_not_kept_say_nothing_of_where() {
    let rig = Rig::new().await;
    rig.world.blobs.is_down.store(true, SeqCst);
    let refused = post_form(&rig, "ann", form("a", b"abc")).await;
    refused.refused(503, "unavailable");
    assert!(!refused.body.to_string().contains("secret"));
}

#[tokio::test]
async fn an_unsent_file_is_deleted_by_its_owner_and_a_sent_one_goes_with_its_message() {
    let rig = Rig::new().await;
    let file = upload(&rig, "ann", "a", b"abc").await;
    let path = format!("{FILES}/{}", id(&file));
    let info = rig.get(&format!("{path}/info")).of("ann").send().await.expect(200);
    assert_eq!(info["attachment"], file);
    assert_eq!(info["expiresAt"], NOW.plus(std::time::Duration::from_hours(24)).to_iso());
    rig.call(Method::DELETE, &path).of("bob").send().await.refused(404, "not_found");
    rig.call(Method::DELETE, &path).of("ann").send().await.expect(200);
    rig.get(&path).of("ann").send().await.refused(404, "not_found");
    rig.call(Method::DELETE, &path).of("ann").send().await.refused(404, "not_found");
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let file = upload(&rig, "ann", "a", b"abc").await;
    let path = format!("{FILES}/{}", id(&file));
    let sent = send_file(&rig, thread, "ann", &file).await.expect(201);
    rig.call(Method::DELETE, &path).of("ann").send().await.refused(409, "too_late");
    assert_eq!(rig.get(&path).of("bob").send().await.status, 200);
    let message = format!("/api/v2/messages/{}", sent["message"]["_id"].as_str().unwrap());
    rig.call(Method::DELETE, &message).of("ann").send().await.expect(200);
    for user in ["ann", "bob"] {
        rig.get(&path).of(user).send().await.refused(404, "not_found");
    }
    let gone = rig.world.uploads.get(id(&file)).unwrap();
    assert_eq!((gone.state, gone.due_at()), (UploadState::Deleted, Some(NOW)));
    assert!(rig.world.blobs.has(BlobKey::File(gone.id)), "the sweeper removes the bytes");
}

#[tokio::test]
async fn what_was_not_sent_in_time_is_gone() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let file = upload(&rig, "ann", "a", b"abc").await;
    rig.world.clock.advance(86_400_000);
    rig.get(&format!("{FILES}/{}", id(&file))).of("ann").send().await.refused(404, "not_found");
    send_file(&rig, thread, "ann", &file).await.refused(400, "invalid");
}

/// The check sum of a PNG's chunk.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ if sum & 1 == 1 { 0xEDB8_8320 } else { 0 })
    })
}

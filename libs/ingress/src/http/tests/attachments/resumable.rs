//! Resumable uploads by tus 1.0.

use super::*;
use eventflow_protocol::uploads::{LEASE, Staged};
use http::header::LOCATION;
use sha2::{Digest as _, Sha256};
use std::time::Duration;

const TUS: &str = "/api/v2/attachments/tus";

fn call<'a>(rig: &'a Rig, method: Method, path: &str) -> super::super::Call<'a> {
    rig.call(method, path).header("tus-resumable", "1.0.0")
}

/// Creates an upload; gives its id.
pub(in crate::http::tests) async fn begin(rig: &Rig, user: &str, length: u64) -> String {
    let created =
        call(rig, Method::POST, TUS).header("upload-length", &length.to_string()).of(user).send().await;
    let location = created.headers[LOCATION].to_str().unwrap().to_owned();
    let id = created.expect(201)["id"].as_str().unwrap().to_owned();
    assert_eq!(location, format!("{TUS}/{id}"));
    id
}

async fn patch(rig: &Rig, id: &str, offset: u64, body: impl Into<Body>) -> Reply {
    let call = call(rig, Method::PATCH, &format!("{TUS}/{id}")).header("upload-offset", &offset.to_string());
    call.header(CONTENT_TYPE.as_str(), "application/offset+octet-stream").body(body).of("ann").send().await
}

async fn offset(rig: &Rig, id: &str) -> u64 {
    let head = call(rig, Method::HEAD, &format!("{TUS}/{id}")).of("ann").send().await;
    assert_eq!((head.status, &head.headers["tus-resumable"]), (200, &"1.0.0".parse().unwrap()));
    head.headers["upload-offset"].to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_upload_goes_on_where_it_is() {
    let rig = Rig::new().await;
    let bytes: Vec<u8> = (0..9_000_u32).map(|at| (at % 251) as u8).collect();
    let metadata = "filename YS5iaW4=,filetype aW1hZ2UvcG5n";
    let created = call(&rig, Method::POST, TUS)
        .header("upload-length", "9000")
        .header("upload-metadata", metadata)
        .of("ann")
        .send()
        .await;
    assert_eq!(created.headers["upload-offset"], "0");
    assert_eq!(created.headers["upload-expires"], "Sat, 16 Jan 2027 08:00:00 GMT");
    let id = created.expect(201)["id"].as_str().unwrap().to_owned();
    for (from, to) in [(0, 1), (1, 5_000), (5_000, 5_000), (5_000, 9_000)] {
        assert_eq!(offset(&rig, &id).await, from as u64);
        let done = patch(&rig, &id, from as u64, bytes[from..to].to_vec()).await;
        assert_eq!((done.status, done.headers["upload-offset"].to_str().unwrap()), (204, &*to.to_string()));
    }
    assert_eq!(offset(&rig, &id).await, 9_000);
    let info = rig.get(&format!("{FILES}/{id}/info")).of("ann").send().await.expect(200);
    assert_eq!(
        (&info["attachment"]["filename"], &info["attachment"]["size"]),
        (&json!("a.bin"), &json!(9_000))
    );
    let file = rig.world.uploads.get(id.parse().unwrap()).unwrap().file.unwrap();
    assert_eq!(file.sha256, hex::encode(Sha256::digest(&bytes)), "over all requests");
}

#[tokio::test]
async fn a_wrong_offset_is_a_conflict_and_changes_nothing() {
    let rig = Rig::new().await;
    let id = begin(&rig, "ann", 10).await;
    assert_eq!(patch(&rig, &id, 0, "abcd").await.status, 204);
    for wrong in [0, 3, 5, 10] {
        patch(&rig, &id, wrong, "xx").await.refused(409, "conflict");
    }
    assert_eq!(offset(&rig, &id).await, 4);
    patch(&rig, &id, 4, "efghijk").await.refused(413, "too_large");
    assert_eq!(patch(&rig, &id, 4, "efghij").await.status, 204);
    for offset in [0, 4, 10] {
        let complete = patch(&rig, &id, offset, "k").await;
        complete.refused(409, "conflict");
        assert!(complete.body["error"].as_str().unwrap().contains("complete"), "{}", complete.body);
    }
}

#[tokio::test]
async fn headers_that_are_written_wrongly_are_refused_by_their_names() {
    let rig = Rig::new().await;
    for (length, metadata, names) in [
        ("3", "filename YS5iaW4", "Upload-Metadata"),
        ("3", "filename a.bin", "Upload-Metadata"),
        ("3", "filename /w==", "Upload-Metadata"),
        ("-3", "filename YS5iaW4=", "Upload-Length"),
        ("", "filename YS5iaW4=", "Upload-Length"),
    ] {
        let call = call(&rig, Method::POST, TUS).header("upload-length", length);
        let refused = call.header("upload-metadata", metadata).of("ann").send().await;
        refused.refused(400, "invalid");
        assert!(refused.body["error"].as_str().unwrap().contains(names), "{}", refused.body);
    }
    let id = begin(&rig, "ann", 3).await;
    for offset in ["", "x", "-1", "1.5"] {
        let call = call(&rig, Method::PATCH, &format!("{TUS}/{id}")).header("upload-offset", offset);
        let call = call.header(CONTENT_TYPE.as_str(), "application/offset+octet-stream").body("abc");
        call.of("ann").send().await.refused(400, "invalid");
    }
    let call = call(&rig, Method::PATCH, &format!("{TUS}/{id}"));
    let call = call.header(CONTENT_TYPE.as_str(), "application/offset+octet-stream").body("abc");
    call.of("ann").send().await.refused(400, "invalid");
    assert_eq!(offset(&rig, &id).await, 0);
}

#[tokio::test]
async fn what_came_before_a_cut_is_kept() {
    let rig = Rig::new().await;
    let id = begin(&rig, "ann", 10).await;
    let cut = vec![Ok(Bytes::from_static(b"abc")), Err(std::io::Error::other("cut"))];
    assert_eq!(patch(&rig, &id, 0, Body::from_stream(stream::iter(cut))).await.status, 503);
    assert_eq!(offset(&rig, &id).await, 3);
    assert_eq!(patch(&rig, &id, 3, "defghij").await.status, 204);
}

#[tokio::test(start_paused = true)]
async fn one_request_writes_at_a_time_and_a_silent_one_ends() {
    let rig = Rig::new().await;
    let id = begin(&rig, "ann", 10).await;
    let silent = Body::from_stream(stream::pending::<std::io::Result<Bytes>>());
    let first = patch(&rig, &id, 0, silent);
    tokio::pin!(first);
    assert!(futures_util::poll!(&mut first).is_pending());
    let refused = patch(&rig, &id, 0, "abc").await;
    refused.refused(423, "locked");
    assert!(u128::from(refused.body["retryAfterMs"].as_u64().unwrap()) <= LEASE.as_millis());
    first.await.refused(408, "unavailable");
    assert_eq!(patch(&rig, &id, 0, "abc").await.status, 204, "it has let the upload go");
}

#[tokio::test]
async fn an_upload_of_a_dead_process_is_taken_over_and_checked() {
    let rig = Rig::new().await;
    for is_spoilt in [false, true] {
        let id = begin(&rig, "ann", 6).await;
        assert_eq!(patch(&rig, &id, 0, "abc").await.status, 204);
        let parsed: AttachmentId = id.parse().unwrap();
        let now = rig.world.parts.clock.now();
        // A process that was killed holds the claim.
        let claimed =
            eventflow_ports::change_upload(&*rig.world.parts.uploads, parsed, |one| one.claim(7, now).ok());
        claimed.await.unwrap().unwrap();
        patch(&rig, &id, 3, "def").await.refused(423, "locked");
        rig.world.clock.advance(i64::try_from(LEASE.as_millis()).unwrap());
        if is_spoilt {
            rig.world.blobs.spoil(parsed);
            patch(&rig, &id, 3, "def").await.refused(409, "conflict");
            let head = call(&rig, Method::HEAD, &format!("{TUS}/{id}")).of("ann").send().await;
            assert_eq!(head.status, 404, "it has to be begun anew");
        } else {
            assert_eq!(patch(&rig, &id, 3, "def").await.status, 204);
        }
    }
}

#[tokio::test]
async fn bytes_that_nobody_looked_at_are_looked_at_when_somebody_asks() {
    let rig = Rig::new().await;
    let id = begin(&rig, "ann", 3).await;
    rig.world.blobs.is_down.store(false, SeqCst);
    let parsed: AttachmentId = id.parse().unwrap();
    // A process took all bytes and was killed before it finished.
    let staged = rig.world.parts.blobs.as_ref().unwrap();
    let staged = staged.append(parsed, &Staged::default(), Bytes::from_static(b"abc")).await.unwrap();
    let uploads = &*rig.world.parts.uploads;
    let stored = eventflow_ports::change_upload(uploads, parsed, |one| {
        one.staged = staged.clone();
        Some(())
    });
    stored.await.unwrap().unwrap();
    assert_eq!(offset(&rig, &id).await, 3);
    rig.get(&format!("{FILES}/{id}/info")).of("ann").send().await.expect(200);
}

#[tokio::test]
async fn an_upload_ends_by_its_owner_and_by_time() {
    let rig = Rig::new().await;
    let id = begin(&rig, "ann", 10).await;
    let path = format!("{TUS}/{id}");
    assert_eq!(call(&rig, Method::DELETE, &path).of("bob").send().await.status, 404);
    assert_eq!(call(&rig, Method::DELETE, &path).of("ann").send().await.status, 204);
    assert_eq!(call(&rig, Method::HEAD, &path).of("ann").send().await.status, 404);
    patch(&rig, &id, 0, "abc").await.refused(404, "not_found");
    let late = begin(&rig, "ann", 10).await;
    rig.world.clock.advance(3_600_000);
    assert_eq!(patch(&rig, &late, 0, "abc").await.status, 204);
    rig.world.clock.advance(23 * 3_600_000 + 1);
    let token_ok = call(&rig, Method::HEAD, &format!("{TUS}/{late}")).of("ann").send().await;
    assert_eq!(token_ok.status, 200, "each request puts its end off");
    rig.world.clock.advance(3_600_000);
    patch(&rig, &late, 3, "d").await.refused(404, "not_found");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_shut_down_waits_for_no_upload() {
    let rig = Rig::new().await;
    let id = begin(&rig, "ann", 10).await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<std::io::Result<Bytes>>(1);
    let body = stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
    let going = patch(&rig, &id, 0, Body::from_stream(Box::pin(body)));
    tokio::pin!(going);
    assert!(futures_util::poll!(&mut going).is_pending());
    sender.send(Ok(Bytes::from_static(b"abcd"))).await.unwrap();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let began = tokio::time::Instant::now();
    rig.world.drain.cancel();
    going.await.refused(503, "unavailable");
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(offset(&rig, &id).await, 4, "what has come is kept");
}

#[tokio::test]
async fn requests_of_another_protocol_are_refused() {
    let rig = Rig::new().await;
    let id = begin(&rig, "ann", 10).await;
    let path = format!("{TUS}/{id}");
    let other = rig.call(Method::PATCH, &path).header("tus-resumable", "0.2.2").of("ann").send().await;
    other.refused(412, "invalid");
    assert_eq!(other.headers["tus-version"], "1.0.0");
    let call_of = |kind: &str, offset: &str| {
        let call = call(&rig, Method::PATCH, &path).header(CONTENT_TYPE.as_str(), kind);
        if offset.is_empty() { call } else { call.header("upload-offset", offset) }
    };
    call_of("text/plain", "0").of("ann").send().await.refused(415, "invalid");
    call_of("application/offset+octet-stream", "").of("ann").send().await.refused(400, "invalid");
    call_of("application/offset+octet-stream", "x").of("ann").send().await.refused(400, "invalid");
    for (header, value) in [("upload-defer-length", "1"), ("upload-length", "-1"), ("upload-length", "x")] {
        let created = call(&rig, Method::POST, TUS).header(header, value).of("ann").send().await;
        created.refused(400, "invalid");
    }
    let large = call(&rig, Method::POST, TUS).header("upload-length", "99999999999").of("ann").send().await;
    large.refused(413, "too_large");
    let wrong =
        call(&rig, Method::POST, TUS).header("upload-length", "1").header("upload-metadata", "filename ?");
    wrong.of("ann").send().await.refused(400, "invalid");
}

#[tokio::test]
async fn what_is_spoken_is_told_to_whoever_asks() {
    let rig = Rig::new().await;
    let asked = rig.call(Method::OPTIONS, TUS).send().await;
    assert_eq!(asked.status, 204);
    assert_eq!(asked.headers["tus-version"], "1.0.0");
    assert_eq!(asked.headers["tus-max-size"], "100000000");
    assert!(asked.headers["tus-extension"].to_str().unwrap().contains("expiration"));
    let with = call(&rig, Method::POST, TUS)
        .header("upload-length", "3")
        .header(CONTENT_TYPE.as_str(), "application/offset+octet-stream")
        .body("abc")
        .of("ann")
        .send()
        .await;
    assert_eq!(with.headers["upload-offset"], "3");
    let id = with.expect(201)["id"].as_str().unwrap().to_owned();
    rig.get(&format!("{FILES}/{id}/info")).of("ann").send().await.expect(200);
    let none = begin(&rig, "ann", 0).await;
    let info = rig.get(&format!("{FILES}/{none}/info")).of("ann").send().await.expect(200);
    assert_eq!(info["attachment"]["size"], 0);
}

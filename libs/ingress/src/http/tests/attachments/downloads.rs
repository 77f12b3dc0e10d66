//! Getting files: who, which bytes, with which headers, and from which origin.

use super::*;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_SECURITY_POLICY, ETAG, HOST, IF_NONE_MATCH,
    IF_RANGE, LOCATION, RANGE, X_CONTENT_TYPE_OPTIONS,
};

/// A file that ann has sent to bob.
async fn sent(rig: &Rig, bytes: &[u8]) -> (ThreadId, String) {
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let file = upload(rig, "ann", "Bericht ä.txt", bytes).await;
    send_file(rig, thread, "ann", &file).await.expect(201);
    (thread, format!("{FILES}/{}", id(&file)))
}

#[tokio::test]
async fn a_file_is_its_owners_until_it_is_sent_and_then_of_those_who_see_the_message() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob", "zed"]);
    let file = upload(&rig, "ann", "a.png", &png(400, 10)).await;
    let path = format!("{FILES}/{}", id(&file));
    let status = async |user: &str| {
        let whole = rig.get(&path).of(user).send().await.status;
        assert_eq!(rig.get(&format!("{path}/thumbnail")).of(user).send().await.status, whole);
        assert_eq!(rig.call(Method::HEAD, &path).of(user).send().await.status, whole);
        whole
    };
    for (user, expected) in [("ann", 200), ("bob", 404), ("eve", 404)] {
        assert_eq!(status(user).await, expected, "{user} before");
    }
    send_file(&rig, thread, "ann", &file).await.expect(201);
    for (user, expected) in [("ann", 200), ("bob", 200), ("zed", 200), ("eve", 404)] {
        assert_eq!(status(user).await, expected, "{user}");
    }
    rig.world.store.remove(thread, "zed");
    rig.world.parts.membership.forget(thread);
    assert_eq!(status("zed").await, 404, "a former member");
}

#[tokio::test]
async fn what_somebody_uploaded_is_only_a_file() {
    let rig = Rig::new().await;
    let (_, path) = sent(&rig, b"<script>alert(1)</script>").await;
    let answer = rig.get(&path).of("bob").send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(answer.headers[CONTENT_SECURITY_POLICY], "default-src 'none'; sandbox");
    assert_eq!(answer.headers[CACHE_CONTROL], "private, no-cache");
    assert_eq!(answer.headers["cross-origin-resource-policy"], "same-origin");
    assert_eq!(answer.headers[CONTENT_TYPE], "text/plain; charset=utf-8");
    let disposition = answer.headers[CONTENT_DISPOSITION].to_str().unwrap();
    assert_eq!(disposition, "attachment; filename=\"Bericht _.txt\"; filename*=UTF-8''Bericht%20%C3%A4.txt");
    let picture = upload(&rig, "ann", "a.png", &png(2, 2)).await;
    let shown = rig.get(&format!("{FILES}/{}", id(&picture))).of("ann").send().await;
    assert!(shown.headers[CONTENT_DISPOSITION].to_str().unwrap().starts_with("inline; "));
    let small = rig.get(&format!("{FILES}/{}/thumbnail", id(&picture))).of("ann").send().await;
    assert_eq!(small.headers[CONTENT_TYPE], "image/jpeg");
}

#[tokio::test]
async fn ranges_and_tags_are_those_of_http() {
    let rig = Rig::new().await;
    let bytes: Vec<u8> = (0..5_000_u32).map(|at| b'a' + (at % 26) as u8).collect();
    let (_, path) = sent(&rig, &bytes).await;
    let whole = rig.get(&path).of("bob").send().await;
    let tag = whole.headers[ETAG].to_str().unwrap().to_owned();
    assert_eq!((whole.status, whole.text().len()), (200, 5_000));
    assert_eq!(whole.headers[CONTENT_LENGTH], "5000");
    let part = rig.get(&path).of("bob").header(RANGE.as_str(), "bytes=1000-1999").send().await;
    assert_eq!((part.status, part.text().as_bytes()), (206, &bytes[1_000..2_000]));
    assert_eq!(part.headers[CONTENT_RANGE], "bytes 1000-1999/5000");
    let end = rig.get(&path).of("bob").header(RANGE.as_str(), "bytes=-1").send().await;
    assert_eq!((end.status, end.text().as_bytes()), (206, &bytes[4_999..]));
    let beyond = rig.get(&path).of("bob").header(RANGE.as_str(), "bytes=5000-").send().await;
    beyond.refused(416, "invalid");
    assert_eq!(beyond.headers[CONTENT_RANGE], "bytes */5000");
    for (if_range, status) in [(tag.as_str(), 206), ("\"other\"", 200)] {
        let call = rig.get(&path).of("bob").header(RANGE.as_str(), "bytes=0-9");
        assert_eq!(call.header(IF_RANGE.as_str(), if_range).send().await.status, status);
    }
    let known = rig.get(&path).of("bob").header(IF_NONE_MATCH.as_str(), &tag).send().await;
    assert_eq!((known.status, known.body), (304, Value::Null));
    rig.get(&path).of("eve").header(IF_NONE_MATCH.as_str(), &tag).send().await.refused(404, "not_found");
    let head = rig.call(Method::HEAD, &path).of("bob").header(RANGE.as_str(), "bytes=0-9").send().await;
    assert_eq!(
        (head.status, &head.headers[CONTENT_LENGTH], head.body),
        (206, &"10".parse().unwrap(), Value::Null)
    );
}

#[tokio::test]
async fn files_come_from_their_own_origin_if_there_is_one() {
    let rig = Rig::with(|config| config.files.origin = Some("https://files.test".to_owned())).await;
    let (_, path) = sent(&rig, b"abc").await;
    rig.get(&path).of("eve").send().await.refused(404, "not_found");
    let moved = rig.get(&path).of("bob").send().await;
    assert_eq!(moved.status, 302);
    assert_eq!(moved.headers[CACHE_CONTROL], "no-store");
    let address =
        moved.headers[LOCATION].to_str().unwrap().strip_prefix("https://files.test").unwrap().to_owned();
    let get = |host: &'static str, address: &str| {
        let mut call = rig.get(address);
        call.request.headers_mut().insert(HOST, host.parse().unwrap());
        call.send()
    };
    let found = get("files.test", &address).await;
    assert_eq!((found.status, found.text()), (200, "abc"));
    assert_eq!(found.headers["cross-origin-resource-policy"], "cross-origin");
    get("chat.test", &address).await.refused(404, "not_found");
    for forged in [
        address.replace("what=file", "what=thumbnail"),
        address.replace("until=1", "until=2"),
        address.split("&signature").next().unwrap().to_owned(),
        address.split('?').next().unwrap().to_owned(),
    ] {
        get("files.test", &forged).await.refused(404, "not_found");
    }
    rig.world.clock.advance(300_000);
    get("files.test", &address).await.refused(404, "not_found");
}

#[tokio::test]
async fn without_an_origin_of_files_no_signed_address_is_taken() {
    let rig = Rig::new().await;
    let (_, path) = sent(&rig, b"abc").await;
    let id = path.rsplit('/').next().unwrap();
    rig.get(&format!("/api/v2/files/{id}?what=file&until=9&signature=00"))
        .send()
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn a_file_whose_bytes_are_lost_is_no_success() {
    let rig = Rig::new().await;
    let (_, path) = sent(&rig, b"abc").await;
    rig.world.blobs.is_down.store(true, SeqCst);
    rig.get(&path).of("bob").send().await.refused(503, "unavailable");
    assert_eq!(rig.call(Method::HEAD, &path).of("bob").send().await.status, 200);
}

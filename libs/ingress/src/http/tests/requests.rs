//! What requests may look like, and what answers say beside their body: media types, codings, byte order
//! marks, slashes, headers for pages of other origins and for those who have to come back.

use super::{Rig, THREADS};
use crate::client_address::ProxyTrust;
use crate::http::routes::ROUTES;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use http::Method;
use http::header::{ORIGIN, RETRY_AFTER};
use serde_json::json;
use std::net::SocketAddr;

const PAGE: &str = "https://chat.test";
/// A session named as the protocol page shows it: user `ann`, `jti` `login-1`.
const LOGIN: &str = "6d70fe44d7a03e53c8a2f63ed15d3a26dbb514197b8f0dbbd1211637f6118ee9";

#[tokio::test]
async fn a_page_may_send_any_header_and_reads_when_to_come_back() {
    let rig = Rig::with(|config| config.rest_per_minute_user = 1).await;
    let preflight = rig
        .call(Method::OPTIONS, THREADS)
        .header(ORIGIN.as_str(), PAGE)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,traceparent,x-requested-with");
    let headers = preflight.send().await.headers;
    assert_eq!(headers["access-control-allow-headers"], "content-type,traceparent,x-requested-with");
    assert_eq!(headers["access-control-max-age"], "600");
    rig.get(THREADS).of("ann").send().await.expect(200);
    let refused = rig.get(THREADS).of("ann").header(ORIGIN.as_str(), PAGE).send().await;
    refused.refused(429, "rate_limited");
    let exposed = refused.headers["access-control-expose-headers"].to_str().unwrap();
    assert!(
        exposed.starts_with("retry-after,www-authenticate,") && exposed.contains("upload-offset"),
        "{exposed}"
    );
    let seconds: u64 = refused.headers[RETRY_AFTER].to_str().unwrap().parse().unwrap();
    let ms = refused.body["retryAfterMs"].as_u64().unwrap();
    assert_eq!(ms.div_ceil(1_000), seconds, "{}", refused.body);
}

#[tokio::test]
async fn who_has_no_good_credential_is_told_which_kind_is_wanted() {
    let rig = Rig::new().await;
    let challenge = async |call: super::Call<'_>| {
        let refused = call.send().await;
        assert_eq!(refused.status, 401);
        refused.headers["www-authenticate"].to_str().unwrap().to_owned()
    };
    assert_eq!(challenge(rig.get(THREADS)).await, "Bearer");
    let call = rig.get(THREADS).of("ann");
    rig.world.clock.advance(3_661_000);
    assert!(challenge(call).await.starts_with(r#"Bearer error="invalid_token""#));
}

#[tokio::test]
async fn a_compressed_body_is_refused_with_what_is_right() {
    let rig = Rig::new().await;
    let path = format!("/api/v2/messages/{}", rig.world.store.thread_of(&["ann", "bob"]));
    let send = |coding: &'static str| {
        rig.post(&path, &json!({"content": "x"})).of("ann").header("content-encoding", coding).send()
    };
    for coding in ["gzip", "br", "identity, gzip"] {
        let refused = send(coding).await;
        refused.refused(415, "invalid");
        assert_eq!(refused.headers["accept-encoding"], "identity");
    }
    assert_eq!(send("identity").await.status, 201);
}

#[tokio::test]
async fn a_byte_order_mark_is_passed_over() {
    let rig = Rig::new().await;
    let call = rig.post(THREADS, &json!({})).of("ann").body("\u{feff}{\"participants\":[\"bob\"]}");
    assert_eq!(call.send().await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_408_and_may_be_sent_again() {
    let rig = Rig::new().await;
    let stalled = || Body::from_stream(futures_util::stream::pending::<std::io::Result<Bytes>>());
    let path = format!("{THREADS}/{}/read", rig.world.store.thread_of(&["ann", "bob"]));
    for path in [THREADS, &path] {
        let call = rig.post(path, &json!({})).of("ann").body(stalled());
        let refused = call.send().await;
        refused.refused(408, "unavailable");
        assert_eq!(refused.headers[RETRY_AFTER], "1");
    }
}

#[tokio::test]
async fn every_route_has_its_path_with_a_slash_at_the_end_too() {
    let rig = Rig::new().await;
    for route in ROUTES {
        let path = format!("/api{}", route.path.replace("{id}", "0123456789abcdef01234567"));
        let without = rig.call(route.method.clone(), &path).send().await;
        let with = rig.call(route.method.clone(), &format!("{path}/")).send().await;
        assert_eq!(without.status, 401, "{} {path}", route.method);
        assert_eq!((with.status, with.body), (without.status, without.body), "{} {path}/", route.method);
    }
    let text = rig.world.parts.metrics.render().unwrap();
    assert!(!text.lines().any(|line| line.contains("/\"")), "both are counted as one route");
}

#[tokio::test]
async fn a_user_id_that_nobody_can_have_is_malformed() {
    let rig = Rig::new().await;
    for id in ["%00", "%20a", "a%2Cb", "%2E%2E", "%E2%80%AEa", &"a".repeat(200)] {
        let profile = rig.call(Method::PUT, &format!("/api/v2/users/{id}")).of_admin();
        let profile =
            profile.header("content-type", "application/json").body(json!({"name": "A"}).to_string());
        profile.send().await.refused(400, "invalid");
        let revoke = rig.call(Method::POST, &format!("/api/v2/users/{id}/revoke")).of_admin();
        revoke.send().await.refused(400, "invalid");
        rig.get(&format!("/api/v2/presence/{id}")).of("ann").send().await.refused(400, "invalid");
    }
}

#[tokio::test]
async fn one_login_is_revoked_by_the_name_that_the_protocol_page_defines() {
    let rig = Rig::new().await;
    let revoke = |session: String| rig.post("/api/v2/users/ann/revoke", &json!({ "session": session }));
    for session in [LOGIN.to_owned(), LOGIN.to_uppercase()] {
        revoke(session).of_admin().send().await.expect(200);
    }
    let commands = rig.world.commands();
    assert_eq!(commands.len(), 2);
    assert!(commands.iter().all(|command| format!("{command:?}").contains(LOGIN)), "{commands:?}");
}

#[tokio::test]
async fn a_page_ends_where_it_would_become_too_large_and_says_where_the_next_one_begins() {
    let rig = Rig::with(|config| config.rest_per_minute_user = 0).await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let path = format!("/api/v2/messages/{thread}");
    let large = "\u{1f600}".repeat(9_990);
    for n in 0..60 {
        let body = json!({"content": format!("{large}{n}")});
        assert_eq!(rig.post(&path, &body).of("ann").send().await.status, 201);
    }
    for start in ["?limit=100", "?limit=100&after=0"] {
        let (mut seqs, mut query) = (Vec::new(), start.to_owned());
        let mut pages = 0;
        loop {
            let page = rig.get(&format!("{path}{query}")).of("bob").send().await.expect(200);
            assert!(page.to_string().len() < 1_200_000);
            let found = page["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_u64());
            let found: Vec<u64> = found.map(Option::unwrap).collect();
            assert!(found.is_sorted(), "{found:?}");
            seqs.extend(found);
            pages += 1;
            let Some(next) = page["nextCursor"].as_str() else { break };
            query = format!("?limit=100&cursor={next}");
        }
        seqs.sort_unstable();
        assert_eq!((seqs, pages), ((1..=60).collect(), 3), "{start}");
    }
    for bad in ["?cursor=5", "?cursor=beside.5", "?cursor=after.x", "?cursor=after.5&before=9"] {
        rig.get(&format!("{path}{bad}")).of("bob").send().await.refused(400, "invalid");
    }
}

#[tokio::test]
async fn lists_of_large_entries_are_cut_too() {
    let rig = Rig::with(|config| config.rest_per_minute_user = 0).await;
    let large = "x".repeat(16_000);
    for n in 0..80 {
        let notification = json!({"userId": "ann", "title": format!("{n}"), "data": {"x": large}});
        rig.post("/api/v2/notifications", &notification).of_admin().send().await.expect(201);
        let thread = json!({"participants": ["bob"], "metadata": {"n": n, "x": large}});
        assert_eq!(rig.post(THREADS, &thread).of("ann").send().await.status, 201);
    }
    for (path, list) in [("/api/v2/notifications", "notifications"), (THREADS, "threads")] {
        let (mut query, mut pages) = ("?limit=100".to_owned(), 0);
        let mut ids = std::collections::HashSet::new();
        loop {
            let page = rig.get(&format!("{path}{query}")).of("ann").send().await.expect(200);
            assert!(page.to_string().len() < 1_100_000);
            let found = page[list].as_array().unwrap().iter();
            ids.extend(found.map(|entry| entry["_id"].as_str().unwrap().to_owned()));
            pages += 1;
            let Some(next) = page["nextCursor"].as_str() else { break };
            query = format!("?limit=100&cursor={next}");
        }
        assert_eq!((ids.len(), pages), (80, 2), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_of_its_pages_gets_no_more_of_them() {
    let rig = Rig::with(|config| (config.rest_per_minute_user, config.rest_answers_kb) = (0, 8_192)).await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let path = format!("/api/v2/messages/{thread}");
    for _ in 0..26 {
        let body = json!({"content": "\u{1f600}".repeat(9_990)});
        assert_eq!(rig.post(&path, &body).of("ann").send().await.status, 201);
    }
    let ask = || tower::ServiceExt::oneshot(rig.router.clone(), rig.get(&path).of("bob").request);
    let held = ask().await.unwrap();
    assert_eq!(held.status(), 200);
    let refused = rig.get(&path).of("bob").send().await;
    refused.refused(429, "rate_limited");
    assert!(refused.headers.contains_key(RETRY_AFTER));
    rig.get(&path).of("ann").send().await.expect(200);
    rig.get("/api/v2/notifications/unread-count").of("bob").send().await.expect(200);
    drop(held);
    rig.get(&path).of("bob").send().await.expect(200);
}

#[tokio::test]
async fn routes_of_others_have_a_limit_by_address_in_our_words() {
    let other = axum::Router::new().route("/api/messages", axum::routing::any(async || "old"));
    let rig = Rig::new().await;
    let rig = Rig { router: crate::http::limit_by_address(other, 2, ProxyTrust::default()), ..rig };
    let ask = async |last: u8| {
        let mut call = rig.get("/api/messages").body("");
        call.request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([10, 0, 0, last], 5))));
        let response = tower::ServiceExt::oneshot(rig.router.clone(), call.request).await.unwrap();
        (response.status().as_u16(), response.headers().contains_key(RETRY_AFTER))
    };
    assert_eq!([ask(1).await, ask(1).await], [(200, false); 2]);
    assert_eq!([ask(1).await, ask(2).await], [(429, true), (200, false)]);
}

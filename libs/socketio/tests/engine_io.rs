//! Engine.IO v4 as a client sees it: handshake, both transports, heartbeat, closing, upgrade.

#![allow(clippy::unwrap_used, reason = "a test that fails to unwrap has failed")]

mod support;

use std::time::Duration;

use axum::body::Body;
use eventflow_socketio::{Config, DisconnectReason, Protocol};
use http::Request;
use support::{Rig, Seen};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

fn echo() -> Rig {
    Rig::new(Config { protocol: Protocol::EngineEcho, ..Config::default() })
}

#[tokio::test(start_paused = true)]
async fn the_open_packet_tells_the_settings() {
    let rig = echo();
    let (_, body) = rig.get("EIO=4&transport=polling").await;
    let open: serde_json::Value = serde_json::from_str(body.strip_prefix('0').unwrap()).unwrap();
    assert_eq!(open["upgrades"], serde_json::json!(["websocket"]));
    assert_eq!(open["pingInterval"], 25_000);
    assert_eq!(open["pingTimeout"], 20_000);
    assert_eq!(open["maxPayload"], 262_144);
    let open = rig.websocket("").await.text().await;
    assert!(open.contains(r#""upgrades":[]"#), "{open}");
}

#[tokio::test(start_paused = true)]
async fn requests_that_make_no_sense_are_refused_with_the_number_of_the_error() {
    let rig = echo();
    for (query, code) in [
        ("EIO=4", 0),
        ("EIO=4&transport=abc", 0),
        ("EIO=4&transport=polling&sid=abc", 1),
        ("EIO=4&transport=polling&sid=aaaaaaaaaaaaaaaaaaaa", 1),
        ("EIO=4&transport=websocket", 3),
        ("transport=polling", 5),
        ("EIO=3&transport=polling", 5),
    ] {
        let (status, body) = rig.get(query).await;
        assert_eq!(status, 400, "{query}");
        assert!(body.contains(&format!(r#""code":{code}"#)), "{query}: {body}");
    }
    let (status, body) = rig.post("EIO=4&transport=polling", "").await;
    assert_eq!((status.as_u16(), body.contains(r#""code":2"#)), (400, true));
}

#[tokio::test(start_paused = true)]
async fn a_refused_origin_reads_nothing_and_an_admitted_one_reads_everything() {
    let rig = echo();
    let uri = "/socket.io/?EIO=4&transport=polling";
    let request = |origin: &str| Request::get(uri).header("origin", origin).body(Body::empty()).unwrap();
    let (status, headers, body) = rig.request(request("https://evil.example")).await;
    assert_eq!((status.as_u16(), body.as_str()), (403, r#"{"message":"origin"}"#));
    assert!(!headers.contains_key("access-control-allow-origin"));
    let (status, headers, _) = rig.request(request("https://good.example")).await;
    assert_eq!(status, 200);
    assert_eq!(headers["access-control-allow-origin"], "https://good.example");
    assert_eq!(headers["access-control-allow-credentials"], "true");
    let preflight = Request::options(uri)
        .header("origin", "https://good.example")
        .header("access-control-request-headers", "traceparent,x-requested-with");
    let (status, headers, _) = rig.request(preflight.body(Body::empty()).unwrap()).await;
    assert_eq!(status, 204);
    for (name, value) in [
        ("access-control-allow-methods", "GET, POST"),
        ("access-control-allow-headers", "traceparent,x-requested-with"),
        ("access-control-max-age", "600"),
    ] {
        assert_eq!(headers[name], value);
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_can_read_a_refusal_and_when_to_come_back() {
    let rig = echo();
    let ask = async |query: &str, headers: &[(&'static str, &str)]| {
        let request = Request::get(format!("/socket.io/?EIO=4&transport=polling{query}"));
        let request = request.header("origin", "https://good.example");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let (status, headers, body) = rig.request(request.body(Body::empty()).unwrap()).await;
        assert_eq!(headers["access-control-allow-origin"], "https://good.example", "{query}: {body}");
        assert_eq!(headers["access-control-expose-headers"], "Retry-After");
        (status.as_u16(), headers.get("retry-after").map(|wait| wait.to_str().unwrap().to_owned()))
    };
    let full = (429, Some("10".to_owned()));
    assert_eq!(ask("&full", &[]).await, full, "a refused handshake");
    assert_eq!(ask("&sid=made-up", &[]).await, (400, None));
    assert_eq!(ask("&sid=made-up", &[("x-spent", "1")]).await, full, "an unknown session once too often");
    rig.server.drain(Duration::ZERO).await;
    assert_eq!(ask("", &[]).await, (503, Some("1".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn one_of_the_offered_subprotocols_is_chosen() {
    let rig = echo();
    let offer = async |protocols: Option<&str>| {
        let mut request =
            "ws://localhost/socket.io/?EIO=4&transport=websocket".into_client_request().unwrap();
        if let Some(protocols) = protocols {
            request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
        }
        let (_client, answer) = rig.handshake(request).await.unwrap();
        answer.headers().get("sec-websocket-protocol").map(|name| name.to_str().unwrap().to_owned())
    };
    assert_eq!(offer(None).await, None);
    assert_eq!(offer(Some("chat")).await.as_deref(), Some("chat"));
    assert_eq!(offer(Some("v2.chat, chat")).await.as_deref(), Some("v2.chat"));
}

#[tokio::test(start_paused = true)]
async fn a_compressed_or_stalled_post_is_told_so_and_ends_nothing() {
    let rig = echo();
    let query = rig.open_polling().await;
    let post = |body: Body| Request::post(format!("/socket.io/?{query}")).body(body).unwrap();
    let mut compressed = post(Body::from("4hello"));
    compressed.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    assert_eq!(rig.request(compressed).await.0, 415);
    let stalled = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    assert_eq!(rig.request(post(Body::from_stream(stalled))).await.0, 408);
}

#[tokio::test(start_paused = true)]
async fn polling_carries_text_and_binary_both_ways() {
    let rig = echo();
    let query = rig.open_polling().await;
    let body = "4hello\u{1e}bAQIDBA==\u{1e}4again";
    assert_eq!(rig.post(&query, body).await, (http::StatusCode::OK, "ok".into()));
    assert_eq!(rig.get(&query).await, (http::StatusCode::OK, body.into()));
}

#[tokio::test(start_paused = true)]
async fn a_websocket_carries_text_and_binary_both_ways() {
    let rig = echo();
    let mut client = rig.websocket("").await;
    client.text().await;
    client.send("4hello").await;
    assert_eq!(client.text().await, "4hello");
    futures_util::SinkExt::send(&mut client.0, Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(client.message().await, Some(Message::binary(vec![1, 2, 3])));
}

#[tokio::test(start_paused = true)]
async fn an_invalid_packet_ends_the_session() {
    let rig = echo();
    let query = rig.open_polling().await;
    assert_eq!(rig.post(&query, "abc").await.0, 400);
    assert_eq!(rig.get(&query).await.0, 400);
    for packet in ["abc", "", "2", "0"] {
        let mut client = rig.websocket("").await;
        client.text().await;
        client.send(packet).await;
        assert_eq!(client.close_code().await, Some(1002), "{packet:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_poll_ends_the_session_and_tells_the_first() {
    let rig = echo();
    let query = rig.open_polling().await;
    let (first, second) = tokio::join!(rig.get(&query), rig.get(&query));
    assert_eq!(first, (http::StatusCode::OK, "1".into()));
    assert_eq!(second.0, 400);
    assert_eq!(rig.get(&query).await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn a_poll_the_client_gives_up_ends_the_session() {
    let rig = echo();
    let query = rig.open_polling().await;
    assert!(tokio::time::timeout(Duration::from_millis(5), rig.get(&query)).await.is_err());
    assert_eq!(rig.get(&query).await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn a_close_packet_sends_the_waiting_poll_home_and_ends_the_session() {
    let rig = echo();
    let query = rig.open_polling().await;
    let (poll, post) = tokio::join!(rig.get(&query), rig.post(&query, "1"));
    assert_eq!((poll.1.as_str(), post.1.as_str()), ("6", "ok"));
    assert_eq!(rig.get(&query).await.0, 400);
    let mut client = rig.websocket("").await;
    client.text().await;
    client.send("1").await;
    assert_eq!(client.close_code().await, Some(1000));
}

#[tokio::test(start_paused = true)]
async fn pings_come_one_interval_after_opening_and_after_each_pong() {
    let rig = echo();
    let start = tokio::time::Instant::now();
    let query = rig.open_polling().await;
    let mut client = rig.websocket("").await;
    client.text().await;
    for round in 1..=3 {
        assert_eq!(rig.get(&query).await.1, "2");
        assert_eq!(client.text().await, "2");
        assert_eq!(start.elapsed().as_secs(), 25 * round);
        rig.post(&query, "3").await;
        client.send("3").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_ping_without_a_pong_ends_the_session() {
    let rig = echo();
    let query = rig.open_polling().await;
    let mut client = rig.websocket("").await;
    let start = tokio::time::Instant::now();
    client.close_code().await;
    assert_eq!(start.elapsed().as_secs(), 45);
    assert_eq!(rig.get(&query).await.0, 400);
    assert_eq!(rig.server.stats().ping_timeouts.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_session_moves_from_polling_to_a_websocket_and_loses_nothing() {
    let rig = echo();
    let query = rig.open_polling().await;
    let sid = query.rsplit('=').next().unwrap();
    let mut client = rig.websocket(&format!("&sid={sid}")).await;
    client.send("2probe").await;
    assert_eq!(client.text().await, "3probe");
    assert_eq!(rig.get(&query).await.1, "6");
    rig.post(&query, "4during").await;
    client.send("5").await;
    assert_eq!(client.text().await, "4during");
    assert_eq!(rig.get(&query).await.0, 400);
    let mut other = rig.websocket(&format!("&sid={sid}")).await;
    other.close_code().await;
    client.send("4after").await;
    assert_eq!(client.text().await, "4after");
    assert_eq!(rig.server.stats().upgrades.get(), 1);
    assert_eq!((rig.server.stats().websocket_open.get(), rig.server.stats().polling_open.get()), (1, 0));
}

/// A session on polling, and a WebSocket that asks for it.
async fn upgrading(rig: &Rig) -> (String, support::Client) {
    let query = rig.open_polling().await;
    let sid = query.rsplit('=').next().unwrap();
    let client = rig.websocket(&format!("&sid={sid}")).await;
    (query, client)
}

#[tokio::test(start_paused = true)]
async fn a_client_may_upgrade_without_a_probe() {
    let rig = echo();
    let (query, mut client) = upgrading(&rig).await;
    client.send("5").await;
    client.send("4hello").await;
    assert_eq!(client.text().await, "4hello");
    assert_eq!(rig.get(&query).await.0, 400);
    assert_eq!(rig.server.stats().upgrades.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_waits_when_an_upgrade_comes_is_sent_home_with_a_noop() {
    for steps in [&["2probe"][..], &["5"]] {
        let rig = echo();
        let query = rig.open_polling().await;
        let sid = query.rsplit('=').next().unwrap();
        let upgrade = async {
            let mut client = rig.websocket(&format!("&sid={sid}")).await;
            for step in steps {
                client.send(step).await;
            }
            client
        };
        let (poll, _client) = tokio::join!(rig.get(&query), upgrade);
        assert_eq!(poll, (http::StatusCode::OK, "6".into()), "{steps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_an_upgrade_overtakes_comes_too_late() {
    let rig = echo();
    let (query, mut client) = upgrading(&rig).await;
    let upgrade = async {
        client.send("2probe").await;
        client.send("5").await;
        client.send("4hello").await;
    };
    let (poll, ()) = tokio::join!(rig.get(&query), upgrade);
    assert_eq!(poll.0, 400);
    assert_eq!([client.text().await, client.text().await], ["3probe", "4hello"]);
}

#[tokio::test(start_paused = true)]
async fn a_post_that_an_upgrade_overtakes_is_refused_and_does_not_hang() {
    let rig = echo();
    let (query, mut client) = upgrading(&rig).await;
    let (mut body, receiver) = tokio::sync::mpsc::channel::<Result<&str, std::io::Error>>(1);
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|part| (part, receiver))
    });
    let request = Request::post(format!("/socket.io/?{query}")).body(Body::from_stream(stream)).unwrap();
    let upgrade = async {
        body.send(Ok("4late")).await.unwrap();
        client.send("5").await;
        client.send("4hello").await;
        assert_eq!(client.text().await, "4hello");
        body = tokio::sync::mpsc::channel(1).0;
    };
    let ((status, ..), ()) = tokio::join!(rig.request(request), upgrade);
    assert_eq!(status, 400);
}

#[tokio::test(start_paused = true)]
async fn one_websocket_at_a_time_may_ask_for_a_session() {
    let rig = echo();
    let (query, mut first) = upgrading(&rig).await;
    let sid = query.rsplit('=').next().unwrap();
    let start = tokio::time::Instant::now();
    let mut second = rig.websocket(&format!("&sid={sid}")).await;
    assert_eq!(second.close_code().await, Some(1002));
    assert_eq!(start.elapsed().as_millis() / 100, 1, "what the first one has sent is handled first");
    drop(first.0.close(None).await);
    while first.message().await.is_some() {}
    let mut third = rig.websocket(&format!("&sid={sid}")).await;
    third.send("5").await;
    third.send("4hello").await;
    assert_eq!(third.text().await, "4hello");
}

#[tokio::test(start_paused = true)]
async fn a_poll_brings_at_most_sixteen_packets_and_the_next_one_the_rest() {
    let rig = echo();
    let query = rig.open_polling().await;
    let sent: Vec<String> = (0..35).map(|number| format!("4{number}")).collect();
    rig.post(&query, &sent.join("\u{1e}")).await;
    let mut got = Vec::new();
    for expected in [16, 16, 3] {
        let (_, body) = rig.get(&query).await;
        let packets: Vec<String> = body.split('\u{1e}').map(str::to_owned).collect();
        assert_eq!(packets.len(), expected);
        got.extend(packets);
    }
    assert_eq!(got, sent);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_fails_leaves_the_session_on_polling() {
    let rig = echo();
    let query = rig.open_polling().await;
    let sid = query.rsplit('=').next().unwrap();
    let mut client = rig.websocket(&format!("&sid={sid}")).await;
    client.send("2probe").await;
    assert_eq!(client.text().await, "3probe");
    client.send("nonsense").await;
    assert_eq!(client.close_code().await, Some(1002));
    let (poll, _) = tokio::join!(rig.get(&query), rig.post(&query, "4still here"));
    assert_eq!(poll.1, "4still here");
}

#[tokio::test(start_paused = true)]
async fn too_large_a_message_is_refused_on_both_transports() {
    let mut rig = Rig::new(Config::default());
    let query = rig.open_polling().await;
    let large = format!("42[\"x\",\"{}\"]", support::filler(256 * 1024));
    assert_eq!(rig.post(&query, &large).await.0, 413);
    let (mut client, _) = rig.joined("").await;
    client.send(&large).await;
    assert_eq!(client.close_code().await, Some(1009));
    rig.until(Seen::Disconnected(DisconnectReason::TooLarge)).await;
}

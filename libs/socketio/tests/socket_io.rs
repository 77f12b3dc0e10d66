//! Socket.IO v5 as a client sees it: joining, leaving, events, answers, attachments, and hooks that
//! misbehave.

#![allow(clippy::unwrap_used, reason = "a test that fails to unwrap has failed")]

mod support;

use eventflow_socketio::{Config, DisconnectReason};
use support::{Rig, Seen};

/// An event without the four characters of its offset that name the encoder.
fn plain(event: &str) -> String {
    let offset = event.rfind(",\"").unwrap() + 2;
    format!("{}{}", &event[..offset], &event[offset + 4..])
}

#[tokio::test(start_paused = true)]
async fn what_is_emitted_while_joining_leaves_right_behind_the_connect_answer() {
    let mut rig = Rig::new(Config::default());
    let (mut client, answer) = rig.joined("").await;
    assert!(answer["sid"].is_string() && answer["pid"].is_string());
    assert_eq!(plain(&client.text().await), r#"42["early",1,"1"]"#);
    assert_eq!(rig.seen().await, Seen::Joining(false));
    assert_eq!(rig.seen().await, Seen::Connected(false));
    let socket = rig.socket();
    assert_eq!(socket.id().as_str(), answer["sid"].as_str().unwrap());
    assert!(socket.is_connected() && *socket.state() == 7 && socket.namespace() == "/");
}

#[tokio::test(start_paused = true)]
async fn without_recovery_there_is_no_private_id() {
    let rig = Rig::new(Config { recovery: None, ..Config::default() });
    let (_client, answer) = rig.joined("").await;
    assert_eq!(answer.as_object().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_carries_message_and_data() {
    let rig = Rig::new(Config::default());
    let mut client = rig.websocket("").await;
    client.text().await;
    client.send(r#"40{"deny":true}"#).await;
    assert_eq!(client.text().await, r#"44{"message":"denied","data":{"code":1}}"#);
    client.send("40/nowhere,").await;
    assert_eq!(client.text().await, r#"44/nowhere,{"message":"Invalid namespace"}"#);
    client.send(r#"40{"panic":true}"#).await;
    assert_eq!(client.text().await, r#"44{"message":"internal error"}"#);
    assert_eq!(rig.server.stats().connect_errors.get(), 3);
}

#[tokio::test(start_paused = true)]
async fn who_joins_nothing_is_sent_away() {
    let rig = Rig::new(Config::default());
    let start = tokio::time::Instant::now();
    let mut client = rig.websocket("").await;
    assert_eq!(client.close_code().await, Some(1008));
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn events_are_handled_in_order_and_answered() {
    let mut rig = Rig::new(Config::default());
    let (mut client, _) = rig.joined("").await;
    client.text().await;
    client.send(r#"42["hold"]"#).await;
    client.send(r#"4212["echo",{"a":[1]},"b"]"#).await;
    rig.until(Seen::Event("hold".into())).await;
    assert!(rig.seen.try_recv().is_err());
    rig.server.application().release.notify_one();
    assert_eq!(plain(&client.text().await), r#"42["echo",{"a":[1]},"b","2"]"#);
    assert_eq!(client.text().await, r#"4312[{"a":[1]},"b"]"#);
}

#[tokio::test(start_paused = true)]
async fn a_client_is_written_to_while_the_application_works_on_its_event() {
    let mut rig = Rig::new(Config::default());
    let (mut client, _) = rig.joined("").await;
    client.text().await;
    client.send(r#"42["hold"]"#).await;
    rig.until(Seen::Event("hold".into())).await;
    let packet = rig.server.application().encoder.ephemeral("news", &1).unwrap();
    rig.socket().emit(&packet);
    assert_eq!(client.text().await, r#"42["news",1]"#);
    // Unread pongs are not missing pongs.
    assert_eq!(client.text().await, "2");
    client.send("3").await;
    tokio::time::advance(std::time::Duration::from_mins(1)).await;
    rig.server.application().release.notify_one();
    client.send(r#"421["echo"]"#).await;
    assert_eq!(plain(&client.text_after_pings().await), r#"42["echo","2"]"#);
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_ends_the_connection() {
    for packet in [
        "4abc",
        "42{}",
        "42[]",
        "42abc[\"a\"]",
        "42/nowhere,[\"a\"]",
        "40",
        "451-[\"a\"]|42[\"b\"]",
        "4511-[\"a\"]",
    ] {
        let mut rig = Rig::new(Config::default());
        let (mut client, _) = rig.joined("").await;
        for part in packet.split('|') {
            client.send(part).await;
        }
        assert_eq!(client.close_code().await, Some(1002), "{packet}");
        rig.until(Seen::Disconnected(DisconnectReason::ProtocolError)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn leaving_ends_the_session_for_good() {
    let mut rig = Rig::new(Config::default());
    let (mut client, _) = rig.joined("").await;
    client.send("41").await;
    rig.until(Seen::Disconnected(DisconnectReason::ClientLeft)).await;
    assert_eq!(rig.seen().await, Seen::Expired);
}

#[tokio::test(start_paused = true)]
async fn who_has_left_may_join_again_on_the_same_connection_as_a_new_session() {
    let mut rig = Rig::new(Config::default());
    let (mut client, first) = rig.joined(r#"{"user":"anna"}"#).await;
    client.text().await;
    client.send("41").await;
    client.send(r#"40{"user":"anna"}"#).await;
    let answer = client.text().await;
    let second: serde_json::Value = serde_json::from_str(answer.strip_prefix("40").unwrap()).unwrap();
    assert_ne!((&first["sid"], &first["pid"]), (&second["sid"], &second["pid"]));
    rig.until(Seen::Expired).await;
    assert_eq!((rig.seen().await, rig.seen().await), (Seen::Joining(false), Seen::Connected(false)));
    client.text().await;
    client.send(r#"421["echo",1]"#).await;
    assert!(client.text().await.starts_with(r#"42["echo",1"#));
    assert_eq!(rig.server.stats().connected.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_and_joins_for_ever_is_sent_away() {
    let rig = Rig::new(Config::default());
    let (mut client, _) = rig.joined("").await;
    client.text().await;
    for _ in 1..100 {
        client.send("41").await;
        client.send("40").await;
        assert!(client.text().await.starts_with("40{"));
        client.text().await;
    }
    client.send("41").await;
    client.send("40").await;
    assert_eq!(client.close_code().await, Some(1002));
}

#[tokio::test(start_paused = true)]
async fn half_an_emoji_costs_no_connection() {
    let mut rig = Rig::new(Config::default());
    let (mut client, _) = rig.joined("").await;
    client.text().await;
    client.send(r#"421["a\ud83d","\ude00"]"#).await;
    assert_eq!(client.text().await, r#"431["\ude00"]"#);
    rig.until(Seen::Event("a\u{fffd}\u{fffd}\u{fffd}".into())).await;
}

#[tokio::test(start_paused = true)]
async fn being_sent_away_ends_the_session_for_good() {
    let mut rig = Rig::new(Config::default());
    let (mut client, _) = rig.joined("").await;
    client.text().await;
    client.send(r#"42["leave"]"#).await;
    assert_eq!(client.text().await, "41");
    assert_eq!(client.close_code().await, Some(1000));
    rig.until(Seen::Disconnected(DisconnectReason::ServerLeft)).await;
    assert_eq!(rig.seen().await, Seen::Expired);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_costs_its_own_connection_only() {
    let mut rig = Rig::new(Config::default());
    let (mut other, _) = rig.joined("").await;
    other.text().await;
    let (mut client, _) = rig.joined("").await;
    client.send(r#"42["panic"]"#).await;
    assert_eq!(client.close_code().await, Some(1011));
    rig.until(Seen::Disconnected(DisconnectReason::ApplicationPanicked)).await;
    other.send(r#"42["echo",1]"#).await;
    assert_eq!(plain(&other.text().await), r#"42["echo",1,"3"]"#);
}

//! How many sockets a user and an address may have, and that none is counted that is not there.

use super::rig::{Client, Rig, until};
use crate::TrustedProxies;
use eventflow_metrics::RefusalReason;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

async fn rig(user: u32, address: u32) -> Rig {
    Rig::with(|config| {
        config.sockets_per_user = user;
        config.sockets_per_ip = address;
        config.joins_per_minute_user = 0;
        config.proxies.proxies = TrustedProxies::Hops(1);
    })
    .await
}

fn from(address: &str) -> [(&'static str, String); 1] {
    [("x-forwarded-for", address.to_owned())]
}

/// What the CONNECT packet is answered with, as JSON.
async fn connect(rig: &Rig, client: &mut Client, auth: Value) -> Value {
    let mut auth = auth;
    auth["token"] = json!(rig.world.token("ann"));
    let answer = client.connect(&auth).await;
    assert!(answer.starts_with("40{") || answer.starts_with("44{"), "{answer}");
    serde_json::from_str(&answer[2..]).unwrap()
}

/// A socket of ann's that is in.
async fn ann(rig: &Rig) -> Client {
    let mut client = rig.open(&[]).await.unwrap();
    let answer = connect(rig, &mut client, json!({})).await;
    assert!(answer["sid"].is_string(), "{answer}");
    client
}

/// Permits that users have.
fn taken(rig: &Rig) -> u32 {
    rig.gateway.rooms.connection.users_connected()
}

#[tokio::test]
async fn a_socket_too_many_of_a_user_is_refused_with_a_code_until_another_is_closed() {
    let rig = rig(2, 0).await;
    let (first, _second) = (ann(&rig).await, ann(&rig).await);
    let mut third = rig.open(&[]).await.unwrap();
    assert_eq!(connect(&rig, &mut third, json!({})).await["data"]["code"], "rate_limited");
    let ben = rig.client("ben").await;
    drop(first);
    until("the first one is gone", || taken(&rig) == 2).await;
    let _fourth = ann(&rig).await;
    let refused = rig.world.parts.metrics.edge.refused.of(RefusalReason::SocketsPerUser);
    assert_eq!(refused.get(), 1);
    drop(ben);
}

#[tokio::test]
async fn a_handshake_too_many_from_an_address_is_answered_with_429() {
    let rig = rig(0, 2).await;
    let mut first = rig.open(&from("192.0.2.1")).await.unwrap();
    connect(&rig, &mut first, json!({})).await;
    let _arriving = rig.open(&from("192.0.2.1")).await.unwrap();
    let Err(Error::Http(answer)) = rig.open(&from("192.0.2.1")).await else {
        panic!("one too many was let in")
    };
    assert_eq!(answer.status(), 429);
    let body: Value =
        serde_json::from_slice(answer.body().as_deref().unwrap_or_default()).unwrap_or_default();
    assert_eq!(body["code"], "rate_limited", "{body}");
    assert!(rig.open(&from("192.0.2.2")).await.is_ok(), "another address");
    // What a client claims stands to the left of what the proxy says.
    assert!(rig.open(&from("192.0.2.9, 192.0.2.1")).await.is_err());
}

#[tokio::test]
async fn a_parked_session_has_no_permit_and_a_recovered_one_has_one() {
    let rig = rig(1, 1).await;
    let mut away = rig.open(&from("192.0.2.1")).await.unwrap();
    let connected = connect(&rig, &mut away, json!({})).await;
    let session = json!({"pid": connected["pid"]});
    drop(away);
    for round in 0..5 {
        until("it is parked", || taken(&rig) == 0).await;
        let mut back = rig.open(&from("192.0.2.1")).await.unwrap();
        let again = connect(&rig, &mut back, session.clone()).await;
        assert_eq!(again["sid"], connected["sid"], "round {round} goes on with the session");
        let mut second = rig.open(&from(&format!("192.0.2.{}", 10 + round))).await.unwrap();
        let refused = connect(&rig, &mut second, json!({})).await;
        assert_eq!(refused["data"]["code"], "rate_limited", "round {round}: the recovered one counts");
        assert!(rig.open(&from("192.0.2.1")).await.is_err(), "round {round}: at its address too");
    }
    until("it is parked", || taken(&rig) == 0).await;
    let _fresh = ann(&rig).await;
}

#[tokio::test]
async fn a_thousand_reconnects_leave_nothing_counted() {
    let rig = rig(1, 0).await;
    for _ in 0..1_000 {
        let client = ann(&rig).await;
        drop(client);
        until("it is gone", || taken(&rig) == 0).await;
    }
    drop(ann(&rig).await);
}

#[tokio::test]
async fn who_signs_in_by_event_needs_a_permit_too() {
    let rig = rig(1, 0).await;
    let first = ann(&rig).await;
    let mut late = rig.open(&[]).await.unwrap();
    assert!(late.connect(&json!({})).await.starts_with("40{"));
    let token = json!({"token": rig.world.token("ann")});
    assert_eq!(late.ask("auth", &token).await["code"], "rate_limited");
    let threads = late.ask("sync", &json!({"threads": []})).await;
    assert_eq!(threads["code"], "unauthenticated", "it is nobody's as before: {threads}");
    drop(first);
    until("the first one is gone", || taken(&rig) == 1).await;
    assert_eq!(late.ask("auth", &token).await["success"], true);
    assert_eq!(late.ask("auth", &token).await["success"], true, "renewed on its own permit");
}

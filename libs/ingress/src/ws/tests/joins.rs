//! How clients are let in when many come: in turn, and nobody is left behind.

use super::rig::{Rig, until};
use serde_json::json;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Error;

fn waiting(rig: &Rig) -> i64 {
    rig.world.parts.metrics.edge.joins_waiting.get()
}

/// Turns that were taken, also by those who still wait for them.
fn turns(rig: &Rig) -> usize {
    let had = rig.world.parts.metrics.edge.join_wait_seconds.get_sample_count();
    usize::try_from(waiting(rig)).unwrap() + usize::try_from(had).unwrap()
}

/// Sends a CONNECT packet of this user on a connection of its own.
async fn comes(rig: &Rig, user: &str) -> super::rig::Client {
    let mut client = rig.open(&[]).await.unwrap();
    client.send(&format!("40{}", json!({"token": rig.world.token(user)}))).await;
    client
}

#[tokio::test]
async fn who_connects_in_a_loop_waits_while_others_are_let_in() {
    let rig = Rig::with(|config| config.joins_per_minute_user = 10).await;
    for _ in 0..10 {
        drop(rig.client("ann").await);
    }
    let mut late = comes(&rig, "ann").await;
    until("she waits", || waiting(&rig) == 1).await;
    let _ben = rig.client("ben").await;
    assert_eq!(rig.world.parts.metrics.edge.joins_held.get(), 1);
    let answer = late.frame().await;
    assert!(answer.starts_with("40{"), "let in when she is due, six seconds later: {answer}");
    assert_eq!(waiting(&rig), 0);
}

#[tokio::test]
async fn signing_in_on_an_open_connection_counts_as_joining() {
    let rig = Rig::with(|config| config.joins_per_minute_user = 10).await;
    for _ in 0..10 {
        drop(rig.client("ann").await);
    }
    let mut late = rig.open(&[]).await.unwrap();
    late.connect(&json!({})).await;
    let token = json!(["auth", {"token": rig.world.token("ann")}]);
    late.send(&format!("421{token}")).await;
    until("she waits", || waiting(&rig) == 1).await;
    assert_eq!(late.event("auth:success").await["userId"], "ann");
}

#[tokio::test]
async fn a_gateway_that_drains_sends_those_who_wait_away_without_a_refusal() {
    let rig = Rig::with(|config| config.joins_per_minute_user = 1).await;
    drop(rig.client("ann").await);
    let mut late = comes(&rig, "ann").await;
    until("she waits", || waiting(&rig) == 1).await;
    // A CONNECT_ERROR (`44`) would end the official client's efforts; a closed transport does not.
    let ((), last) = tokio::join!(rig.gateway.drain(Duration::ZERO), late.frame());
    assert_eq!(last, "closed");
}

#[tokio::test]
async fn who_goes_while_they_wait_gives_back_what_they_have_at_once() {
    let rig = Rig::with(|config| config.joins_per_minute_user = 1).await;
    drop(rig.client("ann").await);
    let connected = || rig.gateway.rooms.connection.users_connected();
    until("nobody is connected", || connected() == 0).await;
    let late = comes(&rig, "ann").await;
    until("she waits for a minute", || waiting(&rig) == 1).await;
    assert_eq!(connected(), 1);
    drop(late);
    until("she has gone", || waiting(&rig) == 0 && connected() == 0).await;
}

#[tokio::test]
async fn what_a_client_says_before_it_is_let_in_is_heard_afterwards() {
    let rig = Rig::with(|config| config.joins_per_minute_user = 10).await;
    for _ in 0..10 {
        drop(rig.client("ann").await);
    }
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut late = comes(&rig, "ann").await;
    until("she waits", || waiting(&rig) == 1).await;
    for id in [7, 8] {
        late.send(&format!("42{id}{}", json!(["thread:join", {"threadId": thread}]))).await;
    }
    assert!(late.frame().await.starts_with("40{"));
    for id in [7, 8] {
        let answer = loop {
            let frame = late.frame().await;
            if frame.starts_with("43") {
                break frame;
            }
        };
        assert!(answer.starts_with(&format!("43{id}[")) && answer.contains("true"), "{answer}");
    }
}

#[tokio::test]
async fn a_handshake_whose_turn_would_come_late_is_told_when_to_try_again() {
    let rig = Rig::with(|config| config.joins_per_second = 1).await;
    let mut clients = Vec::new();
    let refused = loop {
        match rig.open(&[]).await {
            Ok(mut client) => {
                client.send(&format!("40{}", json!({"token": rig.world.token("ann")}))).await;
                clients.push(client);
                until("it has a turn", || turns(&rig) >= clients.len()).await;
            }
            Err(Error::Http(refused)) => break refused,
            Err(error) => panic!("{error}"),
        }
    };
    assert!(clients.len() >= 11, "a wait of ten seconds: {}", clients.len());
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"), "{refused:?}");
    assert!(clients[0].frame().await.starts_with("40{"), "who came first is in");
    assert!(clients[1].frame().await.starts_with("40{"), "and the next one in turn");
}

#[tokio::test]
async fn turns_are_given_back_also_by_those_who_are_refused_or_leave() {
    let rig = Rig::with(|config| config.sockets_per_user = 1).await;
    let ann = rig.client("ann").await;
    for _ in 0..100 {
        let mut second = rig.open(&[]).await.unwrap();
        assert!(second.connect(&json!({"token": rig.world.token("ann")})).await.starts_with("44{"));
        let mut stranger = rig.open(&[]).await.unwrap();
        assert!(stranger.connect(&json!({"token": "forged"})).await.starts_with("44{"));
        drop(comes(&rig, "ben").await);
    }
    let _cleo = rig.client("cleo").await;
    drop(ann);
}

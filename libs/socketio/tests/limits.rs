//! Bounds and ends: slow clients, draining, the order of goodbye.

#![allow(clippy::unwrap_used, reason = "a test that fails to unwrap has failed")]

mod support;

use std::time::Duration;

use eventflow_socketio::{Config, DisconnectReason, EmitOutcome};
use support::{Rig, Seen};

#[tokio::test(start_paused = true)]
async fn a_client_that_lets_too_many_packets_wait_is_cut() {
    let mut rig = Rig::new(Config::default());
    let (client, _) = rig.joined("").await;
    rig.until(Seen::Connected(false)).await;
    let socket = rig.socket();
    let packet = rig.server.application().encoder.ephemeral("n", &1).unwrap();
    // Nothing else runs meanwhile, so nothing is taken.
    let queued = (0..4_097).filter(|_| socket.emit(&packet) == EmitOutcome::Queued).count();
    assert!((4_095..=4_096).contains(&queued), "{queued}");
    rig.until(Seen::Disconnected(DisconnectReason::SlowClient)).await;
    assert_eq!(rig.server.stats().slow_clients.get(), 1);
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_lets_too_many_bytes_wait_is_cut() {
    let mut rig = Rig::new(Config::default());
    let (_client, _) = rig.joined("").await;
    rig.until(Seen::Connected(false)).await;
    let socket = rig.socket();
    let packet = rig.server.application().encoder.ephemeral("n", &*support::filler(100_000)).unwrap();
    for _ in 0..10 {
        assert_eq!(socket.emit(&packet), EmitOutcome::Queued);
    }
    assert!(socket.queued().bytes >= 1_000_000);
    assert_eq!(socket.emit(&packet), EmitOutcome::Dropped);
    rig.until(Seen::Disconnected(DisconnectReason::SlowClient)).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_cut_in_time() {
    let mut rig = Rig::new(Config::default());
    let (_client, _) = rig.joined("").await;
    rig.until(Seen::Connected(false)).await;
    let start = tokio::time::Instant::now();
    let packet = rig.server.application().encoder.ephemeral("n", &*support::filler(200_000)).unwrap();
    rig.socket().emit(&packet);
    rig.until(Seen::Disconnected(DisconnectReason::SlowClient)).await;
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_polling_client_that_never_polls_is_cut() {
    let mut rig = Rig::new(Config::default());
    let query = rig.open_polling().await;
    rig.post(&query, "40").await;
    rig.until(Seen::Connected(false)).await;
    let socket = rig.socket();
    let packet = rig.server.application().encoder.ephemeral("n", &1).unwrap();
    while socket.emit(&packet) == EmitOutcome::Queued {}
    rig.until(Seen::Disconnected(DisconnectReason::SlowClient)).await;
    assert_eq!(rig.get(&query).await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn draining_closes_every_transport_within_the_spread_and_never_says_disconnect() {
    let mut rig = Rig::new(Config::default());
    let mut clients = Vec::new();
    for _ in 0..10 {
        let (mut client, _) = rig.joined("").await;
        assert!(client.text().await.starts_with("42"));
        clients.push(client);
    }
    let query = rig.open_polling().await;
    rig.post(&query, "40").await;
    rig.get(&query).await;
    let start = tokio::time::Instant::now();
    let reading = async {
        let mut closed = Vec::new();
        let codes = clients.iter_mut().map(|client| async {
            let message = client.message().await;
            (message, start.elapsed())
        });
        for (message, at) in futures_util::future::join_all(codes).await {
            let Some(tokio_tungstenite::tungstenite::Message::Close(Some(frame))) = message else {
                panic!("no close but {message:?}")
            };
            assert_eq!(u16::from(frame.code), 1012);
            closed.push(at);
        }
        closed
    };
    let spread = Duration::from_secs(11);
    let ((), closed, last) = tokio::join!(rig.server.drain(spread), reading, rig.get(&query));
    assert_eq!(last.1, "1");
    let late = closed.iter().filter(|at| **at > Duration::from_secs(5)).count();
    assert!((4..=6).contains(&late), "{closed:?}");
    // Eleven slots of a second each: two closes of one slot would be two clients back at once. A timer ends
    // at the next whole millisecond, so the last moment of a slot is read as the first of the next.
    let slot = |at: &Duration| at.saturating_sub(Duration::from_millis(1)).as_secs();
    let slots: std::collections::HashSet<u64> = closed.iter().map(slot).collect();
    assert_eq!(slots.len(), closed.len(), "{closed:?}");
    let on_the_beat = closed.iter().filter(|at| at.subsec_millis() == 0).count();
    assert!(on_the_beat < closed.len() / 2, "jittered: {closed:?}");
    assert_eq!((rig.server.stats().websocket_open.get(), rig.server.stats().parked.get()), (0, 0));
    let mut expired = 0;
    while let Ok(seen) = rig.seen.try_recv() {
        expired += usize::from(seen == Seen::Expired);
    }
    assert_eq!(expired, 11);
    for request in ["EIO=4&transport=polling", "EIO=4&transport=polling&sid=of-another-gateway"] {
        assert_eq!(rig.get(request).await.0, 503, "{request}: a proxy tries the next gateway");
    }
}

#[tokio::test(start_paused = true)]
async fn draining_lets_the_event_under_way_finish_and_delivers_its_answer() {
    let mut rig = Rig::new(Config::default());
    let (mut client, _) = rig.joined("").await;
    client.text().await;
    client.send(r#"427["hold",1]"#).await;
    rig.until(Seen::Event("hold".into())).await;
    let server = rig.server.clone();
    let reading = async {
        rig.server.application().release.notify_one();
        let answer = client.text().await;
        (answer, client.close_code().await)
    };
    let ((), (answer, code)) = tokio::join!(server.drain(Duration::ZERO), reading);
    assert_eq!((answer.as_str(), code), ("437[1]", Some(1012)));
}

#[tokio::test(start_paused = true)]
async fn draining_ends_parked_sessions_too() {
    let mut rig = Rig::new(Config::default());
    let (client, _) = rig.joined("").await;
    drop(client);
    rig.until(Seen::Disconnected(DisconnectReason::TransportClosed)).await;
    rig.server.drain(Duration::from_secs(1)).await;
    assert_eq!(rig.seen().await, Seen::Expired);
}

#[tokio::test(start_paused = true)]
async fn closing_the_transport_delivers_what_waits_and_parks_the_session() {
    let mut rig = Rig::new(Config::default());
    let (mut client, _) = rig.joined("").await;
    client.text().await;
    client.send(r#"421["cut"]"#).await;
    assert_eq!(client.text().await, "431[]");
    assert_eq!(client.close_code().await, Some(1000));
    rig.until(Seen::Disconnected(DisconnectReason::Closed("test"))).await;
    assert!(rig.socket().is_parked());
}

//! The memory that sessions keep: one budget for all, a share for each account, the oldest goes first.

#![allow(clippy::unwrap_used, reason = "a test that fails to unwrap has failed")]

mod support;

use eventflow_socketio::{Config, DisconnectReason, Packet, Recovery, Socket};
use support::{Client, Rig, Seen, filler};

const KIB: usize = 1024;

fn rig(recovery: Recovery) -> Rig {
    Rig::new(Config { recovery: Some(recovery), ..Config::default() })
}

fn small() -> Recovery {
    Recovery { max_bytes_total: 1024 * KIB, max_bytes_per_account: 256 * KIB, ..Recovery::default() }
}

fn packet(rig: &Rig, bytes: usize) -> Packet {
    rig.server.application().encoder.event("n", &*filler(bytes)).unwrap()
}

/// A client of this user, with the packets of the beginning read; its socket, and what it needs to come back.
async fn join(rig: &Rig, user: &str) -> (Client, Socket<u32>, String) {
    let (mut client, answer) = rig.joined(&format!(r#"{{"user":"{user}"}}"#)).await;
    client.text_after_pings().await;
    let sid = answer["sid"].as_str().unwrap();
    let sockets = rig.server.application().sockets.lock();
    let socket = sockets.iter().find(|socket| socket.id().as_str() == sid).unwrap().clone();
    (client, socket, format!(r#"{{"pid":"{}","user":"{user}"}}"#, answer["pid"].as_str().unwrap()))
}

/// A session of this user whose client is away.
async fn lost(rig: &mut Rig, user: &str) -> (Socket<u32>, String) {
    let (client, socket, auth) = join(rig, user).await;
    drop(client);
    rig.until(Seen::Disconnected(DisconnectReason::TransportClosed)).await;
    while !socket.is_parked() {
        tokio::task::yield_now().await;
    }
    (socket, auth)
}

/// Lets the task that makes room do so.
async fn settle() {
    // sleep: paused time
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
}

async fn is_recovered(rig: &Rig, socket: &Socket<u32>, auth: &str) -> bool {
    let (_client, answer) = rig.joined(auth).await;
    answer["sid"] == socket.id().as_str()
}

#[tokio::test(start_paused = true)]
async fn what_many_lost_sessions_keep_has_one_bound_and_the_oldest_go_first() {
    let mut rig = rig(small());
    let mut sessions = Vec::new();
    for number in 0..64 {
        let (socket, auth) = lost(&mut rig, &format!("user{number}")).await;
        for _ in 0..10 {
            socket.emit(&packet(&rig, 10 * KIB));
        }
        settle().await;
        assert!(rig.server.kept_bytes() <= 1024 * KIB, "{}", rig.server.kept_bytes());
        sessions.push((socket, auth));
    }
    let gone = sessions.iter().take_while(|(socket, _)| socket.is_gone()).count();
    assert!((53..58).contains(&gone), "{gone} are gone");
    assert!(sessions[gone..].iter().all(|(socket, _)| socket.is_parked()));
    assert_eq!(rig.server.stats().parked.get(), 64 - gone as u64);
    assert!(rig.server.stats().forgotten_for_server.get() >= 530);
    assert!(!is_recovered(&rig, &sessions[0].0, &sessions[0].1).await);
    assert!(is_recovered(&rig, &sessions[63].0, &sessions[63].1).await);
}

#[tokio::test(start_paused = true)]
async fn what_one_user_keeps_in_many_sessions_costs_nobody_else_anything() {
    let mut rig = rig(small());
    let (honest, auth) = lost(&mut rig, "bob").await;
    honest.emit(&packet(&rig, 10 * KIB));
    for _ in 0..64 {
        let (socket, _) = lost(&mut rig, "mallory").await;
        for _ in 0..10 {
            socket.emit(&packet(&rig, 40 * KIB));
        }
        settle().await;
        let others = 16 * KIB;
        assert!(rig.server.kept_bytes() <= 256 * KIB + others, "{}", rig.server.kept_bytes());
    }
    assert_eq!(rig.server.stats().forgotten_for_server.get(), 0);
    assert!(rig.server.stats().forgotten_for_account.get() > 600);
    assert!(is_recovered(&rig, &honest, &auth).await);
}

#[tokio::test(start_paused = true)]
async fn a_flood_in_one_instant_keeps_to_the_bound_too() {
    let mut rig = rig(small());
    let mut sockets = Vec::new();
    for number in 0..64 {
        sockets.push(lost(&mut rig, &format!("user{number}")).await.0);
    }
    // Nothing else runs meanwhile, so nobody makes room.
    for _ in 0..20 {
        for socket in &sockets {
            socket.emit(&packet(&rig, 10 * KIB));
            assert!(rig.server.kept_bytes() <= 1024 * KIB * 9 / 8 + 11 * KIB);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_packet_for_many_counts_once() {
    let rig = rig(small());
    let mut clients = Vec::new();
    for number in 0..100 {
        clients.push(join(&rig, &format!("user{}", number / 10)).await);
    }
    let before = rig.server.kept_bytes();
    for _ in 0..5 {
        let packet = packet(&rig, 20 * KIB);
        for (_, socket, _) in &clients {
            socket.emit(&packet);
        }
    }
    settle().await;
    let kept = rig.server.kept_bytes() - before;
    assert!((100 * KIB..112 * KIB).contains(&kept), "{kept}");
    assert_eq!(rig.server.stats().forgotten_for_account.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn connected_sessions_forget_too_and_go_on() {
    let rig = rig(small());
    let (mut client, socket, auth) = join(&rig, "ann").await;
    for _ in 0..40 {
        socket.emit(&packet(&rig, 10 * KIB));
        assert!(client.text_after_pings().await.starts_with("42"));
        settle().await;
    }
    assert!(rig.server.kept_bytes() <= 256 * KIB);
    assert!(socket.is_connected());
    assert!(!is_recovered(&rig, &socket, &auth).await, "the client has not said that it got any of them");
}

#[tokio::test(start_paused = true)]
async fn everything_is_given_back_when_sessions_are_over() {
    let mut rig = rig(small());
    let (socket, _) = lost(&mut rig, "ann").await;
    socket.emit(&packet(&rig, 10 * KIB));
    let (mut client, _, _) = join(&rig, "ann").await;
    client.send("41").await;
    rig.until(Seen::Expired).await;
    rig.until(Seen::Expired).await;
    assert_eq!((rig.server.kept_bytes(), rig.server.stats().parked.get()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn one_users_lost_sessions_push_out_their_own_and_nobody_elses() {
    let mut rig = rig(Recovery { max_parked: 4, max_parked_per_account: 2, ..Recovery::default() });
    let (honest, _) = lost(&mut rig, "bob").await;
    let mut own = Vec::new();
    for _ in 0..10 {
        settle().await;
        own.push(lost(&mut rig, "mallory").await.0);
    }
    settle().await;
    let parked: Vec<bool> = own.iter().map(Socket::is_parked).collect();
    assert_eq!(parked.iter().rev().take_while(|parked| **parked).count(), 2);
    assert_eq!((rig.server.stats().parked.get(), honest.is_parked()), (3, true));
}

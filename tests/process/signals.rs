//! SIGTERM: the process leaves the load balancer first, then closes the sockets at the transport, and exits
//! with 0 in time.

use crate::backends::Own;
use eventflow_testkit::socket::Ended;
use eventflow_testkit::system::{FLEET, SINGLE};
use eventflow_testkit::{RawSocket, System, eventually};
use std::time::{Duration, Instant};

/// Number of sockets: closing them takes two seconds or more, in which the test can ask for readiness.
const SOCKETS: usize = 500;
/// All sockets belong to one user, so the limit per user is off.
const ONE_USER: (&str, &str) = ("SOCKETS_PER_USER", "0");
/// WebSocket close code "service restart" (IANA registry), after which the client reconnects.
const SERVICE_RESTART: u16 = 1012;
/// A Socket.IO DISCONNECT packet, after which the client would not reconnect.
const DISCONNECT: &str = "41";
/// Limit of the shutdown: the spread of this many sockets and the stages. It is far below the 30 s after
/// which the shutdown is cut short.
const END_IN_TIME: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn every_binary_of_a_fleet_ends_in_order_with_exit_code_0_on_sigterm() {
    let own = Own::create("sigterm").await.unwrap();
    let mut system = System::fleet(&own.backends, &[]).await.unwrap();
    for role in FLEET {
        ends_in_order(&mut system, role).await;
    }
    drop(system);
    own.delete().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_single_process_ends_in_order_with_exit_code_0_on_sigterm() {
    let mut system = System::single(&[]).await.unwrap();
    ends_in_order(&mut system, SINGLE).await;
}

async fn ends_in_order(system: &mut System, role: &str) {
    let started = Instant::now();
    let process = system.process(role);
    process.terminate().await.unwrap();
    let status = process.ended().await.unwrap();
    let log = process.log();
    assert!(status.success(), "{role}: {status}: {log}");
    assert!(log.contains("ended in order"), "{role}: {log}");
    assert!(started.elapsed() < END_IN_TIME, "{role} took {:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_single_process_is_not_ready_before_its_last_socket_is_closed_by_transport() {
    let system = System::single(&[ONE_USER]).await.unwrap();
    drains(system).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_gateway_is_not_ready_before_its_last_socket_is_closed_by_transport() {
    let own = Own::create("drain").await.unwrap();
    let system = System::fleet(&own.backends, &[ONE_USER]).await.unwrap();
    drains(system).await;
    own.delete().await.unwrap();
}

async fn drains(mut system: System) {
    let token = system.token("ann").await.unwrap();
    let mut sockets = Vec::with_capacity(SOCKETS);
    for _ in 0..SOCKETS {
        sockets.push(RawSocket::connect(&system.sockets(), &token).await.unwrap());
    }
    let ready = system.admin("ws-gateway", "/readyz");
    system.process("ws-gateway").terminate().await.unwrap();

    let draining = eventually("readiness says draining", async || {
        let answer = reqwest::get(&ready).await.ok()?;
        let status = answer.status();
        let said = answer.text().await.ok()?;
        (status == 503 && said.contains("draining")).then(Instant::now)
    });
    let closing = futures_util::future::join_all(sockets.into_iter().map(|socket| async {
        let ended = socket.until_closed().await.unwrap();
        (ended, Instant::now())
    }));
    let (draining, closed) = tokio::join!(draining, closing);
    let last = closed.iter().map(|(_, at)| *at).max().unwrap();
    assert!(draining.unwrap() < last, "not ready while sockets are still open");
    for (Ended { code, frames }, _) in closed {
        assert_eq!(code, Some(SERVICE_RESTART));
        assert!(!frames.iter().any(|frame| frame.starts_with(DISCONNECT)), "{frames:?}");
    }
    let status = system.process("ws-gateway").ended().await.unwrap();
    assert!(status.success(), "{status}");
}

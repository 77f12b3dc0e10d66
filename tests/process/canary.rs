//! The canary: one message through both doors, and what it says when one of them is closed.

use eventflow_testkit::System;
use eventflow_testkit::process::binaries;
use eventflow_testkit::servers::free_port;
use std::process::Output;
use tokio::process::Command;

/// The secret of the system and of its canary.
const SECRET: &str = "a-secret-that-the-canary-knows-too-0123456789";

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_the_canary_goes_through_the_front_door() {
    let system = System::single(&[("JWT_SECRET", SECRET)]).await.unwrap();
    for _ in 0..2 {
        let flown = canary(&system.url(""), SECRET).await;
        let said = String::from_utf8_lossy(&flown.stdout).into_owned();
        assert!(flown.status.success(), "{flown:?}");
        assert!(said.starts_with("stored after ") && said.contains("delivered after "), "{said}");
    }
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_canary_says_which_step_failed() {
    let system = System::single(&[("JWT_SECRET", SECRET)]).await.unwrap();
    let stranger = canary(&system.url(""), "a-secret-that-nobody-here-has-ever-heard-of").await;
    assert!(!stranger.status.success());
    assert!(String::from_utf8_lossy(&stranger.stderr).contains("open a socket"), "{stranger:?}");
    system.stop().await.unwrap();
    let closed = canary(&format!("http://127.0.0.1:{}", free_port().unwrap()), SECRET).await;
    assert!(!closed.status.success());
    assert!(String::from_utf8_lossy(&closed.stderr).contains("ask for a WebSocket"), "{closed:?}");
}

async fn canary(url: &str, secret: &str) -> Output {
    let binary = binaries().unwrap().join("eventflow");
    let mut command = Command::new(binary);
    command.args(["canary", "--once", "--url", url]).env_clear().env("JWT_SECRET", secret).kill_on_drop(true);
    command.output().await.unwrap()
}

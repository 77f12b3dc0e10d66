//! The embedded broker keeps every promise of the broker port.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use eventflow_bus::contract::{
    barriers, consuming, durability, gateways, hellos, publishing, replies, retrying, splitting,
};
use eventflow_bus::port::Broker;
use std::sync::Arc;
use support::Site;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn barriers_pass_behind_everything_before_them() {
    let site = Site::new();
    barriers::check_all(Arc::new(site.open().await.broker)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_keeps_its_promises() {
    let site = Site::new();
    publishing::check_all(&site.open().await.broker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consuming_keeps_its_promises() {
    let site = Site::new();
    consuming::check_all(&site.open().await.broker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_keep_their_promises() {
    let site = Site::new();
    gateways::check_all(&site.open().await.broker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hellos_keep_their_promises() {
    let site = Site::new();
    hellos::check_all(&site.open().await.broker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_keep_their_promises() {
    let site = Site::new();
    replies::check_all(&site.open().await.broker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retrying_keeps_its_promises() {
    let site = Site::new();
    retrying::check_all(&site.open().await.broker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_of_a_split_frame_may_have_been_handled() {
    let site = Site::new();
    splitting::check_all(Arc::new(site.open().await.broker)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_confirmed_survives_a_restart() {
    let site = Site::new();
    let opened = site.open().await;
    let (broker, database) = (Arc::new(opened.broker), opened.database);
    let port: Arc<dyn Broker> = broker.clone();
    let restart = |port: Arc<dyn Broker>| async move {
        drop(port);
        broker.close().await.unwrap();
        drop(broker);
        database.close().await;
        Arc::new(site.open().await.broker) as Arc<dyn Broker>
    };
    durability::check(port, restart).await;
}

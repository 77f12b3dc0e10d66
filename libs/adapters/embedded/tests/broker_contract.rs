//! The embedded broker keeps every promise of the broker port.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use eventflow_bus::contract::{
    barriers, consuming, durability, gateways, hellos, publishing, replies, retrying, splitting,
};
use eventflow_bus::port::Broker;
use eventflow_embedded::{Database, EmbeddedBroker};
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

/// A broker that can be ended, and its file opened again.
struct Restartable<'a> {
    site: &'a Site,
    broker: Arc<EmbeddedBroker>,
    database: Database,
}

impl<'a> Restartable<'a> {
    async fn open(site: &'a Site) -> Self {
        let opened = site.open().await;
        Self { site, broker: Arc::new(opened.broker), database: opened.database }
    }

    fn port(&self) -> Arc<dyn Broker> {
        self.broker.clone()
    }

    async fn restart(self, port: Arc<dyn Broker>) -> Arc<dyn Broker> {
        drop(port);
        self.broker.close().await.unwrap();
        drop(self.broker);
        self.database.close().await;
        Arc::new(self.site.open().await.broker)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_confirmed_survives_a_restart() {
    let site = Site::new();
    let broker = Restartable::open(&site).await;
    durability::check(broker.port(), |port| broker.restart(port)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_messages_on_the_ladder_survive_a_restart_and_return_once() {
    let site = Site::new();
    let broker = Restartable::open(&site).await;
    durability::check_ladder(broker.port(), 1_000, |port| broker.restart(port)).await;
}

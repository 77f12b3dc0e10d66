//! RabbitMQ honours the contract of the broker seam. Needs `RABBITMQ_URL` and `RABBITMQ_MANAGEMENT_URL`.
//!
//! Each group runs in a vhost of its own, so that they can run at the same time and again.

mod rabbit;

use eventflow_bus::contract::{
    barriers, consuming, durability, gateways, hellos, publishing, replies, retrying, splitting,
};
use eventflow_bus::port::Broker;
use rabbit::Rabbit;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn barriers_pass_behind_everything_before_them() {
    let rabbit = Rabbit::start("barriers").await;
    barriers::check_all(rabbit.broker().await).await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_keeps_its_promises() {
    let rabbit = Rabbit::start("publishing").await;
    publishing::check_all(&*rabbit.broker().await).await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consuming_keeps_its_promises() {
    let rabbit = Rabbit::start("consuming").await;
    consuming::check_all(&*rabbit.broker().await).await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retrying_keeps_its_promises() {
    let rabbit = Rabbit::start("retrying").await;
    retrying::check_all(&*rabbit.broker().await).await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_keep_their_promises() {
    let rabbit = Rabbit::start("gateways").await;
    gateways::check_all(&*rabbit.broker().await).await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hellos_keep_their_promises() {
    let rabbit = Rabbit::start("hellos").await;
    hellos::check_all(&*rabbit.broker().await).await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_keep_their_promises() {
    let rabbit = Rabbit::start("replies").await;
    replies::check_all(&*rabbit.broker().await).await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_of_a_split_frame_may_have_been_handled() {
    let rabbit = Rabbit::start("splitting").await;
    splitting::check_all(rabbit.broker().await).await;
    rabbit.stop().await;
}

/// Killing the broker itself is left to the tests of whole processes; here its clients start anew.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_confirmed_is_there_for_a_client_that_starts_anew() {
    let rabbit = Rabbit::start("durability").await;
    let broker: Arc<dyn Broker> = rabbit.broker().await;
    durability::check(broker, async |before: Arc<dyn Broker>| {
        drop(before);
        let after: Arc<dyn Broker> = rabbit.broker().await;
        after
    })
    .await;
    rabbit.stop().await;
}

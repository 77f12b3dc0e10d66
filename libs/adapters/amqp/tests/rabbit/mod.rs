//! A vhost of its own on the RabbitMQ under test, and a hand on the broker through its management API.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

pub(crate) mod proxy;

use eventflow_amqp::{AmqpBroker, AmqpConfig};
use eventflow_bus::contract::topology;
use eventflow_bus::port::{Broker, Health};
use eventflow_bus::rights::Rights;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long a step of the broker may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(crate) struct Rabbit {
    vhost: String,
    url: String,
    management: String,
    http: reqwest::Client,
    brokers: Mutex<Vec<Arc<AmqpBroker>>>,
}

impl Rabbit {
    /// Creates an empty vhost.
    pub(crate) async fn start(name: &str) -> Self {
        let vhost = format!("amqp-test-{name}-{}", std::process::id());
        let amqp = variable("RABBITMQ_URL");
        let (server, _) = amqp.rsplit_once('/').expect("RABBITMQ_URL ends with a vhost");
        let url = format!("{server}/{vhost}");
        let management = variable("RABBITMQ_MANAGEMENT_URL");
        let rabbit = Self { vhost, url, management, http: reqwest::Client::new(), brokers: Mutex::default() };
        rabbit.remove_leftovers(&format!("amqp-test-{name}-")).await;
        rabbit.call(reqwest::Method::PUT, &format!("vhosts/{}", rabbit.vhost), None).await;
        rabbit.permit_reading(".*").await;
        rabbit
    }

    /// Lets brokers read only what `pattern` matches, and change and write everything.
    pub(crate) async fn permit_reading(&self, pattern: &str) {
        let permissions = json!({ "configure": ".*", "write": ".*", "read": pattern });
        self.call(reqwest::Method::PUT, &format!("permissions/{}/guest", self.vhost), Some(permissions))
            .await;
    }

    /// Deletes the vhosts of earlier runs of this test that failed.
    async fn remove_leftovers(&self, prefix: &str) {
        let vhosts = self.call(reqwest::Method::GET, "vhosts", None).await;
        let names = vhosts.as_array().into_iter().flatten().filter_map(|vhost| vhost["name"].as_str());
        for name in names {
            let process = name.strip_prefix(prefix).and_then(|process| process.parse::<u32>().ok());
            if process
                .is_some_and(|process| !std::path::Path::new("/proc").join(process.to_string()).exists())
            {
                let _ = self.try_call(reqwest::Method::DELETE, &format!("vhosts/{name}"), None).await;
            }
        }
    }

    /// A connected broker on which the topology of the contract is declared.
    pub(crate) async fn broker(&self) -> Arc<AmqpBroker> {
        let broker = self.connect().await;
        broker.declare(&topology()).await.expect("the topology can be declared");
        broker
    }

    /// A broker that is connected as a user of that name, which has these rights and no others.
    pub(crate) async fn connect_as(&self, user: &str, rights: &Rights) -> Arc<AmqpBroker> {
        let login = json!({ "password": user, "tags": "" });
        self.call(reqwest::Method::PUT, &format!("users/{user}"), Some(login)).await;
        let rights = json!({ "configure": rights.configure, "write": rights.write, "read": rights.read });
        self.call(reqwest::Method::PUT, &format!("permissions/{}/{user}", self.vhost), Some(rights)).await;
        let url = format!("amqp://{user}:{user}@{}/{}", self.address(), self.vhost);
        let broker = AmqpBroker::connect(AmqpConfig::new(url, user)).expect("the url is one");
        until(&broker, &Health::Up).await;
        self.brokers.lock().push(Arc::clone(&broker));
        broker
    }

    /// A connected broker.
    pub(crate) async fn connect(&self) -> Arc<AmqpBroker> {
        let broker = AmqpBroker::connect(self.config()).expect("the url is one");
        until(&broker, &Health::Up).await;
        self.brokers.lock().push(Arc::clone(&broker));
        broker
    }

    pub(crate) fn config(&self) -> AmqpConfig {
        AmqpConfig::new(self.url.clone(), self.vhost.clone())
    }

    /// The address of the broker: host and port.
    pub(crate) fn address(&self) -> String {
        let (_, address) = self.url.rsplit_once('@').expect("RABBITMQ_URL has credentials");
        address.split('/').next().unwrap_or_default().to_owned()
    }

    /// As [`Self::config`], but through `port`, with a heartbeat of one second.
    pub(crate) fn config_through(&self, port: u16) -> AmqpConfig {
        let url = self.url.replace(&self.address(), &format!("127.0.0.1:{port}"));
        AmqpConfig::new(format!("{url}?heartbeat=1"), self.vhost.clone())
    }

    /// Closes every broker and deletes the vhost.
    pub(crate) async fn stop(self) {
        let brokers = std::mem::take(&mut *self.brokers.lock());
        for broker in brokers {
            broker.shutdown().await;
        }
        self.call(reqwest::Method::DELETE, &format!("vhosts/{}", self.vhost), None).await;
    }

    /// Closes every connection to the vhost from the broker's side; how many.
    pub(crate) async fn close_connections(&self) -> usize {
        let names = self.connection_names().await;
        for name in &names {
            let path = format!("connections/{}", name.replace(' ', "%20").replace('>', "%3E"));
            // It may be gone by itself already.
            let _ = self.try_call(reqwest::Method::DELETE, &path, None).await;
        }
        names.len()
    }

    /// The connections to the vhost that the management API knows; it is a second late.
    pub(crate) async fn connection_names(&self) -> Vec<String> {
        let listed =
            self.call(reqwest::Method::GET, &format!("vhosts/{}/connections", self.vhost), None).await;
        let listed = listed.as_array().cloned().unwrap_or_default();
        listed.iter().filter_map(|connection| Some(connection["name"].as_str()?.to_owned())).collect()
    }

    /// Deletes a queue behind everybody's back.
    pub(crate) async fn delete_queue(&self, queue: &str) {
        self.call(reqwest::Method::DELETE, &format!("queues/{}/{queue}", self.vhost), None).await;
    }

    /// Creates something by the management API: a queue, a policy.
    pub(crate) async fn put(&self, kind: &str, name: &str, definition: Value) {
        self.call(reqwest::Method::PUT, &format!("{kind}/{}/{name}", self.vhost), Some(definition)).await;
    }

    /// Creates what `definitions` names.
    pub(crate) async fn import(&self, definitions: Value) {
        self.call(reqwest::Method::POST, &format!("definitions/{}", self.vhost), Some(definitions)).await;
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        let answer = self.try_call(method.clone(), path, body).await;
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    async fn try_call(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, reqwest::Error> {
        let request = self.http.request(method, format!("{}/api/{path}", self.management)).timeout(PATIENCE);
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let text = request.send().await?.error_for_status()?.text().await?;
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }
}

/// Waits for a state of the broker.
pub(crate) async fn until(broker: &AmqpBroker, wanted: &Health) {
    let mut health = broker.health();
    let reached = timeout(
        PATIENCE,
        health.wait_for(|health| std::mem::discriminant(health) == std::mem::discriminant(wanted)),
    )
    .await;
    reached.unwrap_or_else(|_| panic!("the broker becomes {wanted:?}")).expect("the broker lives");
}

/// Waits until something is true.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let reached = async {
        while !condition().await {
            // sleep: between two looks
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    assert!(timeout(PATIENCE, reached).await.is_ok(), "{what}");
}

#[allow(clippy::disallowed_methods, reason = "tests are told by the environment where the servers are")]
fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} names the RabbitMQ under test; tests/services starts one"))
}

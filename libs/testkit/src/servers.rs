//! The real servers, by the URLs in the environment, and what a test may call its own on them.
//!
//! `eval "$(tests/services env)"` sets the variables. Without them a test fails and says so; it is never
//! skipped.

use anyhow::Context;
use reqwest::{Client, Method};
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

/// Databases of Redis before this one belong to the fleets of `tests/system`, by their port shift.
const FIRST_DATABASE: u32 = 600;

/// The URLs of the servers.
#[derive(Clone, Debug)]
pub struct Servers {
    /// `amqp://…` with the default vhost.
    pub rabbitmq: String,
    /// `http://user:password@host:port` of its management API.
    pub management: String,
    /// `mongodb://…`.
    pub mongodb: String,
    /// `redis://…`.
    pub redis: String,
}

impl Servers {
    /// Reads `RABBITMQ_URL`, `RABBITMQ_MANAGEMENT_URL`, `MONGODB_URI` and `REDIS_URL`.
    pub fn from_environment() -> anyhow::Result<Self> {
        Ok(Self {
            rabbitmq: variable("RABBITMQ_URL")?,
            management: variable("RABBITMQ_MANAGEMENT_URL")?,
            mongodb: variable("MONGODB_URI")?,
            redis: variable("REDIS_URL")?,
        })
    }

    /// The MongoDB URI with another database. It connects straight to this server, without discovery of its
    /// replica set.
    pub fn database(&self, name: &str) -> anyhow::Result<String> {
        Ok(format!("mongodb://{}/{name}?directConnection=true", self.mongodb_address()?))
    }

    /// `host:port` of MongoDB.
    pub fn mongodb_address(&self) -> anyhow::Result<&str> {
        address(&self.mongodb).context("MONGODB_URI")
    }

    /// `host:port` of Redis.
    pub fn redis_address(&self) -> anyhow::Result<&str> {
        address(&self.redis).context("REDIS_URL")
    }

    /// The Redis URL with a database of this process's own, if the server has that many: the sweepers of two
    /// fleets in one database would judge each other's people.
    pub fn own_redis(&self) -> anyhow::Result<String> {
        let address = self.redis_address()?;
        let databases = redis_databases(address)?.max(1);
        let first = FIRST_DATABASE.min(databases - 1);
        let number = first + std::process::id() % (databases - first);
        Ok(format!("{}/{number}", self.redis.trim_end_matches('/')))
    }

    /// `host:port` of RabbitMQ.
    pub fn rabbitmq_address(&self) -> anyhow::Result<&str> {
        address(&self.rabbitmq).context("RABBITMQ_URL")
    }
}

/// A name that no other test and no earlier run has.
pub fn own_name(test: &str) -> String {
    format!("{test}-{}-{}", std::process::id(), free_port().unwrap_or_default())
}

/// A port of 127.0.0.1 that nobody listens on now.
///
/// A connection has just ended on it, so the port is in the state `TIME_WAIT`: for a minute the kernel gives
/// it only to somebody who asks for this very port, and two tests that look at the same moment get different
/// ones.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("find a free port")?;
    let address = listener.local_addr().context("find a free port")?;
    let client = TcpStream::connect(address).context("connect to the free port")?;
    let (accepted, _) = listener.accept().context("accept on the free port")?;
    // The side that closes first is the one whose port waits.
    drop(accepted);
    drop(client);
    Ok(address.port())
}

/// An empty vhost of a test's own.
#[derive(Debug)]
pub struct Vhost {
    /// `amqp://…/<name of the vhost>`.
    pub url: String,
    management: String,
    name: String,
    http: Client,
}

impl Vhost {
    /// Creates an empty vhost with a name of its own.
    pub async fn create(servers: &Servers, test: &str) -> anyhow::Result<Self> {
        let (server, _) = servers.rabbitmq.rsplit_once('/').context("RABBITMQ_URL ends with a vhost")?;
        let name = own_name(test);
        let url = format!("{server}/{name}");
        let vhost = Self { url, management: servers.management.clone(), name, http: Client::new() };
        vhost.call(Method::PUT, &format!("vhosts/{}", vhost.name), json!({})).await?;
        let user =
            servers.rabbitmq.split("//").nth(1).and_then(|rest| rest.split(':').next()).unwrap_or("guest");
        let everything = json!({"configure": ".*", "write": ".*", "read": ".*"});
        vhost.call(Method::PUT, &format!("permissions/{}/{user}", vhost.name), everything).await?;
        Ok(vhost)
    }

    /// Deletes the vhost with all its queues.
    pub async fn delete(self) -> anyhow::Result<()> {
        self.call(Method::DELETE, &format!("vhosts/{}", self.name), json!({})).await
    }

    async fn call(&self, method: Method, path: &str, body: serde_json::Value) -> anyhow::Result<()> {
        let url = format!("{}/api/{path}", self.management);
        let sent = self.http.request(method, url).json(&body).send().await;
        sent.and_then(reqwest::Response::error_for_status)
            .with_context(|| format!("ask RabbitMQ's management API: {path}"))?;
        Ok(())
    }
}

/// How many databases the Redis at `host:port` has.
fn redis_databases(address: &str) -> anyhow::Result<u32> {
    let mut redis = TcpStream::connect(address).context("connect to Redis")?;
    redis.write_all(b"CONFIG GET databases\r\n").context("ask Redis")?;
    // *2, $9, databases, $2, 16
    let value = BufReader::new(redis).lines().nth(4).context("Redis answers")?.context("read Redis")?;
    value.trim().parse().context("Redis says how many databases it has")
}

/// `host:port` of a URL.
fn address(url: &str) -> anyhow::Result<&str> {
    let (_, rest) = url.split_once("://").context("a URL has a scheme")?;
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    Ok(authority.rsplit('@').next().unwrap_or(authority))
}

#[allow(clippy::disallowed_methods, reason = "tests are told by the environment where the servers are")]
fn variable(name: &str) -> anyhow::Result<String> {
    std::env::var(name).with_context(|| {
        format!("{name} is not set: this test needs real servers (tests/services start; eval \"$(tests/services env)\")")
    })
}

//! The registry of a fleet: one sorted set per user, `user:<id>`, of gateway ids scored with the end of their
//! lease, and one sorted set of all gateways with users, `gateways`.
//!
//! A gateway enters its users and repeats that every [`RENEW_EVERY`]. Readers ignore the entries of a dead
//! gateway once its lease is over; the next gateway to enter removes them, and they expire with their key.
//! Redis must keep what it is given (`maxmemory-policy noeviction`): for an evicted entry, events would go to
//! one gateway too few.
//! Safe to repeat because entering sets the lease.

use crate::connection::{Redis, RedisError};
use crate::contact::Contact;
use crate::moment::{self, Moment};
use async_trait::async_trait;
use deadpool_redis::redis::{self, Pipeline, Value};
use eventflow_metrics::{CallMetrics, RedisOperation};
use eventflow_ports::registry::{LEASE, RENEW_EVERY};
use eventflow_ports::{Located, Registry, RegistryError};
use eventflow_protocol::{GatewayId, UserId};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// Timeout: longest wait for Redis in a call for at most [`CHUNK_USERS`] users. Without Redis no request may
/// take noticeably longer.
pub const CALL_TIMEOUT: Duration = Duration::from_millis(250);
/// Pipeline: users written in one. About 150 KB of commands, a few milliseconds of the server's single
/// thread.
pub const CHUNK_USERS: usize = 500;

/// The settings of a registry. The default is right for a fleet; tests shorten it.
#[derive(Clone, Debug)]
pub struct RegistrySettings {
    /// Prefix of every key, so that several systems can share a Redis.
    pub key_prefix: String,
    /// Lease: how long an entry is valid.
    pub lease: Duration,
    /// Settling: how long entries may be missing after the server was found empty or replaced, or was out of
    /// this process's reach.
    pub settle: Duration,
}

impl Default for RegistrySettings {
    fn default() -> Self {
        Self { key_prefix: "ef:".to_owned(), lease: LEASE, settle: RENEW_EVERY * 2 }
    }
}

/// [`Registry`] on a Redis that all gateways and workers share.
pub struct RedisRegistry {
    redis: Redis,
    settings: RegistrySettings,
    contact: Contact,
}

impl RedisRegistry {
    /// A registry on the server at `url`. Does not connect yet: a Redis that is down at start is used once it
    /// comes up.
    pub fn new(url: &str, settings: RegistrySettings) -> Result<Self, RedisError> {
        Ok(Self { redis: Redis::new(url, RedisOperation::Registry)?, settings, contact: Contact::default() })
    }

    /// Notes the duration of every call.
    #[must_use]
    pub fn measured(mut self, metrics: CallMetrics) -> Self {
        self.redis.measure(metrics);
        self
    }

    async fn try_enter(&self, gateway: &GatewayId, users: &[UserId]) -> Result<(), RedisError> {
        let mut deadline = Instant::now() + CALL_TIMEOUT;
        let now_ms = self.observe(deadline).await?.now_ms;
        for chunk in users.chunks(CHUNK_USERS) {
            let mut pipeline = Pipeline::new();
            self.write_entry(&mut pipeline, &self.gateways_key(), gateway, now_ms);
            for user in chunk {
                self.write_entry(&mut pipeline, &self.user_key(user), gateway, now_ms);
            }
            self.redis.run(&pipeline, deadline).await?;
            deadline = Instant::now() + CALL_TIMEOUT;
        }
        Ok(())
    }

    async fn try_leave(&self, gateway: &GatewayId, users: &[UserId]) -> Result<(), RedisError> {
        for chunk in users.chunks(CHUNK_USERS) {
            let mut pipeline = Pipeline::new();
            for user in chunk {
                pipeline.cmd("ZREM").arg(self.user_key(user)).arg(gateway.as_str());
            }
            self.redis.run(&pipeline, Instant::now() + CALL_TIMEOUT).await?;
        }
        Ok(())
    }

    async fn try_locate(&self, users: &[UserId]) -> Result<Located, RedisError> {
        let deadline = Instant::now() + CALL_TIMEOUT;
        let mut pipeline = Pipeline::new();
        Moment::ask_time(&mut pipeline);
        for user in users {
            pipeline.cmd("ZRANGE").arg(self.user_key(user)).arg(0).arg(-1).arg("WITHSCORES");
        }
        Moment::ask_birth(&mut pipeline, &self.marker_key());
        let replies = self.redis.run(&pipeline, deadline).await?;
        let (moment, sets) = split(&replies)?;
        self.mark(&moment, deadline).await?;
        self.contact.succeeded(self.settings.settle);
        let complete =
            moment.is_settled(self.settings.settle) && self.contact.is_settled(self.settings.settle);
        Ok(Located { gateways: entries(users, sets, moment.now_ms)?, complete })
    }

    async fn try_gateways(&self) -> Result<Vec<GatewayId>, RedisError> {
        let mut pipeline = Pipeline::new();
        Moment::ask_time(&mut pipeline);
        pipeline.cmd("ZRANGE").arg(self.gateways_key()).arg(0).arg(-1).arg("WITHSCORES");
        let replies = self.redis.run(&pipeline, Instant::now() + CALL_TIMEOUT).await?;
        let [time, set] = &replies[..] else { return Err(too_few()) };
        let now_ms = moment::read_time(time).map_err(redis::RedisError::from)?;
        let gateways = moment::alive(set, now_ms).map_err(redis::RedisError::from)?;
        Ok(gateways.iter().map(|id| GatewayId::from(id.as_str())).collect())
    }

    fn failed(&self, what: &'static str, source: RedisError) -> RegistryError {
        self.contact.failed();
        RegistryError { what, source: Box::new(source) }
    }

    /// Reads the server's clock and run, and makes sure that its marker is set.
    async fn observe(&self, deadline: Instant) -> Result<Moment, RedisError> {
        let mut pipeline = Pipeline::new();
        Moment::ask_time(&mut pipeline);
        Moment::ask_birth(&mut pipeline, &self.marker_key());
        let (moment, _) = split(&self.redis.run(&pipeline, deadline).await?)?;
        self.mark(&moment, deadline).await?;
        Ok(moment)
    }

    /// Sets the marker if it is not of this run. Two callers that do so at once differ by milliseconds, and
    /// either one is right.
    async fn mark(&self, moment: &Moment, deadline: Instant) -> Result<(), RedisError> {
        if let Some(marker) = moment.marker_to_set() {
            let mut pipeline = Pipeline::new();
            pipeline.cmd("SET").arg(self.marker_key()).arg(marker);
            self.redis.run(&pipeline, deadline).await?;
            tracing::info!(
                "redis is new or was emptied: its registry is incomplete until every gateway has renewed"
            );
        }
        Ok(())
    }

    /// Adds the entry, removes gateways whose lease is over, and lets the key expire with its longest lease.
    fn write_entry(&self, pipeline: &mut Pipeline, key: &str, gateway: &GatewayId, now_ms: i64) {
        let until_ms =
            now_ms.saturating_add(i64::try_from(self.settings.lease.as_millis()).unwrap_or(i64::MAX));
        pipeline.cmd("ZADD").arg(key).arg(until_ms).arg(gateway.as_str());
        pipeline.cmd("ZREMRANGEBYSCORE").arg(key).arg("-inf").arg(now_ms);
        // PEXPIREAT, not PEXPIRE: the key ends with the lease, however late the command arrives.
        pipeline.cmd("PEXPIREAT").arg(key).arg(until_ms);
    }

    fn user_key(&self, user: &UserId) -> String {
        format!("{}user:{user}", self.settings.key_prefix)
    }

    fn gateways_key(&self) -> String {
        format!("{}gateways", self.settings.key_prefix)
    }

    fn marker_key(&self) -> String {
        format!("{}registry:born", self.settings.key_prefix)
    }
}

#[async_trait]
impl Registry for RedisRegistry {
    async fn enter(&self, gateway: &GatewayId, users: &[UserId]) -> Result<(), RegistryError> {
        self.try_enter(gateway, users).await.map_err(|source| self.failed("enter users", source))
    }

    async fn leave(&self, gateway: &GatewayId, users: &[UserId]) -> Result<(), RegistryError> {
        self.try_leave(gateway, users).await.map_err(|source| self.failed("take users out", source))
    }

    async fn locate(&self, users: &[UserId]) -> Result<Located, RegistryError> {
        self.try_locate(users).await.map_err(|source| self.failed("locate users", source))
    }

    async fn gateways(&self) -> Result<Vec<GatewayId>, RegistryError> {
        self.try_gateways().await.map_err(|source| self.failed("name the gateways", source))
    }
}

/// The moment and, between its replies, those that were asked for.
fn split(replies: &[Value]) -> Result<(Moment, &[Value]), RedisError> {
    let [time, asked @ .., info, marker] = replies else {
        return Err(too_few());
    };
    Ok((Moment::read(time, info, marker)?, asked))
}

fn too_few() -> RedisError {
    RedisError::Command((redis::ErrorKind::UnexpectedReturnType, "fewer replies than commands").into())
}

fn entries(
    users: &[UserId],
    sets: &[Value],
    now_ms: i64,
) -> Result<HashMap<UserId, Vec<GatewayId>>, RedisError> {
    let mut found = HashMap::with_capacity(users.len());
    for (user, set) in users.iter().zip(sets) {
        let gateways = moment::alive(set, now_ms).map_err(redis::RedisError::from)?;
        if !gateways.is_empty() {
            found.insert(user.clone(), gateways.iter().map(|id| GatewayId::from(id.as_str())).collect());
        }
    }
    Ok(found)
}

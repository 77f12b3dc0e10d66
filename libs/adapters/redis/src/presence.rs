//! Presence of a fleet: one key per person with the state of their devices, one sorted set of when each
//! person is due, and one of until when each person is connected.
//!
//! Rules: [`eventflow_ports::devices`]. The store reads a person's value, changes it here, and swaps it for
//! the new one only if nobody else changed it meanwhile. So of two sweepers that judge a person at once only
//! one announces the change. Clock: leases run from when the Redis server heard of a device, by its own
//! clock, and a caller's `now` is moved by the difference of the clocks. The clocks of gateways and sweepers
//! may be wrong by a minute.

use crate::connection::{Redis, RedisError};
use crate::moment;
use crate::registry::{CALL_TIMEOUT, CHUNK_USERS};
use crate::swap::{self, SetKeys, Swap};
use async_trait::async_trait;
use deadpool_redis::redis::{self, FromRedisValue, Pipeline, Value};
use eventflow_metrics::{CallMetrics, RedisOperation};
use eventflow_ports::Clock;
use eventflow_ports::devices::{Contact, Devices};
use eventflow_ports::presence::{
    CONNECTED_MAX, GatewayReport, GatewayStats, PresenceError, PresenceStore, REPORT_LEASE,
};
use eventflow_protocol::presence::{DeviceSignal, Presence, Status};
use eventflow_protocol::{Timestamp, UserId, codec};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The settings of a presence store. The default is right for a fleet; tests change it.
#[derive(Clone, Debug)]
pub struct PresenceSettings {
    /// Prefix of every key, so that several systems can share a Redis.
    pub key_prefix: String,
    /// How long Redis keeps the report of a gateway.
    pub report_life: Duration,
}

impl Default for PresenceSettings {
    fn default() -> Self {
        Self { key_prefix: "ef:".to_owned(), report_life: REPORT_LEASE }
    }
}

/// [`PresenceStore`] on a Redis that all gateways and sweepers share.
pub struct RedisPresence {
    redis: Redis,
    settings: PresenceSettings,
    clock: Arc<dyn Clock>,
}

/// The stored devices of some people, and the time by the server's clock at which they were read.
struct StoredPeople {
    now: Timestamp,
    /// For each person the value as stored (empty if there is none), and the devices in it.
    people: Vec<(Vec<u8>, Devices)>,
}

impl RedisPresence {
    /// A presence store on the server at `url`. `clock` is the one from which the callers of this process
    /// take `now`. Does not connect yet: a Redis that is down at start is used once it comes up.
    pub fn new(url: &str, settings: PresenceSettings, clock: Arc<dyn Clock>) -> Result<Self, RedisError> {
        Ok(Self { redis: Redis::new(url, RedisOperation::Presence)?, settings, clock })
    }

    /// Notes the duration of every call.
    #[must_use]
    pub fn measured(mut self, metrics: CallMetrics) -> Self {
        self.redis.measure(metrics);
        self
    }

    async fn try_record(&self, signals: &[DeviceSignal]) -> Result<(), RedisError> {
        let mut by_user: HashMap<&UserId, Vec<&DeviceSignal>> = HashMap::new();
        for signal in signals {
            by_user.entry(&signal.user_id).or_default().push(signal);
        }
        let users: Vec<&UserId> = by_user.keys().copied().collect();
        self.update(&users, self.clock.now(), |user, devices, heard| {
            for signal in &by_user[user] {
                devices.hear(signal, heard);
            }
            Some(())
        })
        .await
        .map(|_| ())
    }

    async fn try_judge(&self, users: &[UserId], now: Timestamp) -> Result<Vec<Presence>, RedisError> {
        let users: Vec<&UserId> = users.iter().collect();
        let judged = self.update(&users, now, |user, devices, now| {
            if *devices == Devices::default() {
                return None;
            }
            if devices.is_forgotten(now) {
                *devices = Devices::default();
                return None;
            }
            devices.judge(now).then(|| devices.presence(user, now))
        });
        judged.await
    }

    async fn try_due(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, RedisError> {
        let deadline = Instant::now() + CALL_TIMEOUT;
        let now = self.read(&[], now, deadline).await?.now;
        let mut pipeline = Pipeline::new();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        pipeline
            .cmd("ZRANGEBYSCORE")
            .arg(self.due_key())
            .arg("-inf")
            .arg(now.0)
            .arg("LIMIT")
            .arg(0)
            .arg(limit);
        let names: Vec<String> = only(&self.redis.run(&pipeline, deadline).await?)?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// What `of` says of the devices of each of these people at the time of the server; without those of whom
    /// it says nothing.
    async fn try_look<T: Send>(
        &self,
        users: &[UserId],
        now: Timestamp,
        of: impl Fn(&UserId, &Devices, Timestamp) -> Option<T> + Send + Sync,
    ) -> Result<HashMap<UserId, T>, RedisError> {
        let mut found = HashMap::with_capacity(users.len());
        for chunk in users.chunks(CHUNK_USERS) {
            let chunk: Vec<&UserId> = chunk.iter().collect();
            let read = self.read(&chunk, now, Instant::now() + CALL_TIMEOUT).await?;
            let people = chunk.into_iter().zip(&read.people);
            let seen =
                people.filter_map(|(user, (_, devices))| Some((user.clone(), of(user, devices, read.now)?)));
            found.extend(seen);
        }
        Ok(found)
    }

    async fn try_report(&self, gateway: &str, stats: &GatewayStats) -> Result<(), RedisError> {
        let deadline = Instant::now() + CALL_TIMEOUT;
        let now = self.read(&[], self.clock.now(), deadline).await?.now;
        let life_ms = i64::try_from(self.settings.report_life.as_millis()).unwrap_or(i64::MAX);
        let value = codec::encode(stats).expect("numbers always encode");
        let mut pipeline = Pipeline::new();
        pipeline.cmd("SET").arg(self.report_key(gateway)).arg(&value[..]).arg("PX").arg(life_ms);
        pipeline.cmd("ZADD").arg(self.gateways_key()).arg(now.0.saturating_add(life_ms)).arg(gateway);
        pipeline.cmd("ZREMRANGEBYSCORE").arg(self.gateways_key()).arg("-inf").arg(now.0);
        pipeline.cmd("PEXPIRE").arg(self.gateways_key()).arg(life_ms);
        self.redis.run(&pipeline, deadline).await.map(|_| ())
    }

    async fn try_reports(&self) -> Result<Vec<GatewayReport>, RedisError> {
        let deadline = Instant::now() + CALL_TIMEOUT;
        let mut pipeline = Pipeline::new();
        pipeline.cmd("ZRANGE").arg(self.gateways_key()).arg(0).arg(-1);
        let gateways: Vec<String> = only(&self.redis.run(&pipeline, deadline).await?)?;
        if gateways.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = Pipeline::new();
        pipeline.cmd("MGET").arg(gateways.iter().map(|gateway| self.report_key(gateway)).collect::<Vec<_>>());
        for gateway in &gateways {
            pipeline.cmd("PTTL").arg(self.report_key(gateway));
        }
        let replies = self.redis.run(&pipeline, deadline).await?;
        let reports: Vec<Option<Vec<u8>>> = only(&replies)?;
        let mut found = Vec::new();
        for ((gateway, report), life) in gateways.into_iter().zip(reports).zip(&replies[1..]) {
            let left_ms = i64::from_redis_value_ref(life).map_err(redis::RedisError::from)?;
            let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or_default());
            let Some(stats) = report.and_then(|report| codec::decode(&report).ok()) else { continue };
            let age = self.settings.report_life.saturating_sub(left);
            found.push(GatewayReport { gateway, stats, age });
        }
        Ok(found)
    }

    async fn try_retire(&self, gateway: &str) -> Result<(), RedisError> {
        let mut pipeline = Pipeline::new();
        pipeline.cmd("DEL").arg(self.report_key(gateway));
        pipeline.cmd("ZREM").arg(self.gateways_key()).arg(gateway);
        self.redis.run(&pipeline, Instant::now() + CALL_TIMEOUT).await.map(|_| ())
    }

    async fn try_connected(&self, now: Timestamp) -> Result<u64, RedisError> {
        let deadline = Instant::now() + CALL_TIMEOUT;
        let now = self.read(&[], now, deadline).await?.now;
        let mut pipeline = Pipeline::new();
        // A lease that ends at this millisecond counts no more.
        pipeline.cmd("ZCOUNT").arg(self.connected_key()).arg(format!("({}", now.0)).arg("+inf");
        only(&self.redis.run(&pipeline, deadline).await?)
    }

    async fn try_connected_people(&self, now: Timestamp) -> Result<Vec<UserId>, RedisError> {
        let deadline = Instant::now() + CALL_TIMEOUT;
        let now = self.read(&[], now, deadline).await?.now;
        let mut pipeline = Pipeline::new();
        pipeline
            .cmd("ZRANGEBYSCORE")
            .arg(self.connected_key())
            .arg(format!("({}", now.0))
            .arg("+inf")
            .arg("LIMIT")
            .arg(0)
            .arg(CONNECTED_MAX);
        let names: Vec<String> = only(&self.redis.run(&pipeline, deadline).await?)?;
        let mut people: Vec<UserId> = names.iter().filter_map(|name| name.parse().ok()).collect();
        people.sort_unstable();
        Ok(people)
    }

    /// Changes the devices of each of these people atomically. Gives the results of `change` for the values
    /// that it finally replaced.
    ///
    /// `change` is called again with the newer value of a person whom somebody else changed at the same time.
    /// One of the two writers succeeds in each round, so this ends. If `change` leaves no devices (the
    /// default), the store keeps nothing of the person.
    async fn update<R: Send>(
        &self,
        users: &[&UserId],
        now: Timestamp,
        change: impl Fn(&UserId, &mut Devices, Timestamp) -> Option<R> + Sync + Send,
    ) -> Result<Vec<R>, RedisError> {
        let mut results = Vec::new();
        for chunk in users.chunks(CHUNK_USERS) {
            let deadline = Instant::now() + CALL_TIMEOUT;
            let mut open: Vec<&UserId> = chunk.to_vec();
            while !open.is_empty() {
                let read = self.read(&open, now, deadline).await?;
                let mut swaps = Vec::with_capacity(open.len());
                let mut made = Vec::with_capacity(open.len());
                for (user, (was, devices)) in open.iter().zip(read.people) {
                    let mut changed = devices.clone();
                    let result = change(user, &mut changed, read.now);
                    if changed == devices && changed != Devices::default() {
                        results.extend(result);
                    } else {
                        swaps.push(Swap::new(user, self.user_key(user), was, &changed, read.now));
                        made.push((*user, result));
                    }
                }
                let sets = SetKeys { due: self.due_key(), connected: self.connected_key() };
                let swapped = swap::run(&self.redis, &sets, &swaps, deadline).await?;
                open.clear();
                for ((user, result), swapped) in made.into_iter().zip(swapped) {
                    if swapped {
                        results.extend(result);
                    } else {
                        open.push(user);
                    }
                }
            }
        }
        Ok(results)
    }

    /// Reads the devices of these people, and moves `now` to the server's clock. A value that another version
    /// wrote and this one cannot read counts as no devices.
    async fn read(
        &self,
        users: &[&UserId],
        now: Timestamp,
        deadline: Instant,
    ) -> Result<StoredPeople, RedisError> {
        let ahead_ms = now.0.saturating_sub(self.clock.now().0);
        let mut pipeline = Pipeline::new();
        pipeline.cmd("TIME");
        if !users.is_empty() {
            pipeline.cmd("MGET").arg(users.iter().map(|user| self.user_key(user)).collect::<Vec<_>>());
        }
        let replies = self.redis.run(&pipeline, deadline).await?;
        let server =
            moment::read_time(replies.first().unwrap_or(&Value::Nil)).map_err(redis::RedisError::from)?;
        let values: Vec<Option<Vec<u8>>> = if users.is_empty() { Vec::new() } else { only(&replies[1..])? };
        let people = values.into_iter().map(|value| {
            let was = value.unwrap_or_default();
            let devices = codec::decode(&was).unwrap_or_default();
            (was, devices)
        });
        Ok(StoredPeople { now: Timestamp(server.saturating_add(ahead_ms)), people: people.collect() })
    }

    fn user_key(&self, user: &UserId) -> String {
        format!("{}presence:user:{user}", self.settings.key_prefix)
    }

    fn due_key(&self) -> String {
        format!("{}presence:due", self.settings.key_prefix)
    }

    fn connected_key(&self) -> String {
        format!("{}presence:connected", self.settings.key_prefix)
    }

    fn report_key(&self, gateway: &str) -> String {
        format!("{}presence:gateway:{gateway}", self.settings.key_prefix)
    }

    fn gateways_key(&self) -> String {
        format!("{}presence:gateways", self.settings.key_prefix)
    }
}

/// The only reply of a pipeline.
fn only<T: FromRedisValue>(replies: &[Value]) -> Result<T, RedisError> {
    let reply = replies.first().unwrap_or(&Value::Nil);
    Ok(T::from_redis_value_ref(reply).map_err(redis::RedisError::from)?)
}

#[async_trait]
impl PresenceStore for RedisPresence {
    async fn record(&self, signals: &[DeviceSignal]) -> Result<(), PresenceError> {
        self.try_record(signals).await.map_err(|source| failed("record signals", source))
    }

    async fn judge(&self, users: &[UserId], now: Timestamp) -> Result<Vec<Presence>, PresenceError> {
        self.try_judge(users, now).await.map_err(|source| failed("judge people", source))
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, PresenceError> {
        self.try_due(now, limit).await.map_err(|source| failed("find who is due", source))
    }

    async fn presence(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Presence>, PresenceError> {
        let presence = |user: &UserId, devices: &Devices, now| Some(devices.presence(user, now));
        self.try_look(users, now, presence).await.map_err(|source| failed("read presence", source))
    }

    async fn attention(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Status>, PresenceError> {
        let attention = |_: &UserId, devices: &Devices, now| devices.attention(now);
        self.try_look(users, now, attention).await.map_err(|source| failed("read attention", source))
    }

    async fn online_since(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Timestamp>, PresenceError> {
        let since = |_: &UserId, devices: &Devices, server: Timestamp| {
            let since = devices.online_since(server)?;
            // Leases run by the clock of the server, and the caller has another one.
            Some(Timestamp(now.0.saturating_sub(server.0.saturating_sub(since.0))))
        };
        self.try_look(users, now, since).await.map_err(|source| failed("read since when", source))
    }

    async fn contact(
        &self,
        user: &UserId,
        sent: (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<Option<Contact>, PresenceError> {
        let contact = |_: &UserId, devices: &Devices, server: Timestamp| {
            // Leases run by the clock of the server, and the caller has another one.
            let by_server = |at: Timestamp| Timestamp(server.0.saturating_sub(now.0.saturating_sub(at.0)));
            devices.contact(by_server(sent.0), by_server(sent.1), server)
        };
        let known = self.try_look(std::slice::from_ref(user), now, contact).await;
        Ok(known.map_err(|source| failed("read who was there", source))?.remove(user))
    }

    async fn report(&self, gateway: &str, stats: &GatewayStats) -> Result<(), PresenceError> {
        self.try_report(gateway, stats).await.map_err(|source| failed("report", source))
    }

    async fn reports(&self) -> Result<Vec<GatewayReport>, PresenceError> {
        self.try_reports().await.map_err(|source| failed("read reports", source))
    }

    async fn retire(&self, gateway: &str) -> Result<(), PresenceError> {
        self.try_retire(gateway).await.map_err(|source| failed("retire a gateway", source))
    }

    async fn connected(&self, now: Timestamp) -> Result<u64, PresenceError> {
        self.try_connected(now).await.map_err(|source| failed("count who is connected", source))
    }

    async fn connected_people(&self, now: Timestamp) -> Result<Vec<UserId>, PresenceError> {
        self.try_connected_people(now).await.map_err(|source| failed("name who is connected", source))
    }
}

fn failed(what: &'static str, source: RedisError) -> PresenceError {
    PresenceError { what, source: Box::new(source) }
}

//! The connection to Redis: a pool, a deadline on every call, a circuit breaker in front.
//!
//! In goes a pipeline and the time by which its answer is needed; out come the replies, or the reason why
//! there are none. A connection that failed is closed and never handed out again. Repeating is up to the
//! caller: a pipeline that timed out may have been carried out.

use crate::breaker::{Admission, Breaker, PROBE_PATIENCE};
use deadpool_redis::redis::{self, Pipeline, Value};
use deadpool_redis::{BuildError, Connection, Manager, Pool, PoolError, Runtime};
use eventflow_metrics::{CallMetrics, CallOutcome, Label as _, RedisOperation};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Connections of one registry. Calls are short and a connection carries one at a time, so a few serve
/// thousands of calls a second; a fleet of processes each with many would cost Redis memory for nothing.
const POOL_CONNECTIONS: usize = 4;

/// Why Redis could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// The address is not one of a Redis server.
    #[error("read the redis url")]
    Url(#[source] redis::RedisError),
    /// The pool cannot be made.
    #[error("make the redis connection pool")]
    Pool(#[from] BuildError),
    /// No connection: refused, reset, or wrong credentials.
    #[error("connect to redis")]
    Connect(#[from] PoolError),
    /// Redis answered with an error, or the connection broke.
    #[error("talk to redis")]
    Command(#[from] redis::RedisError),
    /// Redis did not answer in time.
    #[error("redis did not answer in time")]
    TimedOut,
    /// Redis did not answer a moment ago, and was not asked again yet.
    #[error("redis did not answer a moment ago, not asked again yet")]
    Paused,
}

/// Runs pipelines against one Redis.
pub(crate) struct Redis {
    pool: Pool,
    breaker: Breaker,
    operation: RedisOperation,
    metrics: Option<CallMetrics>,
}

impl Redis {
    /// For the server at `url` (`redis://[user:password@]host:port[/db]`). Connects when it is first used.
    pub(crate) fn new(url: &str, operation: RedisOperation) -> Result<Self, RedisError> {
        let manager = Manager::new(url).map_err(RedisError::Url)?;
        let pool = Pool::builder(manager).max_size(POOL_CONNECTIONS).runtime(Runtime::Tokio1).build()?;
        Ok(Self { pool, breaker: Breaker::default(), operation, metrics: None })
    }

    /// Notes the duration of every call from now on.
    pub(crate) fn measure(&mut self, metrics: CallMetrics) {
        self.metrics = Some(metrics);
    }

    /// Runs the commands of `pipeline` in one round trip. Gives their replies, at the latest at `deadline`.
    pub(crate) async fn run(&self, pipeline: &Pipeline, deadline: Instant) -> Result<Vec<Value>, RedisError> {
        let deadline = match self.breaker.admits() {
            Admission::Open => deadline,
            Admission::Probe => deadline.min(Instant::now() + PROBE_PATIENCE),
            Admission::Refused => return Err(RedisError::Paused),
        };
        let began = Instant::now();
        let outcome = self.ask(pipeline, deadline).await;
        self.note(&outcome, began.elapsed());
        match &outcome {
            Err(error) if is_silence(error) => {
                // The idle connections lead to the same silent server. Without them the probe makes a new
                // one.
                self.pool.retain(|_, _| false);
                if self.breaker.failed() {
                    tracing::warn!(%error, "redis is out of reach");
                }
            }
            _ => {
                if self.breaker.succeeded() {
                    tracing::info!("redis answers again");
                }
            }
        }
        outcome
    }

    fn note(&self, outcome: &Result<Vec<Value>, RedisError>, took: Duration) {
        if let Some(metrics) = &self.metrics {
            let outcome = if outcome.is_ok() { CallOutcome::Ok } else { CallOutcome::Failed };
            metrics.took(self.operation.as_str(), outcome, took);
        }
    }

    async fn ask(&self, pipeline: &Pipeline, deadline: Instant) -> Result<Vec<Value>, RedisError> {
        let began = Instant::now();
        let connection = timeout_at(deadline, self.pool.get()).await;
        if let Some(metrics) = &self.metrics {
            metrics.pool_wait_seconds.observe(began.elapsed().as_secs_f64());
        }
        let mut connection = connection.map_err(|_| RedisError::TimedOut)??;
        let answer = timeout_at(deadline, pipeline.query_async::<Vec<Value>>(&mut connection)).await;
        let outcome = answer.map_err(|_| RedisError::TimedOut).and_then(|replies| Ok(replies?));
        if outcome.as_ref().is_err_and(is_silence) {
            // Taken out of the pool and closed, so that a late reply on it cannot be taken for that of
            // another call.
            drop(Connection::take(connection));
        }
        outcome
    }
}

/// Whether the server did not answer at all. An error that it sent itself shows that it is there.
fn is_silence(error: &RedisError) -> bool {
    match error {
        RedisError::Command(error) => {
            error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error()
        }
        RedisError::Url(_)
        | RedisError::Pool(_)
        | RedisError::Connect(_)
        | RedisError::TimedOut
        | RedisError::Paused => true,
    }
}

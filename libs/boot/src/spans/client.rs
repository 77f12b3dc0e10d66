//! HTTP client of the exporter: hyper on the process's own runtime, with TLS for `https`.
//!
//! The exporter works on a thread of its own, which has no runtime. Each request is therefore a task on the
//! runtime that the process was started on.

use crate::outgoing::{Connector, connector};
use anyhow::Context as _;
use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

/// Answer limit: bytes of a collector's answer that are read. Collectors answer with a few bytes.
const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// An HTTP client with a time limit for each request.
#[derive(Debug)]
pub(super) struct Client {
    connections: legacy::Client<Connector, Body>,
    limit: Duration,
    runtime: Handle,
    tasks: TaskTracker,
}

impl Client {
    /// Creates a client whose requests run on the current runtime.
    pub(super) fn new(limit: Duration) -> anyhow::Result<Self> {
        let connections = legacy::Client::builder(TokioExecutor::new()).build(connector()?);
        let runtime = Handle::try_current().context("find the runtime")?;
        Ok(Self { connections, limit, runtime, tasks: TaskTracker::new() })
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let asking = ask(self.connections.clone(), request);
        let limit = self.limit;
        // The exporter's thread has no runtime, so the request and its timeout run on the process's runtime.
        let asking = async move { timeout(limit, asking).await? };
        self.tasks.spawn_on(asking, &self.runtime).await?
    }
}

async fn ask(
    client: legacy::Client<Connector, Body>,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, HttpError> {
    let answer = client.request(request.map(Body::from)).await?;
    let (head, body) = answer.into_parts();
    let body = to_bytes(Body::new(body), ANSWER_MAX_BYTES).await?;
    Ok(Response::from_parts(head, body))
}

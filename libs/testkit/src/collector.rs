//! A collector of spans: takes them over OTLP/HTTP as a real one does, and shows them to a test.

use crate::wait::eventually;
use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// A span as it arrived.
#[derive(Clone, Debug)]
pub struct ExportedSpan {
    /// `service.name` of the process.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: SpanKind,
    /// The trace it belongs to.
    pub trace_id: Vec<u8>,
    /// Its own id.
    pub span_id: Vec<u8>,
    /// The id of the span it continues; empty for the first of a trace.
    pub parent_id: Vec<u8>,
    /// Traces it points to.
    pub linked_traces: Vec<Vec<u8>>,
    /// Its attributes, as text.
    pub attributes: BTreeMap<String, String>,
}

type Received = Arc<Mutex<Vec<ExportedSpan>>>;

/// A running collector.
#[derive(Debug)]
pub struct Collector {
    /// Its address, as a setting names it.
    pub url: String,
    received: Received,
    _tasks: TaskTracker,
    _stop: DropGuard,
}

impl Collector {
    /// Listens on a free port.
    pub async fn start() -> anyhow::Result<Self> {
        let received = Received::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&received));
        let listener = TcpListener::bind("127.0.0.1:0").await.context("bind a collector")?;
        let url = format!("http://{}", listener.local_addr().context("bind a collector")?);
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let stopped = stop.clone().cancelled_owned();
        tasks.spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stopped).await });
        Ok(Self { url, received, _tasks: tasks, _stop: stop.drop_guard() })
    }

    /// Every span so far.
    pub fn spans(&self) -> Vec<ExportedSpan> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `look` finds in the spans what it looks for.
    pub async fn eventually<T>(
        &self,
        what: &str,
        look: impl Fn(&[ExportedSpan]) -> Option<T>,
    ) -> anyhow::Result<T> {
        let found = eventually(what, async || look(&self.spans())).await;
        found.with_context(|| format!("spans so far: {:#?}", self.spans()))
    }
}

async fn take(State(received): State<Received>, body: Bytes) -> (StatusCode, Vec<u8>) {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        return (StatusCode::BAD_REQUEST, Vec::new());
    };
    let spans = request.resource_spans.into_iter().flat_map(of_one_process);
    received.lock().unwrap_or_else(PoisonError::into_inner).extend(spans);
    // An empty answer is the encoding of a complete success.
    (StatusCode::OK, Vec::new())
}

fn of_one_process(spans: ResourceSpans) -> Vec<ExportedSpan> {
    let about = attributes(spans.resource.map(|resource| resource.attributes).unwrap_or_default());
    let service = about.get("service.name").cloned().unwrap_or_default();
    let spans = spans.scope_spans.into_iter().flat_map(|scope| scope.spans);
    let exported = spans.map(|span| ExportedSpan {
        service: service.clone(),
        kind: span.kind(),
        name: span.name,
        trace_id: span.trace_id,
        span_id: span.span_id,
        parent_id: span.parent_span_id,
        linked_traces: span.links.into_iter().map(|link| link.trace_id).collect(),
        attributes: attributes(span.attributes),
    });
    exported.collect()
}

fn attributes(all: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Value| match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let pairs = all.into_iter().filter_map(|pair| Some((pair.key, text(pair.value?.value?))));
    pairs.collect()
}

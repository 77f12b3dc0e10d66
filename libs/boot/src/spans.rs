//! Span export: sends spans to a collector with OTLP over HTTP, in the background. It does nothing while the
//! settings name no collector.
//!
//! Input: the spans of our own crates. Output: requests of up to 512 spans. A slow or absent collector costs
//! nothing but its spans: they wait in a queue of fixed size, and a full queue drops them.

mod client;
mod exporter;
mod names;
mod sampler;

use self::client::Client;
use self::exporter::Exporter;
use self::sampler::Sampling;
use crate::instance;
use anyhow::Context as _;
use eventflow_config::TracingSettings;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};
use std::time::Duration;
use tokio::task::spawn_blocking;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

/// Prefix of the log targets of our crates.
const OURS: &str = "eventflow";
/// Path that OTLP adds to a collector's address for spans.
const PATH: &str = "v1/traces";
/// Queue limit: spans that wait for the collector, about 4 MiB at 1 KiB each. The queue drops spans beyond
/// it.
const QUEUE_MAX: usize = 4_096;
/// Batch limit: spans in one request.
const REQUEST_MAX: usize = 512;
/// Export interval: longest time that a span waits for others in the same request. A person who looks for a
/// trace needs longer than that to open the viewer.
const EXPORT_EVERY: Duration = Duration::from_secs(1);
/// Request limit: time for one request and its repetitions.
const EXPORT_LIMIT: Duration = Duration::from_secs(5);
/// Flush limit: time for the remaining spans when the process ends. An absent collector must not delay a
/// restart.
const FLUSH_LIMIT: Duration = Duration::from_secs(3);

/// The export of spans; empty if there is no collector.
#[derive(Debug, Default)]
pub struct Spans(Option<SdkTracerProvider>);

impl Spans {
    /// Opens the export that the settings name, for a process of this name. Needs a tokio runtime.
    pub(crate) fn open(settings: &TracingSettings, service: &'static str) -> anyhow::Result<Self> {
        if settings.otlp_endpoint.is_empty() {
            return Ok(Self::default());
        }
        let endpoint = format!("{}/{PATH}", settings.otlp_endpoint.trim_end_matches('/'));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(endpoint.as_str())
            .with_timeout(EXPORT_LIMIT)
            .with_http_client(Client::new(EXPORT_LIMIT)?)
            .build()
            .context("configuration key `tracing.otlp_endpoint`")?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE_MAX)
            .with_max_export_batch_size(REQUEST_MAX)
            .with_scheduled_delay(EXPORT_EVERY)
            .build();
        let processor =
            BatchSpanProcessor::builder(Exporter::new(exporter, endpoint)).with_batch_config(batches).build();
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampling::new(settings.sample_ratio))
            .with_resource(resource(service))
            .with_span_processor(processor)
            .build();
        Ok(Self(Some(provider)))
    }

    /// Whether spans are exported.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The tracing layer that hands spans to the exporter.
    pub(crate) fn layer<S>(&self) -> Option<impl Layer<S> + use<S>>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let tracer = self.0.as_ref()?.tracer_with_scope(InstrumentationScope::builder(OURS).build());
        let layer = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_context_activation(false)
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
        Some(layer.with_filter(filter_fn(is_exported).with_max_level_hint(LevelFilter::DEBUG)))
    }

    /// Sends the remaining spans and stops the exporter, within [`FLUSH_LIMIT`].
    pub async fn close(self) {
        let Some(provider) = self.0 else { return };
        let closed = spawn_blocking(move || provider.shutdown_with_timeout(FLUSH_LIMIT)).await;
        if let Ok(Err(error)) = closed {
            tracing::debug!(error = &error as &dyn std::error::Error, "the last spans were not exported");
        }
    }
}

/// Whether a span is one of ours that belongs in a trace.
pub(crate) fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && *metadata.level() <= Level::DEBUG && metadata.target().starts_with(OURS)
}

/// Selects our spans, and the warnings and errors inside them. Other log lines may be about more than the
/// trace, so they are not exported.
fn is_exported(metadata: &Metadata<'_>) -> bool {
    let is_alarm = *metadata.level() <= Level::WARN && metadata.target().starts_with(OURS);
    is_ours(metadata) && !names::LOG_ONLY.contains(&metadata.name()) || is_alarm
}

/// Names the service. The SDK adds its own attributes and those of `OTEL_RESOURCE_ATTRIBUTES`.
fn resource(service: &'static str) -> Resource {
    Resource::builder()
        .with_service_name(service)
        .with_attribute(KeyValue::new("service.instance.id", instance::name()))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build()
}

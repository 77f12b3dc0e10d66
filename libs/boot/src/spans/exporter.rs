//! Exporter: gives spans the names that viewers show, and logs an outage of the collector once.

use super::names;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// An exporter that logs when the collector stops and resumes taking spans.
#[derive(Debug)]
pub(super) struct Exporter<E> {
    inner: E,
    endpoint: String,
    is_failing: AtomicBool,
}

impl<E> Exporter<E> {
    pub(super) fn new(inner: E, endpoint: String) -> Self {
        Self { inner, endpoint, is_failing: AtomicBool::new(false) }
    }

    /// Logs one line when an outage begins and one when it ends, however many requests fail in between.
    fn tell(&self, result: &OTelSdkResult) {
        let was_failing = self.is_failing.swap(result.is_err(), Ordering::Relaxed);
        match result {
            Err(error) if !was_failing => tracing::warn!(
                endpoint = self.endpoint,
                error = error as &dyn std::error::Error,
                "the collector takes no spans; they are dropped until it does"
            ),
            Ok(()) if was_failing => {
                tracing::info!(endpoint = self.endpoint, "the collector takes spans again");
            }
            Ok(()) | Err(_) => {}
        }
    }
}

impl<E: SpanExporter> SpanExporter for Exporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.inner.export(batch.into_iter().map(names::shown).collect()).await;
        self.tell(&result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

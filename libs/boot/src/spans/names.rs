//! Span names: how a trace shows our spans, that is, their kind and the attribute that tells them apart.
//!
//! Inside the product a span is a plain `event` or `envelope` with fields. Viewers group by name and draw
//! services by kind. So the exporter adds the detail to the name (`envelope persist.0`).

use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::SpanData;

/// Spans that only give log lines their ids. They live as long as the process, so they are not exported.
pub(super) const LOG_ONLY: [&str; 1] = ["consumer"];
/// The span of a consumed batch, which belongs to several traces.
pub(super) const BATCH: &str = "batch";

/// Name, kind, and the attribute that becomes part of the shown name.
const SHOWN: [(&str, SpanKind, &str); 5] = [
    ("event", SpanKind::Server, "event"),
    ("request", SpanKind::Server, "route"),
    ("command", SpanKind::Producer, "kind"),
    (BATCH, SpanKind::Consumer, "queue"),
    ("envelope", SpanKind::Consumer, "queue"),
];

/// The span as a viewer should show it.
pub(super) fn shown(mut span: SpanData) -> SpanData {
    let Some((name, kind, detail)) = SHOWN.into_iter().find(|(name, ..)| *name == span.name) else {
        return span;
    };
    span.span_kind = kind;
    if let Some(which) = span.attributes.iter().find(|attribute| attribute.key.as_str() == detail) {
        span.name = format!("{name} {}", which.value).into();
    }
    span
}

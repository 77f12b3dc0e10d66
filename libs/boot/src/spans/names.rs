//! How our spans are shown in a trace: their kind, and the attribute that says which one it is.
//!
//! Inside the product a span is a plain `event` or `envelope` with fields. Viewers group by name and draw
//! services by kind, so the name gets the detail (`envelope persist.0`) on its way out.

use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::SpanData;

/// Spans that only give log lines their ids: each lives as long as the process.
pub(super) const LOG_ONLY: [&str; 1] = ["consumer"];
/// The span of a consumed batch, which belongs to several traces.
pub(super) const BATCH: &str = "batch";

/// Name, kind, and the attribute that becomes part of the name.
const SHOWN: [(&str, SpanKind, &str); 5] = [
    ("event", SpanKind::Server, "event"),
    ("request", SpanKind::Server, "route"),
    ("command", SpanKind::Producer, "kind"),
    (BATCH, SpanKind::Consumer, "queue"),
    ("envelope", SpanKind::Consumer, "queue"),
];

/// The span as a viewer should see it.
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

//! Spans that run through the broker: a span's context goes out with an envelope, and a span in the next
//! process continues from it.
//!
//! Everything here does nothing while no spans are exported, and little for a span that is not sampled:
//! envelopes then carry nothing.

use eventflow_protocol::TraceContext;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The field of a span that names its trace in log lines. A span has to declare it as empty to be given it.
pub const TRACE_ID: &str = "trace_id";

/// What an envelope that comes of this span carries; `None` unless the span is exported and sampled.
pub fn context_of(span: &Span) -> Option<TraceContext> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let span = context.span();
    let ids = span.span_context();
    if !ids.is_sampled() {
        return None;
    }
    TraceContext::new(ids.trace_id().to_bytes(), ids.span_id().to_bytes())
}

/// What an envelope that comes of the span around the caller carries.
pub fn current() -> Option<TraceContext> {
    context_of(&Span::current())
}

/// Lets the span begin a trace of its own, whatever span it is in: what a client asks for is one trace, its
/// connection another.
pub fn begin(span: &Span) {
    if !span.is_disabled() {
        set_parent(span, Context::new());
        name(span);
    }
}

/// Lets the span continue the trace that came with an envelope. Has to come before anything else is done with
/// the span.
pub fn continue_from(span: &Span, parent: TraceContext) {
    if !span.is_disabled() {
        set_parent(span, Context::new().with_remote_span_context(remote(parent)));
        name(span);
    }
}

/// Points from the span to another one, of another trace.
pub fn link(span: &Span, other: TraceContext) {
    span.add_link(remote(other));
}

/// Gives the span its [`TRACE_ID`] for log lines, if it has one.
pub fn name(span: &Span) {
    if let Some(context) = context_of(span) {
        span.record(TRACE_ID, context.trace_id_text());
    }
}

fn set_parent(span: &Span, parent: Context) {
    // An error says that spans are not exported, or that the span was used before; both leave it where it is.
    let _ = span.set_parent(parent);
}

fn remote(context: TraceContext) -> SpanContext {
    SpanContext::new(
        TraceId::from_bytes(context.trace_id()),
        SpanId::from_bytes(context.span_id()),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    )
}

//! Sampler: decides which traces are recorded. It records a share of the traces that begin here, and every
//! part of a trace that is already recorded.

use super::names::BATCH;
use opentelemetry::trace::{Link, SpanContext, SpanKind, TraceContextExt as _, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

/// The sampling decision at the start of a span.
#[derive(Clone, Debug)]
pub(super) struct Sampling {
    beginnings: Sampler,
}

impl Sampling {
    /// Creates a sampler that records this share of the traces that begin here, from 0.0 to 1.0.
    pub(super) fn new(ratio: f64) -> Self {
        Self { beginnings: Sampler::TraceIdRatioBased(ratio) }
    }
}

impl ShouldSample for Sampling {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let parent_context = parent.map(|parent| parent.span().span_context().clone());
        let is_recorded = match parent_context.filter(SpanContext::is_valid) {
            Some(parent) => parent.is_sampled(),
            // A batch is recorded if any message in it is.
            None if name == BATCH => links.iter().any(|link| link.span_context.is_sampled()),
            None => return self.beginnings.should_sample(None, trace_id, name, kind, attributes, links),
        };
        let decision = if is_recorded { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
        SamplingResult { decision, attributes: Vec::new(), trace_state: TraceState::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{SpanId, TraceFlags};

    fn context(flags: TraceFlags) -> SpanContext {
        SpanContext::new(TraceId::from(7), SpanId::from(7), flags, true, TraceState::default())
    }

    fn is_recorded(ratio: f64, parent: Option<TraceFlags>, name: &str, link: Option<TraceFlags>) -> bool {
        let parent = parent.map(|flags| Context::new().with_remote_span_context(context(flags)));
        let links: Vec<Link> = link.map(|flags| Link::with_context(context(flags))).into_iter().collect();
        let trace_id = TraceId::from(u128::MAX);
        let result = Sampling::new(ratio).should_sample(
            parent.as_ref(),
            trace_id,
            name,
            &SpanKind::Internal,
            &[],
            &links,
        );
        result.decision == SamplingDecision::RecordAndSample
    }

    #[test]
    fn a_trace_that_begins_here_is_recorded_by_the_ratio() {
        assert!(is_recorded(1.0, None, "event", None));
        assert!(!is_recorded(0.0, None, "event", None));
    }

    #[test]
    fn a_trace_that_began_elsewhere_is_recorded_if_it_was_there() {
        assert!(is_recorded(0.0, Some(TraceFlags::SAMPLED), "envelope", None));
        assert!(!is_recorded(1.0, Some(TraceFlags::default()), "envelope", None));
    }

    #[test]
    fn a_batch_is_recorded_if_one_of_its_envelopes_is() {
        assert!(is_recorded(0.0, None, BATCH, Some(TraceFlags::SAMPLED)));
        assert!(!is_recorded(1.0, None, BATCH, None));
    }
}

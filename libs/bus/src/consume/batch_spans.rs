//! The spans of a consumed batch: one for the batch, and one for each envelope in it whose trace is sampled.
//!
//! An envelope's span continues the trace that put the envelope on its way, so a trace shows one message
//! across processes. The batch belongs to no single trace; its span has a trace of its own and links to those
//! of its envelopes.

use crate::handler::Item;
use crate::trace::{TRACE_ID, context_of, continue_from, link};
use tracing::field::Empty;
use tracing::{Span, debug_span};

/// Spans that last until the batch is announced.
#[derive(Debug)]
pub(super) struct BatchSpans {
    batch: Span,
    _envelopes: Vec<Span>,
}

impl BatchSpans {
    /// Opens them for the items of one batch, and lets what comes of an item continue from its span.
    ///
    /// While nobody looks at spans, an item keeps the context it came with: the next process can still
    /// continue from there.
    pub(super) fn open<T>(queue: &str, messages: usize, items: &mut [Item<T>]) -> Self {
        let batch = debug_span!("batch", queue, messages, envelopes = items.len());
        let mut envelopes = Vec::new();
        if !batch.is_disabled() {
            envelopes.extend(items.iter_mut().filter_map(|item| open_one(queue, &batch, item)));
        }
        Self { batch, _envelopes: envelopes }
    }

    /// The span for work on the whole batch.
    pub(super) fn batch(&self) -> Span {
        self.batch.clone()
    }
}

fn open_one<T>(queue: &str, batch: &Span, item: &mut Item<T>) -> Option<Span> {
    let parent = item.trace?;
    // The link comes first: by it the batch is found to be worth recording.
    link(batch, parent);
    let envelope = debug_span!(
        parent: batch,
        "envelope",
        queue,
        envelope = %item.id,
        attempt = item.attempt,
        { TRACE_ID } = Empty
    );
    continue_from(&envelope, parent);
    item.trace = context_of(&envelope).or(item.trace);
    Some(envelope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::TraceContext;
    use uuid::Uuid;

    #[test]
    fn while_nobody_looks_at_spans_an_item_keeps_the_context_it_came_with() {
        let traced = TraceContext::new([7; 16], [7; 8]);
        let item = |trace| Item {
            id: Uuid::now_v7(),
            attempt: 0,
            redelivered: false,
            value: (),
            reply_to: None,
            trace,
        };
        let mut items = [item(traced), item(None)];
        let spans = BatchSpans::open("persist.0", 1, &mut items);
        assert!(spans.batch().is_disabled());
        assert_eq!(items.map(|item| item.trace), [traced, None]);
    }
}

//! Events: what a client asks. One event comes in, and an answer goes out to its callback, by event, or both.
//!
//! [`dispatch`] does what all events have in common, once: check the budget, parse, call the handler, reply,
//! count. A handler takes a typed request and the [`caller`], and gives a [`reply`] or a refusal. Together
//! with [`crate::ws::lifecycle`], this room sees all others.

mod authenticate;
mod budget;
mod caller;
pub(crate) mod catalogue;
mod change_message;
mod command;
pub(crate) mod dispatch;
mod mark_read;
mod message_answer;
mod name;
mod open_thread;
mod presence;
mod reply;
mod request;
mod responder;
mod save_draft;
mod send_message;
mod sync;
mod typing;

use eventflow_metrics::EdgeMetrics;

/// Exports the counters of every client event from the start.
pub(super) fn export(metrics: &EdgeMetrics) {
    metrics.export_events::<name::EventName>();
}

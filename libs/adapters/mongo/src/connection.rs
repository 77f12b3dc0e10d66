//! How the store connects: pool, heartbeats, concerns, and how long each kind of call may take.

use eventflow_metrics::CallMetrics;
use mongodb::bson::{Document, doc};
use mongodb::event::EventHandler;
use mongodb::event::cmap::CmapEvent;
use mongodb::options::{
    Acknowledgment, ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
};
use std::time::Duration;

/// The database if the URI names none.
pub(crate) const DATABASE: &str = "eventflow";
/// The name of this client in the server's log and in `currentOp`.
const APP_NAME: &str = "eventflow";
/// Pool: at most this many connections. Four shards need one for a write and one for a touch each; the edge
/// reads beside them.
const POOL_MAX: u32 = 32;
/// Server check: a server that accepts no connection, or answers no heartbeat, within this time counts as
/// gone.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// Server check: time between heartbeats. A silent server holds a call for this and [`CONNECT_LIMIT`] at
/// most; then the driver interrupts the call.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// Server selection: how long a call waits for a primary, which covers an ordinary election.
const SELECTION_LIMIT: Duration = Duration::from_secs(5);
/// Write concern: how long the server waits for the majority before it answers that it could not
/// (`wtimeout`).
const MAJORITY_LIMIT: Duration = Duration::from_secs(8);
/// Reads: one that takes longer has failed, because somebody at a screen is waiting for it.
pub(crate) const READ_LIMIT: Duration = Duration::from_secs(6);
/// Writes: one that takes longer has failed. Longer than [`MAJORITY_LIMIT`], so that the server's own answer
/// comes first.
pub(crate) const WRITE_LIMIT: Duration = Duration::from_secs(10);

/// Concurrency: questions about single threads at the same time. Enough to hide the wait, few enough to leave
/// connections to other calls.
pub(crate) const CONCURRENT: usize = 8;

/// Sets majority, journal and primary, whatever the URI says of them.
pub(crate) fn configure(options: &mut ClientOptions) {
    let majority =
        WriteConcern::builder().w(Acknowledgment::Majority).journal(true).w_timeout(MAJORITY_LIMIT).build();
    options.app_name.get_or_insert_with(|| APP_NAME.to_owned());
    options.max_pool_size = Some(POOL_MAX);
    options.connect_timeout = Some(CONNECT_LIMIT);
    options.heartbeat_freq = Some(HEARTBEAT);
    options.server_selection_timeout = Some(SELECTION_LIMIT);
    options.write_concern = Some(majority);
    options.read_concern = Some(ReadConcern::majority());
    options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
    // The driver repeats a call once. That is exact: the server recognises the statements it has done.
    options.retry_writes = Some(true);
    options.retry_reads = Some(true);
}

/// Notes how long calls wait for a connection of the pool. A wait that ended without one is in the duration
/// of its call.
pub(crate) fn pool_waits(metrics: CallMetrics) -> EventHandler<CmapEvent> {
    EventHandler::callback(move |event| {
        if let CmapEvent::ConnectionCheckedOut(taken) = event {
            metrics.pool_wait_seconds.observe(taken.duration.as_secs_f64());
        }
    })
}

/// The same write concern as a document, for commands that carry their own.
pub(crate) fn majority_document() -> Document {
    let limit = i64::try_from(MAJORITY_LIMIT.as_millis()).unwrap_or(i64::MAX);
    doc! { "w": "majority", "j": true, "wtimeout": limit }
}

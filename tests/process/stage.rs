//! A persistence stage over one store, for tests that hand it batches directly.

use eventflow_bus::port::Broker;
use eventflow_ports::{Directory, Inbox, Store, SystemClock};
use eventflow_workers::persistence::PersistenceParts;
use std::sync::Arc;

/// The parts of the stage, all of them over one store.
pub(super) fn parts_over<S: Store + Inbox + Directory>(
    store: Arc<S>,
    broker: Arc<dyn Broker>,
) -> PersistenceParts {
    PersistenceParts {
        store: Arc::clone(&store) as _,
        inbox: Arc::clone(&store) as _,
        directory: store,
        broker,
        clock: Arc::new(SystemClock),
    }
}

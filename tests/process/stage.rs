//! A persistence stage over one store, for tests that hand it batches directly.

use eventflow_bus::port::Broker;
use eventflow_bus::topology::Topology;
use eventflow_embedded::{Database, EmbeddedBroker, EmbeddedStore};
use eventflow_ports::{Directory, Inbox, PushDevices, SearchIndex, Sends, Store, Suppressions, SystemClock};
use eventflow_workers::persistence::PersistenceParts;
use std::path::Path;
use std::sync::Arc;

/// A store with every port that the stage writes to.
pub(super) trait WholeStore:
    Store + Inbox + Directory + PushDevices + Suppressions + Sends + SearchIndex
{
}

impl<S: Store + Inbox + Directory + PushDevices + Suppressions + Sends + SearchIndex> WholeStore for S {}

/// The parts of the stage, all of them over one store.
pub(super) fn parts_over<S: WholeStore>(store: Arc<S>, broker: Arc<dyn Broker>) -> PersistenceParts {
    PersistenceParts {
        store: Arc::clone(&store) as _,
        inbox: Arc::clone(&store) as _,
        devices: Arc::clone(&store) as _,
        suppressions: Arc::clone(&store) as _,
        sends: Arc::clone(&store) as _,
        search: Arc::clone(&store) as _,
        unindexed: Arc::default(),
        directory: store,
        broker,
        clock: Arc::new(SystemClock),
    }
}

/// A store and a broker of one shard in a data file of `folder`.
pub(super) async fn embedded(folder: &Path) -> (Arc<EmbeddedStore>, Arc<dyn Broker>) {
    let database = Database::open_in(folder).unwrap();
    let broker: Arc<dyn Broker> =
        Arc::new(EmbeddedBroker::open(database.clone(), Arc::new(SystemClock)).await.unwrap());
    broker.declare(&Topology::new(1)).await.unwrap();
    (Arc::new(EmbeddedStore::open(database).await.unwrap()), broker)
}

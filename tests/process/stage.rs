//! Stages over one store, for tests that hand them batches directly.

use eventflow_bus::port::Broker;
use eventflow_bus::topology::Topology;
use eventflow_embedded::{Database, EmbeddedBroker, EmbeddedStore};
use eventflow_ports::{
    Directory, ErasedPeople, Erasures, Membership, People, Registry, Store, SystemClock, WholeStore,
};
use eventflow_protocol::content::Markup;
use eventflow_workers::fanout::FanoutParts;
use eventflow_workers::fanout::doubt::Doubt;
use eventflow_workers::persistence::PersistenceParts;
use std::path::Path;
use std::sync::Arc;

/// The parts of a persistence stage, all of them over one store.
pub(super) fn parts_over<S: WholeStore + 'static>(
    store: Arc<S>,
    broker: Arc<dyn Broker>,
) -> PersistenceParts {
    PersistenceParts::over(store, broker, Arc::new(SystemClock))
}

/// The parts of a fan-out stage over one store, of a process that is alone and tells nobody by e-mail or
/// push.
pub(super) fn fanout_over<S: Store + Directory + Erasures>(
    store: Arc<S>,
    broker: Arc<dyn Broker>,
    registry: Arc<dyn Registry>,
) -> FanoutParts {
    FanoutParts {
        membership: Membership::new(Arc::clone(&store) as _),
        people: People::new(Arc::clone(&store) as _, ErasedPeople::new(store), Markup::default()),
        registry,
        doubt: Arc::new(Doubt::never()),
        broker,
        clock: Arc::new(SystemClock),
        absent: None,
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

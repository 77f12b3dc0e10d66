//! Import target: the configured store. No other part of the system has to run.

use crate::backends::{open_data_file, open_mongo};
use anyhow::Context;
use eventflow_config::Config;
use eventflow_embedded::{Database, EmbeddedStore};
use eventflow_mongo::MongoStore;
use eventflow_ports::Store;
use std::sync::Arc;

/// The store that an import writes to.
pub(super) struct Target {
    store: Arc<dyn Store>,
    opened: OpenTarget,
}

/// The resource that has to be closed at the end.
enum OpenTarget {
    Mongo(Arc<MongoStore>),
    Embedded(Database),
}

impl Target {
    /// Opens the store and makes it ready to be written.
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        if config.embedded_store() {
            let database = open_data_file(config).await?;
            let store = EmbeddedStore::open(database.clone()).await.context("open the embedded store")?;
            return Ok(Self { store: Arc::new(store), opened: OpenTarget::Embedded(database) });
        }
        let store = Arc::new(open_mongo(config, None).await?);
        store.prepare().await.context("prepare the store")?;
        Ok(Self { store: Arc::clone(&store) as _, opened: OpenTarget::Mongo(store) })
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    pub(super) async fn close(self) {
        drop(self.store);
        match self.opened {
            OpenTarget::Mongo(store) => store.close().await,
            OpenTarget::Embedded(database) => database.close().await,
        }
    }
}

//! A data folder or data file, and what is opened in it.

#![allow(dead_code, reason = "each test binary uses its part")]

use eventflow_bus::contract::topology;
use eventflow_bus::port::Broker;
use eventflow_embedded::{Database, EmbeddedBroker, EmbeddedStore};
use eventflow_ports::{Clock, SystemClock};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// A data folder that goes away with the test.
pub(crate) struct Site {
    pub(crate) folder: TempDir,
}

/// A broker with the queues of the contract, and its data file.
pub(crate) struct Opened {
    pub(crate) broker: EmbeddedBroker,
    pub(crate) database: Database,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("make a folder") }
    }

    pub(crate) async fn open(&self) -> Opened {
        Self::at(self.folder.path()).await
    }

    pub(crate) async fn at(folder: &Path) -> Opened {
        Self::by_clock(folder, Arc::new(SystemClock)).await
    }

    pub(crate) async fn by_clock(folder: &Path, clock: Arc<dyn Clock>) -> Opened {
        let database = Database::open_in(folder).expect("open a data file");
        let broker = EmbeddedBroker::open(database.clone(), clock).await.expect("open the queues");
        broker.declare(&topology()).await.expect("declare the queues");
        Opened { broker, database }
    }
}

impl Opened {
    pub(crate) async fn close(self) {
        self.broker.close().await.expect("close the queues");
        self.database.close().await;
    }
}

/// A data file in a folder that goes away with it.
pub(crate) struct File {
    database: Database,
    _folder: TempDir,
}

impl File {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("make a folder");
        Self { database: Database::open_in(folder.path()).expect("open a data file"), _folder: folder }
    }

    pub(crate) async fn store(&self) -> EmbeddedStore {
        EmbeddedStore::open(self.database.clone()).await.expect("open the store")
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }
}

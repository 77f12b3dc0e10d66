//! A data folder and what is opened in it.

#![allow(dead_code, reason = "each test binary uses its part")]

use eventflow_bus::contract::topology;
use eventflow_bus::port::Broker;
use eventflow_embedded::{Database, EmbeddedBroker};
use eventflow_ports::SystemClock;
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
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) async fn open(&self) -> Opened {
        Self::at(self.folder.path()).await
    }

    pub(crate) async fn at(folder: &Path) -> Opened {
        let database = Database::open_in(folder).unwrap();
        let broker = EmbeddedBroker::open(database.clone(), Arc::new(SystemClock)).await.unwrap();
        broker.declare(&topology()).await.unwrap();
        Opened { broker, database }
    }
}

impl Opened {
    pub(crate) async fn close(self) {
        self.broker.close().await.unwrap();
        self.database.close().await;
    }
}

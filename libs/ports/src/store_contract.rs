//! What every [`Store`] must honour, as checks that an adapter's tests call.
//!
//! A check takes a [`Harness`], makes its own people and threads (so that one database serves all checks, at
//! the same time too), and panics with a sentence when a promise is broken. [`faults`] needs a
//! [`FaultHarness`], which can take the store away. The modules follow the port: [`append`], [`redelivery`],
//! [`keys`], [`pairing`], [`writers`], [`counters`], [`changes`], [`cursors`], [`together`], [`archive`],
//! [`threads`], [`reading`].

pub mod append;
pub mod archive;
pub mod changes;
pub mod counters;
pub mod cursors;
pub mod faults;
pub mod fixtures;
pub mod keys;
pub mod pairing;
pub mod random;
pub mod reading;
pub mod redelivery;
pub mod threads;
pub mod together;
pub mod writers;

use crate::store::Store;
use async_trait::async_trait;
use std::sync::Arc;

/// How the suite gets at the store under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// One more store over the same data, as another process would open it: with nothing remembered.
    async fn open(&self) -> Arc<dyn Store>;
}

/// A way in which a store is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Connections break and new ones fail at once.
    Refused,
    /// Connections stay and nothing gets through in either direction.
    Silent,
    /// What is asked is done, and the answers do not come back.
    AnswersLost,
}

/// A harness that can come between its stores and the data.
#[async_trait]
pub trait FaultHarness: Harness {
    /// From now on every store opened here suffers `fault`.
    async fn suffer(&self, fault: Fault);

    /// The fault is over; connections that suffered it may be broken.
    async fn mend(&self);
}

//! The contract of every [`Store`], as checks that an adapter's tests call.
//!
//! A check takes a [`Harness`] and creates people and threads of its own, so one database serves all checks,
//! even at the same time. It panics with a sentence when a promise is broken. [`faults`] needs a
//! [`FaultHarness`], which can cut the store off. The modules follow the port: [`append`], [`redelivery`],
//! [`keys`], [`pairing`], [`writers`], [`counters`], [`changes`], [`change_log`], [`taken_back`],
//! [`cursors`], [`long_way`], [`together`], [`archive`], [`threads`], [`leaving`], [`groups`], [`reading`],
//! [`mark_unread`], [`mentions`], [`pins`], [`replies`], [`wordings`].
//! [`thread_costs`] measures and judges nothing.

pub mod append;
pub mod archive;
pub mod change_log;
pub mod changes;
pub mod counters;
pub mod cursors;
pub mod faults;
pub mod fixtures;
pub mod groups;
pub mod keys;
pub mod leaving;
pub mod long_way;
pub mod mark_unread;
pub mod mentions;
pub mod pairing;
pub mod pins;
pub mod random;
pub mod reading;
pub mod redelivery;
pub mod replies;
pub mod taken_back;
pub mod thread_costs;
pub mod threads;
pub mod together;
pub mod wordings;
pub mod writers;

use crate::store::Store;
use async_trait::async_trait;
use std::sync::Arc;

/// Gives the suite access to the store under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens one more store over the same data with empty caches, as another process would.
    async fn open(&self) -> Arc<dyn Store>;
}

/// How a store becomes unavailable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Connections break, and new ones fail at once.
    Refused,
    /// Connections stay open, and nothing gets through in either direction.
    Silent,
    /// The store carries requests out, and the answers do not come back.
    AnswersLost,
}

/// A harness that can put a fault between its stores and the data.
#[async_trait]
pub trait FaultHarness: Harness {
    /// Lets every store opened by this harness suffer `fault` from now on.
    async fn suffer(&self, fault: Fault);

    /// Ends the fault. Connections that suffered it may be broken.
    async fn mend(&self);
}

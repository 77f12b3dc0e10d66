//! The embedded backends: one SQLite file that holds the durable queue and the message store of a single
//! process.
//!
//! [`Database`] owns the file, its only writer and its readers. [`EmbeddedBroker`] and [`EmbeddedStore`]
//! share that writer, so that a frame, the messages in it and its acknowledgement often cost one `fsync`.
//! [`EmbeddedJournal`] has a file of its own, which holds derived data and is never synced.

mod broker;
mod database;
mod journal;
mod store;

pub use broker::EmbeddedBroker;
pub use database::{Database, DatabaseError};
pub use journal::EmbeddedJournal;
pub use store::EmbeddedStore;

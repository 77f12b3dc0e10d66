//! The embedded backends: one SQLite file that holds the durable queue and the message store of a single process.
//!
//! [`Database`] owns the file, its only writer and its readers. [`EmbeddedBroker`] is the broker on top of it, and the store
//! beside it shares the same writer, so that a frame, the messages in it and its acknowledgement often cost one `fsync`.
//! [`EmbeddedJournal`] has a file of its own, which is derived and never synced.

mod broker;
mod database;
mod journal;
mod store;

pub use broker::EmbeddedBroker;
pub use database::{Database, DatabaseError};
pub use journal::EmbeddedJournal;
pub use store::EmbeddedStore;

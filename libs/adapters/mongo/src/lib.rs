//! The message store on MongoDB.
//!
//! `messages` and `threads` are in the published schema plus `seq`, `deliveredTo`, `clientMessageId`, `pair`, `marks`, `revision`,
//! `editedAt`, `deletedAt`; `lastSeq`, `activityAt`, `readSeq`, `deliveredSeq`, `archivedBy`. Beside them `notifications`,
//! `preferences`, `profiles`, `revocations`, and the host application's `users`, which is only read. No transactions: a message is one insert, a thread's counters are one compare-and-set, and repeating either
//! changes nothing. Writes wait for a majority and its journal, reads see what a majority has, from the primary.
//!
//! Read in this order: [`store`] (what there is), `append` (places without gaps), `pairing` (one click, one message), `touch` (counters),
//! `cursors` (how far people have come, what is unread), `receipts`, `change`, `archive`, `read`, `threads`, `inbox`, `directory`; below them `memory` (what is remembered of threads), `record` and `free_form` (documents), `call` (how the driver is called).

mod append;
mod archive;
mod bulk;
mod call;
mod change;
mod cursors;
mod directory;
mod fingerprint;
mod free_form;
mod inbox;
pub mod legacy;
mod memory;
mod pairing;
mod read;
mod receipts;
mod record;
pub mod store;
mod threads;
mod touch;

pub use legacy::{LegacyCursor, LegacyFile, LegacyMessage, LegacyReaction, LegacyStore, LegacyThread};
pub use store::MongoStore;

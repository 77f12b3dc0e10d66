//! The message store on MongoDB.
//!
//! Two collections, `messages` and `threads`, in the published schema plus `seq`, `deliveredTo`, `clientMessageId`, `lastSeq` and
//! `activityAt`. No transactions: a message is one insert, a thread's counters are one compare-and-set, and repeating either
//! changes nothing. Writes wait for a majority and its journal, reads see what a majority has, from the primary.
//!
//! Read in this order: [`store`] (what there is), `append` (places without gaps), `touch` (counters), `read`, `threads`; below
//! them `memory` (what is remembered of threads), `record` and `free_form` (documents), `call` (how the driver is called).

mod append;
mod call;
mod free_form;
mod memory;
mod read;
mod record;
pub mod store;
mod threads;
mod touch;

pub use store::MongoStore;

//! Dead letters: collected out of their queues into the store, and sent back when somebody asks for it.
//!
//! [`Collector`] takes what is in a `dead.*` queue; [`Replayer`] carries out replays, counts what waits and
//! deletes what ended long ago. Both run beside the persistence stage, the only one that writes documents.

mod collector;
mod parts;
mod replayer;
mod sending;

pub use collector::Collector;
pub use parts::DeadLetterParts;
pub use replayer::Replayer;

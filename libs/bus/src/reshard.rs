//! Changing the number of shards while messages flow.
//!
//! The number is what the records of a log at the broker come to ([`mod@state`]). Every gateway follows the
//! log ([`follower`]) and sends commands through a gate ([`gate`]) that is closed while the number changes.
//! [`change`] is the operator's part: it holds the gateways, lets barriers pass the old queues and appends
//! the decision. Whatever dies in between, the next record decides, and it is the same for everybody
//! (docs/adr/0014).

pub mod change;
pub mod follower;
pub mod gate;
pub mod log;
mod members;
mod reading;
pub mod state;
mod survey;

#[cfg(test)]
mod tests;

use std::time::Duration;

/// Lease: how long a gateway that does not hear its own hellos may still send by the number that it knows.
/// Six hellos, so that a busy machine may be late with some.
pub const LEASE: Duration = Duration::from_secs(6);
/// Silence after which a gateway cannot be sending any more. Longer than [`LEASE`], for the way of a hello.
pub const SILENT_AFTER: Duration = Duration::from_secs(8);
/// Hold: how long a gateway keeps commands back before it gives the attempt up. Less than the 3 s after which
/// clients are told "queued".
pub const HOLD_MAX: Duration = Duration::from_secs(2);
/// Time between two hellos of a gateway or a command.
const HELLO_EVERY: Duration = Duration::from_secs(1);
/// Longest time that reading the log up to its end may take.
const READING_LIMIT: Duration = Duration::from_secs(20);

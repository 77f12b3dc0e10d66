//! The contract of every [`Broker`](crate::port::Broker), as checks that an adapter's tests call.
//!
//! Each group of checks is a submodule with a `check_all`. The adapter's test gives it a broker on which
//! [`topology`] is declared and whose queues are empty. Groups may run at the same time, each on a broker of
//! its own. A broken promise panics and says what was expected. [`durability::check`] also needs a way to
//! restart the broker and takes it as an argument.

pub mod barriers;
pub mod consuming;
pub mod durability;
pub mod gateways;
pub mod hellos;
pub mod publishing;
pub mod replies;
pub mod retrying;
pub mod splitting;

mod bench;

use crate::topology::Topology;

/// The topology that the checks use: two shards.
pub fn topology() -> Topology {
    Topology::new(2)
}

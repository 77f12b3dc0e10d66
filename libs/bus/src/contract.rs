//! What every [`Broker`](crate::port::Broker) must honour, as checks that an adapter's tests call.
//!
//! An adapter gives each group (a submodule's `check_all`) a broker on which [`topology`] is declared and
//! whose queues are empty; groups may run at the same time on brokers of their own. A broken promise panics
//! with what was expected. What needs a hand on the broker itself takes it as an argument:
//! [`durability::check`] restarts it.

pub mod consuming;
pub mod durability;
pub mod gateways;
pub mod publishing;
pub mod replies;
pub mod retrying;

mod bench;

use crate::topology::Topology;

/// The map that the checks use.
pub fn topology() -> Topology {
    Topology::new(2)
}

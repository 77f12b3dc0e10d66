//! Process frame: everything a process does around its roles, that is, logging, operators' endpoints,
//! readiness, signals and an orderly shutdown.
//!
//! Input: a configuration and the health of the roles. Output: `/metrics`, `/livez` and `/readyz`, log lines,
//! and an exit code. The crate knows nothing of messaging.

pub mod admin;
mod connections;
pub mod descriptors;
pub mod instance;
pub mod listener;
pub mod logging;
pub mod outgoing;
pub mod readiness;
pub mod shutdown;
mod spans;

pub use admin::{AdminParts, Identity};
pub use readiness::{Need, Problem, Readiness};
pub use shutdown::Shutdown;
pub use spans::Spans;

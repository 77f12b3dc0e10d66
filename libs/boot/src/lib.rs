//! What every process does around its roles: logging, the operators' endpoints, readiness, signals and an
//! orderly end.
//!
//! In come a configuration and the health of the roles. Out come `/metrics`, `/livez` and `/readyz`, log
//! lines, and an exit code. The crate knows nothing of messaging.

pub mod admin;
mod connections;
pub mod descriptors;
pub mod listener;
pub mod logging;
pub mod readiness;
pub mod shutdown;
mod spans;

pub use readiness::Readiness;
pub use shutdown::Shutdown;
pub use spans::Spans;

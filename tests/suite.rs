//! The tests that run real processes and real servers: one binary, since each would link the whole system
//! again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backends;
mod e2e;
mod process;

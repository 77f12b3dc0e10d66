//! Tests that run real processes and real servers. They are one binary, since each binary would link the
//! whole system again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backends;
mod e2e;
mod process;

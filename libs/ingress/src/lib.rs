//! The edge: who are you, may you, is it well formed; then a command on the broker, or a read from the store.
//!
//! [`ws`] is the socket gateway, [`http`] the REST routes; both use the checks of the other modules and [`commands`]. Nothing here
//! writes to a database, and nothing that passes the checks is checked again behind the broker but membership.

pub mod acquaintance;
mod attachment;
pub mod commands;
pub mod csrf;
pub mod fields;
mod hs256;
pub mod http;
pub mod identity;
pub mod metadata;
pub mod origin;
mod parts;
pub mod rate;
pub mod refusal;
pub mod revocation;
#[cfg(test)]
mod testing;
pub mod validate;
pub mod ws;

pub use parts::{IngressConfig, IngressParts, SetupError};
pub use refusal::Refusal;

//! Composition root: the roles, the parts of each role, and the adapters that a URL selects.
//!
//! Every binary is one call of [`main`] with its roles. The same code runs one role against RabbitMQ, MongoDB
//! and Redis, or all roles in one process on embedded backends. No role knows which.

mod allocator;
pub mod arguments;
pub mod backends;
mod banner;
mod broker_observer;
mod build;
pub mod canary;
mod client;
pub mod commands;
mod consumers;
mod dead_letters;
pub mod demo;
pub mod echo;
mod email;
mod erasures;
pub mod files;
mod front;
pub mod import;
mod jwks;
mod markup;
mod notify;
pub mod outbox_page;
pub mod page;
pub mod process;
pub mod push;
pub mod roles;
mod scheduled;
pub mod secret;
mod socket_settings;
pub mod system;
mod thread_rules;
pub mod topology;
pub mod v1;
pub mod watch;

pub use arguments::main;
pub use roles::Role;

//! The stages behind the broker, one module each: what a stage does with a batch, and why doing it twice is
//! safe.
//!
//! A worker is a [`eventflow_bus::handler::BatchHandler`]; subscribing, batching, retrying and parking belong
//! to the bus.

pub mod attachments;
mod chore;
pub mod dead_letters;
pub mod email;
pub mod fanout;
pub mod notify;
pub mod persistence;
pub mod presence;
pub mod push;
pub mod scheduled;
pub mod search;
pub mod sends;

//! The contract with clients in types: every answer and every event, as `docs/PROTOCOL.md` describes it.
//!
//! A type here has the JSON that goes over the wire and a JSON Schema of it. The order of JSON fields means nothing to a client,
//! but it has always been the same, and it stays: where fields stand in alphabetical order, or in [`Sorted`], that is why.

pub mod answers;
pub mod events;
mod shape;

pub use shape::{Document, Sorted, Success, WithId, Written};

#[cfg(test)]
mod tests;

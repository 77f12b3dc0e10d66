//! The contract with clients in types: every request, answer and event, as `docs/PROTOCOL.md` describes it.
//!
//! [`parse()`] makes a request of what a client sent, or refuses it with a sentence that names the field. A
//! type of an answer or event has the JSON that goes over the wire and a JSON Schema of it. The order of JSON
//! fields means nothing to a client, but it has always been the same, and it stays: where fields stand in
//! alphabetical order, or in [`Sorted`], that is why.

pub mod answers;
pub mod catalogue;
pub mod events;
mod given;
mod parse;
pub mod requests;
mod shape;
pub mod values;

pub use parse::{InvalidRequest, Object, parse, parse_field, parse_object, read, texts_of};
pub use shape::{Document, Sorted, Success, WithId, Written};

#[cfg(test)]
mod tests;

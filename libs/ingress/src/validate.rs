//! Validation: a client's JSON in, the parts of a command out, or a refusal that names the field.
//!
//! What passes here needs no further checks: contents are clean, ids are ids, everything is bounded. Whether
//! the user may do it is decided in [`crate::commands`].

mod attachment;
mod ids;
mod key;
mod message;
mod metadata;
mod people;
mod thread;

pub use ids::{message_id, parse_message_id, parse_thread_id, thread_id};
pub use key::{client_message_id, idempotency_key};
pub use message::{edit, reaction, send_message};
pub use metadata::{METADATA_MAX_BYTES, METADATA_MAX_DEPTH};
pub use people::user_ids;
pub use thread::{PARTICIPANTS_MAX, create_thread};

//! Redis behind three ports. Registry: which gateways a user is connected to. Presence: who is online. Both
//! are leases that all processes share. Journal: what each gateway has sent to sockets.
//!
//! Redis holds derived facts only. When it is slow, gone or emptied, a caller gets an error within
//! [`registry::CALL_TIMEOUT`] and the system goes on without it. Only this crate names the Redis client.

mod breaker;
mod connection;
mod contact;
mod inspection;
pub mod journal;
mod moment;
pub mod presence;
pub mod registry;
mod swap;

pub use connection::RedisError;
pub use inspection::{RedisFacts, inspect};
pub use journal::{JournalSettings, RedisJournal};
pub use presence::{PresenceSettings, RedisPresence};
pub use registry::{RedisRegistry, RegistrySettings};

//! The seams to what stores, locates and tells the time; and, for each, the contract every adapter must honour.
//!
//! A port says what the system needs in the system's own words. Whoever implements it runs the contract suite of the port.

pub mod clock;
pub mod membership;
pub mod registry;
pub mod registry_contract;
pub mod store;
pub mod store_contract;

pub use clock::{Clock, FixedClock, SystemClock};
pub use membership::Membership;
pub use registry::{Located, MemoryRegistry, NoRegistry, Registry, RegistryError};
pub use store::{Appended, MessagePage, NewMessage, Store, StoreError, ThreadPage};

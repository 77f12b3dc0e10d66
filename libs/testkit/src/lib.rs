//! What tests start and look at: real servers, the release binaries as processes, a network that fails, a raw
//! socket.
//!
//! Every process that is started here is ended by its own process id when its owner is dropped. Nothing waits
//! for a fixed time: [`eventually`] asks again until a deadline.

pub mod collector;
pub mod process;
pub mod proxy;
pub mod push_services;
pub mod servers;
pub mod socket;
pub mod system;
mod wait;

pub use collector::Collector;
pub use process::Process;
pub use proxy::Proxy;
pub use push_services::PushServices;
pub use servers::{Servers, Vhost};
pub use socket::RawSocket;
pub use system::System;
pub use wait::{PATIENCE, eventually};

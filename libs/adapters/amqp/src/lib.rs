//! RabbitMQ behind the broker seam: the only crate that names lapin.
//!
//! [`AmqpBroker`] keeps two connections, one to publish and one to consume (a broker alarm stops the first,
//! never the second), and a third one for replies as soon as there is one to send. It reconnects each by
//! itself; lapin's own recovery stays off. Channels, consumers and
//! delivery tags belong to the connection that they were made on and are never carried over: whoever holds
//! one learns of the loss and opens a new one. Declarations are valid on RabbitMQ 3.10 to 4.x.

mod arguments;
mod broker;
mod config;
mod confirm;
mod declare;
mod headers;
mod hellos;
mod inspection;
mod link;
mod liveness;
mod observer;
mod publisher;
mod reconnect;
mod reject;
mod replies;
mod responder;
mod shard_log;
mod starvation;
mod subscription;
mod supervisor;
mod unsettled;

pub use arguments::{Argument, arguments, definitions, fanout_exchange};
pub use broker::AmqpBroker;
pub use config::{AmqpConfig, AmqpError};
pub use inspection::{Inspection, QueueFinding};
pub use observer::{Observer, Side};

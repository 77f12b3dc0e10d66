//! The way of commands, events and jobs between processes: the map, publishing, the one consume loop, the one
//! settling decision.
//!
//! In goes a typed value for a typed queue; out comes the same value at a handler, at least once, until the
//! handler has settled it. [`port`] is the seam to a broker and [`contract`] what every broker behind it must
//! honour.

pub mod consume;
pub mod contract;
pub mod dead;
pub mod explain;
pub mod handler;
pub mod lanes;
pub mod pipeline;
pub mod port;
pub mod publish;
mod publish_error;
pub mod request;
pub mod reshard;
pub mod rights;
pub mod settle;
pub mod share;
pub mod topology;
pub mod trace;

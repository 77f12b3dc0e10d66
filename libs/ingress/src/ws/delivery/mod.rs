//! Delivery: from the gateway's queue to the sockets, each event once, to those of its audience who are here.
//!
//! [`handler`] takes batches from the queue, [`blocks`] says what people who are kept apart
//! do not hear of each other, [`recent`] drops what comes again, [`recipients`] writes to the
//! sockets.

mod blocks;
pub(crate) mod handler;
mod recent;
mod recipients;

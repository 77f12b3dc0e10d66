//! Delivery: from the gateway's queue to the sockets, each event once, to those of its audience who are here.
//!
//! [`handler`] takes batches from the queue, [`recent`] drops what comes again, [`recipients`] writes to the
//! sockets.

pub(crate) mod handler;
mod recent;
mod recipients;

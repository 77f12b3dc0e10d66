//! Scheduled messages: gateways send what is due, and the processes that write documents keep count.

use crate::system::System;
use eventflow_bus::request::Requests;
use eventflow_ingress::due_messages::DueMessages;
use eventflow_workers::scheduled::ScheduledKeeper;
use std::sync::Arc;

/// Starts to look for what is due, and to send it by this process's lanes. They are those of all commands, so
/// that a message has its place among the others of its thread.
pub(crate) fn send_due(system: &mut System, requests: Requests) {
    let backends = &system.backends;
    let due = DueMessages::new(Arc::clone(&backends.scheduled), requests, Arc::clone(&backends.clock));
    system.worker_once_prepared("scheduled messages", |stop| due.run(stop));
}

/// Starts to count what waits, and to delete what ended long ago.
pub(crate) fn keep(system: &mut System) {
    let backends = &system.backends;
    let (scheduled, clock) = (Arc::clone(&backends.scheduled), Arc::clone(&backends.clock));
    let keeper = ScheduledKeeper::new(scheduled, clock, &system.metrics);
    system.worker_once_prepared("count of scheduled messages", |stop| keeper.run(stop));
}

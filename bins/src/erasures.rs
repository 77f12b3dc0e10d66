//! Erasures: gateways drive them on, and the persistence stage carries them out.

use crate::system::System;
use eventflow_bus::request::Requests;
use eventflow_ingress::erasing::Erasing;
use std::sync::Arc;

/// Starts to look for erasures that are due, and to send their next steps by this process's lanes. They are
/// those of all commands, so that a step about a thread has its place behind what was accepted for it.
pub(crate) fn drive(system: &mut System, requests: Requests) {
    let backends = &system.backends;
    let erasing = Erasing::new(Arc::clone(&backends.erasures), requests, Arc::clone(&backends.clock));
    system.worker_once_prepared("erasures", |stop| erasing.run(stop));
}

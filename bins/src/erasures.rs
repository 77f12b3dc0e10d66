//! Erasures: gateways drive them on, the persistence stage carries them out, and every process that shows
//! names or writes learns who is erased.

use crate::system::System;
use eventflow_bus::request::Requests;
use eventflow_ingress::erasing::Erasing;
use eventflow_ports::erased_people::FRESH;
use eventflow_ports::{ErasedPeople, Failing, ticks};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Starts to look for erasures that are due, and to send their next steps by this process's lanes. They are
/// those of all commands, so that a step about a thread has its place behind what was accepted for it.
pub(crate) fn drive(system: &mut System, requests: Requests) {
    let backends = &system.backends;
    let erasing = Erasing::new(Arc::clone(&backends.erasures), requests, Arc::clone(&backends.clock));
    system.worker_once_prepared("erasures", |stop| erasing.run(stop));
}

/// Learns who is erased, so that nobody's name is shown any more [`FRESH`] after they were marked, also where
/// no command asks. It costs the store one question to an index in that time.
pub(crate) fn learn(system: &mut System) {
    let erased = system.backends.erased.clone();
    system.worker_once_prepared("erased people", |stop| keep_fresh(erased, stop));
}

async fn keep_fresh(erased: ErasedPeople, stop: CancellationToken) {
    // A look that comes a moment before the last answer is old asks nothing: hence two in that time.
    let mut looks = ticks(FRESH / 2);
    let mut failing = Failing::default();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = looks.tick() => {}
        }
        let learned = erased.refresh().await;
        failing.note(&learned, |error| tracing::warn!(error, "nobody says who was erased meanwhile"));
    }
}

//! The parts that e-mail and push workers share: the decision who is told what, and the dispatcher of windows
//! that are due.

use crate::roles::consume;
use crate::system::System;
use eventflow_bus::consume::Declares;
use eventflow_bus::topology::NOTIFY;
use eventflow_config::NotificationSettings;
use eventflow_protocol::outbound::Channel;
use eventflow_workers::notify::again::AgainParts;
use eventflow_workers::notify::dispatch::{Dispatcher, DispatcherParts};
use eventflow_workers::notify::{Decision, DecisionParts, Grace};
use std::sync::Arc;
use std::time::Duration;

/// Hours of a day.
const DAY_HOURS: u64 = 24;

/// Starts the dispatcher of a channel, and the decision unless this process has it already.
pub(crate) async fn start(system: &mut System, channel: Channel) -> anyhow::Result<()> {
    let settings = system.config.notifications.clone();
    if !system.decides {
        system.decides = true;
        let decision = Decision::open(decision_parts(system, &settings), &system.metrics).await?;
        consume(system, NOTIFY.name(), Declares::Topology(system.topology), Arc::new(decision));
    }
    let backends = &system.backends;
    let parts = DispatcherParts {
        outbound: Arc::clone(&backends.outbound),
        broker: Arc::clone(&backends.broker),
        clock: Arc::clone(&backends.clock),
        log_kept: Duration::from_hours(u64::from(settings.log_days) * DAY_HOURS),
    };
    let dispatcher = Dispatcher::open(channel, parts).await?;
    let prepared = backends.prepared();
    let stop = system.shutdown.workers.clone();
    system.worker(&format!("{} dispatcher", channel.name()), async move {
        tokio::select! {
            () = prepared => dispatcher.run(stop).await,
            () = stop.clone().cancelled_owned() => {}
        }
    });
    Ok(())
}

/// What the second decision needs, just before something is sent.
pub(crate) fn again_parts(system: &System) -> AgainParts {
    let backends = &system.backends;
    AgainParts {
        store: Arc::clone(&backends.store),
        inbox: Arc::clone(&backends.inbox),
        directory: Arc::clone(&backends.directory),
        presence: Arc::clone(&backends.presence),
        clock: Arc::clone(&backends.clock),
    }
}

fn decision_parts(system: &System, settings: &NotificationSettings) -> DecisionParts {
    let backends = &system.backends;
    DecisionParts {
        outbound: Arc::clone(&backends.outbound),
        store: Arc::clone(&backends.store),
        inbox: Arc::clone(&backends.inbox),
        presence: Arc::clone(&backends.presence),
        broker: Arc::clone(&backends.broker),
        clock: Arc::clone(&backends.clock),
        grace: Grace {
            email: Duration::from_millis(settings.email_grace_ms),
            push: Duration::from_millis(settings.push_grace_ms),
        },
    }
}

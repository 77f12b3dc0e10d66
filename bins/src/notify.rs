//! The decision and the dispatchers in a process that tells people by e-mail or push.
//!
//! Every such process takes jobs of the decision, so it needs no role of its own, and scales with them.

use crate::consumers::consume_within;
use crate::system::System;
use anyhow::Context;
use eventflow_bus::consume::Declares;
use eventflow_bus::topology::NOTIFY;
use eventflow_config::{Config, NotificationSettings};
use eventflow_ingress::NotificationTemplates;
use eventflow_protocol::outbound::Channel;
use eventflow_workers::notify::again::AgainParts;
use eventflow_workers::notify::dispatch::{Dispatcher, DispatcherParts};
use eventflow_workers::notify::{BATCH_LIMIT, Decision, DecisionParts, Grace};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Starts the dispatcher of a channel, and the decision unless this process has it.
pub(crate) async fn start(system: &mut System, channel: Channel) -> anyhow::Result<()> {
    if !system.decides {
        system.decides = true;
        start_decision(system).await?;
    }
    let backends = &system.backends;
    let parts = DispatcherParts {
        outbound: Arc::clone(&backends.outbound),
        broker: Arc::clone(&backends.broker),
        clock: Arc::clone(&backends.clock),
        log_kept: log_kept(&system.config),
    };
    let dispatcher = Dispatcher::open(channel, parts).await?;
    system.worker_once_prepared(&format!("dispatch {}", channel.name()), |stop| dispatcher.run(stop));
    Ok(())
}

/// How long the delivery log and ended sends are kept.
pub(crate) fn log_kept(config: &Config) -> Duration {
    Duration::from_hours(24) * config.notifications.log_days
}

/// The templates of sends in the folder of the settings, checked.
pub(crate) fn templates(config: &Config) -> anyhow::Result<NotificationTemplates> {
    let folder = config.notifications.templates.as_str();
    if folder.is_empty() {
        return Ok(NotificationTemplates::default());
    }
    NotificationTemplates::in_folder(Path::new(folder)).context("notifications.templates")
}

/// What the second decision needs, just before something is sent.
pub(crate) fn again_parts(system: &System) -> AgainParts {
    let backends = &system.backends;
    AgainParts {
        store: Arc::clone(&backends.store),
        apart: backends.apart.unheard(),
        inbox: Arc::clone(&backends.inbox),
        directory: Arc::clone(&backends.directory),
        presence: Arc::clone(&backends.presence),
        clock: Arc::clone(&backends.clock),
    }
}

async fn start_decision(system: &mut System) -> anyhow::Result<()> {
    let backends = &system.backends;
    let parts = DecisionParts {
        outbound: Arc::clone(&backends.outbound),
        store: Arc::clone(&backends.store),
        inbox: Arc::clone(&backends.inbox),
        erased: backends.erased.clone(),
        directory: Arc::clone(&backends.directory),
        devices: Arc::clone(&backends.devices),
        presence: Arc::clone(&backends.presence),
        broker: Arc::clone(&backends.broker),
        clock: Arc::clone(&backends.clock),
        topology: system.topology,
        grace: grace(&system.config.notifications),
    };
    let decision = Arc::new(Decision::open(parts, &system.metrics).await?);
    consume_within(system, NOTIFY.name(), Declares::Topology(system.topology), decision, BATCH_LIMIT);
    Ok(())
}

fn grace(settings: &NotificationSettings) -> Grace {
    let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
    Grace { email: seconds(settings.email_grace_s), push: seconds(settings.push_grace_s) }
}

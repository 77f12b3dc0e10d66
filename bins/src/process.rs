//! Life of a process: it opens its backends, starts its roles, serves, and shuts down in order.
//!
//! A process ends after a signal, or when a role ends that should run for ever. In the second case the
//! process fails with that reason, so that its supervisor restarts it.

use crate::Role;
use crate::banner;
use crate::erasures;
use crate::system::{Duties, System};
use anyhow::anyhow;
use eventflow_boot::shutdown::signalled;
use eventflow_boot::{descriptors, logging};
use eventflow_config::Config;
use std::time::Duration;
use tokio::time::timeout;

/// Name of the process for servers and collectors.
fn name_of(roles: &[Role]) -> &'static str {
    match roles {
        [role] => role.name(),
        _ => "eventflow",
    }
}

/// Runs `roles` until a signal.
pub async fn run(roles: &[Role], config: Config) -> anyhow::Result<()> {
    let spans = logging::start(&config.log, &config.tracing, name_of(roles))?;
    banner::show(name_of(roles), roles, &config);
    descriptors::raise_limit();
    let duties = Duties {
        serves_clients: roles.iter().any(|role| role.serves_clients()),
        sweeps: roles.contains(&Role::PresenceSweeper),
    };
    let mut system = System::open(config, name_of(roles), duties, spans).await?;
    system.watch();
    if roles.iter().any(|role| role.needs().store) {
        erasures::learn(&mut system);
    }
    let mut routers = Vec::new();
    for role in roles {
        routers.extend(role.start(&mut system).await?);
    }
    system.serve(routers).await?;
    let ended = system.run().await;
    if let Err(error) = &ended {
        tracing::error!(error = format!("{error:#}"), "ending because a part failed");
    }
    let patience = Duration::from_millis(system.config.shutdown.delay_ms + system.config.shutdown.timeout_ms);
    tokio::select! {
        done = timeout(patience, system.end()) => done.map_err(|_| anyhow!("the end took longer than {patience:?}"))?,
        again = signalled() => return Err(anyhow!("{} again: ending at once", again?)),
    }
    ended
}

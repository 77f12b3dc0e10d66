//! The banner: one line at the start that says what runs here, on what, and for whom; and warnings about
//! settings that are fine on a desk and not on a live system.

use crate::Role;
use crate::build::VERSION;
use eventflow_config::{Config, DemoReach};

/// Logs the banner of a process with these roles.
pub(crate) fn show(name: &str, roles: &[Role], config: &Config) {
    let has = |role: Role| roles.contains(&role);
    let clients = has(Role::WsGateway) || has(Role::HttpGateway);
    tracing::info!(
        release = VERSION,
        process = name,
        broker = config.broker.url.address(),
        store = config.store.url.address(),
        presence = config.presence.url.address(),
        data = data_folder(config),
        clients = clients.then(|| config.server.listen.to_string()),
        operators = %config.admin.listen,
        demo = has(Role::HttpGateway).then(|| demo(config)),
        "EventFlow messaging starts"
    );
    if has(Role::HttpGateway) && config.demo_reach() == DemoReach::Everybody {
        tracing::warn!(
            address = %config.server.listen,
            "DEMO=on: whoever reaches this address can sign in as a demo person; never on a live system"
        );
    }
}

fn data_folder(config: &Config) -> Option<String> {
    let dir = &config.data.dir;
    let is_used = config.embedded_broker() || config.embedded_store();
    is_used.then(|| std::path::absolute(dir).unwrap_or_else(|_| dir.clone()).display().to_string())
}

fn demo(config: &Config) -> &'static str {
    match config.demo_reach() {
        DemoReach::Nobody => "off",
        DemoReach::ThisMachine => "on at this machine",
        DemoReach::Everybody => "on for everybody",
    }
}

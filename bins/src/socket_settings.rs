//! Socket settings: translates the gateway's configuration into the settings of the Socket.IO server.

use eventflow_config::{Config, GatewaySettings};
use eventflow_ingress::ProxyTrust;
use eventflow_socketio::{Config as SocketConfig, Recovery};
use std::time::Duration;

/// Joins of one user in a minute for each socket that they may have: all of them come back after a deploy of
/// two gateways, and again after a reload.
const JOINS_PER_SOCKET: u32 = 4;
/// Joins of one user in a minute that cost a gateway nothing to speak of, however few sockets they may have:
/// a bad line breaks every second.
const JOINS_MIN: u32 = 200;

/// The server's settings. A recovery window of 0 switches recovery off.
pub(crate) fn socket_settings(settings: &GatewaySettings) -> SocketConfig {
    let recovery = Recovery {
        window: Duration::from_millis(settings.recovery_window_ms),
        max_bytes_total: settings.recovery_bytes,
        max_bytes_per_account: settings.recovery_bytes_per_user,
        ..Recovery::default()
    };
    SocketConfig {
        ping_interval: Duration::from_millis(settings.ping_interval_ms),
        ping_timeout: Duration::from_millis(settings.ping_timeout_ms),
        recovery: (!recovery.window.is_zero()).then_some(recovery),
        ..SocketConfig::default()
    }
}

/// Joins of one user in a minute, by the sockets that they may have at a time; 0 for no limit.
pub(crate) fn joins_per_minute(sockets: u32) -> u32 {
    if sockets == 0 { 0 } else { sockets.saturating_mul(JOINS_PER_SOCKET).max(JOINS_MIN) }
}

/// The proxies that are believed.
pub(crate) fn proxy_trust(config: &Config) -> anyhow::Result<ProxyTrust> {
    let rest = &config.rest;
    Ok(ProxyTrust { proxies: rest.trusted_proxies.parse()?, header: rest.forwarded_header.parse()? })
}

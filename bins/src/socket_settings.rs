//! Socket settings: translates the gateway's configuration into the settings of the Socket.IO server.

use eventflow_config::GatewaySettings;
use eventflow_socketio::{Config as SocketConfig, Recovery};
use std::time::Duration;

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

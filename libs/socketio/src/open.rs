//! The OPEN packet, which tells the client its session id and the server's settings.

use crate::config::Config;
use crate::engine::Engine;
use crate::packet::Packet;

/// The packet that opens a session (protocol page, "Handshake").
pub(crate) fn open_packet(config: &Config, engine: &Engine, upgrades: &str) -> Packet {
    Packet::control(format!(
        r#"0{{"sid":"{}","upgrades":{upgrades},"pingInterval":{},"pingTimeout":{},"maxPayload":{}}}"#,
        engine.id,
        config.ping_interval.as_millis(),
        config.ping_timeout.as_millis(),
        config.max_payload,
    ))
}

//! Engine.IO echo under the gateway's own settings, only for the official Engine.IO protocol suite.
//!
//! The suite sends messages and expects them back, which no messaging gateway does. Transports, timers and
//! limits are the gateway's. The echo is open only if `gateway.engine_echo_path` is set.

use crate::socket_settings::socket_settings;
use axum::Router;
use eventflow_config::GatewaySettings;
use eventflow_socketio::{
    Accepted, Application, ClientEvent, Config, ConnectError, Handshake, JoinKind, Protocol, Server, Socket,
};
use serde_json::value::RawValue;

/// Message limit in bytes, as the suite expects it.
const MAX_PAYLOAD: usize = 1_000_000;

struct Nobody;

impl Application for Nobody {
    type State = ();

    async fn connect(
        &self,
        _: &str,
        _: &Handshake,
        _: Option<&RawValue>,
    ) -> Result<Accepted<()>, ConnectError> {
        Err(ConnectError::new("this endpoint only echoes"))
    }

    async fn joining(&self, _: &Socket<()>, _: JoinKind<()>) {}

    async fn event(&self, _: &Socket<()>, _: ClientEvent) {}

    async fn expired(&self, _: &Socket<()>) {}
}

/// The echo's routes at its configured path.
pub fn router(settings: &GatewaySettings) -> Router {
    let path = settings.engine_echo_path.clone();
    let config = Config {
        path,
        protocol: Protocol::EngineEcho,
        max_payload: MAX_PAYLOAD,
        ..socket_settings(settings)
    };
    Server::new(config, Nobody).router()
}

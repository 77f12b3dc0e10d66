//! A server that sends back what it gets, for conformance suites and for trying clients by hand.
//!
//! `cargo run --release -p eventflow-socketio --example echo -- [port] [recovery|default]`: Socket.IO at
//! `/socket.io/` with the namespaces `/` and `/custom`, a bare Engine.IO echo at `/engine.io/`, pings every
//! 300 ms with a timeout of 200 ms and payloads up to 1 MB, as the suites expect. A client has 5 s to join a
//! namespace: the suites hold one without for three pings, which a busy machine stretches. With `recovery`,
//! sessions can be recovered and events carry offsets; with `default`, everything is as in production.

use std::net::SocketAddr;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use eventflow_socketio::{
    Accepted, Application, ClientEvent, Config, ConnectError, Encoder, Handshake, JoinKind, Protocol,
    Recovery, Server, Socket,
};
use serde_json::value::RawValue;

struct Echo {
    encoder: Encoder,
    recovery: bool,
}

impl Application for Echo {
    /// The JSON of the CONNECT packet, which the client gets back as `auth`.
    type State = Box<RawValue>;

    async fn connect(
        &self,
        _namespace: &str,
        _handshake: &Handshake,
        auth: Option<&RawValue>,
    ) -> Result<Accepted<Self::State>, ConnectError> {
        let auth = match auth {
            Some(auth) => auth.to_owned(),
            None => RawValue::from_string("{}".into()).map_err(|_| ConnectError::new("invalid auth"))?,
        };
        Ok(Accepted { identity: None, note: None, state: auth })
    }

    async fn joining(&self, _socket: &Socket<Self::State>, _how: JoinKind<Self::State>) {}

    async fn connected(&self, socket: &Socket<Self::State>, recovered: bool) {
        if !recovered {
            self.send(socket, "auth", &[socket.state()]);
        }
    }

    async fn event(&self, socket: &Socket<Self::State>, event: ClientEvent) {
        let args: Vec<&RawValue> = event.args.iter().map(AsRef::as_ref).collect();
        match (event.name.as_str(), event.ack, event.attachments.is_empty()) {
            ("message", None, true) => self.send(socket, "message-back", &args),
            ("message", None, false) => {
                let encoder = self.encoder.for_namespace(socket.namespace());
                socket.emit(&encoder.ephemeral_binary("message-back", &args, event.attachments));
            }
            ("message-with-ack", Some(id), true) => drop(socket.ack_raw(id, &args)),
            ("message-with-ack", Some(id), false) => drop(socket.ack_binary(id, &args, event.attachments)),
            ("cut", _, _) => socket.close_transport("asked for"),
            _ => {}
        }
    }

    async fn expired(&self, _socket: &Socket<Self::State>) {}
}

impl Echo {
    fn send(&self, socket: &Socket<Box<RawValue>>, name: &str, args: &[&RawValue]) {
        let encoder = self.encoder.for_namespace(socket.namespace());
        let packet =
            if self.recovery { encoder.event_raw(name, args) } else { encoder.ephemeral_raw(name, args) };
        socket.emit(&packet);
    }
}

fn config(path: &str, recovery: bool, protocol: Protocol) -> Config {
    Config {
        path: path.into(),
        namespaces: vec!["/".into(), "/custom".into()],
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_millis(200),
        connect_timeout: Duration::from_secs(5),
        max_payload: 1_000_000,
        recovery: recovery.then(Recovery::default),
        protocol,
        ..Config::default()
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().and_then(|port| port.parse().ok()).unwrap_or(3000);
    let settings = arguments.next();
    let recovery = settings.is_some();
    let echo = || Echo { encoder: Encoder::new(), recovery };
    let socket_io = match settings.as_deref() {
        Some("default") => Server::new(Config::default(), echo()),
        _ => Server::new(config("/socket.io/", recovery, Protocol::SocketIo), echo()),
    };
    let engine_io = Server::new(config("/engine.io/", false, Protocol::EngineEcho), echo());
    let routes = socket_io.router().merge(engine_io.router());

    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let listener = tokio::net::TcpListener::bind(address).await?.tap_io(|stream| {
        // Without it small packets wait for delayed acknowledgements; a stream that refuses works all the
        // same.
        let _ = stream.set_nodelay(true);
    });
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(async move {
            let _ = tokio::signal::ctrl_c().await;
            socket_io.drain(Duration::ZERO).await;
            engine_io.drain(Duration::ZERO).await;
        })
        .await
}

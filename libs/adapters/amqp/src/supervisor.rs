//! Keeps one connection alive: connects, watches, reconnects, for ever.
//!
//! Each connection is a new one with the next generation number, and the client library recovers nothing on
//! it by itself. Alarms of the broker arrive as events of the connection; the supervisor writes them into the
//! state that publishers read.

use crate::config::{AmqpConfig, CALL_TIMEOUT, CONNECT_TIMEOUT, HANDSHAKE_TIMEOUT};
use crate::link::{ConnectionLink, LinkState, Live};
use crate::observer::{Observer, Side};
use crate::reconnect::Reconnect;
use futures_util::{Stream, StreamExt};
use lapin::tcp::{AMQPUriTcpExt, OwnedTLSConfig};
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties, Event};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, interval, timeout};
use tokio_util::sync::CancellationToken;

/// How often the supervisor reads the connection's own state, which shows a loss that no event announced.
const STATE_CHECK_EVERY: Duration = Duration::from_millis(100);
/// AMQP's reply code of an orderly close.
const REPLY_SUCCESS: u16 = 200;

/// The keeper of one side's connection.
pub(crate) struct Supervisor {
    side: Side,
    uri: AMQPUri,
    name: String,
    tls_ca_pem: Option<String>,
    observer: Arc<dyn Observer>,
    state: watch::Sender<LinkState>,
    stop: CancellationToken,
}

impl Supervisor {
    pub(crate) fn new(
        side: Side,
        uri: AMQPUri,
        config: &AmqpConfig,
        stop: CancellationToken,
    ) -> (Self, ConnectionLink) {
        let (state, reader) = watch::channel(LinkState::Down("connecting".to_owned()));
        let supervisor = Self {
            side,
            uri,
            name: format!("{} {side}", config.connection_name),
            tls_ca_pem: config.tls_ca_pem.clone(),
            observer: Arc::clone(&config.observer),
            state,
            stop,
        };
        (supervisor, ConnectionLink { state: reader })
    }

    /// Runs until it is told to stop, and closes the connection then.
    pub(crate) async fn run(self) {
        let mut reconnect = Reconnect::new(self.side);
        let mut generation = 0;
        while let Some(attempt) = self.stop.run_until_cancelled(self.connect()).await {
            let mut lived = Duration::ZERO;
            let reason = match attempt {
                Ok(connection) => {
                    generation += 1;
                    let since = Instant::now();
                    let reason = self.attend(connection, generation).await;
                    lived = since.elapsed();
                    reason
                }
                Err(error) => error.to_string(),
            };
            let wait = reconnect.next_wait(lived);
            self.report_down(reason);
            self.stop.run_until_cancelled(tokio::time::sleep(wait)).await;
        }
        self.state.send_replace(LinkState::Down("closed".to_owned()));
    }

    /// Logs a loss once, not at each attempt that fails for the same reason.
    fn report_down(&self, reason: String) {
        let known = matches!(&*self.state.borrow(), LinkState::Down(before) if *before == reason);
        if !known {
            tracing::warn!(side = %self.side, %reason, "no connection to the broker");
            self.state.send_replace(LinkState::Down(reason));
        }
    }

    async fn connect(&self) -> lapin::Result<Connection> {
        connect(&self.uri, self.tls_ca_pem.clone(), self.name.clone()).await
    }

    /// Publishes the connection until it is lost. Gives the reason of the loss.
    async fn attend(&self, connection: Connection, generation: u64) -> String {
        let events = connection.events_listener();
        let connection = Arc::new(connection);
        self.state.send_replace(LinkState::Up(Live {
            connection: Arc::clone(&connection),
            generation,
            blocked: None,
        }));
        self.observer.connected(self.side, generation);
        tracing::info!(side = %self.side, generation, "connected to the broker");
        if let Some(reason) = self.stop.run_until_cancelled(self.watch(&connection, events)).await {
            return reason;
        }
        let closing = connection.close(REPLY_SUCCESS, "shutting down".into());
        if !matches!(timeout(CALL_TIMEOUT, closing).await, Ok(Ok(()))) {
            tracing::debug!(side = %self.side, "the broker did not confirm the close");
        }
        "closed".to_owned()
    }

    async fn watch(&self, connection: &Connection, events: impl Stream<Item = Event>) -> String {
        let mut events = std::pin::pin!(events);
        let mut check = interval(STATE_CHECK_EVERY);
        let mut blocked_since = None;
        let mut last_error = None;
        while connection.status().connected() {
            tokio::select! {
                event = events.next() => match event {
                    Some(Event::ConnectionBlocked(reason)) => {
                        tracing::warn!(side = %self.side, %reason, "the broker holds publishers back");
                        if blocked_since.is_none() {
                            blocked_since = Some(Instant::now());
                            self.observer.blocked(self.side);
                        }
                        self.set_blocked(Some(reason));
                    }
                    Some(Event::ConnectionUnblocked) => self.unblocked(blocked_since.take()),
                    Some(Event::Error(error)) => last_error = Some(error.to_string()),
                    Some(_) => {}
                    None => break,
                },
                _ = check.tick() => {}
            }
        }
        self.unblocked(blocked_since);
        last_error.unwrap_or_else(|| "the connection was lost".to_owned())
    }

    fn unblocked(&self, since: Option<Instant>) {
        self.set_blocked(None);
        if let Some(since) = since {
            self.observer.unblocked(self.side, since.elapsed());
            tracing::info!(side = %self.side, seconds = since.elapsed().as_secs_f64(), "publishers are no longer held back");
        }
    }

    fn set_blocked(&self, reason: Option<String>) {
        self.state.send_if_modified(|state| match state {
            LinkState::Up(live) if live.blocked != reason => {
                live.blocked = reason;
                true
            }
            _ => false,
        });
    }
}

/// Connects once, under this name.
pub(crate) async fn connect(
    uri: &AMQPUri,
    ca_pem: Option<String>,
    name: String,
) -> lapin::Result<Connection> {
    let tls = OwnedTLSConfig { identity: None, cert_chain: ca_pem };
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let runtime = lapin::runtime::default_runtime()?;
    let handshake = Connection::connector(
        uri.clone(),
        runtime,
        async move |uri, runtime| {
            let connecting = AMQPUriTcpExt::connect_with_config_async(&uri, tls.as_ref(), &runtime);
            let stream = timeout(CONNECT_TIMEOUT, connecting).await.map_err(|_| timed_out("connect"))?;
            Ok(stream?)
        },
        properties,
    );
    timeout(HANDSHAKE_TIMEOUT, handshake).await.map_err(|_| timed_out("handshake"))?
}

fn timed_out(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("{what}: no answer in time"))
}

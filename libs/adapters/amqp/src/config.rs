//! What the adapter is told, and the time limits it works with.
//!
//! A limit that an operator may want to change is in [`AmqpConfig`]; the others are constants here, each with
//! its reason.

use crate::observer::{Deaf, Observer};
use lapin::uri::AMQPUri;
use std::sync::Arc;
use std::time::Duration;

/// Confirm: a publish without one for this long is answered with an error. Confirms take milliseconds,
/// hundreds of them under heavy load. The ingress answers its client after 3 s anyway.
pub(crate) const PUBLISH_TIMEOUT: Duration = Duration::from_secs(5);
/// Heartbeat: seconds between two. A peer that is silent for two intervals is gone, so a half-open connection
/// costs at most 8 s. A broker that stands still for as long loses its connections, which costs a reconnect.
pub(crate) const HEARTBEAT_SECONDS: u16 = 4;
/// Connect: name resolution, TCP and TLS together.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Handshake: TCP, TLS and the AMQP handshake together. A broker that is starting accepts connections before
/// it answers them.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Call: one question to the broker, such as opening a channel, consuming, or counting.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// Declaration: creating one queue. A replicated queue elects a leader first, for which a busy cluster takes
/// its time.
pub(crate) const DECLARE_TIMEOUT: Duration = Duration::from_secs(30);
/// Payload: largest size in bytes; `rabbitmq.conf` sets the same. The broker closes the channel over a larger
/// payload, which would take the neighbours in flight with it, so the publisher refuses it.
pub(crate) const PAYLOAD_MAX_BYTES: usize = 1_048_576;

/// Why a broker cannot be made from its settings.
#[derive(Debug, thiserror::Error)]
pub enum AmqpError {
    /// The URL is not `amqp://user:password@host:port/vhost` or the same with `amqps`. The error does not
    /// repeat it, since it holds a password.
    #[error("read the broker url: {0}")]
    Url(&'static str),
}

/// How to reach RabbitMQ.
#[derive(Clone)]
pub struct AmqpConfig {
    /// `amqp://user:password@host:port/vhost` (the vhost percent-encoded, `%2f` for the default one), or
    /// `amqps://`.
    pub url: String,
    /// The name of the connections on the broker's management pages. The side is appended: `ws-gateway
    /// publish`.
    pub connection_name: String,
    /// Longest wait for a confirm.
    pub publish_timeout: Duration,
    /// Certificates (PEM) that `amqps` trusts beside the public ones.
    pub tls_ca_pem: Option<String>,
    /// Who is told about reconnects, alarms and returned messages.
    pub observer: Arc<dyn Observer>,
}

impl AmqpConfig {
    /// Settings with 5 s for a confirm, public certificate authorities and no observer.
    pub fn new(url: impl Into<String>, connection_name: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            connection_name: connection_name.into(),
            publish_timeout: PUBLISH_TIMEOUT,
            tls_ca_pem: None,
            observer: Arc::new(Deaf),
        }
    }

    /// The URL as lapin wants it, with [`HEARTBEAT_SECONDS`] unless the URL names a heartbeat.
    pub(crate) fn uri(&self) -> Result<AMQPUri, AmqpError> {
        if self.url.contains('[') {
            // With an IPv6 address lapin would silently connect to localhost instead.
            return Err(AmqpError::Url("an IPv6 address needs a host name"));
        }
        let mut uri: AMQPUri =
            self.url.parse().map_err(|_| AmqpError::Url("expected amqp://user:password@host:port/vhost"))?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
        Ok(uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_another_system_is_an_error_that_does_not_repeat_the_password() {
        for bad in
            ["redis://u:secret@h", "amqp", "amqp:u:secret@h", "http://u:secret@h", "amqp://u:secret@[::1]/"]
        {
            let error = AmqpConfig::new(bad, "test").uri().unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_heartbeat_is_ours_unless_the_url_names_one() {
        assert_eq!(
            AmqpConfig::new("amqp://h/%2f", "test").uri().unwrap().query.heartbeat,
            Some(HEARTBEAT_SECONDS)
        );
        assert_eq!(
            AmqpConfig::new("amqp://h/%2f?heartbeat=3", "test").uri().unwrap().query.heartbeat,
            Some(3)
        );
    }
}

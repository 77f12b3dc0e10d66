//! The parts of the system that the ingress is built on: the ports it uses, and its settings.

use crate::settings::IngressConfig;
use eventflow_bus::port::Health;
use eventflow_bus::request::Requests;
use eventflow_metrics::Metrics;
use eventflow_ports::{Clock, Directory, Inbox, Journal, Membership, People, PresenceStore, Registry, Store};
use std::sync::Arc;
use tokio::sync::watch;

/// What the ingress needs of the rest of the system.
#[derive(Clone)]
pub struct IngressParts {
    /// Read by REST.
    pub store: Arc<dyn Store>,
    /// Who is in a thread.
    pub membership: Membership,
    /// Notifications and preferences; read by REST.
    pub inbox: Arc<dyn Inbox>,
    /// Names, and credentials that no longer hold.
    pub directory: Arc<dyn Directory>,
    /// How people are shown: `directory`, remembered.
    pub people: People,
    /// What gateways have put on their way; written and read by socket gateways.
    pub journal: Arc<dyn Journal>,
    /// Who is there.
    pub presence: Arc<dyn PresenceStore>,
    /// Where users are connected; told by the socket gateway.
    pub registry: Arc<dyn Registry>,
    /// The way of commands to the workers and of answers back.
    pub requests: Requests,
    /// Whether the broker can be used now.
    pub broker_health: watch::Receiver<Health>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Every series.
    pub metrics: Metrics,
    /// Settings.
    pub config: IngressConfig,
}

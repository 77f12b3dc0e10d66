//! The parts of the system that the ingress is built on: the ports it uses, and its settings.

use crate::notices::Notices;
use crate::ops::OpsParts;
use crate::settings::IngressConfig;
use eventflow_bus::port::Health;
use eventflow_bus::request::Requests;
use eventflow_bus::topology::Topology;
use eventflow_metrics::Metrics;
use eventflow_ports::{
    Clock, DeadLetters, Directory, Drafts, Inbox, Journal, Membership, Outbound, People, PresenceStore,
    PushDevices, Registry, Scheduled, SearchIndex, Sends, Store, Suppressions,
};
use std::sync::Arc;
use tokio::sync::watch;

/// The ports and settings that the ingress needs.
#[derive(Clone)]
pub struct IngressParts {
    /// Threads and messages; REST and `sync` read it.
    pub store: Arc<dyn Store>,
    /// Membership: who is in a thread.
    pub membership: Membership,
    /// Notifications and preferences; REST reads it.
    pub inbox: Arc<dyn Inbox>,
    /// The delivery log of e-mail and push; REST reads it.
    pub outbound: Arc<dyn Outbound>,
    /// Addresses that get no mail; REST reads it.
    pub suppressions: Arc<dyn Suppressions>,
    /// What messages are found by; REST reads it.
    pub search: Arc<dyn SearchIndex>,
    /// Sends to many people; REST reads it.
    pub sends: Arc<dyn Sends>,
    /// What people have begun to write; REST reads it.
    pub drafts: Arc<dyn Drafts>,
    /// Messages that wait for their time; REST and sockets read it.
    pub scheduled: Arc<dyn Scheduled>,
    /// Dead letters and the audit log; REST reads them, and writes what administrators decide.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// The queues of the deployment.
    pub topology: Topology,
    /// Devices that pushes go to; REST reads it.
    pub devices: Arc<dyn PushDevices>,
    /// Profiles, and credentials that no longer hold.
    pub directory: Arc<dyn Directory>,
    /// Names and pictures of people: `directory`, remembered.
    pub people: People,
    /// What gateways have sent to sessions; socket gateways write and read it.
    pub journal: Arc<dyn Journal>,
    /// Presence: who is there.
    pub presence: Arc<dyn PresenceStore>,
    /// Which gateways users are connected to; the socket gateway writes it.
    pub registry: Arc<dyn Registry>,
    /// Sends commands to the workers and brings back their results.
    pub requests: Requests,
    /// What the routes of operators ask.
    pub ops: OpsParts,
    /// Whether the broker can be used now.
    pub broker_health: watch::Receiver<Health>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Notices: what the operator was told of clients, in this process.
    pub notices: Notices,
    /// Every metric.
    pub metrics: Metrics,
    /// The settings.
    pub config: IngressConfig,
}

//! The parts of the system that the ingress is built on: the ports it uses, and its settings.

use crate::notices::Notices;
use crate::ops::OpsParts;
use crate::settings::IngressConfig;
use eventflow_bus::port::Health;
use eventflow_bus::request::Requests;
use eventflow_bus::topology::Topology;
use eventflow_metrics::Metrics;
use eventflow_ports::{
    Apart, Blobs, Clock, DeadLetters, Directory, Drafts, Erasures, Inbox, Journal, Membership, Outbound,
    People, PresenceStore, PushDevices, Registry, Reports, Scheduled, SearchIndex, Sends, Store,
    Suppressions, Uploads,
};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

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
    /// Who blocks whom, and is to hear nothing of whom; REST reads it.
    pub apart: Apart,
    /// What people report to the administrators; REST reads it.
    pub reports: Arc<dyn Reports>,
    /// Who is erased, and what is kept of a person; REST reads it.
    pub erasures: Arc<dyn Erasures>,
    /// Messages that wait for their time; REST and sockets read it.
    pub scheduled: Arc<dyn Scheduled>,
    /// Dead letters and the audit log; REST reads them, and writes what administrators decide.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// Records of uploaded files; REST reads and writes them, sockets read them.
    pub uploads: Arc<dyn Uploads>,
    /// The bytes of uploaded files; `None` in a process that does not serve REST.
    pub blobs: Option<Arc<dyn Blobs>>,
    /// Tasks that outlive their request; whoever ends the process waits for them.
    pub tasks: TaskTracker,
    /// Cancelled when the process is being shut down: uploads and downloads end then.
    pub drain: CancellationToken,
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

//! What the routes of operators ask, beside the stores: the broker, the workers' hellos, this process.

use eventflow_bus::pipeline::OwnRates;
use eventflow_bus::port::Broker;
use eventflow_bus::share::lookout::Lookout;
use eventflow_bus::topology::Topology;
use eventflow_protocol::client::answers::ProcessStatus;
use std::sync::Arc;

/// The parts of the routes of operators.
#[derive(Clone)]
pub struct OpsParts {
    /// The broker: how full its queues are.
    pub broker: Arc<dyn Broker>,
    /// The queues of the deployment.
    pub topology: Topology,
    /// Who works on them.
    pub lookout: Lookout,
    /// How fast, if this process is the whole system.
    pub rates: Option<Arc<OwnRates>>,
    /// What the process says of itself at `/status`.
    pub process: Arc<dyn Fn() -> ProcessStatus + Send + Sync>,
}

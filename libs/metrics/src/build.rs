//! What runs here: a deploy shows as a change of these labels.

use crate::MetricsError;
use crate::label::registered;
use prometheus::{IntGaugeVec, Opts, Registry};

/// The build of the process.
#[derive(Clone)]
pub struct BuildMetrics(IntGaugeVec);

impl BuildMetrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let help = "1, with the version and the revision of the program that runs.";
        let opts = Opts::new("eventflow_build_info", help);
        Ok(Self(registered(registry, IntGaugeVec::new(opts, &["version", "revision"])?)?))
    }

    /// Tells which build runs here. Both are fixed when the program is built.
    pub fn is(&self, version: &'static str, revision: &'static str) {
        self.0.with_label_values(&[version, revision]).set(1);
    }
}

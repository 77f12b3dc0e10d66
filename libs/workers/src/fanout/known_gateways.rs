//! Which gateways there are, as far as this stage has heard.

use eventflow_protocol::GatewayId;
use parking_lot::Mutex;
use std::collections::BTreeSet;

/// Gateways remembered: far more than live at a time, and so few that those that are gone cost nothing.
const REMEMBERED_MAX: usize = 1_024;

/// The gateways that the registry named lately, for when it can name none.
#[derive(Debug, Default)]
pub(super) struct KnownGateways(Mutex<BTreeSet<GatewayId>>);

impl KnownGateways {
    pub(super) fn remember<'a>(&self, gateways: impl IntoIterator<Item = &'a GatewayId>) {
        let mut known = self.0.lock();
        for gateway in gateways {
            if known.contains(gateway) {
                continue;
            }
            // Starting over loses nothing for long: the registry names gateways that live again with the next
            // events.
            if known.len() >= REMEMBERED_MAX {
                known.clear();
            }
            known.insert(gateway.clone());
        }
    }

    pub(super) fn forget(&self, gateway: &GatewayId) {
        self.0.lock().remove(gateway);
    }

    pub(super) fn all(&self) -> BTreeSet<GatewayId> {
        self.0.lock().clone()
    }
}

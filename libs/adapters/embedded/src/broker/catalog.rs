//! Every queue by name and by number.

use super::message::Slot;
use super::queue::Queue;
use eventflow_bus::topology::{Delay, GATEWAY_QUEUE_EXPIRES, QueueKind};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;

/// The queues that exist.
#[derive(Default)]
pub(super) struct Catalog {
    queues: RwLock<HashMap<String, Arc<Queue>>>,
}

impl Catalog {
    /// The queue of this name.
    pub(super) fn get(&self, name: &str) -> Option<Arc<Queue>> {
        self.queues.read().get(name).cloned()
    }

    /// Adds a queue, unless there is one of that name already.
    pub(super) fn add(&self, queue: Queue) {
        self.queues.write().entry(queue.name.clone()).or_insert_with(|| Arc::new(queue));
    }

    /// Makes the queue of a gateway exist, in memory only. `true` if it was there and had not expired.
    pub(super) fn ensure_gateway(&self, name: String) -> bool {
        let mut queues = self.queues.write();
        if let Some(queue) = queues.get(&name).filter(|queue| !queue.is_unused_for(GATEWAY_QUEUE_EXPIRES)) {
            queue.renew();
            return true;
        }
        let queue = Queue::new((name.clone(), QueueKind::Gateway, 0), Slot::start(0), 0, 0);
        queues.insert(name, Arc::new(queue));
        false
    }

    /// The queues of all live gateways. Removes those that had no consumer for too long.
    pub(super) fn gateways(&self) -> Vec<Arc<Queue>> {
        let mut queues = self.filter(|queue| queue.kind == QueueKind::Gateway);
        queues.retain(|queue| self.is_live(queue));
        queues
    }

    /// Whether the queue of a gateway has not expired. Removes it if it has.
    pub(super) fn is_live(&self, queue: &Queue) -> bool {
        let expired = queue.is_unused_for(GATEWAY_QUEUE_EXPIRES);
        if expired {
            self.remove(&queue.name);
        }
        !expired
    }

    /// Removes a queue and ends its subscriptions.
    pub(super) fn remove(&self, name: &str) {
        let removed = self.queues.write().remove(name);
        if let Some(queue) = removed {
            queue.close();
        }
    }

    /// The queues for which `wanted` is true.
    pub(super) fn filter(&self, mut wanted: impl FnMut(&Queue) -> bool) -> Vec<Arc<Queue>> {
        self.queues.read().values().filter(|queue| wanted(queue)).cloned().collect()
    }

    /// The durable queue with this number.
    pub(super) fn numbered(&self, number: i64) -> Option<Arc<Queue>> {
        self.filter(|queue| queue.number == number && queue.kind != QueueKind::Gateway).pop()
    }

    /// The ladder queue of a delay, if it was declared.
    pub(super) fn rung(&self, delay: Delay) -> Option<Arc<Queue>> {
        self.get(delay.queue())
    }
}

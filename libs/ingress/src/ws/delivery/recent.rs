//! The ids of the last events, so that an event that comes again is not delivered again.

use eventflow_protocol::event::GatewayEvent;
use eventflow_protocol::{EventId, Timestamp};
use std::collections::{HashSet, VecDeque};

/// Event ids remembered: 6 s of the system's peak of about 10,000 events/s, 50 times as long on an ordinary
/// day; 3 MB.
const RECENT_MAX: usize = 65_536;

/// The ids of the last events.
#[derive(Default)]
pub(super) struct RecentEvents {
    known: HashSet<EventId>,
    order: VecDeque<EventId>,
}

impl RecentEvents {
    /// Whether the event is new.
    pub(super) fn is_new(&self, id: EventId) -> bool {
        !self.known.contains(&id)
    }

    /// From now on the event is not new. The oldest one is forgotten when there are too many.
    pub(super) fn add(&mut self, id: EventId) {
        if !self.known.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > RECENT_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

/// Whether a delivery that comes again is left to the history. A process that is alone knows who delivered
/// it: itself, before it was killed, or nobody was there. No socket is older than the process, and what was
/// stored before a socket came is in the history it reads.
pub(super) fn is_history(delivery: &GatewayEvent, alone_since: Option<Timestamp>) -> bool {
    delivery.repeated && alone_since.is_some_and(|since| delivery.accepted_at < since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::ThreadId;
    use eventflow_protocol::event::Audience;
    use uuid::Uuid;

    #[test]
    fn an_event_is_new_once_and_the_memory_is_bounded() {
        let mut recent = RecentEvents::default();
        let first = EventId(Uuid::now_v7());
        assert!(recent.is_new(first));
        recent.add(first);
        recent.add(first);
        assert!(!recent.is_new(first));
        for _ in 0..RECENT_MAX {
            recent.add(EventId(Uuid::now_v7()));
        }
        assert_eq!((recent.known.len(), recent.order.len()), (RECENT_MAX, RECENT_MAX));
        assert!(recent.is_new(first), "the oldest is forgotten");
    }

    #[test]
    fn what_a_killed_process_may_have_delivered_is_left_to_history_only_where_nobody_else_delivers() {
        let delivery = |repeated, accepted_at| {
            let audience = Audience::Thread(ThreadId::from_bytes([1; 12]));
            let id = EventId(Uuid::now_v7());
            let mut delivery =
                GatewayEvent::new(id, audience, "message:received", "{}".into(), Timestamp(accepted_at));
            delivery.repeated = repeated;
            delivery
        };
        let started = Some(Timestamp(100));
        assert!(is_history(&delivery(true, 99), started));
        assert!(!is_history(&delivery(true, 100), started), "accepted by this process");
        assert!(!is_history(&delivery(false, 99), started), "stored by this process, from the queue");
        assert!(!is_history(&delivery(true, 99), None), "other gateways exist");
    }
}

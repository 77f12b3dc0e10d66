//! What blocks between people do to deliveries.
//!
//! A gateway forgets what a block changes before it looks who hears the rest of the batch. Of what somebody
//! does in a group (typing, receipts) those do not hear from whom a block keeps them apart, and messages come
//! to them without each other's receipts of that time.

use super::handler::{Deliveries, thread_of};
use eventflow_bus::handler::Item;
use eventflow_ports::StoreError;
use eventflow_protocol::blocks::BlockLists;
use eventflow_protocol::change::RECEIPT_PARTICIPANTS_MAX;
use eventflow_protocol::client::events::{MessagePinned, MessageUpdated, ServerEvent as _};
use eventflow_protocol::event::GatewayEvent;
use eventflow_protocol::{Participants, ThreadId, Timestamp, UserId};
use eventflow_socketio::Packet;
use serde::Deserialize as _;
use serde_json::Value;
use serde_json::value::to_raw_value;
use std::collections::{HashMap, HashSet};

/// The fields of a message that hold receipts, each with the field of a receipt that says when.
const RECEIPTS: [(&str, &str); 2] = [("readBy", "readAt"), ("deliveredTo", "deliveredAt")];

impl Deliveries {
    /// Forgets what this delivery says is other than before.
    pub(super) fn forget_changed(&self, delivery: &GatewayEvent) {
        if delivery.membership_changed
            && let Some(thread) = thread_of(delivery)
        {
            self.membership.forget(thread);
        }
        let Some(pair) = &delivery.block else { return };
        self.apart.forget(&pair.user_id);
        self.membership.forget_away(&pair.threads);
    }

    /// The lists that say who of the people of these deliveries is kept apart from whom.
    pub(super) async fn lists_for(
        &self,
        batch: &[Item<GatewayEvent>],
        people: &HashMap<ThreadId, Participants>,
    ) -> Result<BlockLists, StoreError> {
        let mut users: HashSet<&UserId> = HashSet::new();
        for delivery in batch.iter().map(|item| &item.value) {
            let Some(people) = thread_of(delivery).and_then(|thread| people.get(&thread)) else { continue };
            if let Some(actor) = &delivery.actor {
                users.insert(actor);
                users.extend(people.iter().filter(|user| self.recipients.has(user)));
            }
            if delivery.membership_changed || shows_receipts(delivery, people) {
                users.extend(people.stored());
            }
        }
        self.apart.lists(users).await
    }

    /// The delivery for each of those here who may not see some of its receipts.
    pub(super) fn without_receipts(
        &self,
        delivery: &GatewayEvent,
        people: &Participants,
        lists: &BlockLists,
    ) -> HashMap<UserId, Packet> {
        let mut packets = HashMap::new();
        if lists.is_empty() || !shows_receipts(delivery, people) {
            return packets;
        }
        for user in people.iter().filter(|user| self.recipients.has(user)) {
            let quoted = delivery.unquoted.as_ref().filter(|unquoted| unquoted.seq <= people.place_of(user));
            let payload = quoted.map_or(&delivery.payload, |unquoted| &unquoted.payload);
            let Ok(mut payload) = serde_json::from_str::<Value>(payload) else { continue };
            if take_receipts(&mut payload, user, lists)
                && let Ok(payload) = to_raw_value(&payload)
            {
                packets.insert(user.clone(), self.packet(delivery, &payload));
            }
        }
        packets
    }
}

/// Whether the delivery holds a message with its receipts.
fn shows_receipts(delivery: &GatewayEvent, people: &Participants) -> bool {
    let holds_message = [MessageUpdated::NAME, MessagePinned::NAME].contains(&delivery.name.as_str());
    holds_message && people.stored().len() <= RECEIPT_PARTICIPANTS_MAX
}

/// Takes the receipts out of a message that `viewer` may not see. `true` if there were any.
fn take_receipts(payload: &mut Value, viewer: &UserId, lists: &BlockLists) -> bool {
    let Some(message) = payload.get_mut("message") else { return false };
    let mut is_taken = false;
    for (field, time) in RECEIPTS {
        let Some(Value::Array(receipts)) = message.get_mut(field) else { continue };
        let before = receipts.len();
        receipts.retain(|receipt| {
            let user = receipt.get("userId").and_then(Value::as_str).and_then(|user| user.parse().ok());
            // One without a time that can be read counts as of now.
            let at = receipt.get(time).and_then(|at| Timestamp::deserialize(at).ok());
            let at = at.unwrap_or(Timestamp(i64::MAX));
            user.is_none_or(|user| lists.shows(viewer, &user, at))
        });
        is_taken |= receipts.len() < before;
    }
    is_taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    #[test]
    fn a_message_loses_the_later_receipts_of_those_from_whom_its_viewer_is_kept_apart() {
        let [ann, ben, cem] = ["ann", "ben", "cem"].map(|name| name.parse::<UserId>().unwrap());
        let mut lists = BlockLists::default();
        lists.add(ann.clone(), Arc::new([(ben.clone(), Timestamp(5))].into()));
        let time = |at: i64| Timestamp(at).to_iso();
        let receipt = |user: &str, field: &str, at: i64| json!({ "userId": user, field: time(at) });
        let payload = |of_ann: i64| {
            let receipts = |field: &str| json!([receipt("ann", field, of_ann), receipt("cem", field, 9)]);
            json!({ "message": { "readBy": receipts("readAt"), "deliveredTo": receipts("deliveredAt") } })
        };
        let mut seen = payload(6);
        assert!(take_receipts(&mut seen, &ben, &lists));
        assert_eq!(seen["message"]["readBy"], json!([receipt("cem", "readAt", 9)]));
        assert_eq!(seen["message"]["deliveredTo"], json!([receipt("cem", "deliveredAt", 9)]));
        let mut seen = payload(5);
        assert!(!take_receipts(&mut seen, &ben, &lists), "what was there before the block stays");
        assert_eq!(seen, payload(5));
        for viewer in [&ann, &cem] {
            let mut seen = payload(6);
            assert!(!take_receipts(&mut seen, viewer, &lists));
            assert_eq!(seen, payload(6));
        }
    }
}

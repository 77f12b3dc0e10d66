//! Dead letters as they come out of their queues: which letters a message holds, why they are dead, and where
//! a replay sends them.
//!
//! In comes a message of a `dead.*` queue, whatever somebody put there; out come letters with their reasons.
//! Nothing is refused here: what cannot be read is a letter too.

use crate::explain::explain;
use crate::port::{Headers, Outgoing};
use crate::settle::cause_of;
use crate::topology::{
    CURSORS, DEAD_PREFIX, EMAIL, FANOUT, NOTIFY, PERSIST, PRESENCE, PUSH, QueueKind, Topology, gateway_of,
};
use bytes::Bytes;
use eventflow_protocol::Timestamp;
use eventflow_protocol::command::Command;
use eventflow_protocol::dead_letters::{Arrival, Carried, Cause, DeadLetter, DeadLetterId, Work};
use eventflow_protocol::frame::{Envelope, Frame};

/// Reason of a message that a replay sends.
const REPLAYED: &str = "replayed";
/// Name under which letters of all gateways' queues are listed and counted.
pub const ANY_GATEWAY: &str = "gateway";
/// Origin of a letter that says nothing of it and is in no queue that does.
const NOWHERE: &str = "unknown";

impl Topology {
    /// The dead-letter queues of a deployment.
    pub fn dead_queues(&self) -> Vec<String> {
        let queues = self.queues().into_iter().filter(|queue| queue.kind == QueueKind::Dead);
        queues.map(|queue| queue.name).collect()
    }

    /// The queue to which a replay sends `work` that came from `origin`: the shard that its thread has now,
    /// or where it came from. `None` if there is no such queue any more.
    pub fn replay_queue(&self, origin: &str, work: &Work) -> Option<String> {
        let shard = work.subject().map(|subject| self.shard_of(&subject));
        let exists = |name: &str| self.work_queues().iter().any(|queue| queue.name == name);
        match (work, shard) {
            (Work::Command(command), Some(shard)) => Some(command_queue(command, shard)),
            (Work::Event(_), Some(shard)) => Some(FANOUT.shard(shard).name().to_owned()),
            // The shards of the fan-out stage are equal but for order, which such an event has no more.
            (Work::Event(_), None) if !exists(origin) => Some(FANOUT.shard(0).name().to_owned()),
            (Work::GatewayEvent(_), _) => gateway_of(origin).map(|_| origin.to_owned()),
            _ => exists(origin).then(|| origin.to_owned()),
        }
    }
}

/// Commands about cursors have queues of their own.
fn command_queue(command: &Command, shard: u16) -> String {
    let queue = if command.moves_a_cursor() { CURSORS.shard(shard) } else { PERSIST.shard(shard) };
    queue.name().to_owned()
}

/// What the envelopes of a queue carry.
pub fn carried_by(queue: &str) -> Carried {
    let stage = queue.split_once('.').map_or(queue, |(stage, _)| stage);
    let sharded = [
        (PERSIST.stage(), Carried::Command),
        (CURSORS.stage(), Carried::Command),
        (FANOUT.stage(), Carried::Event),
        (ANY_GATEWAY, Carried::GatewayEvent),
    ];
    let plain = [
        (NOTIFY.name().to_owned(), Carried::NotifyJob),
        (EMAIL.name().to_owned(), Carried::WindowJob),
        (PUSH.name().to_owned(), Carried::PushJob),
        (PRESENCE.name().to_owned(), Carried::DeviceSignal),
    ];
    let of_stage = sharded.into_iter().find(|(name, _)| *name == stage).map(|(_, carried)| carried);
    let of_queue = plain.into_iter().find(|(name, _)| name == queue).map(|(_, carried)| carried);
    of_stage.or(of_queue).unwrap_or(Carried::Message)
}

/// The letters that a message of the dead-letter queue `dead` holds: one for each envelope, or one for the
/// whole message if it is no frame.
pub fn letters_in(dead: &str, (payload, headers): (&Bytes, &Headers), now: Timestamp) -> Vec<Arrival> {
    let origin = origin_of(dead, headers);
    let place = Place { dead, origin: &origin, headers, now };
    match Frame::decode(payload) {
        Ok(frame) if !frame.items.is_empty() => {
            frame.items.into_iter().map(|envelope| place.letter_of(envelope)).collect()
        }
        Ok(_) => vec![place.whole(payload, "the frame is empty".to_owned())],
        Err(error) => vec![place.whole(payload, explain(&error))],
    }
}

/// Why a letter cannot be sent back; it repeats no contents.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotReplayable(pub String);

/// The queue to which a replay sends a letter with this body, and the message. Its envelope has its id and no
/// attempts; its reason tells handlers that the work may have been done in part.
pub fn replayed(
    topology: &Topology,
    letter: &DeadLetter,
    body: Bytes,
) -> Result<(String, Outgoing), NotReplayable> {
    let DeadLetterId { carried, envelope: id } = letter.id;
    let work = Work::read(carried, &body).map_err(|error| NotReplayable(explain(&error)))?;
    let queue = topology.replay_queue(&letter.origin, &work);
    let queue = queue.ok_or_else(|| NotReplayable(format!("the queue {} is gone", letter.queue)))?;
    let frame = Frame::of(Envelope { id, attempt: 0, body, trace: None });
    let payload = frame.encode().map_err(|error| NotReplayable(explain(&error)))?;
    let headers = Headers { attempt: 0, reason: Some(REPLAYED.to_owned()), origin: Some(queue.clone()) };
    Ok((queue.clone(), Outgoing { headers, ..Outgoing::to_queue(queue, payload) }))
}

/// Where letters came from: as their message says, else as the name of its queue says.
fn origin_of(dead: &str, headers: &Headers) -> String {
    let from_name = dead.strip_prefix(DEAD_PREFIX).unwrap_or(NOWHERE);
    headers.origin.clone().filter(|origin| !origin.is_empty()).unwrap_or_else(|| from_name.to_owned())
}

/// The queue, as letters are listed by it.
fn listed(origin: &str) -> String {
    if gateway_of(origin).is_some() { ANY_GATEWAY.to_owned() } else { origin.to_owned() }
}

/// Where a message was found.
struct Place<'a> {
    dead: &'a str,
    origin: &'a str,
    headers: &'a Headers,
    now: Timestamp,
}

impl Place<'_> {
    fn letter_of(&self, envelope: Envelope) -> Arrival {
        let carried = carried_by(self.origin);
        let work = Work::read(carried, &envelope.body);
        let unsaid = work.as_ref().err().map(|error| explain(error)).unwrap_or_default();
        let said = cause_of(self.headers.reason.as_deref());
        Arrival {
            id: DeadLetterId::of_envelope(carried, envelope.id),
            cause: if work.is_ok() { said } else { Cause::Unreadable },
            kind: work.ok().map(|work| work.kind()),
            reason: self.said().unwrap_or(unsaid),
            attempts: envelope.attempt.max(self.headers.attempt),
            body: envelope.body,
            ..self.empty()
        }
    }

    fn whole(&self, payload: &Bytes, error: String) -> Arrival {
        Arrival {
            id: DeadLetterId::of_message(self.dead, payload),
            reason: self.said().unwrap_or(error),
            attempts: self.headers.attempt,
            body: payload.clone(),
            ..self.empty()
        }
    }

    /// The reason that the message gives.
    fn said(&self) -> Option<String> {
        self.headers.reason.clone().filter(|reason| !reason.is_empty())
    }

    fn empty(&self) -> Arrival {
        Arrival {
            id: DeadLetterId::of_message(self.dead, &[]),
            queue: listed(self.origin),
            origin: self.origin.to_owned(),
            kind: None,
            cause: Cause::Unreadable,
            reason: String::new(),
            attempts: 0,
            body: Bytes::new(),
            at: self.now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::command::LeaveThread;
    use eventflow_protocol::{GatewayId, ThreadId, codec};
    use uuid::Uuid;

    fn letters(payload: &Bytes, reason: Option<&str>) -> Vec<Arrival> {
        let headers =
            Headers { attempt: 3, reason: reason.map(str::to_owned), origin: Some("persist.1".to_owned()) };
        letters_in("dead.persist.1", (payload, &headers), Timestamp(9))
    }

    fn leave() -> Command {
        let thread_id = ThreadId::from_bytes([7; 12]);
        Command::LeaveThread(LeaveThread { thread_id, user_id: "ann".parse().unwrap(), at: Timestamp(1) })
    }

    fn envelope(body: Bytes) -> Envelope {
        Envelope { id: Uuid::from_u128(5), attempt: 7, body, trace: None }
    }

    #[test]
    fn every_queue_of_the_topology_has_something_to_carry() {
        for queue in Topology::new(3).work_queues() {
            assert_ne!(carried_by(&queue.name), Carried::Message, "{}", queue.name);
        }
        assert_eq!(carried_by(crate::topology::gateway(&GatewayId::new()).name()), Carried::GatewayEvent);
        assert_eq!(carried_by("strange"), Carried::Message);
        assert_eq!(Topology::new(3).dead_queues().len(), Topology::new(3).work_queues().len() + 1);
    }

    #[test]
    fn a_letter_says_what_it_is_and_why_it_is_dead() {
        let frame = Frame::of(envelope(codec::encode(&leave()).unwrap())).encode().unwrap();
        let letters = letters(&frame, Some("the store said no"));
        let [letter] = &letters[..] else { panic!("one letter") };
        assert_eq!(
            (letter.kind.as_deref(), letter.cause, letter.attempts),
            (Some("leave_thread"), Cause::Refused, 7)
        );
        assert_eq!((letter.queue.as_str(), letter.id.envelope), ("persist.1", Uuid::from_u128(5)));
    }

    #[test]
    fn what_nobody_can_read_is_a_letter_with_its_bytes() {
        let bad_body = Frame::of(envelope(Bytes::from_static(b"\x01junk"))).encode().unwrap();
        for payload in [bad_body, Bytes::from_static(b"no frame"), Bytes::new()] {
            let letters = letters(&payload, None);
            let [letter] = &letters[..] else { panic!("one letter") };
            assert_eq!((letter.cause, &letter.kind), (Cause::Unreadable, &None));
            assert!(!letter.reason.is_empty());
            assert!(letter.body == payload || letter.body.as_ref() == b"\x01junk");
        }
    }

    #[test]
    fn a_replayed_letter_keeps_its_id_and_starts_again() {
        let frame = Frame::of(envelope(codec::encode(&leave()).unwrap())).encode().unwrap();
        let letter = DeadLetter::new(&letters(&frame, Some("no"))[0]);
        let body = codec::encode(&leave()).unwrap();
        let (queue, message) = replayed(&Topology::new(1), &letter, body.clone()).unwrap();
        let sent = Frame::decode(&message.payload).unwrap();
        assert_eq!(sent.items, [Envelope { attempt: 0, ..envelope(body) }]);
        assert_eq!((queue.as_str(), message.headers.is_published_again()), ("persist.0", true));
        let refused = replayed(&Topology::new(1), &letter, Bytes::from_static(b"\x01junk")).unwrap_err();
        assert!(refused.to_string().contains("decode a body"), "{refused}");
    }

    #[test]
    fn a_replay_goes_to_the_shard_that_its_thread_has_now() {
        let work = Work::Command(Box::new(leave()));
        for shards in [1, 4, 8] {
            let topology = Topology::new(shards);
            let expected = PERSIST.shard(topology.shard_of(&leave().subject()));
            assert_eq!(topology.replay_queue("persist.63", &work).as_deref(), Some(expected.name()));
        }
        let gone = Work::NotifyJob(eventflow_protocol::outbound::NotifyJob::Read {
            user_id: "ann".parse().unwrap(),
            thread_id: ThreadId::from_bytes([7; 12]),
            up_to: 1,
        });
        assert_eq!(Topology::new(1).replay_queue("notify", &gone).as_deref(), Some("notify"));
        assert_eq!(Topology::new(1).replay_queue("nowhere", &gone), None);
    }
}

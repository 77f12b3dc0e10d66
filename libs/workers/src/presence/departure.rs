//! Departures: jobs for the decision about people whose last device has gone.
//!
//! Sockets that died took messages with them that nobody has seen, and the fan-out stage still saw their
//! owner as connected. So for everybody who is offline now the decision looks for what came shortly before.
//! It looks once more when the gateway has given up the sessions that waited for a return: until then the
//! fan-out stage takes their owner for connected. Safe to repeat because the decision tells nobody anything
//! twice.

use crate::fanout::absent::envelope;
use eventflow_bus::port::{Destination, Outgoing};
use eventflow_bus::topology::{Delay, NOTIFY};
use eventflow_protocol::frame::Frame;
use eventflow_protocol::outbound::NotifyJob;
use eventflow_protocol::presence::{Presence, Status};
use eventflow_protocol::{Timestamp, UserId};
use std::time::Duration;

/// How far back a dead socket may have swallowed messages: the lease of its device, 75 s, and the time that a
/// missing pong takes to be noticed, 45 s, with room for a late sweep.
const LOOK_BACK: Duration = Duration::from_mins(3);
/// When the decision looks again: sessions wait two minutes for their client, from the same moment on or
/// shortly before.
const SECOND_LOOK: Delay = Delay::TwoMinutes;

/// The people of these changes who are offline now.
pub(super) fn departed<'a>(changes: impl Iterator<Item = &'a Presence>) -> Vec<UserId> {
    changes.filter(|change| change.status == Status::Offline).map(|change| change.user_id.clone()).collect()
}

/// The jobs about these people, each for now and for later.
pub(super) fn jobs(departed: &[UserId], now: Timestamp) -> Vec<Outgoing> {
    let job =
        |user: &UserId| NotifyJob::Departed { user_id: user.clone(), since: now.minus(LOOK_BACK), at: now };
    let queue = NOTIFY.name().to_owned();
    let places = [Destination::Queue(queue.clone()), Destination::Retry { delay: SECOND_LOOK, queue }];
    let frames = Frame::pack(departed.iter().map(job).map(|job| envelope(&job)));
    let to_all_places = frames.iter().flat_map(|frame| places.clone().map(|place| (place, frame)));
    let message = |(to, frame)| Outgoing::of_frame(to, frame).expect("envelopes of bytes always encode");
    to_all_places.map(message).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::codec;

    #[test]
    fn whoever_has_gone_makes_a_job_for_now_and_one_for_later() {
        let presence =
            |name: &str, status| Presence { user_id: name.parse().unwrap(), status, last_seen: None };
        let changes = [
            presence("ann", Status::Online),
            presence("bob", Status::Offline),
            presence("cleo", Status::Away),
        ];
        let gone = departed(changes.iter());
        assert_eq!(gone.iter().map(UserId::as_str).collect::<Vec<_>>(), ["bob"]);
        let messages = jobs(&gone, Timestamp(1_000_000));
        let queue = "notify".to_owned();
        assert_eq!(
            messages.iter().map(|message| message.to.clone()).collect::<Vec<_>>(),
            [Destination::Queue(queue.clone()), Destination::Retry { delay: Delay::TwoMinutes, queue }]
        );
        for message in messages {
            let [envelope] = Frame::decode(&message.payload).unwrap().items.try_into().unwrap();
            let job: NotifyJob = codec::decode(&envelope.body).unwrap();
            let NotifyJob::Departed { since, at, .. } = job else { panic!("{job:?}") };
            assert_eq!((since, at), (Timestamp(820_000), Timestamp(1_000_000)));
        }
        assert!(jobs(&[], Timestamp(0)).is_empty());
    }
}

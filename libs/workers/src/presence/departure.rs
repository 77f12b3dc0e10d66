//! Departures: jobs for the decision about people whose last device has gone or is idle, or whose line broke.
//!
//! Sockets that died took messages with them that nobody has seen, and the fan-out stage still saw their
//! owner as connected. So for everybody who is offline now the decision looks for what came since they were
//! last active, and at least for what came shortly before. Whoever is away is looked at too: the decision
//! asks whether they want that. Somebody whose line broke may be back in a moment, so the decision looks a
//! little later, and finds whether they are.
//!
//! The fan-out stage may take somebody for connected some seconds longer, so the decision looks again after
//! that; and once more when the gateway has given up the sessions that waited for a return, for what came
//! while nobody could say who looks. Safe to repeat because the decision tells nobody anything twice.

use crate::fanout::absent::envelope;
use eventflow_bus::port::{Destination, Outgoing};
use eventflow_bus::topology::{Delay, NOTIFY};
use eventflow_protocol::outbound::NotifyJob;
use eventflow_protocol::presence::{Presence, Status};
use eventflow_protocol::{Timestamp, UserId};
use std::time::Duration;

/// How far back a dead socket may have swallowed messages: the lease of its device, 75 s, and the time that a
/// missing pong takes to be noticed, 45 s, with room for a late sweep.
const LOOK_BACK: Duration = Duration::from_mins(3);
/// When the decision looks at somebody whose line broke, and again at somebody who has gone: most lines are
/// back by then, and the fan-out stage knows of a departure.
const SOON: Delay = Delay::FiveSeconds;
/// When the decision looks at somebody who has gone for the last time: sessions wait two minutes for their
/// client, from the same moment on or shortly before.
const LATE: Delay = Delay::TwoMinutes;

/// The changes of people who do not look any more.
pub(super) fn departed<'a>(changes: impl Iterator<Item = &'a Presence>) -> Vec<Presence> {
    changes.filter(|change| change.status != Status::Online).cloned().collect()
}

/// The jobs about these people: each for now, and for later if somebody has gone.
pub(super) fn jobs(departed: &[Presence], now: Timestamp) -> Vec<Outgoing> {
    let job = |gone: &Presence| {
        let shortly_before = now.minus(LOOK_BACK);
        let since = gone.last_seen.map_or(shortly_before, |seen| seen.min(shortly_before));
        envelope(&NotifyJob::Departed { user_id: gone.user_id.clone(), since, at: now })
    };
    let gone = || departed.iter().filter(|one| one.status == Status::Offline);
    let queue = Destination::Queue(NOTIFY.name().to_owned());
    let mut messages = Outgoing::of_envelopes(&queue, departed.iter().map(job));
    messages.extend(Outgoing::of_envelopes(&after(SOON), gone().map(job)));
    messages.extend(Outgoing::of_envelopes(&after(LATE), gone().map(job)));
    messages
}

/// The jobs about these people, whose lines broke.
pub(super) fn jobs_of_broken_lines(users: &[UserId], now: Timestamp) -> Vec<Outgoing> {
    let job = |user: &UserId| {
        envelope(&NotifyJob::Departed { user_id: user.clone(), since: now.minus(LOOK_BACK), at: now })
    };
    Outgoing::of_envelopes(&after(SOON), users.iter().map(job))
}

fn after(delay: Delay) -> Destination {
    Destination::Retry { delay, queue: NOTIFY.name().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::codec;
    use eventflow_protocol::frame::Frame;

    #[test]
    fn whoever_has_gone_makes_a_job_for_now_and_two_for_later() {
        let presence = |name: &str, status, last_seen| Presence {
            user_id: name.parse().unwrap(),
            status,
            last_seen: Some(Timestamp(last_seen)),
        };
        let changes = [
            presence("ann", Status::Online, 999_000),
            presence("bob", Status::Offline, 999_000),
            presence("cleo", Status::Away, 999_000),
        ];
        let gone = departed(changes.iter());
        assert_eq!(gone.iter().map(|one| one.user_id.as_str()).collect::<Vec<_>>(), ["bob", "cleo"]);
        assert_eq!(jobs(&gone[1..], Timestamp(1_000_000)).len(), 1, "who is away is looked at once");
        let messages = jobs(&gone[..1], Timestamp(1_000_000));
        assert_eq!(
            messages.iter().map(|message| message.to.clone()).collect::<Vec<_>>(),
            [Destination::Queue("notify".to_owned()), after(Delay::FiveSeconds), after(Delay::TwoMinutes)]
        );
        assert_eq!(since(&messages), [820_000; 3], "active until shortly before");
        let idle = [presence("bob", Status::Offline, 5)];
        assert_eq!(since(&jobs(&idle, Timestamp(1_000_000))), [5; 3], "the page was open, and nobody looked");
        assert!(jobs(&[], Timestamp(0)).is_empty());
    }

    fn since(messages: &[Outgoing]) -> Vec<i64> {
        let since = |message: &Outgoing| {
            let [envelope] = Frame::decode(&message.payload).unwrap().items.try_into().unwrap();
            let job: NotifyJob = codec::decode(&envelope.body).unwrap();
            let NotifyJob::Departed { since, .. } = job else { panic!("{job:?}") };
            since.0
        };
        messages.iter().map(since).collect()
    }
}

//! A night of quiet hours, over which the clocks change, from the message to the mail: twenty messages are
//! one mail, right after the end.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[allow(dead_code, reason = "other tests use the rest of it")]
mod mail_desk;

use eventflow_bus::handler::{BatchHandler, Item};
use eventflow_bus::port::Broker;
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::Topology;
use eventflow_embedded::{Database, EmbeddedBroker};
use eventflow_metrics::Metrics;
use eventflow_ports::store_contract::fixtures::{Scene, append};
use eventflow_ports::{
    Clock, DeliveriesOf, DeliveryPage, Directory, ErasedPeople, Inbox, MemoryPresence, Outbound,
};
use eventflow_protocol::Timestamp;
use eventflow_protocol::inbox::{Preferences, SetPreferences};
use eventflow_protocol::outbound::{Channel, DeliveryOutcome, NotifyJob, Window};
use eventflow_protocol::person::Profile;
use eventflow_protocol::schedule::{QuietHours, TimeZoneName};
use eventflow_workers::notify::dispatch::{Dispatcher, DispatcherParts};
use eventflow_workers::notify::{Decision, DecisionParts, Grace};
use mail_desk::{Desk, NOW, job};
use std::sync::Arc;
use std::time::Duration;

/// Messages of a night.
const MESSAGES: i64 = 20;

/// Nights of the year after [`NOW`] in which the clocks change, in order: the person by whose clocks it is
/// night (1 lives in Berlin, 2 in New York), when the quiet hours begin, and when they end.
const NIGHTS: [(usize, &str, &str); 4] = [
    (2, "2027-03-14T03:00:00.000Z", "2027-03-14T11:00:00.000Z"),
    (1, "2027-03-27T21:00:00.000Z", "2027-03-28T05:00:00.000Z"),
    (1, "2027-10-30T20:00:00.000Z", "2027-10-31T06:00:00.000Z"),
    (2, "2027-11-07T02:00:00.000Z", "2027-11-07T12:00:00.000Z"),
];

/// What stands between a message and its mail.
struct Way {
    desk: Desk,
    decision: Decision,
    dispatcher: Dispatcher,
    _folder: tempfile::TempDir,
}

impl Way {
    async fn new() -> Self {
        let desk = Desk::new().await;
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open_in(folder.path()).unwrap();
        let broker: Arc<dyn Broker> =
            Arc::new(EmbeddedBroker::open(database, desk.clock.clone()).await.unwrap());
        broker.declare(&Topology::new(1)).await.unwrap();
        let parts = DecisionParts {
            outbound: desk.store.clone(),
            store: desk.store.clone(),
            inbox: desk.store.clone(),
            erased: ErasedPeople::new(desk.store.clone()),
            directory: desk.store.clone(),
            devices: desk.store.clone(),
            presence: Arc::new(MemoryPresence::default()),
            broker: broker.clone(),
            clock: desk.clock.clone(),
            topology: Topology::new(1),
            grace: Grace { email: Duration::from_mins(1), push: Duration::from_secs(10) },
        };
        let decision = Decision::open(parts, &Metrics::default()).await.unwrap();
        let parts = DispatcherParts {
            outbound: desk.store.clone(),
            broker,
            clock: desk.clock.clone(),
            log_kept: Duration::from_hours(24),
        };
        let dispatcher = Dispatcher::open(Channel::Email, parts).await.unwrap();
        Self { desk, decision, dispatcher, _folder: folder }
    }

    fn go_to(&self, at: Timestamp) {
        self.desk.clock.advance(at.0 - self.desk.clock.now().0);
    }

    /// The window into which the last message for this person went.
    async fn waiting(&self, scene: &Scene, who: usize) -> Window {
        let page = DeliveryPage { after: None, limit: 10 };
        let of = DeliveriesOf::User(scene.people[who].clone());
        let rows = self.desk.store.deliveries_of(&of, page).await.unwrap();
        let row = rows.iter().find(|row| row.channel == Channel::Email).unwrap();
        self.desk.store.window(row.window_id.unwrap()).await.unwrap().unwrap()
    }

    /// The first person writes while this one is absent.
    async fn say(&self, scene: &Scene, absent: usize) {
        let now = self.desk.clock.now();
        let mut new = scene.say(0, "at night");
        new.send.at = now;
        let message = append(&*self.desk.store, &[new]).await.remove(0);
        let value = NotifyJob::Message {
            thread_id: scene.thread,
            message_id: message.id,
            seq: message.seq,
            sender: scene.people[0].clone(),
            at: now,
            away: false,
            mention: false,
            absent: vec![scene.people[absent].clone()],
        };
        let item =
            Item { id: value.id(), attempt: 0, redelivered: false, value, reply_to: None, trace: None };
        let performed = self.decision.perform(&[item]).await.unwrap();
        assert_eq!(performed.outcomes, [Outcome::Done]);
        self.decision.announce(&performed.outbox).await.unwrap();
    }
}

/// Lets somebody live in a time zone, with quiet hours from ten in the evening to seven in the morning.
async fn lives_in(desk: &Desk, scene: &Scene, who: usize, zone: &str) {
    let user_id = scene.people[who].clone();
    let (from, until) = ("22:00".parse().unwrap(), "07:00".parse().unwrap());
    let preferences = Preferences {
        quiet_hours: QuietHours { enabled: true, from, until },
        time_zone: TimeZoneName::known(zone).unwrap(),
        updated_at: Some(NOW),
        ..Preferences::default()
    };
    let profile = Profile {
        id: user_id.clone(),
        name: zone.to_owned(),
        avatar: None,
        email: Some(format!("person{who}@example.com")),
        role: None,
    };
    desk.store.put_profile(&profile).await.unwrap();
    desk.store.set_preferences(&SetPreferences { user_id, preferences }).await.unwrap();
}

#[tokio::test]
async fn a_night_over_which_the_clocks_change_ends_in_one_mail_at_its_end() {
    let mut way = Way::new().await;
    let scene = Scene::with_people(&*way.desk.store, 3).await;
    lives_in(&way.desk, &scene, 1, "Europe/Berlin").await;
    lives_in(&way.desk, &scene, 2, "America/New_York").await;
    for (mails_before, (sleeper, begin, end)) in NIGHTS.into_iter().enumerate() {
        let [begin, end] = [begin, end].map(|iso| Timestamp::from_iso(iso).unwrap());
        let step = (end.0 - begin.0) / MESSAGES;
        for n in 0..MESSAGES {
            way.go_to(Timestamp(begin.0 + n * step));
            way.say(&scene, sleeper).await;
            assert_eq!(way.dispatcher.dispatch().await.unwrap(), 0, "{}", end.to_iso());
        }
        way.go_to(Timestamp(end.0 - 1));
        assert_eq!(way.dispatcher.dispatch().await.unwrap(), 0, "a millisecond before {}", end.to_iso());
        way.go_to(end);
        let window = way.waiting(&scene, sleeper).await;
        assert_eq!((window.due_at, window.items.len()), (end, 20), "{}", end.to_iso());
        assert_eq!(way.dispatcher.dispatch().await.unwrap(), 1, "one at {}", end.to_iso());
        assert_eq!(way.desk.worker.perform(&[job(&window)]).await.unwrap().outcomes, [Outcome::Done]);
        let mails = way.desk.mails();
        assert_eq!(mails.len(), mails_before + 1);
        let mail = &mails[mails_before];
        assert_eq!(mail.to.address.as_str(), format!("person{sleeper}@example.com"));
        assert!(mail.text.contains("20 new messages"), "{}", mail.text);
        let sent = way.desk.outcomes(&scene.people[sleeper]).await;
        let is_sent = |outcome: &&DeliveryOutcome| matches!(outcome, DeliveryOutcome::Sent { .. });
        assert!(sent.iter().filter(is_sent).count() >= 20, "{sent:?}");
        way.go_to(end.plus(Duration::from_hours(12)));
        assert_eq!(way.dispatcher.dispatch().await.unwrap(), 0, "and nothing later");
    }
}

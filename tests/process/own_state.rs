//! Own state: what a person does to their notifications and preferences is announced to their other devices.

use super::stage::{embedded, parts_over};
use eventflow_bus::handler::{BatchHandler, Item};
use eventflow_bus::port::Broker;
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::{FANOUT, PERSIST};
use eventflow_metrics::Metrics;
use eventflow_ports::store_contract::fixtures::{at, fresh_people};
use eventflow_protocol::command::Command;
use eventflow_protocol::event::Event;
use eventflow_protocol::frame::Frame;
use eventflow_protocol::inbox::{
    ChangeNotifications, Channels, NotificationChange, Notify, Preferences, SetPreferences,
};
use eventflow_protocol::preferences::{
    ChangePreferences, ChannelsChange, PreferenceFields, PreferencesChange, QuietHoursChange,
};
use eventflow_protocol::{CommandId, NotificationId, UserId, codec};
use eventflow_workers::persistence::Persistence;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// A persistence stage on embedded backends, and the queue that it announces to.
struct Announcing {
    _folder: TempDir,
    stage: Persistence,
    broker: Arc<dyn Broker>,
}

impl Announcing {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, broker) = embedded(folder.path()).await;
        let parts = parts_over(store, Arc::clone(&broker));
        let stage = Persistence::open(&PERSIST, 0, parts, &Metrics::default()).await.unwrap();
        Self { _folder: folder, stage, broker }
    }

    /// Carries out a batch. Gives what it announces.
    async fn carry_out(&self, batch: &[Item<Command>]) -> Vec<Event> {
        let performed = self.stage.perform(batch).await.unwrap();
        self.stage.announce(&performed.outbox).await.unwrap();
        let mut told = self.broker.subscribe(FANOUT.shard(0).name(), 1).await.unwrap();
        let frame = timeout(PATIENCE, told.next()).await.expect("something is announced").unwrap();
        told.ack(&[frame.tag]).await.unwrap();
        let items = Frame::decode(&frame.payload).unwrap().items;
        items.iter().map(|item| codec::decode(&item.body).unwrap()).collect()
    }
}

fn item(command: Command) -> Item<Command> {
    let id = CommandId::new().0;
    Item { id, attempt: 0, redelivered: false, value: command, reply_to: None, trace: None }
}

fn tell(user: &UserId, seconds: i64) -> Item<Command> {
    item(Command::Notify(Notify {
        user_id: user.clone(),
        kind: "news".to_owned(),
        title: "t".to_owned(),
        text: String::new(),
        data: serde_json::Map::new(),
        thread_id: None,
        key: None,
        typed: None,
        at: at(seconds),
    }))
}

fn change(user: &UserId, id: Option<NotificationId>, change: NotificationChange) -> Item<Command> {
    let user_id = user.clone();
    item(Command::ChangeNotifications(ChangeNotifications {
        user_id,
        notification_id: id,
        change,
        at: at(100),
    }))
}

fn unread(events: &mut [Event]) -> Vec<Option<u64>> {
    events.iter_mut().map(|event| *event.unread_notifications().expect("it tells the number").1).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_come_with_the_number_of_unread_ones_as_it_is_after_the_batch() {
    let (system, people) = (Announcing::new().await, fresh_people(2));
    let batch = [tell(&people[0], 1), tell(&people[1], 1), tell(&people[0], 2)];
    let mut events = system.carry_out(&batch).await;
    assert_eq!(unread(&mut events), [Some(2), Some(1), Some(2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_or_deletes_notifications_is_told_on_every_device_and_what_changes_nothing_is_no_news() {
    let (system, user) = (Announcing::new().await, fresh_people(1).remove(0));
    let told: Vec<_> = (1..=3).map(|seconds| tell(&user, seconds)).collect();
    system.carry_out(&told).await;
    let id = |n: usize| Some(NotificationId::from(CommandId(told[n].id)));
    let nothing = change(&user, id(0), NotificationChange::Read);
    let again = Item { redelivered: true, ..change(&user, id(0), NotificationChange::Read) };
    let batch = [
        change(&user, id(0), NotificationChange::Read),
        nothing,
        again,
        change(&user, id(1), NotificationChange::Delete),
    ];
    let mut events = system.carry_out(&batch).await;
    assert_eq!(unread(&mut events), [Some(1); 3], "{events:?}");
    let changed: Vec<_> = events
        .iter()
        .map(|event| match event {
            Event::NotificationsChanged { notification_id, change, .. } => (*notification_id, *change),
            other => panic!("{other:?}"),
        })
        .collect();
    let read = (id(0), NotificationChange::Read);
    assert_eq!(changed, [read, read, (id(1), NotificationChange::Delete)], "one may have been announced");
    let mut events = system.carry_out(&[change(&user, None, NotificationChange::Read)]).await;
    assert_eq!(unread(&mut events), [Some(0)]);
    assert!(matches!(events[..], [Event::NotificationsChanged { notification_id: None, .. }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_wishes_the_one_that_is_carried_out_last_counts_whichever_clock_was_ahead() {
    let (system, user) = (Announcing::new().await, fresh_people(1).remove(0));
    let wish = |seconds, push| {
        let channels = Channels { push, ..Channels::default() };
        let preferences = Preferences { channels, updated_at: Some(at(seconds)), ..Preferences::default() };
        item(Command::SetPreferences(SetPreferences { user_id: user.clone(), preferences }))
    };
    let events = system.carry_out(&[wish(2, false), wish(1, true)]).await;
    let told: Vec<_> = events
        .iter()
        .map(|event| match event {
            Event::PreferencesChanged { user_id, preferences, .. } if *user_id == user => {
                (preferences.channels.push, preferences.updated_at)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let later = at(2).plus(Duration::from_millis(1));
    assert_eq!(told, [(false, Some(at(2))), (true, Some(later))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_preferences_are_made_in_order_and_told_as_they_are_stored_and_a_misfit_is_no_news() {
    let (system, user) = (Announcing::new().await, fresh_people(1).remove(0));
    let wish = |change| {
        let (user_id, at) = (user.clone(), at(1));
        item(Command::ChangePreferences(ChangePreferences { user_id, change, at }))
    };
    let fields = |fields| wish(PreferencesChange::Fields(fields));
    let email = |email| PreferenceFields {
        channels: ChannelsChange { email: Some(email), ..ChannelsChange::default() },
        ..PreferenceFields::default()
    };
    let locale = PreferenceFields { locale: Some("de".to_owned()), ..PreferenceFields::default() };
    let stored_end = Preferences::default().quiet_hours.until;
    let misfit = QuietHoursChange { enabled: true, from: Some(stored_end), until: None };
    let misfit = PreferenceFields { quiet_hours: Some(misfit), ..PreferenceFields::default() };
    let batch = [
        fields(locale),
        fields(email(false)),
        fields(email(true)),
        fields(misfit),
        wish(PreferencesChange::StopMails),
    ];
    let performed = system.stage.perform(&batch).await.unwrap();
    assert_eq!(performed.outcomes, vec![Outcome::Done; batch.len()], "a misfit is refused for good");
    let mut told: Vec<_> = system
        .carry_out(&batch)
        .await
        .into_iter()
        .map(|event| match event {
            Event::PreferencesChanged { user_id, preferences, .. } if user_id == user => *preferences,
            other => panic!("{other:?}"),
        })
        .collect();
    let mails: Vec<_> = told.iter().map(|preferences| preferences.channels.email).collect();
    assert_eq!(mails, [false, false, true, false], "the batch came before, hence the first one");
    assert!(told.iter().all(|preferences| preferences.locale == "de" && !preferences.quiet_hours.enabled));
    assert!(told.is_sorted_by_key(|preferences| preferences.updated_at));
    told.dedup_by_key(|preferences| preferences.updated_at);
    assert_eq!(told.len(), 4, "each is later than the one before");
}

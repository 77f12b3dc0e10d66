//! Jobs for the decision: which of a batch's events concern people who have no live socket.
//!
//! A message makes a job for each five hundred recipients without a socket, and for each five hundred who are
//! away from theirs; none if everybody looks. Whoever the registry names is connected, also while it may have
//! lost others, unless presence says that none of their lines is live. Whoever it does not name counts as
//! absent, and that is everybody while it is away: presence is asked again before anything is sent. A read
//! cursor makes a job only if this stage has told that person of the thread since they last read it, or does
//! not know whether it has. Repeating a job changes nothing.

use super::inattentive::NotLooking;
use eventflow_bus::handler::Item;
use eventflow_ports::Located;
use eventflow_protocol::Participants;
use eventflow_protocol::change::Cursor;
use eventflow_protocol::document::Message;
use eventflow_protocol::event::Event;
use eventflow_protocol::frame::Envelope;
use eventflow_protocol::outbound::{ABSENT_MAX, NotifyJob};
use eventflow_protocol::{ThreadId, Timestamp, UserId, codec};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};

/// People and threads that are remembered as read: about 10 MB. Beyond that the stage forgets them all, which
/// costs one needless job each.
const READ_MAX: usize = 100_000;

/// Makes jobs of events.
#[derive(Debug, Default)]
pub(super) struct Absent {
    /// Who has read which thread, and was told nothing of it since.
    read: Mutex<HashSet<(UserId, ThreadId)>>,
}

impl Absent {
    /// The jobs of a batch, each with what its event's trace continues with. `people` are those of its
    /// threads.
    pub(super) fn jobs(
        &self,
        batch: &[Item<Event>],
        people: &HashMap<ThreadId, Participants>,
        located: &Located,
        not_looking: &NotLooking,
    ) -> Vec<Envelope> {
        let mut envelopes = Vec::new();
        for item in batch {
            let jobs = match &item.value {
                Event::MessageStored { message, .. } => {
                    self.of_message(message, people, located, not_looking)
                }
                Event::MessageChanged { mentioned, .. } if mentioned.is_empty() => Vec::new(),
                Event::MessageChanged { message, mentioned, at, .. } => {
                    let said = Said { message, at: *at, mention: true };
                    let is_mentioned = |user: &UserId| mentioned.contains(user);
                    self.of_said(said, people, located, not_looking, is_mentioned)
                }
                Event::NotificationStored { notification, .. } => vec![NotifyJob::Notification {
                    user_id: notification.user_id.clone(),
                    notification_id: notification.id,
                    at: notification.created_at,
                }],
                Event::NotificationsChanged { user_id, notification_id, at, .. } => {
                    vec![NotifyJob::NotificationsRead {
                        user_id: user_id.clone(),
                        notification_id: *notification_id,
                        read_at: *at,
                    }]
                }
                Event::PreferencesChanged { user_id, preferences, .. } => {
                    let at = preferences.updated_at.unwrap_or_default();
                    vec![NotifyJob::PreferencesChanged { user_id: user_id.clone(), at }]
                }
                Event::ToldOutside { thread_id, user_id, .. } => {
                    self.read.lock().remove(&(user_id.clone(), *thread_id));
                    Vec::new()
                }
                Event::CursorAdvanced { thread_id, user_id, cursor: Cursor::Read, up_to, .. } => {
                    self.of_reader(user_id, *thread_id, *up_to).into_iter().collect()
                }
                Event::CursorAdvanced { cursor: Cursor::Delivered, .. }
                | Event::ThreadCreated { .. }
                | Event::ParticipantLeft { .. }
                | Event::MembersAdded { .. }
                | Event::GroupChanged { .. }
                | Event::ThreadChanged { .. }
                | Event::BlockChanged { .. }
                | Event::DraftSaved { .. }
                | Event::ScheduledChanged { .. }
                | Event::PresenceChosen { .. }
                | Event::Typing { .. }
                | Event::GatewayUnlisted { .. }
                | Event::Revoked { .. } => Vec::new(),
            };
            envelopes.extend(jobs.iter().map(|job| Envelope { trace: item.trace, ..envelope(job) }));
        }
        envelopes
    }

    /// Forgets who has read: another process may have told them meanwhile.
    pub(super) fn forget_all(&self) {
        self.read.lock().clear();
    }

    fn of_message(
        &self,
        message: &Message,
        people: &HashMap<ThreadId, Participants>,
        located: &Located,
        not_looking: &NotLooking,
    ) -> Vec<NotifyJob> {
        let said = |mention| Said { message, at: message.created_at, mention };
        let is_mentioned = |user: &UserId| message.mentions.contains(user);
        let mut jobs = self.of_said(said(false), people, located, not_looking, |user| !is_mentioned(user));
        if !message.mentions.is_empty() {
            jobs.extend(self.of_said(said(true), people, located, not_looking, is_mentioned));
        }
        jobs
    }

    /// The jobs for those of the others in the thread who are told this.
    fn of_said(
        &self,
        said: Said<'_>,
        people: &HashMap<ThreadId, Participants>,
        located: &Located,
        not_looking: &NotLooking,
        is_told: impl Fn(&UserId) -> bool,
    ) -> Vec<NotifyJob> {
        let Said { message, at, mention } = said;
        let Some(participants) = people.get(&message.thread_id) else { return Vec::new() };
        let others = || {
            let is_other = |user: &&UserId| **user != message.sender_id && is_told(user);
            participants
                .stored()
                .iter()
                .filter(is_other)
                .filter(|user| message.seq > participants.place_of(user))
        };
        let is_absent =
            |user: &&UserId| !located.gateways.contains_key(*user) || not_looking.gone.contains(*user);
        let absent: Vec<UserId> = others().filter(is_absent).cloned().collect();
        let idle: Vec<UserId> =
            others().filter(|user| !is_absent(user) && not_looking.away.contains(*user)).cloned().collect();
        let mut read = self.read.lock();
        for user in absent.iter().chain(&idle) {
            read.remove(&(user.clone(), message.thread_id));
        }
        let job = |absent: &[UserId], away| NotifyJob::Message {
            thread_id: message.thread_id,
            message_id: message.id,
            seq: message.seq,
            sender: message.sender_id.clone(),
            at,
            absent: absent.to_vec(),
            away,
            mention,
        };
        let jobs = absent.chunks(ABSENT_MAX).map(|chunk| job(chunk, false));
        jobs.chain(idle.chunks(ABSENT_MAX).map(|chunk| job(chunk, true))).collect()
    }

    fn of_reader(&self, user: &UserId, thread_id: ThreadId, up_to: u64) -> Option<NotifyJob> {
        let mut read = self.read.lock();
        if read.len() >= READ_MAX {
            read.clear();
        }
        let is_news = read.insert((user.clone(), thread_id));
        is_news.then(|| NotifyJob::Read { user_id: user.clone(), thread_id, up_to })
    }
}

/// What people of a thread are told.
#[derive(Clone, Copy)]
struct Said<'a> {
    message: &'a Message,
    /// When it was said: when the message came, or the edit that mentions somebody.
    at: Timestamp,
    /// It mentions whom it is told.
    mention: bool,
}

/// The recipients of a batch's messages, and those whom edits mention, who are connected.
pub(super) fn recipients(
    batch: &[Item<Event>],
    people: &HashMap<ThreadId, Participants>,
    located: &Located,
) -> HashSet<UserId> {
    let mut recipients = HashSet::new();
    for item in batch {
        let Some((message, only)) = said_to(&item.value) else { continue };
        let others = people.get(&message.thread_id).into_iter().flat_map(Participants::stored);
        let others = others.filter(|user| **user != message.sender_id);
        let others = others.filter(|user| only.is_none_or(|only| only.contains(user)));
        recipients.extend(others.filter(|user| located.gateways.contains_key(*user)).cloned());
    }
    recipients
}

/// The message that an event tells people of, and to whom alone if not to everybody.
fn said_to(event: &Event) -> Option<(&Message, Option<&[UserId]>)> {
    if let Event::MessageChanged { message, mentioned, .. } = event {
        return (!mentioned.is_empty()).then_some((&**message, Some(mentioned.as_slice())));
    }
    let Event::MessageStored { message, .. } = event else { return None };
    Some((message, None))
}

/// A job in the envelope in which it goes to the decision.
pub(crate) fn envelope(job: &NotifyJob) -> Envelope {
    let body = codec::encode(job).expect("ids and times always encode");
    Envelope { id: job.id(), attempt: 0, body, trace: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::change::Effect;
    use eventflow_protocol::{CommandId, GatewayId, MessageId};

    const THREAD: ThreadId = ThreadId::from_bytes([1; 12]);

    fn user(name: &str) -> UserId {
        name.parse().unwrap()
    }

    fn item(value: Event) -> Item<Event> {
        let id = value.id().0;
        Item { id, attempt: 0, redelivered: false, value, reply_to: None, trace: None }
    }

    fn message(seq: u64) -> Item<Event> {
        let message = serde_json::json!({
            "_id": MessageId::from(CommandId::new()), "threadId": THREAD, "senderId": "ann", "content": "hi",
            "seq": seq, "status": "sent", "createdAt": Timestamp(seq.try_into().unwrap()).to_iso(),
            "updatedAt": Timestamp(0).to_iso(),
        });
        // By text: the numbers of a `Value` are texts of their own.
        let message = serde_json::from_str(&message.to_string()).unwrap();
        item(Event::MessageStored { message, repeated: false })
    }

    fn cursor(name: &str, up_to: u64) -> Item<Event> {
        item(Event::CursorAdvanced {
            thread_id: THREAD,
            user_id: user(name),
            cursor: Cursor::Read,
            up_to,
            messages: Vec::new(),
            command: CommandId::new(),
            at: Timestamp(0),
        })
    }

    fn people(names: &[&str]) -> HashMap<ThreadId, Participants> {
        let names: Vec<UserId> = names.iter().map(|name| user(name)).collect();
        [(THREAD, Participants::from(names))].into()
    }

    fn located(names: &[&str], complete: bool) -> Located {
        let gateways = names.iter().map(|name| (user(name), vec![GatewayId::from("g")]));
        Located { gateways: gateways.collect(), complete }
    }

    fn jobs(
        absent: &Absent,
        batch: &[Item<Event>],
        people: &HashMap<ThreadId, Participants>,
        located: &Located,
    ) -> Vec<NotifyJob> {
        let envelopes = absent.jobs(batch, people, located, &NotLooking::default());
        envelopes.iter().map(|envelope| codec::decode(&envelope.body).unwrap()).collect()
    }

    #[test]
    fn a_message_makes_a_job_for_those_without_a_socket_only() {
        let (absent, people) = (Absent::default(), people(&["ann", "bob", "cleo"]));
        let all = located(&["ann", "bob", "cleo"], true);
        assert_eq!(jobs(&absent, &[message(1)], &people, &all), [], "everybody is connected");
        let made = jobs(&absent, &[message(2)], &people, &located(&["bob"], true));
        let [NotifyJob::Message { absent: who, seq: 2, .. }] = &made[..] else { panic!("{made:?}") };
        assert_eq!(who, &[user("cleo")], "not its sender");
    }

    #[test]
    fn whom_a_message_or_an_edit_mentions_is_told_apart() {
        let (absent, people) = (Absent::default(), people(&["ann", "bob", "cleo", "dan"]));
        let mut sent = message(1);
        let Event::MessageStored { message: stored, .. } = &mut sent.value else { panic!("it is stored") };
        stored.mentions = ["ann", "cleo", "zoe"].map(user).to_vec();
        let edit = Event::MessageChanged {
            message: Box::new(stored.clone()),
            effect: Effect::Edited,
            by: user("ann"),
            emoji: None,
            mentioned: ["cleo", "dan"].map(user).to_vec(),
            command: CommandId::new(),
            at: Timestamp(9),
        };
        let made = jobs(&absent, &[sent, item(edit)], &people, &located(&["dan"], true));
        let told: Vec<_> = made
            .iter()
            .map(|job| match job {
                NotifyJob::Message { absent, mention, at, .. } => {
                    (absent.iter().map(UserId::as_str).collect::<Vec<_>>(), *mention, at.0)
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, [(vec!["bob"], false, 1), (vec!["cleo"], true, 1), (vec!["cleo"], true, 9)]);
        assert_eq!(made.iter().map(NotifyJob::id).collect::<HashSet<_>>().len(), 3);
    }

    #[test]
    fn whoever_the_registry_names_is_connected_also_if_it_has_lost_others() {
        let people = people(&["ann", "bob", "cleo"]);
        for (named, expected) in [(vec!["bob"], vec!["cleo"]), (vec![], vec!["bob", "cleo"])] {
            let made = jobs(&Absent::default(), &[message(1)], &people, &located(&named, false));
            let [NotifyJob::Message { absent, .. }] = &made[..] else { panic!("{made:?}") };
            assert_eq!(absent.iter().map(UserId::as_str).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn whoever_is_away_from_their_socket_is_told_apart() {
        let (people, located) =
            (people(&["ann", "bob", "cleo", "dan"]), located(&["ann", "bob", "cleo"], true));
        let batch = [message(1)];
        let connected = recipients(&batch, &people, &located);
        assert_eq!(connected, HashSet::from(["bob", "cleo"].map(user)), "not the sender");
        let not_looking = NotLooking { away: HashSet::from([user("cleo")]), gone: HashSet::new() };
        let envelopes = Absent::default().jobs(&batch, &people, &located, &not_looking);
        let jobs: Vec<NotifyJob> = envelopes.iter().map(|one| codec::decode(&one.body).unwrap()).collect();
        let told: Vec<_> = jobs
            .iter()
            .map(|job| match job {
                NotifyJob::Message { absent, away, .. } => (absent[0].as_str(), *away),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, [("dan", false), ("cleo", true)]);
    }

    #[test]
    fn whoever_has_no_live_line_is_absent_though_a_gateway_keeps_their_session() {
        let (people, located) = (people(&["ann", "bob", "cleo"]), located(&["ann", "bob", "cleo"], true));
        let not_looking = NotLooking { away: HashSet::new(), gone: HashSet::from([user("bob")]) };
        let envelopes = Absent::default().jobs(&[message(1)], &people, &located, &not_looking);
        let [envelope] = &envelopes[..] else { panic!("{envelopes:?}") };
        let NotifyJob::Message { absent, away: false, .. } = codec::decode(&envelope.body).unwrap() else {
            panic!("{envelope:?}")
        };
        assert_eq!(absent, [user("bob")]);
    }

    /// A socket that died unnoticed took its owner for connected, and the decision told them all the same.
    #[test]
    fn a_reader_makes_a_job_again_after_the_decision_has_told_them() {
        let (absent, people) = (Absent::default(), people(&["ann", "bob"]));
        let here = located(&["ann", "bob"], true);
        let count = |batch: &[Item<Event>]| jobs(&absent, batch, &people, &here).len();
        assert_eq!(count(&[cursor("bob", 1), message(2)]), 1);
        let told = Event::ToldOutside {
            thread_id: THREAD,
            user_id: user("bob"),
            command: CommandId::new(),
            at: Timestamp(1),
        };
        assert_eq!(count(&[item(told), cursor("bob", 2), cursor("bob", 3)]), 1);
    }

    #[test]
    fn a_large_thread_becomes_several_jobs() {
        let names: Vec<String> = (0..=2 * ABSENT_MAX).map(|i| format!("u{i}")).collect();
        let people = people(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let envelopes =
            Absent::default().jobs(&[message(1)], &people, &located(&[], true), &NotLooking::default());
        assert_eq!(envelopes.len(), 3);
        assert_eq!(envelopes.iter().map(|one| one.id).collect::<HashSet<_>>().len(), 3);
    }

    #[test]
    fn a_reader_makes_a_job_once_until_they_are_absent_again() {
        let (absent, people) = (Absent::default(), people(&["ann", "bob"]));
        let (here, away) = (located(&["ann", "bob"], true), located(&["ann"], true));
        let count = |batch: &[Item<Event>], located| jobs(&absent, batch, &people, located).len();
        assert_eq!(count(&[cursor("bob", 1)], &here), 1, "the stage has just started");
        assert_eq!(count(&[message(2), cursor("bob", 2), message(3), cursor("bob", 3)], &here), 0);
        assert_eq!(count(&[message(4)], &away), 1);
        assert_eq!(count(&[cursor("bob", 4), cursor("bob", 5)], &here), 1);
    }
}

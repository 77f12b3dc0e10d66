//! The contract of every [`Scheduled`], as checks that an adapter's tests call.
//!
//! Each check needs a store of its own, because a worker takes whatever is due.

use crate::scheduled::{IsNew, Rescheduling, Scheduled, ScheduledPage, Scheduling};
use crate::store::WithCommandId;
use crate::store_contract::fixtures::{at, fresh_people};
use async_trait::async_trait;
use eventflow_protocol::command::SendMessage;
use eventflow_protocol::content::Content;
use eventflow_protocol::scheduled::{
    CancelScheduled, ChangeScheduled, NotSent, SCHEDULED_MAX, ScheduleMessage, ScheduledMessage,
    ScheduledState,
};
use eventflow_protocol::{CommandId, MessageId, ScheduledId, ThreadId, UserId};
use std::sync::Arc;

/// Gives the suite access to the store under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens one more store over the same data with empty caches, as another process would.
    async fn open(&self) -> Arc<dyn Scheduled>;
}

/// A message comes back as it was scheduled, and the same one again is found, also after a change.
pub async fn a_message_is_scheduled_once(harness: &dyn Harness) {
    let (store, ann) = (harness.open().await, fresh_people(1).remove(0));
    let wanted = new(&ann, "k", 100);
    let stored = Box::new(ScheduledMessage::new(&wanted));
    assert_eq!(store.schedule(&wanted).await.expect("schedule"), Scheduling::Stored(stored.clone()));
    for witness in [store.clone(), harness.open().await] {
        assert_eq!(witness.scheduled(wanted.id).await.expect("read"), Some(*stored.clone()));
        assert_eq!(witness.schedule(&wanted).await.expect("again"), Scheduling::Before(stored.clone()));
        for other in [new(&ann, "k", 101), said(new(&ann, "k", 100), "other")] {
            assert_eq!(witness.schedule(&other).await.expect("another"), Scheduling::KeyReused);
        }
    }
    let changed =
        done(store.change_scheduled(&change(&wanted, Some("changed"), None)).await.expect("change"));
    assert_eq!(store.schedule(&wanted).await.expect("again"), Scheduling::Before(Box::new(changed)));
    assert_eq!(store.scheduled(new(&ann, "unknown", 1).id).await.expect("read"), None);
}

/// Text and time are changed and the message is cancelled while it waits, by its sender alone, each once.
pub async fn what_waits_is_changed_and_cancelled_by_its_sender(harness: &dyn Harness) {
    let (store, people) = (harness.open().await, fresh_people(2));
    let wanted = new(&people[0], "k", 100);
    store.schedule(&wanted).await.expect("schedule");
    let mut of_others = change(&wanted, Some("mine"), None);
    of_others.wanted.user_id = people[1].clone();
    assert_eq!(store.change_scheduled(&of_others).await.expect("change"), Rescheduling::NotFound);
    let blank = change(&wanted, Some(""), None);
    assert_eq!(store.change_scheduled(&blank).await.expect("change"), Rescheduling::Empty);
    let first = change(&wanted, Some("first"), Some(200));
    let changed = done(store.change_scheduled(&first).await.expect("change"));
    assert_eq!((changed.message.content.as_str(), changed.send_at), ("first", at(200)));
    let second = done(store.change_scheduled(&change(&wanted, Some("second"), None)).await.expect("change"));
    for witness in [store.clone(), harness.open().await] {
        let again = witness.change_scheduled(&first).await.expect("again");
        assert_eq!(again, Rescheduling::Done(Box::new(second.clone()), IsNew::No));
    }
    assert_eq!(store.claim_scheduled(at(199)).await.expect("claim"), []);
    let cancel = |user: &UserId| CancelScheduled { id: wanted.id, user_id: user.clone(), at: at(9) };
    assert_eq!(store.cancel_scheduled(&cancel(&people[1])).await.expect("cancel"), Rescheduling::NotFound);
    let cancelled = done(store.cancel_scheduled(&cancel(&people[0])).await.expect("cancel"));
    assert_eq!((cancelled.state, cancelled.ended_at), (ScheduledState::Cancelled, Some(at(9))));
    let again = store.cancel_scheduled(&cancel(&people[0])).await.expect("again");
    assert_eq!(again, Rescheduling::Done(Box::new(cancelled), IsNew::No));
    let late = store.change_scheduled(&change(&wanted, Some("late"), None)).await.expect("change");
    assert_eq!(late, Rescheduling::TooLate);
    assert_eq!(store.claim_scheduled(at(1_000)).await.expect("claim"), []);
}

/// What is due is taken by one worker, again when its claim has run out, and by nobody after its end.
pub async fn one_worker_takes_what_is_due(harness: &dyn Harness) {
    let (store, ann) = (harness.open().await, fresh_people(1).remove(0));
    let [first, second] = [new(&ann, "1", 100), new(&ann, "2", 101)];
    for wanted in [&second, &first] {
        store.schedule(wanted).await.expect("schedule");
    }
    assert_eq!(store.claim_scheduled(at(99)).await.expect("claim"), []);
    let (one, other) = (harness.open().await, harness.open().await);
    let (some, others) = tokio::join!(one.claim_scheduled(at(101)), other.claim_scheduled(at(101)));
    let taken: Vec<_> = some.expect("claim").into_iter().chain(others.expect("claim")).collect();
    let mut ids: Vec<ScheduledId> = taken.iter().map(|taken| taken.id).collect();
    ids.sort_unstable();
    let mut expected = [first.id, second.id];
    expected.sort_unstable();
    assert_eq!(ids, expected);
    assert!(taken.iter().all(|taken| taken.state == ScheduledState::Sending));
    let late = store.change_scheduled(&change(&first, Some("late"), None)).await.expect("change");
    assert_eq!(late, Rescheduling::TooLate);
    let cancel = CancelScheduled { id: first.id, user_id: ann, at: at(102) };
    assert_eq!(store.cancel_scheduled(&cancel).await.expect("cancel"), Rescheduling::TooLate);
    assert_eq!(store.claim_scheduled(at(130)).await.expect("claim"), []);
    let stored = MessageId::from_bytes([7; 12]);
    for _ in 0..2 {
        let sent = store.finish_scheduled(first.id, Ok(stored), at(131)).await.expect("finish");
        let sent = sent.expect("it is there");
        assert_eq!((sent.state, sent.message_id), (ScheduledState::Sent, Some(stored)));
        assert_eq!(sent.ended_at, Some(at(131)));
    }
    let again = store.claim_scheduled(at(140)).await.expect("claim");
    assert_eq!(again.iter().map(|again| again.id).collect::<Vec<_>>(), [second.id], "its worker has died");
    assert_eq!(again[0].started_at, Some(at(101)));
    let not_sent =
        store.finish_scheduled(second.id, Err(NotSent::NotInThread), at(141)).await.expect("finish");
    assert_eq!(not_sent.expect("it is there").reason, Some(NotSent::NotInThread));
    assert_eq!(store.claim_scheduled(at(100_000)).await.expect("claim"), []);
    let nothing = ScheduledId::from_bytes([9; 12]);
    assert_eq!(store.finish_scheduled(nothing, Ok(stored), at(1)).await.expect("finish"), None);
}

/// Pages show each message of a person once, what is due last first.
pub async fn pages_of_scheduled_messages_show_each_once(harness: &dyn Harness) {
    let (store, people) = (harness.open().await, fresh_people(2));
    let mut expected = Vec::new();
    for number in 0..7 {
        // Two at each time.
        let wanted = new(&people[0], &number.to_string(), 100 + number / 2);
        expected.push((wanted.send_at, wanted.id));
        store.schedule(&wanted).await.expect("schedule");
    }
    store.schedule(&new(&people[1], "of somebody else", 100)).await.expect("schedule");
    expected.sort_unstable();
    expected.reverse();
    for limit in [1, 2, 3, 100] {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = store.scheduled_of(&people[0], ScheduledPage { after, limit }).await.expect("list");
            after = page.last().map(|last| (last.send_at, last.id));
            let is_last = page.len() < limit as usize;
            listed.extend(page.into_iter().map(|kept| (kept.send_at, kept.id)));
            if is_last {
                break;
            }
        }
        assert_eq!(listed, expected, "{limit}");
    }
}

/// So many messages of a person wait. There is room again when one has ended, and ended ones are forgotten.
pub async fn so_many_messages_wait_and_ended_ones_are_forgotten(harness: &dyn Harness) {
    let (store, ann) = (harness.open().await, fresh_people(1).remove(0));
    let wish = |number: u32| new(&ann, &number.to_string(), 100);
    for number in 0..SCHEDULED_MAX {
        let kept = store.schedule(&wish(number)).await.expect("schedule");
        assert!(matches!(kept, Scheduling::Stored(_)), "{number}: {kept:?}");
    }
    let more = wish(SCHEDULED_MAX);
    assert_eq!(store.schedule(&more).await.expect("schedule"), Scheduling::TooMany);
    assert!(matches!(store.schedule(&wish(0)).await.expect("again"), Scheduling::Before(_)));
    let cancel = CancelScheduled { id: wish(0).id, user_id: ann.clone(), at: at(5) };
    done(store.cancel_scheduled(&cancel).await.expect("cancel"));
    assert!(matches!(store.schedule(&more).await.expect("schedule"), Scheduling::Stored(_)));
    assert_eq!(store.forget_scheduled(at(5)).await.expect("forget"), 0);
    assert_eq!(store.forget_scheduled(at(6)).await.expect("forget"), 1);
    assert_eq!(store.scheduled(wish(0).id).await.expect("read"), None);
}

fn new(sender: &UserId, key: &str, seconds: i64) -> ScheduleMessage {
    let message = SendMessage {
        thread_id: ThreadId::from_bytes([1; 12]),
        sender_id: sender.clone(),
        content: Content::parse("later").expect("it says something"),
        attachments: Vec::new(),
        reply_to: None,
        client_message_id: Some(key.to_owned()),
        pairing: None,
        typed: None,
        scheduled: None,
        at: at(1),
    };
    ScheduleMessage { id: ScheduledId::of_key(sender, key), message, send_at: at(seconds) }
}

fn said(mut new: ScheduleMessage, content: &str) -> ScheduleMessage {
    new.message.content = Content::parse(content).expect("it says something");
    new
}

fn change(
    of: &ScheduleMessage,
    content: Option<&str>,
    seconds: Option<i64>,
) -> WithCommandId<ChangeScheduled> {
    let content = content.map(|content| Content::parse_optional(content).expect("it is short"));
    let (id, user_id) = (of.id, of.message.sender_id.clone());
    let wanted = ChangeScheduled { id, user_id, content, send_at: seconds.map(at), at: at(2) };
    WithCommandId { command_id: CommandId::new(), wanted }
}

fn done(answer: Rescheduling) -> ScheduledMessage {
    match answer {
        Rescheduling::Done(kept, IsNew::Yes) => *kept,
        other => panic!("not done: {other:?}"),
    }
}

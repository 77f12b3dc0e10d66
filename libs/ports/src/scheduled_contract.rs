//! The contract of every [`Scheduled`], as checks that an adapter's tests call.
//!
//! Each check needs a store of its own, because whatever is due is found.

use crate::scheduled::{Backlog, DueMessage, Rescheduling, Scheduled, ScheduledPage, Scheduling, Step};
use crate::store::WithCommandId;
use crate::store_contract::fixtures::{at, fresh_people};
use async_trait::async_trait;
use eventflow_protocol::command::SendMessage;
use eventflow_protocol::content::Content;
use eventflow_protocol::quote::ReplyTo;
use eventflow_protocol::scheduled::{
    ChangeScheduled, NotSent, Rescheduled, SCHEDULED_MAX, ScheduleMessage, ScheduledChange, ScheduledMessage,
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
    let (store, people) = (harness.open().await, fresh_people(2));
    let ann = &people[0];
    let mut wanted = new(ann, "k", 100);
    wanted.message.mentions = vec![people[1].clone()];
    wanted.message.reply_to = Some(ReplyTo::to(MessageId::from_bytes([8; 12])));
    let stored = Box::new(ScheduledMessage::new(&wanted));
    assert_eq!(store.schedule(&wanted).await.expect("schedule"), Scheduling::Stored(stored.clone()));
    for witness in [store.clone(), harness.open().await] {
        assert_eq!(witness.scheduled(wanted.id).await.expect("read"), Some(*stored.clone()));
        assert_eq!(witness.schedule(&wanted).await.expect("again"), Scheduling::Before(stored.clone()));
        for other in [new(ann, "k", 101), said(new(ann, "k", 100), "other")] {
            assert_eq!(witness.schedule(&other).await.expect("another"), Scheduling::KeyReused);
        }
    }
    let changed = done(store.change_scheduled(&edit(&wanted, Some("changed"), None)).await.expect("change"));
    assert_eq!(store.schedule(&wanted).await.expect("again"), Scheduling::Before(Box::new(changed)));
    assert_eq!(store.scheduled(new(ann, "unknown", 1).id).await.expect("read"), None);
}

/// Of many that schedule one message at the same time one has scheduled it.
pub async fn one_of_many_schedules_a_message(harness: &dyn Harness) {
    let (one, other) = (harness.open().await, harness.open().await);
    let wanted = new(&fresh_people(1)[0], "k", 100);
    let (some, others) = tokio::join!(one.schedule(&wanted), other.schedule(&wanted));
    let answers = [some.expect("schedule"), others.expect("schedule")];
    let is_stored = |answer: &&Scheduling| matches!(answer, Scheduling::Stored(_));
    assert_eq!(answers.iter().filter(is_stored).count(), 1, "{answers:?}");
    assert!(answers.iter().any(|answer| matches!(answer, Scheduling::Before(_))), "{answers:?}");
}

/// Text and time are changed and the message is cancelled while it waits, by its sender alone, each once.
pub async fn what_waits_is_changed_and_cancelled_by_its_sender(harness: &dyn Harness) {
    let (store, people) = (harness.open().await, fresh_people(2));
    let wanted = new(&people[0], "k", 100);
    store.schedule(&wanted).await.expect("schedule");
    for change in [edit(&wanted, Some("mine"), None), change(&wanted, ScheduledChange::Cancel)] {
        let mut of_others = change;
        of_others.wanted.user_id = people[1].clone();
        assert_eq!(store.change_scheduled(&of_others).await.expect("change"), Rescheduling::NotFound);
    }
    let blank = store.change_scheduled(&edit(&wanted, Some(""), None)).await.expect("change");
    assert_eq!(blank, Rescheduling::Refused(Rescheduled::Empty));
    let first = edit(&wanted, Some("first"), Some(200));
    let changed = done(store.change_scheduled(&first).await.expect("change"));
    assert_eq!((changed.message.content.as_str(), changed.send_at), ("first", at(200)));
    let second = done(store.change_scheduled(&edit(&wanted, Some("second"), None)).await.expect("change"));
    for witness in [store.clone(), harness.open().await] {
        let again = witness.change_scheduled(&first).await.expect("again");
        assert_eq!(again, before(second.clone()));
    }
    assert_eq!(store.due_scheduled(at(199), 10).await.expect("due"), []);
    let cancel = change(&wanted, ScheduledChange::Cancel);
    let cancelled = done(store.change_scheduled(&cancel).await.expect("cancel"));
    assert_eq!((cancelled.state, cancelled.ended_at), (ScheduledState::Cancelled, Some(at(2))));
    let again = store.change_scheduled(&change(&wanted, ScheduledChange::Cancel)).await.expect("again");
    assert_eq!(again, before(cancelled));
    let late = store.change_scheduled(&edit(&wanted, Some("late"), None)).await.expect("change");
    assert_eq!(late, Rescheduling::Refused(Rescheduled::TooLate));
    assert_eq!(store.due_scheduled(at(1_000), 10).await.expect("due"), []);
}

/// What is due is found in order until it has ended: what is due first, then what was scheduled first.
pub async fn what_is_due_is_found_in_order_until_it_has_ended(harness: &dyn Harness) {
    let (store, ann) = (harness.open().await, fresh_people(1).remove(0));
    let mut expected = Vec::new();
    for number in [3, 1, 2, 0] {
        // Two at each time; of these the one with the smaller number was scheduled first.
        let mut wanted = new(&ann, &number.to_string(), 100 + number / 2);
        wanted.message.at = at(number);
        store.schedule(&wanted).await.expect("schedule");
        expected.push((number, DueMessage { id: wanted.id, thread_id: wanted.message.thread_id }));
    }
    expected.sort_unstable_by_key(|(number, _)| *number);
    let expected: Vec<DueMessage> = expected.into_iter().map(|(_, due)| due).collect();
    for witness in [store.clone(), harness.open().await] {
        assert_eq!(witness.due_scheduled(at(99), 10).await.expect("due"), []);
        assert_eq!(witness.due_scheduled(at(100), 10).await.expect("due"), expected[..2]);
        assert_eq!(witness.due_scheduled(at(101), 3).await.expect("due"), expected[..3]);
    }
    let begun = store.begin_scheduled(expected[0].id, at(101)).await.expect("begin");
    assert!(begun.expect("it is there").is_new);
    assert_eq!(store.due_scheduled(at(101), 10).await.expect("due"), expected, "it has not ended");
    store.end_scheduled(expected[0].id, Ok(MessageId::from_bytes([7; 12])), at(102)).await.expect("end");
    assert_eq!(store.due_scheduled(at(101), 10).await.expect("due"), expected[1..]);
    let backlog = store.scheduled_backlog().await.expect("backlog");
    assert_eq!(backlog, Backlog { waiting: 3, first: Some(at(100)) });
    let sent_now = change(&new(&ann, "3", 101), ScheduledChange::Send);
    done(store.change_scheduled(&sent_now).await.expect("send"));
    assert_eq!(store.due_scheduled(at(2), 10).await.expect("due"), expected[3..]);
}

/// A message is begun by one worker, not changed from then on, and ended once.
pub async fn a_message_is_begun_and_ended_once(harness: &dyn Harness) {
    let (store, ann) = (harness.open().await, fresh_people(1).remove(0));
    let [first, second] = [new(&ann, "1", 100), new(&ann, "2", 101)];
    for wanted in [&second, &first] {
        store.schedule(wanted).await.expect("schedule");
    }
    let early = store.begin_scheduled(first.id, at(99)).await.expect("begin").expect("it is there");
    assert_eq!((early.is_new, early.scheduled.state), (false, ScheduledState::Waiting));
    let (one, other) = (harness.open().await, harness.open().await);
    let (some, others) =
        tokio::join!(one.begin_scheduled(first.id, at(101)), other.begin_scheduled(first.id, at(102)));
    let steps = [some.expect("begin"), others.expect("begin")].map(|step| step.expect("it is there"));
    assert_eq!(steps.iter().filter(|step| step.is_new).count(), 1);
    assert_eq!(steps[0].scheduled, steps[1].scheduled);
    assert_eq!(steps[0].scheduled.state, ScheduledState::Sending);
    for wish in [edit(&first, Some("late"), None), change(&first, ScheduledChange::Cancel)] {
        let late = store.change_scheduled(&wish).await.expect("change");
        assert_eq!(late, Rescheduling::Refused(Rescheduled::TooLate));
    }
    let stored = MessageId::from_bytes([7; 12]);
    for is_new in [true, false] {
        let sent = store.end_scheduled(first.id, Ok(stored), at(131)).await.expect("end");
        let sent = sent.expect("it is there");
        assert_eq!(sent.is_new, is_new);
        assert_eq!((sent.scheduled.state, sent.scheduled.message_id), (ScheduledState::Sent, Some(stored)));
        assert_eq!(sent.scheduled.ended_at, Some(at(131)));
    }
    let left = store.end_scheduled(first.id, Err(NotSent::NotInThread), at(132)).await.expect("end");
    assert!(!left.expect("it is there").is_new, "what was stored counts");
    store.begin_scheduled(second.id, at(101)).await.expect("begin");
    let failed = store.end_scheduled(second.id, Err(NotSent::NotInThread), at(141)).await.expect("end");
    let failed = failed.expect("it is there").scheduled;
    assert_eq!((failed.state, failed.reason), (ScheduledState::Failed, Some(NotSent::NotInThread)));
    assert_eq!(harness.open().await.scheduled(second.id).await.expect("read"), Some(failed));
    let nothing = ScheduledId::from_bytes([9; 12]);
    assert_eq!(store.begin_scheduled(nothing, at(1)).await.expect("begin"), None);
    assert_eq!(store.end_scheduled(nothing, Ok(stored), at(1)).await.expect("end"), None);
    assert_eq!(store.scheduled_backlog().await.expect("backlog"), Backlog::default());
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
    let others = new(&fresh_people(1)[0], "of somebody else", 100);
    assert!(matches!(store.schedule(&others).await.expect("schedule"), Scheduling::Stored(_)));
    let mut cancel = change(&wish(0), ScheduledChange::Cancel);
    cancel.wanted.at = at(5);
    done(store.change_scheduled(&cancel).await.expect("cancel"));
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
        repeat_only: false,
        mentions: Vec::new(),
        client_message_id: Some(key.to_owned()),
        pairing: None,
        typed: None,
        at: at(1),
    };
    ScheduleMessage { id: ScheduledId::of_key(sender, key), message, send_at: at(seconds) }
}

fn said(mut new: ScheduleMessage, content: &str) -> ScheduleMessage {
    new.message.content = Content::parse(content).expect("it says something");
    new
}

fn edit(of: &ScheduleMessage, content: Option<&str>, seconds: Option<i64>) -> WithCommandId<ChangeScheduled> {
    let content = content.map(|content| Content::parse_optional(content).expect("it is short"));
    change(of, ScheduledChange::Edit { content, mentions: None, send_at: seconds.map(at) })
}

fn change(of: &ScheduleMessage, change: ScheduledChange) -> WithCommandId<ChangeScheduled> {
    let user_id = of.message.sender_id.clone();
    let wanted = ChangeScheduled { id: of.id, user_id, change, key: None, repeat_only: false, at: at(2) };
    WithCommandId { command_id: CommandId::new(), wanted }
}

fn done(answer: Rescheduling) -> ScheduledMessage {
    match answer {
        Rescheduling::Done(step) if step.is_new => step.scheduled,
        other => panic!("not done: {other:?}"),
    }
}

fn before(scheduled: ScheduledMessage) -> Rescheduling {
    Rescheduling::Done(Box::new(Step { scheduled, is_new: false }))
}

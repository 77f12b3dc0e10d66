use super::*;
use crate::content::Content;

fn new(at: i64) -> ScheduleMessage {
    let message = SendMessage {
        thread_id: ThreadId::from_bytes([1; 12]),
        sender_id: "ann".parse().unwrap(),
        content: Content::parse("later").unwrap(),
        attachments: Vec::new(),
        reply_to: None,
        repeat_only: false,
        mentions: Vec::new(),
        client_message_id: Some("k".to_owned()),
        pairing: None,
        typed: None,
        at: Timestamp(at),
    };
    let id = ScheduledId::of_key(&message.sender_id, "k");
    ScheduleMessage { id, message, send_at: Timestamp(100_000) }
}

fn wish(change: ScheduledChange, at: i64) -> ChangeScheduled {
    let id = new(5).id;
    ChangeScheduled {
        id,
        user_id: "ann".parse().unwrap(),
        change,
        key: None,
        repeat_only: false,
        at: Timestamp(at),
    }
}

fn edit(content: Option<&str>, send_at: Option<i64>) -> ScheduledChange {
    let content = content.map(|content| Content::parse_optional(content).unwrap());
    ScheduledChange::Edit { content, mentions: None, send_at: send_at.map(Timestamp) }
}

#[test]
fn a_message_is_begun_once_and_not_before_its_time() {
    let mut kept = ScheduledMessage::new(&new(5));
    assert!(!kept.begin(Timestamp(99_999)), "it is not due");
    assert!(kept.begin(Timestamp(100_007)) && !kept.begin(Timestamp(200_000)));
    assert_eq!(kept.to_send(None).at, Timestamp(100_007), "always the same");
    assert_eq!(kept.due_at(), Some(Timestamp(100_000)), "it is looked at until it has ended");
    assert_eq!(kept.change(CommandId::new(), &wish(edit(Some("x"), None), 6)), Rescheduled::TooLate);
    assert_eq!(kept.change(CommandId::new(), &wish(ScheduledChange::Cancel, 6)), Rescheduled::TooLate);
    assert_eq!(kept.change(CommandId::new(), &wish(ScheduledChange::Send, 6)), Rescheduled::Before);
}

#[test]
fn the_command_follows_from_the_scheduled_message() {
    let (one, mut changed) = (ScheduledMessage::new(&new(5)), ScheduledMessage::new(&new(5)));
    let (command, wanted) = (CommandId::new(), wish(edit(Some("another"), Some(7)), 6));
    assert_eq!(changed.change(command, &wanted), Rescheduled::Done);
    assert_eq!(changed.change(command, &wanted), Rescheduled::Before);
    assert_eq!(changed.command_id(), one.command_id());
    assert!(changed.is_again(&new(5)), "what was asked for first counts");
    assert!(!one.is_again(&ScheduleMessage { send_at: Timestamp(8), ..new(5) }));
    assert_eq!(MessageId::from(one.command_id()), MessageId::from(changed.command_id()));
}

#[test]
fn a_change_that_comes_again_undoes_no_later_one() {
    let mut kept = ScheduledMessage::new(&new(5));
    let key = Some(ChangeScheduled::key_of(kept.id, "once"));
    let first = ChangeScheduled { key, ..wish(edit(Some("first"), None), 6) };
    assert_eq!(kept.change(CommandId::new(), &first), Rescheduled::Done);
    assert_eq!(kept.change(CommandId::new(), &wish(edit(Some("second"), None), 7)), Rescheduled::Done);
    assert_eq!(kept.change(CommandId::new(), &first), Rescheduled::Before, "another command, the same key");
    assert_eq!(kept.message.content.as_str(), "second");
    let repeat = ChangeScheduled { repeat_only: true, ..first.clone() };
    assert_eq!(kept.change(CommandId::new(), &repeat), Rescheduled::Before, "it was made before");
    let unknown = ChangeScheduled { key: None, ..repeat };
    assert_eq!(kept.change(CommandId::new(), &unknown), Rescheduled::NotRepeated);
    let other = ChangeScheduled { change: ScheduledChange::Cancel, ..first };
    assert_eq!(kept.change(CommandId::new(), &other), Rescheduled::KeyReused);
    assert_eq!(kept.change(CommandId::new(), &wish(edit(Some("second"), None), 8)), Rescheduled::Before);
    assert_eq!(kept.change(CommandId::new(), &wish(edit(Some(""), None), 8)), Rescheduled::Empty);
    for number in 0..100 {
        let text = number.to_string();
        assert_eq!(kept.change(CommandId::new(), &wish(edit(Some(&text), None), 9)), Rescheduled::Done);
    }
    assert_eq!(kept.changes.len(), 16, "they are bounded");
}

#[test]
fn what_is_sent_now_is_due_and_what_is_cancelled_never_is() {
    let mut kept = ScheduledMessage::new(&new(5));
    assert_eq!(kept.change(CommandId::new(), &wish(ScheduledChange::Send, 50)), Rescheduled::Done);
    assert_eq!(kept.due_at(), Some(Timestamp(50)));
    assert_eq!(kept.change(CommandId::new(), &wish(ScheduledChange::Send, 60)), Rescheduled::Before);
    assert_eq!(kept.change(CommandId::new(), &wish(ScheduledChange::Cancel, 70)), Rescheduled::Done);
    assert_eq!(kept.change(CommandId::new(), &wish(ScheduledChange::Cancel, 71)), Rescheduled::Before);
    assert_eq!(kept.change(CommandId::new(), &wish(ScheduledChange::Send, 72)), Rescheduled::TooLate);
    assert_eq!((kept.due_at(), kept.begin(Timestamp(i64::MAX))), (None, false));
    assert!(!kept.end(Ok(MessageId::from_bytes([3; 12])), Timestamp(80)));
}

#[test]
fn an_end_is_told_once_and_what_was_stored_counts() {
    let mut kept = ScheduledMessage::new(&new(5));
    kept.begin(kept.send_at);
    assert!(kept.end(Err(NotSent::NotInThread), Timestamp(9)));
    assert!(!kept.end(Err(NotSent::ThreadGone), Timestamp(10)));
    assert_eq!(kept.reason, Some(NotSent::NotInThread));
    let stored = MessageId::from_bytes([3; 12]);
    assert!(kept.end(Ok(stored), Timestamp(11)) && !kept.end(Ok(stored), Timestamp(12)));
    assert!(!kept.end(Err(NotSent::NotInThread), Timestamp(13)), "who leaves later has sent it");
    assert_eq!((kept.state, kept.message_id, kept.reason), (ScheduledState::Sent, Some(stored), None));
}

#[test]
fn who_has_left_meanwhile_is_not_mentioned() {
    let mut wanted = new(5);
    wanted.message.mentions = ["bob", "cem"].map(|user| user.parse().unwrap()).to_vec();
    let kept = ScheduledMessage::new(&wanted);
    let people = |names: &[&str]| -> Participants {
        names.iter().map(|name| name.parse().unwrap()).collect::<Vec<UserId>>().into()
    };
    let sent = kept.to_send(Some(&people(&["ann", "bob", "cem"])));
    assert_eq!((sent.mentions.len(), sent.typed), (2, None));
    let sent = kept.to_send(Some(&people(&["ann", "bob"])));
    assert_eq!(sent.mentions, ["bob".parse().unwrap()]);
    assert_eq!(sent.fingerprint(), kept.message.fingerprint(), "under its key it is the same message");
}

use super::*;
use crate::command::SendMessage;
use proptest::prelude::*;
use std::collections::HashMap;

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn message() -> Message {
    let send = SendMessage {
        thread_id: ThreadId::from_bytes([1; 12]),
        sender_id: user("ann"),
        content: Content::parse("hello").unwrap(),
        attachments: Vec::new(),
        client_message_id: None,
        pairing: None,
        typed: None,
        reply_to: None,
        repeat_only: false,
        mentions: Vec::new(),
        at: Timestamp(5),
    };
    send.into_message(CommandId::new(), 1)
}

fn wanted(message: &Message, by: &str, change: Change) -> ChangeMessage {
    ChangeMessage {
        thread_id: message.thread_id,
        message_id: message.id,
        by: user(by),
        change,
        at: Timestamp(9),
    }
}

fn toggle() -> Change {
    Change::React { emoji: "👍".into(), wish: Wish::Toggle }
}

#[test]
fn a_toggle_that_comes_three_times_is_done_once() {
    let (mut message, mut marks) = (message(), Vec::new());
    let wish = wanted(&message, "ben", toggle());
    let (first, second) = (CommandId::new(), CommandId::new());
    for _ in 0..3 {
        apply(&mut message, &mut marks, first, &wish);
        assert_eq!(message.reactions.len(), 1);
    }
    for _ in 0..3 {
        apply(&mut message, &mut marks, second, &wish);
        assert!(message.reactions.is_empty());
    }
    assert!(
        matches!(apply(&mut message, &mut marks, first, &wish), Changed::Before(..)),
        "an older one again"
    );
    assert!(message.reactions.is_empty());
}

#[test]
fn only_the_sender_edits_and_deletes_and_a_deleted_message_takes_nothing_more() {
    let (mut message, mut marks) = (message(), Vec::new());
    let edit = Change::Edit { content: Content::parse("new").unwrap(), mentions: None };
    let foreign = wanted(&message, "ben", edit.clone());
    assert_eq!(apply(&mut message, &mut marks, CommandId::new(), &foreign), Changed::NotSender);
    let own = wanted(&message, "ann", edit.clone());
    assert!(matches!(
        apply(&mut message, &mut marks, CommandId::new(), &own),
        Changed::Done(_, Effect::Edited)
    ));
    assert_eq!(
        (message.content.as_str(), message.edited_at, message.updated_at),
        ("new", Some(Timestamp(9)), Timestamp(9))
    );
    let deletion = wanted(&message, "ann", Change::Delete);
    assert!(matches!(
        apply(&mut message, &mut marks, CommandId::new(), &deletion),
        Changed::Done(_, Effect::Deleted)
    ));
    assert!(matches!(
        apply(&mut message, &mut marks, CommandId::new(), &deletion),
        Changed::Before(_, Effect::Deleted)
    ));
    for change in [edit, toggle()] {
        let late = wanted(&message, "ann", change);
        assert_eq!(apply(&mut message, &mut marks, CommandId::new(), &late), Changed::NotFound);
    }
    assert!(message.content.is_empty());
}

#[test]
fn a_late_repetition_of_an_edit_does_not_undo_a_newer_one() {
    let (mut message, mut marks) = (message(), Vec::new());
    let text = |text: &str| Change::Edit { content: Content::parse(text).unwrap(), mentions: None };
    let (one, two) = (CommandId::new(), CommandId::new());
    let (first, second) = (wanted(&message, "ann", text("one")), wanted(&message, "ann", text("two")));
    apply(&mut message, &mut marks, one, &first);
    apply(&mut message, &mut marks, two, &second);
    apply(&mut message, &mut marks, one, &first);
    assert_eq!(message.content, "two");
}

#[test]
fn reactions_are_bounded_per_person() {
    let (mut message, mut marks) = (message(), Vec::new());
    for n in 0..=REACTIONS_PER_PERSON_MAX {
        let wish = wanted(&message, "ben", Change::React { emoji: n.to_string(), wish: Wish::Add });
        let changed = apply(&mut message, &mut marks, CommandId::new(), &wish);
        assert_eq!(changed == Changed::TooManyReactions, n == REACTIONS_PER_PERSON_MAX);
    }
    let remove = wanted(&message, "ben", Change::React { emoji: "3".into(), wish: Wish::Remove });
    assert!(matches!(
        apply(&mut message, &mut marks, CommandId::new(), &remove),
        Changed::Done(_, Effect::Unreacted)
    ));
}

#[test]
fn an_archive_command_that_comes_again_is_no_news_however_many_came_since() {
    let commands: Vec<CommandId> = (1..=10).map(|n| CommandId(uuid::Uuid::from_u128(n))).collect();
    let mut done = Vec::new();
    for command in &commands {
        assert!(remember_wish(&mut done, *command));
    }
    assert_eq!(done, commands[10 - WISHES_REMEMBERED..]);
    for command in &commands {
        assert!(!remember_wish(&mut done, *command), "{command}");
    }
    let mut few = vec![commands[3], commands[5]];
    assert!(remember_wish(&mut few, commands[1]), "a gateway whose clock is behind is heard");
    assert_eq!(few, [commands[1], commands[3], commands[5]]);
}

#[test]
fn a_key_stands_for_what_was_sent_first() {
    let mut stored = message();
    assert_eq!(sent_as(&stored), None, "without a key nobody asks");
    stored.client_message_id = Some("k".into());
    let first = sent_as(&stored);
    let send = |text: &str| SendMessage {
        thread_id: stored.thread_id,
        sender_id: user("ann"),
        content: Content::parse(text).unwrap(),
        attachments: Vec::new(),
        client_message_id: Some("k".into()),
        pairing: None,
        typed: None,
        reply_to: None,
        repeat_only: false,
        mentions: Vec::new(),
        at: Timestamp(6),
    };
    let (same, edit) = (send("hello"), send("hello!"));
    assert!(same.is_again(&stored, None) && !edit.is_again(&stored, None));
    let edited = Message { content: "hello!".into(), edited_at: Some(Timestamp(7)), ..stored.clone() };
    assert!(same.is_again(&edited, first) && !edit.is_again(&edited, first));
    assert!(edit.is_again(&edited, None), "of one changed long ago it is not known");
    assert_eq!(sent_as(&edited), None, "what it says now is not what was sent");
}

proptest! {
    #[test]
    fn marks_of_reactions_are_bounded_and_a_repetition_is_still_done_once(
        clicks in proptest::collection::vec((0..3_u8, 0..90_u8, any::<bool>()), 1..600)
    ) {
        let (mut message, mut marks) = (message(), Vec::new());
        for (person, emoji, is_toggle) in clicks {
            let wish = if is_toggle { Wish::Toggle } else { Wish::Remove };
            let wish = wanted(&message, &format!("user{person}"), Change::React { emoji: emoji.to_string(), wish });
            let command = CommandId::new();
            apply(&mut message, &mut marks, command, &wish);
            let (reactions, kept) = (message.reactions.clone(), marks.clone());
            let again = apply(&mut message, &mut marks, command, &wish);
            prop_assert!(!matches!(again, Changed::Done(..)));
            prop_assert_eq!((&message.reactions, &marks), (&reactions, &kept));
            let mut by_person: HashMap<&UserId, usize> = HashMap::new();
            for mark in &marks {
                *by_person.entry(&mark.user_id).or_default() += 1;
            }
            prop_assert!(by_person.values().all(|count| *count <= REACTION_MARKS_PER_PERSON_MAX), "{by_person:?}");
            for reaction in &message.reactions {
                let is_its = |mark: &ChangeMark| is_of(mark, &reaction.user_id, Some(&reaction.emoji));
                prop_assert!(marks.iter().any(is_its), "the mark of an emoji that is there is kept");
            }
        }
    }
}

#[test]
fn one_sign_is_one_reaction_however_platforms_spell_it() {
    let (mut message, mut marks) = (message(), Vec::new());
    let mut react = |by: &str, emoji: &str, wish| {
        let wish = wanted(&message, by, Change::React { emoji: emoji.to_owned(), wish });
        let changed = apply(&mut message, &mut marks, CommandId::new(), &wish);
        let shown = message.reactions.iter().map(|each| (each.user_id.to_string(), each.emoji.clone()));
        (shown.collect::<Vec<_>>(), matches!(changed, Changed::Done(..)))
    };
    let heart = |by: &str| (by.to_owned(), "\u{2764}".to_owned());
    assert_eq!(react("ben", "\u{2764}", Wish::Toggle), (vec![heart("ben")], true));
    assert_eq!(react("cat", "\u{2764}\u{FE0F}", Wish::Toggle), (vec![heart("ben"), heart("cat")], true));
    assert_eq!(react("ben", "\u{2764}\u{FE0F}", Wish::Add), (vec![heart("ben"), heart("cat")], false));
    assert_eq!(react("ben", "\u{2764}\u{FE0F}", Wish::Toggle), (vec![heart("cat")], true));
    assert_eq!(react("cat", "\u{2764}\u{FE0E}", Wish::Remove), (Vec::new(), true));
}

#[test]
fn an_edit_that_changes_nothing_is_remembered_and_marks_nothing() {
    let (mut message, mut marks) = (message(), Vec::new());
    let before = message.clone();
    let edit = |text: &str| Change::Edit { content: Content::parse(text).unwrap(), mentions: None };
    let same = wanted(&message, "ann", edit("hello"));
    let idle = CommandId::new();
    let nothing = apply(&mut message, &mut marks, idle, &same);
    assert_eq!(nothing, Changed::Nothing(Box::new(before.clone()), Effect::Edited));
    assert_eq!(message, before);
    let other = wanted(&message, "ann", edit("<b>hello"));
    assert!(matches!(apply(&mut message, &mut marks, CommandId::new(), &other), Changed::Done(..)));
    assert!(matches!(apply(&mut message, &mut marks, idle, &same), Changed::Before(..)), "it undoes nothing");
    let kept = wanted(&message, "ann", edit("<\u{2060}b>hello"));
    let kept = apply(&mut message, &mut marks, CommandId::new(), &kept);
    assert!(matches!(kept, Changed::Nothing(..)), "another form of the same text");
}

#[test]
fn marks_of_many_people_are_bounded_and_those_of_edits_are_kept() {
    let (mut message, mut marks) = (message(), Vec::new());
    let edit =
        wanted(&message, "ann", Change::Edit { content: Content::parse("new").unwrap(), mentions: None });
    let edited = CommandId::new();
    apply(&mut message, &mut marks, edited, &edit);
    for person in 0..REACTION_MARKS_MAX {
        let wish = wanted(&message, &format!("user{person}"), toggle());
        for _ in 0..2 {
            apply(&mut message, &mut marks, CommandId::new(), &wish);
        }
    }
    let last = wanted(&message, "ben", toggle());
    apply(&mut message, &mut marks, CommandId::new(), &last);
    assert_eq!((message.reactions.len(), marks.len()), (1, 1 + REACTION_MARKS_MAX));
    assert!(
        matches!(apply(&mut message, &mut marks, edited, &edit), Changed::Before(..)),
        "the edit is remembered"
    );
}

#[test]
fn an_edit_says_whom_it_mentions_anew_also_when_it_comes_again() {
    let (mut message, mut marks) = (message(), Vec::new());
    let ids = |names: &[&str]| -> Vec<UserId> { names.iter().map(|name| user(name)).collect() };
    message.mentions = ids(&["ben"]);
    let edit = |names: &[&str]| Change::Edit {
        content: Content::parse(&message.content).unwrap(),
        mentions: Some(ids(names)),
    };
    let [first, second, third] = std::array::from_fn(|_| CommandId::new());
    let edits = [
        (first, wanted(&message, "ann", edit(&["ann", "ben", "carl"])), ids(&["carl"])),
        (second, wanted(&message, "ann", edit(&["carl", "dora"])), ids(&["dora"])),
        (third, wanted(&message, "ann", edit(&[])), ids(&[])),
    ];
    for (command, edit, added) in &edits {
        assert!(matches!(apply(&mut message, &mut marks, *command, edit), Changed::Done(_, Effect::Edited)));
        assert_eq!(mentioned_by(&marks, *command), *added);
    }
    assert_eq!((message.mentions.len(), message.edited_at.is_some()), (0, true));
    for (command, edit, added) in &edits {
        assert!(matches!(apply(&mut message, &mut marks, *command, edit), Changed::Before(..)));
        assert_eq!(mentioned_by(&marks, *command), *added);
    }
    let same = wanted(
        &message,
        "ann",
        Change::Edit { content: Content::parse(&message.content).unwrap(), mentions: None },
    );
    assert!(matches!(apply(&mut message, &mut marks, CommandId::new(), &same), Changed::Nothing(..)));
    for _ in 0..COMMANDS_REMEMBERED {
        apply(&mut message, &mut marks, CommandId::new(), &same);
    }
    assert!(marks.iter().all(|mark| mark.mentions.is_empty()), "what is not recognised is not kept");
}

use super::*;

/// A command of a reader, published again by the gateway that accepted it.
fn read(redelivered: bool) -> (Item<Command>, AdvanceCursor) {
    let wanted = AdvanceCursor {
        thread_id: ThreadId::derive(&["ann".parse().unwrap()], "{}"),
        user_id: "ann".parse().unwrap(),
        cursor: Cursor::Read,
        up_to: Some(5),
        at: Timestamp(0),
    };
    let id = CommandId::new().0;
    let value = Command::AdvanceCursor(wanted.clone());
    (Item { id, attempt: 0, redelivered, value, reply_to: None, trace: None }, wanted)
}

/// How far others are told that the reader has come, if they are told.
fn told_others(redelivered: bool, from: u64, told: u64, up_to: u64) -> Option<u64> {
    let (item, wanted) = read(redelivered);
    let advanced = Advanced { from, told, up_to, unread_count: 0, messages: Vec::new() };
    let applied = Applied::advanced(&item, &wanted, Some(advanced));
    applied.events.iter().find_map(|event| match event {
        Event::CursorAdvanced { up_to, .. } => Some(*up_to),
        _ => None,
    })
}

#[test]
fn others_are_told_of_what_they_do_not_know() {
    for redelivered in [false, true] {
        assert_eq!(told_others(redelivered, 3, 3, 5), Some(5), "read on");
        assert_eq!(
            told_others(redelivered, 2, 5, 5),
            None,
            "read again after a mark, redelivered: {redelivered}"
        );
    }
    assert_eq!(told_others(false, 5, 5, 5), None, "the cursor was there");
    assert_eq!(told_others(true, 5, 5, 5), Some(5), "an earlier attempt may not have told them");
}

//! The contract of every [`Journal`], as checks that an adapter's tests call.
//!
//! A check takes two handles of one journal, as two processes have them. It uses gateways of its own, so one
//! journal serves all checks, at the same time and repeatedly. [`check_all`] runs them; a broken promise
//! panics and says what was expected. Adapters differ in how precisely they keep the retention time, so each
//! adapter tests it itself.

use crate::journal::{Entry, Journal, Part};
use eventflow_protocol::{GatewayId, ThreadId, Timestamp};

/// Number of entries of the largest part that a gateway writes.
const ENTRIES_MAX: u64 = 256;
/// Number of parts, more than any adapter reads at once.
const MANY: u64 = 1_500;

/// Runs every check of the port.
pub async fn check_all(one: &dyn Journal, other: &dyn Journal) {
    parts_are_read_in_order_and_whole(one).await;
    a_part_is_there_for_others_as_soon_as_it_is_appended(one, other).await;
    a_gateway_can_append_through_two_handles(one, other).await;
    appending_a_number_again_changes_nothing(one, other).await;
    older_parts_are_forgotten(one).await;
    everything_can_be_forgotten_but_the_last_part(one).await;
    journals_of_gateways_do_not_mix(one).await;
    an_unknown_gateway_has_nothing(one).await;
    a_hole_stays_a_hole(one).await;
    a_forgotten_part_does_not_come_back(one).await;
    a_large_part_and_an_empty_one_come_back(one).await;
    a_journal_begins_at_any_number(one).await;
    a_long_journal_is_read_whole(one, other).await;
}

/// Parts are read complete and with rising numbers.
pub async fn parts_are_read_in_order_and_whole(journal: &dyn Journal) {
    let gateway = GatewayId::new();
    let (session, joined) = (Some("a session's id".to_owned()), vec!["one".to_owned(), "another".to_owned()]);
    let parts = [part(1, 3), Part { session, ..part(2, 2) }, Part { joined, ..part(3, 1) }];
    append(journal, &gateway, &parts).await;
    assert_read(journal, &gateway, &parts).await;
}

/// Another process can read a part as soon as it is appended.
pub async fn a_part_is_there_for_others_as_soon_as_it_is_appended(one: &dyn Journal, other: &dyn Journal) {
    let (gateway, parts) = (GatewayId::new(), parts(1..=20));
    for (index, part) in parts.iter().enumerate() {
        append(one, &gateway, std::slice::from_ref(part)).await;
        assert_read(other, &gateway, &parts[..=index]).await;
    }
}

/// A journal belongs to the gateway and not to a handle.
pub async fn a_gateway_can_append_through_two_handles(one: &dyn Journal, other: &dyn Journal) {
    let (gateway, parts) = (GatewayId::new(), parts(1..=20));
    for pair in parts.chunks(2) {
        append(one, &gateway, &pair[..1]).await;
        append(other, &gateway, &pair[1..]).await;
    }
    assert_read(one, &gateway, &parts).await;
    assert_read(other, &gateway, &parts).await;
}

/// An append may be repeated at any time and through any handle; the first one counts.
pub async fn appending_a_number_again_changes_nothing(one: &dyn Journal, other: &dyn Journal) {
    let (gateway, parts) = (GatewayId::new(), parts(1..=3));
    append(one, &gateway, &parts).await;
    for handle in [one, other] {
        append(handle, &gateway, &parts).await;
        append(handle, &gateway, &[Part { session: Some("another".to_owned()), ..part(2, 7) }]).await;
        assert_read(handle, &gateway, &parts).await;
    }
}

/// Appending deletes the parts numbered below `keep_from` and no others.
pub async fn older_parts_are_forgotten(journal: &dyn Journal) {
    let (gateway, parts) = (GatewayId::new(), parts(1..=40));
    for (part, keep_from) in parts.iter().zip([0, 0, 0, 2, 2, 1].into_iter().chain(7..)) {
        journal.append(&gateway, part, keep_from).await.expect("append");
        if part.number == 6 {
            assert_read(journal, &gateway, &parts[1..6]).await;
        }
    }
    assert_read(journal, &gateway, &parts[39..]).await;
}

/// `keep_from` may be the number of the appended part itself.
pub async fn everything_can_be_forgotten_but_the_last_part(journal: &dyn Journal) {
    let (gateway, parts) = (GatewayId::new(), parts(1..=300));
    append(journal, &gateway, &parts[..299]).await;
    journal.append(&gateway, &parts[299], 300).await.expect("append");
    assert_read(journal, &gateway, &parts[299..]).await;
}

/// Gateways may use the same numbers for different parts, and one gateway's `keep_from` deletes nothing of
/// another's. No character of an id has a special meaning.
pub async fn journals_of_gateways_do_not_mix(journal: &dyn Journal) {
    let stem = GatewayId::new();
    let gateways = ["", ":", "1", "*", "'"].map(|ending| GatewayId::from(format!("{stem}{ending}").as_str()));
    for (entries, gateway) in (1..).zip(&gateways) {
        append(journal, gateway, &[part(1, entries), part(2, entries)]).await;
    }
    journal.append(&gateways[0], &part(3, 1), 3).await.expect("append");
    assert_read(journal, &gateways[0], &[part(3, 1)]).await;
    for (entries, gateway) in (1..).zip(&gateways).skip(1) {
        assert_read(journal, gateway, &[part(1, entries), part(2, entries)]).await;
    }
}

/// A missing journal reads as an empty one.
pub async fn an_unknown_gateway_has_nothing(journal: &dyn Journal) {
    assert_read(journal, &GatewayId::new(), &[]).await;
}

/// A skipped number stays missing; appending it later fails.
pub async fn a_hole_stays_a_hole(journal: &dyn Journal) {
    let (gateway, parts) = (GatewayId::new(), [part(1, 1), part(2, 1), part(4, 1)]);
    append(journal, &gateway, &parts).await;
    assert_read(journal, &gateway, &parts).await;
    journal.append(&gateway, &part(3, 1), 0).await.expect_err("part 3 was passed over");
    assert_read(journal, &gateway, &parts).await;
}

/// Repeating the append of a deleted part does not bring it back.
pub async fn a_forgotten_part_does_not_come_back(journal: &dyn Journal) {
    let (gateway, parts) = (GatewayId::new(), parts(1..=3));
    append(journal, &gateway, &parts[..2]).await;
    journal.append(&gateway, &parts[2], 3).await.expect("append");
    journal.append(&gateway, &parts[0], 0).await.expect_err("part 1 is forgotten");
    assert_read(journal, &gateway, &parts[2..]).await;
}

/// A part may hold as many messages as a gateway writes, or none.
pub async fn a_large_part_and_an_empty_one_come_back(journal: &dyn Journal) {
    let (gateway, parts) = (GatewayId::new(), [part(1, ENTRIES_MAX), part(2, 0), part(3, ENTRIES_MAX)]);
    append(journal, &gateway, &parts).await;
    assert_read(journal, &gateway, &parts).await;
}

/// Zero is a valid number. After a journal was lost, it continues at the gateway's current number.
pub async fn a_journal_begins_at_any_number(journal: &dyn Journal) {
    for first in [0, 1, 1_000_000_007, u64::from(u32::MAX) + 1] {
        let (gateway, parts) = (GatewayId::new(), [part(first, 1), part(first + 1, 1)]);
        append(journal, &gateway, &parts).await;
        assert_read(journal, &gateway, &parts).await;
    }
}

/// The adapter reads the whole journal, however many requests that takes.
pub async fn a_long_journal_is_read_whole(one: &dyn Journal, other: &dyn Journal) {
    let (gateway, parts) = (GatewayId::new(), parts(1..=MANY));
    append(one, &gateway, &parts).await;
    assert_read(other, &gateway, &parts).await;
}

/// A part for everybody with this many entries, all of them different.
pub fn part(number: u64, entries: u64) -> Part {
    let start = number * 1_000;
    let entry = |index: u64| {
        let position = start + 1 + index;
        Entry { position, thread: ThreadId::derive(&[], &(index % 7).to_string()), seq: position * 3 }
    };
    let at = Timestamp(1_700_000_000_123 + i64::try_from(number).expect("a small number"));
    Part { number, at, session: None, joined: Vec::new(), entries: (0..entries).map(entry).collect() }
}

fn parts(numbers: std::ops::RangeInclusive<u64>) -> Vec<Part> {
    numbers.map(|number| part(number, 1 + number % 3)).collect()
}

/// Appends parts and deletes none.
async fn append(journal: &dyn Journal, gateway: &GatewayId, parts: &[Part]) {
    for part in parts {
        journal.append(gateway, part, 0).await.expect("append");
    }
}

async fn assert_read(journal: &dyn Journal, gateway: &GatewayId, expected: &[Part]) {
    let found = journal.read(gateway).await.expect("read");
    let numbers = |parts: &[Part]| parts.iter().map(|part| part.number).collect::<Vec<_>>();
    assert_eq!(numbers(&found), numbers(expected), "the parts of {gateway}");
    assert_eq!(found, expected, "the parts of {gateway}");
}

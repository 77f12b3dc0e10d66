//! What every [`Journal`] must honour, as checks that an adapter's tests call.
//!
//! A check takes two handles of one journal, as two processes have them, and gateways of its own, so one
//! journal serves all, at once and again. [`check_all`] runs them; a broken promise panics with what was
//! expected. How long a journal is kept differs by adapter in its precision and is tested there.

use crate::journal::{Entry, Journal, Part};
use eventflow_protocol::{GatewayId, ThreadId, Timestamp};

/// Entries of the largest part that a gateway writes.
const ENTRIES_MAX: u64 = 256;
/// More parts than any adapter reads at once.
const MANY: u64 = 1_500;

/// Every promise of the port.
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

/// Nothing of a part is lost, and numbers rise.
pub async fn parts_are_read_in_order_and_whole(journal: &dyn Journal) {
    let gateway = GatewayId::new();
    let (session, joined) = (Some("a session's id".to_owned()), vec!["one".to_owned(), "another".to_owned()]);
    let parts = [part(1, 3), Part { session, ..part(2, 2) }, Part { joined, ..part(3, 1) }];
    append(journal, &gateway, &parts).await;
    assert_read(journal, &gateway, &parts).await;
}

/// Appended means readable, in another process too.
pub async fn a_part_is_there_for_others_as_soon_as_it_is_appended(one: &dyn Journal, other: &dyn Journal) {
    let (gateway, parts) = (GatewayId::new(), parts(1..=20));
    for (index, part) in parts.iter().enumerate() {
        append(one, &gateway, std::slice::from_ref(part)).await;
        assert_read(other, &gateway, &parts[..=index]).await;
    }
}

/// A journal belongs to the gateway, not to a handle.
pub async fn a_gateway_can_append_through_two_handles(one: &dyn Journal, other: &dyn Journal) {
    let (gateway, parts) = (GatewayId::new(), parts(1..=20));
    for pair in parts.chunks(2) {
        append(one, &gateway, &pair[..1]).await;
        append(other, &gateway, &pair[1..]).await;
    }
    assert_read(one, &gateway, &parts).await;
    assert_read(other, &gateway, &parts).await;
}

/// Repeating is safe at any time, through any handle; the first one counts.
pub async fn appending_a_number_again_changes_nothing(one: &dyn Journal, other: &dyn Journal) {
    let (gateway, parts) = (GatewayId::new(), parts(1..=3));
    append(one, &gateway, &parts).await;
    for handle in [one, other] {
        append(handle, &gateway, &parts).await;
        append(handle, &gateway, &[Part { session: Some("another".to_owned()), ..part(2, 7) }]).await;
        assert_read(handle, &gateway, &parts).await;
    }
}

/// What is numbered below `keep_from` is gone, the rest is not touched.
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

/// `keep_from` may be the number of the part itself.
pub async fn everything_can_be_forgotten_but_the_last_part(journal: &dyn Journal) {
    let (gateway, parts) = (GatewayId::new(), parts(1..=300));
    append(journal, &gateway, &parts[..299]).await;
    journal.append(&gateway, &parts[299], 300).await.expect("append");
    assert_read(journal, &gateway, &parts[299..]).await;
}

/// The same numbers mean other parts at another gateway, and forgetting is one's own. Nothing in an id has a
/// meaning.
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

/// No journal is an empty one.
pub async fn an_unknown_gateway_has_nothing(journal: &dyn Journal) {
    assert_read(journal, &GatewayId::new(), &[]).await;
}

/// A number that was passed over is missing for good: who tries to add it hears so.
pub async fn a_hole_stays_a_hole(journal: &dyn Journal) {
    let (gateway, parts) = (GatewayId::new(), [part(1, 1), part(2, 1), part(4, 1)]);
    append(journal, &gateway, &parts).await;
    assert_read(journal, &gateway, &parts).await;
    journal.append(&gateway, &part(3, 1), 0).await.expect_err("part 3 was passed over");
    assert_read(journal, &gateway, &parts).await;
}

/// Repeating an append that was forgotten since brings nothing back.
pub async fn a_forgotten_part_does_not_come_back(journal: &dyn Journal) {
    let (gateway, parts) = (GatewayId::new(), parts(1..=3));
    append(journal, &gateway, &parts[..2]).await;
    journal.append(&gateway, &parts[2], 3).await.expect("append");
    journal.append(&gateway, &parts[0], 0).await.expect_err("part 1 is forgotten");
    assert_read(journal, &gateway, &parts[2..]).await;
}

/// As many messages as a gateway puts into a part, and none.
pub async fn a_large_part_and_an_empty_one_come_back(journal: &dyn Journal) {
    let (gateway, parts) = (GatewayId::new(), [part(1, ENTRIES_MAX), part(2, 0), part(3, ENTRIES_MAX)]);
    append(journal, &gateway, &parts).await;
    assert_read(journal, &gateway, &parts).await;
}

/// Zero is a number, and a journal that was lost goes on where its gateway is.
pub async fn a_journal_begins_at_any_number(journal: &dyn Journal) {
    for first in [0, 1, 1_000_000_007, u64::from(u32::MAX) + 1] {
        let (gateway, parts) = (GatewayId::new(), [part(first, 1), part(first + 1, 1)]);
        append(journal, &gateway, &parts).await;
        assert_read(journal, &gateway, &parts).await;
    }
}

/// However an adapter reads, it reads all.
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

/// Appends and forgets nothing.
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

//! Old faults: each of the 21 known faults of the old server has a test that names it.
//!
//! In JavaScript a title begins with `old fault N: ` (`old faults N, M: ` where one test shows both). In Rust
//! a test's name begins with `old_fault_N_`.

use crate::repository::{SourceFile, files_below};
use std::collections::BTreeSet;

/// The faults of the old server, in the order in which they were found.
const FAULTS: [&str; 21] = [
    "anybody was who they said they were, without a token",
    "rooms could be joined by name, before signing in too",
    "strangers read, reacted to and marked messages",
    "messages of one socket lost their order",
    "unread counters lost updates",
    "messages by REST reached no connected socket",
    "one click was stored twice",
    "other devices and those who came back got nothing",
    "who was away for five minutes was treated as offline",
    "everybody heard who came and went",
    "every frame listed all people of its thread",
    "the limit of events was not in force",
    "markup and objects passed as contents",
    "documented routes were not there",
    "presence by REST was always offline",
    "events had other names than documented",
    "a thread was created twice at once",
    "errors told internals",
    "after a crash people stayed online for ever, and others vanished while connected",
    "failed notifications were never tried again, and lost with a restart",
    "a message cost five database trips and ten indexes",
];
/// Beginning of such a test in JavaScript.
const TITLE: [&str; 2] = ["test('old fault", "test(`old fault"];
/// Beginning of such a test's name in Rust.
const NAME: &str = "fn old_fault_";

#[test]
fn every_fault_of_the_old_server_has_a_test_that_names_it() {
    let named: BTreeSet<usize> = files_below("").iter().flat_map(faults_named_in).collect();
    let missing: Vec<String> = (1..)
        .zip(FAULTS)
        .filter(|(n, _)| !named.contains(n))
        .map(|(n, fault)| format!("{n}: {fault}"))
        .collect();
    assert!(missing.is_empty(), "no test names these faults of the old server: {missing:#?}");
    let unknown: Vec<&usize> = named.iter().filter(|n| !(1..=FAULTS.len()).contains(*n)).collect();
    assert!(unknown.is_empty(), "there are no such faults: {unknown:?}");
}

#[test]
fn only_tests_count_and_numbers_are_read_whole() {
    let named = |extension: &str, text: &str| {
        let file = SourceFile { path: format!("tests/a.{extension}"), text: text.to_owned() };
        faults_named_in(&file)
    };
    assert_eq!(
        named("mjs", "  test('old faults 14, 20: both', …\n  test('old fault 3: one', …"),
        [14, 20, 3]
    );
    assert_eq!(
        named("mjs", "// old fault 4: no test\nconst title = 'old fault 5: no test either'"),
        Vec::<usize>::new()
    );
    assert_eq!(
        named("rs", "#[tokio::test]\nasync fn old_fault_21_costs() {}\n#[test]\nfn old_fault_2_rooms() {}"),
        [21, 2]
    );
    assert_eq!(named("rs", "#[tokio::test(start_paused = true)]\nasync fn old_fault_19_leases() {}"), [19]);
    assert_eq!(
        named("rs", "fn old_fault_7_helper() {}\n//! test('old fault 8: in a comment"),
        Vec::<usize>::new()
    );
}

fn faults_named_in(file: &SourceFile) -> Vec<usize> {
    let lines: Vec<&str> = file.text.lines().map(str::trim_start).collect();
    if file.has_extension("mjs") {
        return lines.iter().filter_map(|line| title(line)).flat_map(numbers).collect();
    }
    if !file.has_extension("rs") {
        return Vec::new();
    }
    let tests = lines
        .windows(2)
        .filter(|pair| pair[0].starts_with("#[test]") || pair[0].starts_with("#[tokio::test"));
    tests
        .filter_map(|pair| pair[1].split_once(NAME))
        .flat_map(|(_, name)| numbers(name.split('_').next().unwrap_or("")))
        .collect()
}

/// The numbers at the beginning of a title, with the commas between them.
fn title(line: &str) -> Option<&str> {
    let rest = TITLE.iter().find_map(|start| line.strip_prefix(start))?;
    rest.strip_prefix('s').unwrap_or(rest).split_once(':').map(|(numbers, _)| numbers)
}

fn numbers(text: &str) -> Vec<usize> {
    text.split(',').filter_map(|number| number.trim().parse().ok()).collect()
}

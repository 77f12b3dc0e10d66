//! Coverage: every route and every event has a test, named in the table of the protocol page.
//!
//! The check reads routes from the table that serves them, and events from the files in which gateways and
//! the fan-out worker name them. A row names a file and words of a test's title in it. The named files run on
//! a single process and on a fleet.

use crate::repository::{SourceFile, files_below, read};
use std::collections::{BTreeMap, BTreeSet};

const PAGE: &str = "docs/PROTOCOL.md";
const SECTION: &str = "\n## What tests cover it\n";
const ROUTES: &str = "libs/ingress/src/http/routes.rs";
/// Files that name the client and server events.
const EVENTS: [&str; 4] = [
    "libs/ingress/src/ws/events/name.rs",
    "libs/protocol/src/client/events/",
    "libs/protocol/src/event.rs",
    "libs/workers/src/presence",
];
/// File that tells the events of clients apart.
const CLIENT_EVENTS: &str = "libs/ingress/src/ws/events/name.rs";
/// Folder of tests that run on one process and on a fleet, with the official client and over REST.
const BOTH_SHAPES: &str = "tests/contract/";
/// Events that only a fleet can show: the answer while a store that others share is away.
const FLEET_ONLY: [&str; 1] = ["message:queued"];

#[test]
fn every_route_and_event_has_a_test_that_the_protocol_page_names() {
    let rows = rows();
    let known: BTreeSet<String> = routes().into_iter().chain(events()).collect();
    let named: BTreeSet<String> = rows.keys().cloned().collect();
    let missing: Vec<&String> = known.difference(&named).collect();
    assert!(missing.is_empty(), "{PAGE} names no test for {missing:#?}");
    let gone: Vec<&String> = named.difference(&known).collect();
    assert!(gone.is_empty(), "{PAGE} names tests for what does not exist: {gone:#?}");
    for (what, (file, title)) in rows {
        let runs_on_both = file.starts_with(BOTH_SHAPES) || FLEET_ONLY.contains(&what.as_str());
        assert!(runs_on_both, "{what}: {file} does not run on both shapes");
        assert!(read(&file).contains(&title), "{what}: {file} has no test with the words `{title}`");
    }
}

/// The rows of the section: what is covered, and by which file and title.
fn rows() -> BTreeMap<String, (String, String)> {
    let page = read(PAGE);
    let (_, section) = page.split_once(SECTION).expect("the page has the section");
    let section = section.split("\n## ").next().expect("a section has a text");
    let mut rows = BTreeMap::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [what, file, title] = cells[..] else { panic!("{PAGE}: a row of three cells: {line}") };
        for what in what.split(", ") {
            let row = (file.trim_matches('`').to_owned(), title.to_owned());
            assert!(
                rows.insert(what.trim_matches('`').to_owned(), row).is_none(),
                "{PAGE}: {what} has two rows"
            );
        }
    }
    rows
}

fn routes() -> Vec<String> {
    let table = read(ROUTES);
    let route = |line: &str| {
        let (method, rest) = line.trim().strip_prefix("route(Method::")?.split_once(',')?;
        Some(format!("{method} /api{}", rest.split('"').nth(1)?))
    };
    let routes: BTreeSet<String> = table.lines().filter_map(route).collect();
    assert!(routes.len() > 20, "the routes were not found in {ROUTES}");
    routes.into_iter().collect()
}

/// Texts of the form `word:word`; only events have it.
fn events() -> Vec<String> {
    let mut events = BTreeSet::new();
    let files = files_below("libs");
    for place in EVENTS {
        assert!(files.iter().any(|file| file.path.starts_with(place)), "{place} is not there any more");
    }
    for SourceFile { path, text } in files {
        if !EVENTS.iter().any(|place| path.starts_with(place)) || path.contains("test") {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().expect("a file has a first part");
        let literals = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .flat_map(|line| line.split('"').skip(1).step_by(2));
        events.extend(literals.filter(|text| is_event(text)).map(str::to_owned));
    }
    // Events of one word are named where client events are told apart, before the arrow.
    let words = read(CLIENT_EVENTS);
    let arms = words.lines().filter_map(|line| line.split_once(" =>")).map(|(pattern, _)| pattern);
    events.extend(arms.flat_map(|pattern| pattern.split('"').skip(1).step_by(2)).map(str::to_owned));
    assert!(events.len() > 20, "the events were not found: {events:?}");
    events.into_iter().collect()
}

fn is_event(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    text.contains(':') && text.split(':').all(is_word)
}

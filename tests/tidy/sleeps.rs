//! Sleeps: a test waits for what it expects and not for a fixed time, which is too short on a busy machine
//! and too long on every other one.
//!
//! Tests poll until the condition holds (`eventually` of the testkit), or run on tokio's paused time. Where a
//! sleep is the only way, such as between two polls, the line before it says why: `// sleep: <reason>`.

use crate::repository::{SourceFile, files_below};

/// The call, in pieces, so that this file does not contain it.
const SLEEP: [&str; 2] = ["sle", "ep("];
/// Beginning of the comment that allows a sleep.
const REASON: &str = "// sleep: ";

#[test]
fn no_test_waits_for_a_length_of_time() {
    let files =
        ["bins", "libs", "tests"].into_iter().flat_map(files_below).filter(|file| file.has_extension("rs"));
    let asleep: Vec<String> = files.flat_map(|file| sleeps(&file)).collect();
    assert!(
        asleep.is_empty(),
        "wait for an event or on paused time, or say why not in a line `{REASON}…` before: {asleep:#?}"
    );
}

/// The places of a file where test code sleeps without a reason.
fn sleeps(file: &SourceFile) -> Vec<String> {
    let call = SLEEP.concat();
    let lines: Vec<&str> = file.text.lines().collect();
    let first = if is_for_tests(&file.path) { 0 } else { tests_begin(&lines) };
    let calls = (first..lines.len()).filter(|&n| {
        let is_call = lines[n].contains(&call) && !lines[n].trim_start().starts_with("//");
        is_call && !(n > 0 && lines[n - 1].trim_start().starts_with(REASON))
    });
    calls.map(|n| format!("{}:{}", file.path, n + 1)).collect()
}

/// Whether a whole file is for tests. The load generator is a tool that runs for a given time.
fn is_for_tests(path: &str) -> bool {
    let is_inside = |folder: &str| path.split('/').any(|part| part == folder);
    let is_tool = path.starts_with("tests/load/src/") || is_inside("examples");
    let is_named = path.ends_with("/tests.rs") || path.ends_with("/testing.rs");
    let is_contract = ["contract", "store_contract"].into_iter().any(is_inside);
    !is_tool && (is_named || is_contract || ["tests", "testing", "testkit"].into_iter().any(is_inside))
}

/// The line at which the tests at the end of a file begin.
fn tests_begin(lines: &[&str]) -> usize {
    let begin = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].ends_with('{'));
    begin.unwrap_or(lines.len())
}

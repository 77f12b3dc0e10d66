//! Form of the sources: no overlong file, no wide comment line, no `let` with a tuple of several bindings, no
//! unfinished work, and no disabled test.

use crate::repository::{SourceFile, files_below};

/// Line limit of a production file, without its tests.
const LINES_MAX: usize = 400;
/// Column limit of comment lines. rustfmt keeps code within it, but not comments.
const COMMENT_COLUMNS_MAX: usize = 110;
/// Binding limit of one `let` with a tuple on either side. With more bindings the reader has to count commas.
const TUPLE_BINDINGS_MAX: usize = 2;
/// Marks of unfinished work, in pieces, so that this file does not contain them.
const LEFT: [[&str; 2]; 2] = [["TO", "DO"], ["FIX", "ME"]];

#[test]
fn no_production_file_is_longer_than_four_hundred_lines() {
    let files = ["bins", "libs", "tests/load", "web", "clients"]
        .into_iter()
        .flat_map(files_below)
        .filter(is_production);
    let long: Vec<String> = files
        .map(|file| (production_lines(&file.text), file.path))
        .filter(|(lines, _)| *lines > LINES_MAX)
        .map(|(lines, path)| format!("{path}: {lines}"))
        .collect();
    assert!(long.is_empty(), "split these files, they tell more than one thing: {long:#?}");
}

#[test]
fn no_comment_is_wider_than_the_code() {
    let wide: Vec<String> = files_below("").into_iter().flat_map(|file| wide_comments(&file)).collect();
    assert!(wide.is_empty(), "break these comments at {COMMENT_COLUMNS_MAX} columns: {wide:#?}");
}

#[test]
fn no_let_binds_many_values_by_a_tuple() {
    let files = files_below("").into_iter().filter(|file| file.has_extension("rs"));
    let tuples: Vec<String> = files.flat_map(|file| tuple_lets(&file)).collect();
    assert!(tuples.is_empty(), "give each value a `let` of its own: {tuples:#?}");
}

#[test]
fn nothing_is_left_to_do() {
    let marks = LEFT.map(|pieces| pieces.concat());
    let marked = found(&marks.each_ref().map(String::as_str), |_| true);
    assert!(marked.is_empty(), "do it, or write down why it is not done: {marked:#?}");
}

#[test]
fn no_test_is_switched_off() {
    let ignored = found(&[&["#[ig", "nore"].concat()], |file| file.has_extension("rs"));
    assert!(ignored.is_empty(), "a test runs or goes: {ignored:#?}");
}

#[test]
fn every_exception_from_a_lint_has_its_reason() {
    let allow = ["#[al", "low("].concat();
    let bare = |text: &str| {
        text.split(&allow).skip(1).any(|rest| !rest[..rest.find(")]").unwrap_or(0)].contains("reason ="))
    };
    let files = files_below("").into_iter().filter(|file| file.has_extension("rs") && bare(&file.text));
    let paths: Vec<String> = files.map(|file| file.path).collect();
    assert!(paths.is_empty(), "say why, with `reason = \"…\"`: {paths:?}");
}

fn wide_comments(file: &SourceFile) -> Vec<String> {
    let marks: &[&str] = match file.path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("rs" | "js" | "mjs") => &["//", "/*", "* ", "*/"],
        Some("toml" | "yml" | "sh" | "py" | "conf") => &["#"],
        Some(_) => &[],
        None => &["# "],
    };
    let is_wide = |line: &str| {
        let is_comment = marks.iter().any(|mark| line.trim_start().starts_with(mark));
        is_comment && line.chars().count() > COMMENT_COLUMNS_MAX
    };
    let lines = file.text.lines().enumerate().filter(|(_, line)| is_wide(line));
    lines.map(|(n, _)| format!("{}:{}", file.path, n + 1)).collect()
}

/// Finds every `let` with a tuple of bindings and a tuple of values, also if rustfmt has broken it over
/// lines.
fn tuple_lets(file: &SourceFile) -> Vec<String> {
    const LET: &str = "let (";
    let starts = file.text.match_indices(LET).filter(|(at, _)| {
        let Some((pattern, rest)) = file.text[at + LET.len()..].split_once(')') else { return false };
        let bindings = pattern.split(',').filter(|binding| !binding.trim().is_empty()).count();
        let is_tuple =
            rest.trim_start().strip_prefix('=').is_some_and(|value| value.trim_start().starts_with('('));
        !pattern.contains('(') && bindings > TUPLE_BINDINGS_MAX && is_tuple
    });
    starts.map(|(at, _)| format!("{}:{}", file.path, file.text[..at].matches('\n').count() + 1)).collect()
}

fn found(words: &[&str], which: impl Fn(&SourceFile) -> bool) -> Vec<String> {
    let files = files_below("").into_iter().filter(which);
    let lines = files.flat_map(|file| {
        let numbered =
            file.text.lines().enumerate().filter(|(_, line)| words.iter().any(|word| line.contains(word)));
        numbered.map(|(number, _)| format!("{}:{}", file.path, number + 1)).collect::<Vec<_>>()
    });
    lines.collect()
}

/// Whether a file is neither a test, an example nor a fuzz target, and no module that only tests use.
fn is_production(file: &SourceFile) -> bool {
    let is_code = file.has_extension("rs") || file.has_extension("js");
    let is_inside = |folder: &str| file.path.contains(&format!("/{folder}/")); // the load generator's sources are in none
    let is_for_tests = file.path.ends_with("/tests.rs") || file.path.ends_with("/testing.rs");
    is_code && !is_for_tests && !["tests", "examples", "fuzz", "testkit"].into_iter().any(is_inside)
}

/// Number of lines before the tests at the end of a file.
fn production_lines(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].ends_with('{'));
    tests.unwrap_or(lines.len())
}

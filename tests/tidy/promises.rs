//! Promises: what the page of promises names exists, and its figures stand where they were written down.
//!
//! A row has a promise with its anchor, what shows it, its last figure, and what nothing shows. In the second
//! cell a path is followed by the tests that are meant: names of functions, or titles in quotes. A path may
//! have arguments, which its script must know.

use crate::manuals::{heading_anchor, prose};
use crate::repository::{read, root};
use std::collections::BTreeSet;

const PAGE: &str = "docs/RELIABILITY.md";
/// Beginning of a row. The anchor is for links to one promise.
const ROW: &str = "| <a id=\"";
/// First cell of the table of commands.
const COMMANDS: &str = "| what is named |";
/// What a figure says that nobody wrote down.
const NO_FIGURE: &str = "none written down";
/// Folders in which a named file may be.
const FOLDERS: [&str; 4] = ["tests/", "libs/", "bins/", "bench/"];
/// Number of promises that must be found at least; fewer mean that the tables were not read.
const ROWS_MIN: usize = 30;

struct Row {
    anchor: String,
    shown: String,
    figure: String,
    rest: String,
}

/// What stands in a cell, in its order.
#[derive(Debug, PartialEq)]
enum Named<'a> {
    Path(&'a str),
    Argument(&'a str),
    Function(&'a str),
    Title(&'a str),
}

#[test]
fn every_promise_names_tests_and_scripts_that_exist() {
    let mut wrong = Vec::new();
    for row in rows() {
        let shown = named(&row.shown);
        let elsewhere = named(&row.figure).into_iter().chain(named(&row.rest));
        let elsewhere: Vec<Named<'_>> = elsewhere.filter(is_path).collect();
        if !shown.iter().any(is_path) {
            wrong.push(format!("{}: nothing shows it", row.anchor));
        }
        let lost = missing(&shown).into_iter().chain(missing(&elsewhere));
        wrong.extend(lost.map(|what| format!("{}: {what}", row.anchor)));
    }
    assert!(wrong.is_empty(), "{PAGE} names what is not there: {wrong:#?}");
}

#[test]
fn every_test_of_a_promise_has_a_command() {
    let page = read(PAGE);
    let table = page.split_once(COMMANDS).expect("the page has a table of commands").1;
    let table = table.split("\n\n").next().expect("a table ends");
    let first_cells = table.lines().filter_map(|line| line.split(" | ").next());
    let folders: Vec<&str> = first_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    let rows = rows();
    let bare = rows.iter().flat_map(|row| named(&row.shown)).filter_map(|each| match each {
        Named::Path(path) if !folders.iter().any(|folder| is_in(path, folder)) => Some(path),
        _ => None,
    });
    let bare: BTreeSet<&str> = bare.collect();
    assert!(bare.is_empty(), "{PAGE} has no command for {bare:?}");
}

#[test]
fn every_figure_of_a_promise_stands_where_it_was_written_down() {
    let mut wrong = Vec::new();
    for row in rows() {
        let places: Vec<String> = links(&row.figure).map(section).collect();
        if places.is_empty() && !row.figure.starts_with(NO_FIGURE) {
            wrong.push(format!("{}: link the figure, or say `{NO_FIGURE}`", row.anchor));
        }
        let known: BTreeSet<String> = places.iter().flat_map(|text| numbers(text)).collect();
        let told = numbers(&without_targets(&row.figure));
        wrong.extend(
            told.into_iter().filter(|number| !known.contains(number)).map(|n| format!("{}: {n}", row.anchor)),
        );
    }
    assert!(wrong.is_empty(), "the sections that {PAGE} links to do not have these numbers: {wrong:#?}");
}

#[test]
fn every_promise_has_an_anchor_of_its_own() {
    let rows = rows();
    let anchors: BTreeSet<&str> = rows.iter().map(|row| row.anchor.as_str()).collect();
    assert_eq!(anchors.len(), rows.len(), "an anchor comes twice: {anchors:?}");
}

#[test]
fn names_are_told_from_words_and_numbers_are_read_whole() {
    let cell = "`tests/kill --kills 20`: `Retry-After`, `a_b_c`; \"a title\" in `/readyz`.";
    assert_eq!(
        named(cell),
        [
            Named::Path("tests/kill"),
            Named::Argument("--kills"),
            Named::Function("a_b_c"),
            Named::Title("a title")
        ]
    );
    assert_eq!(numbers("1,000/s, p99 25.5. 3.10.8"), ["1000", "99", "25.5", "3.10.8"]);
    assert_eq!(without_targets("[27 May](A.md#s-3): 5"), "[27 May: 5");
    assert!(is_in("tests/kill", "tests/kill") && !is_in("tests/killer", "tests/kill"));
}

fn rows() -> Vec<Row> {
    let page = read(PAGE);
    let rows: Vec<Row> = page.lines().filter_map(|line| line.strip_prefix(ROW)).map(row).collect();
    assert!(rows.len() >= ROWS_MIN, "{PAGE} has {} promises", rows.len());
    rows
}

fn row(line: &str) -> Row {
    let (anchor, rest) = line.split_once('"').expect("an anchor ends");
    let cells: Vec<&str> = rest.trim_end().trim_end_matches('|').split(" | ").map(str::trim).collect();
    let [_, shown, figure, rest] = cells[..] else { panic!("{PAGE}: {anchor} has four cells: {line}") };
    let [anchor, shown, figure, rest] = [anchor, shown, figure, rest].map(str::to_owned);
    Row { anchor, shown, figure, rest }
}

/// Code between backticks and titles between quotes, as far as they name something.
fn named(cell: &str) -> Vec<Named<'_>> {
    let mut named = Vec::new();
    for (at, part) in cell.split('`').enumerate() {
        if at % 2 == 0 {
            named.extend(part.split('"').skip(1).step_by(2).map(Named::Title));
        } else if FOLDERS.iter().any(|folder| part.starts_with(folder)) {
            let mut words = part.split(' ');
            named.extend(words.next().map(Named::Path));
            let is_word = |word: &&str| word.starts_with(|c: char| c == '-' || c.is_ascii_alphabetic());
            named.extend(words.flat_map(|word| word.split(',')).filter(is_word).map(Named::Argument));
        } else if is_function(part) {
            named.push(Named::Function(part));
        }
    }
    named
}

fn is_path(named: &Named<'_>) -> bool {
    matches!(named, Named::Path(_))
}

fn is_function(word: &str) -> bool {
    let is_name = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    is_name && word.matches('_').count() >= 2
}

/// What of these is not there; arguments, functions and titles belong to the path before them.
fn missing(named: &[Named<'_>]) -> Vec<String> {
    let mut text = String::new();
    let mut missing = Vec::new();
    for each in named {
        let is_there = match each {
            Named::Path(path) => {
                text = std::fs::read_to_string(root().join(path)).unwrap_or_default();
                root().join(path).exists()
            }
            Named::Argument(word) => text.contains(word),
            Named::Function(name) => text.contains(&format!("fn {name}(")),
            Named::Title(title) => text.contains(title),
        };
        if !is_there {
            missing.push(format!("{each:?}"));
        }
    }
    missing
}

fn is_in(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn links(cell: &str) -> impl Iterator<Item = &str> {
    cell.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

fn without_targets(cell: &str) -> String {
    let mut parts = cell.split("](");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once(')').map_or("", |(_, rest)| rest))
}

/// The text of the part of a manual that a link leads to, with its smaller parts.
fn section(link: &str) -> String {
    let (file, anchor) =
        link.split_once('#').unwrap_or_else(|| panic!("{PAGE}: {link} names no part of the page"));
    let page = read(&format!("docs/{file}"));
    let heading =
        prose(&page).lines().find(|line| heading_anchor(line).as_deref() == Some(anchor)).map(str::to_owned);
    let heading = heading.unwrap_or_else(|| panic!("{PAGE}: {link} leads nowhere"));
    let marks = heading.split(' ').next().unwrap_or_default();
    let text = page.split_once(&format!("\n{heading}\n")).map_or("", |(_, rest)| rest);
    text.split(&format!("\n{marks} ")).next().unwrap_or_default().to_owned()
}

/// The numbers of a text, without the commas between thousands.
fn numbers(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !c.is_ascii_digit() && c != '.' && c != ',');
    let trimmed = parts.map(|part| part.trim_matches(['.', ',']).replace(',', ""));
    trimmed.filter(|number| !number.is_empty()).collect()
}

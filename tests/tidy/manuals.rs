//! Manuals: links lead somewhere, the named source files exist, and error codes have the status that the
//! manuals give.

use crate::repository::{SourceFile, files_below, read, root};
use eventflow_protocol::ErrorCode;
use std::path::Path;

#[test]
fn every_link_between_files_leads_somewhere() {
    let mut broken = Vec::new();
    for file in manuals() {
        for target in links(&prose(&file.text)) {
            if !leads_somewhere(&file, target) {
                broken.push(format!("{}: {target}", file.path));
            }
        }
    }
    assert!(broken.is_empty(), "these links lead nowhere: {broken:#?}");
}

#[test]
fn every_source_file_that_a_manual_names_exists() {
    let mut missing = Vec::new();
    for file in manuals().into_iter().filter(|file| file.path.starts_with("docs/")) {
        let spans = file.text.split('`').skip(1).step_by(2);
        let named = spans
            .filter(|span| span.contains('/') && Path::new(span).extension().is_some_and(|own| own == "rs"));
        let lost =
            named.filter(|path| !root().join(path).exists() && !root().join("libs").join(path).exists());
        missing.extend(lost.map(|path| format!("{}: {path}", file.path)));
    }
    assert!(missing.is_empty(), "these files do not exist (any more): {missing:#?}");
}

#[test]
fn every_error_code_of_the_protocol_page_has_its_status() {
    let page = read("docs/PROTOCOL.md");
    let table = page.split_once("\n## Errors").expect("the page has a part about errors").1;
    let mut rows = 0;
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let Ok(code) = serde_json::from_str::<ErrorCode>(&format!("\"{}\"", cells[1].trim_matches('`')))
        else {
            continue;
        };
        let status = cells[2].split(',').next().expect("a cell has a first part");
        assert_eq!(status, code.status().to_string(), "{row}");
        rows += 1;
    }
    assert!(rows >= 12, "the table of errors names {rows} codes");
}

fn manuals() -> Vec<SourceFile> {
    files_below("").into_iter().filter(|file| file.has_extension("md")).collect()
}

/// The text without code blocks, because their brackets are no links.
pub(crate) fn prose(text: &str) -> String {
    text.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}

fn links(prose: &str) -> impl Iterator<Item = &str> {
    let targets = prose.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    targets.filter(|target| !target.starts_with("http://") && !target.starts_with("https://"))
}

fn leads_somewhere(from: &SourceFile, target: &str) -> bool {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = Path::new(&from.path).parent().expect("a file is in a folder");
    let file = if path.is_empty() { root().join(&from.path) } else { root().join(folder).join(path) };
    if anchor.is_empty() {
        return file.exists();
    }
    let named = format!("<a id=\"{anchor}\"></a>");
    let leads_here = |line: &str| heading_anchor(line).as_deref() == Some(anchor) || line.contains(&named);
    std::fs::read_to_string(file).is_ok_and(|text| prose(&text).lines().any(leads_here))
}

/// The anchor of a heading: lower case, words joined by hyphens, punctuation dropped.
pub(crate) fn heading_anchor(line: &str) -> Option<String> {
    let title = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    Some(kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect())
}

//! Alerts: each has its part of the runbook, a case in which it fires and one in which it is silent.

use crate::repository::read;
use std::collections::{BTreeMap, BTreeSet};

const RULES: &str = "grafana/rules.yml";
const CASES: &str = "grafana/rules.test.yml";
const MANUAL: &str = "docs/OPERATIONS.md";

#[test]
fn every_alert_links_to_a_part_of_the_runbook_that_exists() {
    let manual = read(MANUAL);
    let anchors: BTreeSet<String> =
        manual.lines().filter_map(|line| line.strip_prefix("### ")).map(str::to_lowercase).collect();
    let mut wrong = Vec::new();
    for (alert, rule) in alerts() {
        let link = rule.lines().find_map(|line| line.trim().strip_prefix("runbook_url: "));
        let anchor = link
            .and_then(|link| link.trim_matches('"').strip_prefix(MANUAL))
            .and_then(|rest| rest.strip_prefix('#'));
        if !anchor.is_some_and(|anchor| anchors.contains(anchor)) {
            wrong.push(format!("{alert}: {link:?}"));
        }
    }
    assert!(wrong.is_empty(), "the runbook in {MANUAL} has no such part: {wrong:#?}");
}

#[test]
fn every_part_of_the_runbook_is_about_an_alert() {
    let manual = read(MANUAL);
    let runbook = manual.split_once("\n## Runbook\n").expect("the page has a runbook").1;
    let runbook = runbook.split("\n## ").next().expect("a text has a first part");
    let alerts = alerts();
    let idle: Vec<&str> = runbook
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .filter(|part| !alerts.contains_key(*part))
        .collect();
    assert!(idle.is_empty(), "no rule has these names: {idle:?}");
}

#[test]
fn every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_silent() {
    let cases = read(CASES);
    let mut missing = Vec::new();
    for alert in alerts().keys() {
        for what in ["fires", "silent"] {
            let line = format!("count(ALERTS{{alertname=\"{alert}\", alertstate=\"firing\"}}) # {what}");
            let expects = cases.split(&line).nth(1).and_then(|rest| rest.lines().nth(2)).map(str::trim);
            let is_right = match expects {
                Some("exp_samples: []") => what == "silent",
                Some(text) => what == "fires" && text.starts_with("exp_samples: [{ value: "),
                None => false,
            };
            if !is_right {
                missing.push(format!("{alert} {what}"));
            }
        }
    }
    assert!(missing.is_empty(), "{CASES} lacks a case: {missing:#?}");
}

/// Each alert's rule, by its name.
fn alerts() -> BTreeMap<String, String> {
    let rules = read(RULES);
    let parts = rules.split("\n      - ").filter_map(|part| part.strip_prefix("alert: "));
    parts
        .map(|part| {
            let (name, rule) = part.split_once('\n').expect("a rule has more than a name");
            (name.to_owned(), rule.to_owned())
        })
        .collect()
}

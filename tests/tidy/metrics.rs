//! Metrics: every metric that a dashboard, a rule or a manual names is exported.
//!
//! The check reads our own metrics from the registry itself, after it has touched each family once. A list
//! beside this file holds the broker's metrics.

use crate::repository::{SourceFile, files_below};
use eventflow_metrics::{CallOutcome, Dependency, EventOutcome, HttpMethod, Label, Metrics, SocketTransport};
use std::collections::BTreeSet;
use std::time::Duration;

const PREFIXES: [&str; 3] = ["eventflow_", "rabbitmq_", "process_"];
const BROKER: &str = include_str!("rabbitmq-metrics.txt");

#[test]
fn every_metric_that_is_named_exists() {
    let exported: BTreeSet<String> = ours().into_iter().chain(brokers()).collect();
    let mut unknown = BTreeSet::new();
    for file in files_below("grafana").into_iter().chain(operators_manual()) {
        let named = names(&file.text).filter(|name| !exported.contains(*name));
        unknown.extend(named.map(|name| format!("{}: {name}", file.path)));
    }
    assert!(unknown.is_empty(), "nobody exports these metrics: {unknown:#?}");
}

#[test]
fn the_list_of_broker_metrics_holds_no_more_than_what_is_named() {
    let texts: Vec<SourceFile> = files_below("grafana").into_iter().chain(operators_manual()).collect();
    let named: BTreeSet<&str> = texts.iter().flat_map(|file| names(&file.text)).collect();
    let idle: Vec<String> = brokers().filter(|name| !named.contains(name.as_str())).collect();
    assert!(
        idle.is_empty(),
        "take these out of tests/tidy/rabbitmq-metrics.txt, nothing names them: {idle:?}"
    );
}

fn operators_manual() -> impl Iterator<Item = SourceFile> {
    files_below("docs").into_iter().filter(|file| file.path == "docs/OPERATIONS.md")
}

/// Words that look like metrics. Labels, jobs and files have other prefixes.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| PREFIXES.iter().any(|prefix| word.len() > prefix.len() && word.starts_with(prefix)))
}

fn brokers() -> impl Iterator<Item = String> {
    BROKER.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned)
}

fn ours() -> Vec<String> {
    let text = touched().render().expect("a fresh registry can be written");
    let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    families.flat_map(|(name, kind)| series(name, kind)).collect()
}

/// The series of a metric; a histogram is exported as three.
fn series(name: &str, kind: &str) -> Vec<String> {
    let mut series = vec![name.to_owned()];
    if kind == "histogram" {
        series.extend(["_bucket", "_sum", "_count"].map(|suffix| format!("{name}{suffix}")));
    }
    series
}

/// Metrics in which every family has a value, because a family without one is not exported: those of a queue,
/// gauges of what nobody looks at, and labels whose values others name.
fn touched() -> Metrics {
    let metrics = Metrics::default();
    metrics.bus.queue("persist.0");
    metrics.build.is("1", "1");
    metrics.edge.sockets.of(SocketTransport::Websocket);
    metrics.edge.events(AnyEvent, EventOutcome::Ok);
    metrics.http.answered(HttpMethod::Get, None, 200, Duration::ZERO);
    metrics.store.calls.took("read", CallOutcome::Ok, Duration::ZERO);
    metrics.dead_letters.set_waiting([(("persist.0".to_owned(), "refused"), 1)].into());
    let shares = metrics.shares.stage("persist");
    shares.owner(0);
    metrics.system.up.of(Dependency::Broker);
    metrics
}

#[derive(Clone, Copy)]
struct AnyEvent;

impl Label for AnyEvent {
    const ALL: &'static [Self] = &[Self];

    fn as_str(self) -> &'static str {
        "auth"
    }
}

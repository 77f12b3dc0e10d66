//! Names of the series, and how many there can be.

use crate::{Label, Metrics, ParkReason, RetryDelay};
use std::collections::BTreeMap;

/// Series that a process exports from the start: a bound that a new label has to be weighed against. A
/// process is scraped every 15 s, and a fleet has some dozens of processes.
const SERIES_MAX: usize = 600;
/// Series of each further queue that a process publishes to or consumes.
const SERIES_PER_QUEUE_MAX: usize = 140;

fn text(metrics: &Metrics) -> String {
    metrics.render().expect("a fresh registry can be written")
}

fn series(metrics: &Metrics) -> usize {
    text(metrics).lines().filter(|line| !line.starts_with('#')).count()
}

#[test]
fn every_series_has_its_prefix_and_appears_once() {
    let metrics = Metrics::default();
    metrics.bus.queue("persist.0");
    let text = text(&metrics);
    let names: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert!(
        names.iter().all(|name| name.starts_with("eventflow_") || name.starts_with("process_")),
        "{names:?}"
    );
    let mut distinct = names.clone();
    distinct.dedup();
    assert_eq!(names, distinct);
}

#[test]
fn the_number_of_series_is_bounded_by_what_is_built_in() {
    let metrics = Metrics::default();
    let at_start = series(&metrics);
    assert!(at_start <= SERIES_MAX, "{at_start} series without a single event");
    metrics.bus.queue("persist.0");
    let of_a_queue = series(&metrics) - at_start;
    assert!(of_a_queue <= SERIES_PER_QUEUE_MAX, "{of_a_queue} series for one queue");
    let before = series(&metrics);
    for gateway in 0..1_000 {
        let queue = metrics.bus.queue(&format!("gateway.{gateway}"));
        queue.retried(RetryDelay::OneHour);
        queue.parked(ParkReason::Crashed);
    }
    assert_eq!(series(&metrics) - before, of_a_queue, "all gateways share the series of one queue");
}

#[test]
fn what_has_not_happened_yet_is_exported_as_zero() {
    let metrics = Metrics::default();
    let queue = metrics.bus.queue("email");
    let text = text(&metrics);
    for reason in ParkReason::ALL {
        let line =
            format!("eventflow_consume_parked_total{{queue=\"email\",reason=\"{}\"}} 0", reason.as_str());
        assert!(text.contains(&line), "{line}");
    }
    queue.parked(ParkReason::Refused);
    assert!(
        self::text(&metrics)
            .contains("eventflow_consume_envelopes_total{outcome=\"parked\",queue=\"email\"} 1")
    );
}

#[test]
fn a_family_has_no_more_values_of_a_label_than_its_enum() {
    let metrics = Metrics::default();
    metrics.bus.queue("persist.0");
    let text = text(&metrics);
    let mut families: BTreeMap<&str, usize> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.contains("le=\"")) {
        *families.entry(line.split(['{', ' ']).next().unwrap_or_default()).or_default() += 1;
    }
    let widest = families.iter().max_by_key(|(_, series)| **series).expect("there are families");
    assert!(*widest.1 <= 20, "{widest:?} has more series than an operator can read");
}

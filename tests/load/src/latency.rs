//! Latency distributions (HDR histograms in microseconds) and their summaries (in milliseconds).

use hdrhistogram::Histogram;
use serde::Serialize;

/// Longest recorded latency: ten minutes. Longer ones count as ten minutes.
const LONGEST_US: u64 = 600_000_000;
/// Significant digits: percentiles are exact to 0.1 %.
const DIGITS: u8 = 3;

/// Collects latencies in microseconds.
pub struct Latency(Histogram<u64>);

impl Default for Latency {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST_US, DIGITS).expect("the bounds are valid constants"))
    }
}

impl Latency {
    /// Counts one latency in microseconds.
    pub fn record(&mut self, us: u64) {
        self.0.saturating_record(us.max(1));
    }

    /// The percentiles so far.
    pub fn summary(&self) -> Summary {
        let ms = |quantile: f64| self.0.value_at_quantile(quantile) as f64 / 1_000.0;
        Summary {
            count: self.0.len(),
            p50_ms: ms(0.50),
            p90_ms: ms(0.90),
            p99_ms: ms(0.99),
            p999_ms: ms(0.999),
            max_ms: if self.0.is_empty() { 0.0 } else { self.0.max() as f64 / 1_000.0 },
        }
    }
}

/// Percentiles in milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Summary {
    /// Number of measurements.
    pub count: u64,
    /// Median.
    pub p50_ms: f64,
    /// 90th percentile.
    pub p90_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// 99.9th percentile.
    pub p999_ms: f64,
    /// Maximum.
    pub max_ms: f64,
}

/// The median of the 99th percentiles of several windows, in milliseconds; the lower of the two middle ones
/// if their number is even. NaN without windows.
pub fn median_p99(windows: &[Summary]) -> f64 {
    let mut all: Vec<f64> = windows.iter().map(|window| window.p99_ms).collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_come_out_in_milliseconds() {
        let mut latency = Latency::default();
        for us in 1..=1_000 {
            latency.record(us * 1_000);
        }
        let summary = latency.summary();
        assert!((summary.p50_ms - 500.0).abs() < 1.0, "{summary:?}");
        assert!((summary.p99_ms - 990.0).abs() < 1.5, "{summary:?}");
        assert_eq!(summary.count, 1_000);
    }

    #[test]
    fn one_bad_window_of_three_is_not_the_median() {
        let windows = [9.0, 70.0, 8.0].map(|p99_ms| Summary { p99_ms, ..Summary::default() });
        assert_eq!((median_p99(&windows), median_p99(&windows[..2])), (9.0, 9.0));
    }
}

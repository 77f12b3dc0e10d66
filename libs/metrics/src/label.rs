//! Series with one label whose values are an enum: no caller can write a label value as text.

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};
use std::marker::PhantomData;

use crate::MetricsError;

/// A closed set of label values. Implement it for an enum, never for a text.
pub trait Label: Copy + 'static {
    /// Every value. Counters and histograms are exported for all of them from the start, with 0, so that a
    /// rate is right from the first event on and an alert sees what has not happened yet.
    const ALL: &'static [Self];

    /// The value as Prometheus shows it.
    fn as_str(self) -> &'static str;
}

/// Counters of one family, one for each value of the label `L`.
pub struct Counters<L> {
    family: IntCounterVec,
    label: PhantomData<fn(L)>,
}

/// Gauges of one family, one for each value of the label `L`.
pub struct Gauges<L> {
    family: IntGaugeVec,
    label: PhantomData<fn(L)>,
}

/// Histograms of one family, one for each value of the label `L`.
pub struct Histograms<L> {
    family: HistogramVec,
    label: PhantomData<fn(L)>,
}

impl<L: Label> Counters<L> {
    pub(crate) fn register(
        registry: &Registry,
        name: &str,
        help: &str,
        label: &str,
    ) -> Result<Self, MetricsError> {
        let family = registered(registry, IntCounterVec::new(Opts::new(name, help), &[label])?)?;
        let counters = Self { family, label: PhantomData };
        for value in L::ALL {
            counters.of(*value);
        }
        Ok(counters)
    }

    /// The counter of this value.
    pub fn of(&self, value: L) -> IntCounter {
        self.family.with_label_values(&[value.as_str()])
    }
}

impl<L: Label> Gauges<L> {
    pub(crate) fn register(
        registry: &Registry,
        name: &str,
        help: &str,
        label: &str,
    ) -> Result<Self, MetricsError> {
        let family = registered(registry, IntGaugeVec::new(Opts::new(name, help), &[label])?)?;
        Ok(Self { family, label: PhantomData })
    }

    /// The gauge of this value. The series is exported from the first call on: of what nobody looks at, 0
    /// would be untrue.
    pub fn of(&self, value: L) -> IntGauge {
        self.family.with_label_values(&[value.as_str()])
    }
}

impl<L: Label> Histograms<L> {
    pub(crate) fn register(
        registry: &Registry,
        opts: HistogramOpts,
        label: &str,
    ) -> Result<Self, MetricsError> {
        let family = registered(registry, HistogramVec::new(opts, &[label])?)?;
        let histograms = Self { family, label: PhantomData };
        for value in L::ALL {
            histograms.of(*value);
        }
        Ok(histograms)
    }

    /// The histogram of this value.
    pub fn of(&self, value: L) -> Histogram {
        self.family.with_label_values(&[value.as_str()])
    }
}

impl<L> Clone for Counters<L> {
    fn clone(&self) -> Self {
        Self { family: self.family.clone(), label: PhantomData }
    }
}

impl<L> Clone for Gauges<L> {
    fn clone(&self) -> Self {
        Self { family: self.family.clone(), label: PhantomData }
    }
}

impl<L> Clone for Histograms<L> {
    fn clone(&self) -> Self {
        Self { family: self.family.clone(), label: PhantomData }
    }
}

/// Registers a family and gives it back.
pub(crate) fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    family: C,
) -> Result<C, MetricsError> {
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

//! eventflow-metrics

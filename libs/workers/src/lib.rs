//! eventflow-workers

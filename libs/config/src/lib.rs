//! eventflow-config

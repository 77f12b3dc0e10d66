//! eventflow-protocol

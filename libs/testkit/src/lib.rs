//! eventflow-testkit

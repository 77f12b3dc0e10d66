//! eventflow-tests

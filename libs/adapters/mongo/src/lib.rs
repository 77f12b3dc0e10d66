//! eventflow-mongo

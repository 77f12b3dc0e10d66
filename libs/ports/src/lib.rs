//! eventflow-ports

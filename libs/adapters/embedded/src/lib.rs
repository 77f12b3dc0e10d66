//! eventflow-embedded

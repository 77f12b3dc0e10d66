//! eventflow-boot

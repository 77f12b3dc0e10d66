//! eventflow-ingress

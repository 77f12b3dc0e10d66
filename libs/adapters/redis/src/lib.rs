//! eventflow-redis

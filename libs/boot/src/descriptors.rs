//! File descriptors: each socket takes one, so the process raises the soft limit to the hard limit at start
//! and logs the result.
//!
//! Many systems start a service with a soft limit of 1,024. With that limit a gateway would serve a thousand
//! people and then fail.

/// Warning threshold: one instance is designed for 5,000 sockets, so fewer descriptors than this get a
/// warning.
const ENOUGH: u64 = 8_192;

/// Raises the soft limit as far as the hard limit allows.
pub fn raise_limit() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) if limit >= ENOUGH => tracing::debug!(limit, "file descriptors"),
        Ok(limit) => {
            tracing::warn!(
                limit,
                "few file descriptors: a gateway holds fewer sockets than that (ulimit -n)"
            );
        }
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the limit of file descriptors was not raised"
        ),
    }
}

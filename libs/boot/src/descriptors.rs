//! File descriptors: each socket is one, so the soft limit is raised to the hard one and the result is said at the start.
//!
//! Many systems start a service with a soft limit of 1,024, which is a gateway of a thousand people and then errors.

/// A gateway with fewer is told about; 5,000 sockets are what one instance is made for.
const ENOUGH: u64 = 8_192;

/// Raises the soft limit as far as the hard one allows.
pub fn raise_limit() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) if limit >= ENOUGH => tracing::debug!(limit, "file descriptors"),
        Ok(limit) => {
            tracing::warn!(limit, "few file descriptors: a gateway holds fewer sockets than that (ulimit -n)")
        }
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the limit of file descriptors was not raised"
        ),
    }
}

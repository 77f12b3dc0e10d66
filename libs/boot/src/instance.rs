//! The name of a process among others of its role: the host (in a container its id) and the process id.

use std::fs;

/// Where Linux tells the name of the host.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// The name of this process; it holds until the process ends.
pub fn name() -> String {
    let host = fs::read_to_string(HOST_NAME).unwrap_or_default();
    let host = host.trim();
    let host = if host.is_empty() { "unknown" } else { host };
    format!("{host}-{}", std::process::id())
}

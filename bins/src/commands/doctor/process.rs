//! What a process has beside its servers: file descriptors, the data folder, the secret, public keys.

use super::finding::Finding;
use crate::jwks;
use crate::secret;
use eventflow_config::Config;
use std::fs;

const PART: &str = "process";
/// One instance is designed for 5,000 sockets.
const DESCRIPTORS_ENOUGH: u64 = 8_192;

pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let mut findings = vec![descriptors()];
    if config.embedded_broker() || config.embedded_store() {
        findings.push(data_folder(config));
    }
    findings.push(match secret::check(config) {
        Ok(()) => Finding::ok(PART, "secret of tokens", "configured, or generated and kept"),
        Err(error) => Finding::bad(PART, "secret of tokens", format!("{error:#}"), "set JWT_SECRET"),
    });
    findings.extend(public_keys(config).await);
    findings
}

/// Whether the identity provider gives keys.
async fn public_keys(config: &Config) -> Option<Finding> {
    const CHECK: &str = "public keys of tokens";
    Some(match jwks::ask(config).await? {
        Ok(count) => Finding::ok(PART, CHECK, format!("{count} that can be used")),
        Err(error) => Finding::bad(
            PART,
            CHECK,
            format!("{error:#}"),
            "gateways that start now refuse the provider's tokens with `unavailable`; mend it within 24 hours for the others",
        ),
    })
}

fn descriptors() -> Finding {
    const CHECK: &str = "file descriptors";
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let hard = line.and_then(|line| line.split_whitespace().nth(4)).unwrap_or_default();
    match hard.parse::<u64>() {
        Ok(limit) if limit < DESCRIPTORS_ENOUGH => Finding::warning(
            PART,
            CHECK,
            format!("at most {limit}"),
            "raise the hard limit (ulimit -Hn, LimitNOFILE): each socket takes one",
        ),
        Ok(limit) => Finding::ok(PART, CHECK, format!("at most {limit}")),
        Err(_) if hard == "unlimited" => Finding::ok(PART, CHECK, "unlimited"),
        Err(_) => Finding::unknown(PART, CHECK, "this system has no /proc/self/limits", ""),
    }
}

/// Whether the folder can be written, found by writing a file beside the others.
fn data_folder(config: &Config) -> Finding {
    const CHECK: &str = "data folder";
    let dir = &config.data.dir;
    if !dir.exists() {
        return Finding::ok(PART, CHECK, format!("{} is made at the first start", dir.display()));
    }
    match tempfile::NamedTempFile::new_in(dir) {
        Ok(_) => Finding::ok(PART, CHECK, format!("{} can be written", dir.display())),
        Err(error) => Finding::bad(
            PART,
            CHECK,
            format!("{}: {error}", dir.display()),
            "give the user of the process the folder, or set DATA_DIR",
        ),
    }
}

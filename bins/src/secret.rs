//! The secret that tokens are signed with: the configured one, or one that a process makes once and keeps in
//! the data folder.
//!
//! A process makes a secret only if it is a single process with embedded backends, where nobody else has to
//! know it. The configuration refuses an empty secret anywhere else.

use anyhow::Context;
use eventflow_config::Config;
use eventflow_ingress::identity::{ExpectedClaims, Tokens};
use eventflow_ports::Clock;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

/// The file in the data folder.
const FILE: &str = "jwt-secret";

/// The configured secret, else the kept one, else a new one that is kept.
pub fn resolve(config: &Config) -> anyhow::Result<Vec<u8>> {
    if !config.auth.jwt_secret.is_empty() {
        return Ok(config.auth.jwt_secret.expose().as_bytes().to_vec());
    }
    config.may_generate_secret()?;
    let path = config.data.dir.join(FILE);
    keep(&config.data.dir, &path)
        .with_context(|| format!("auth.jwt_secret: keep a generated secret in {}", path.display()))
}

/// The secret before the current one, while it is being replaced.
pub fn previous(config: &Config) -> Option<Vec<u8>> {
    let previous = &config.auth.jwt_secret_previous;
    (!previous.is_empty()).then(|| previous.expose().as_bytes().to_vec())
}

/// What tokens must say of who issued them and whom they are meant for.
pub fn expected(config: &Config) -> ExpectedClaims {
    let given = |text: &str| (!text.is_empty()).then(|| text.into());
    ExpectedClaims { issuer: given(&config.auth.jwt_issuer), audience: given(&config.auth.jwt_audience) }
}

/// Checks and makes tokens as configured.
pub fn tokens(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Tokens> {
    Ok(Tokens::new(&resolve(config)?, clock).context("auth.jwt_secret")?.expecting(expected(config)))
}

fn keep(folder: &Path, path: &Path) -> std::io::Result<Vec<u8>> {
    std::fs::create_dir_all(folder)?;
    let secret = format!("{}{}", fresh(), fresh());
    // Only the owner may read it; and of two processes that start at once, one makes it.
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match file {
        Ok(mut file) => {
            file.write_all(secret.as_bytes())?;
            file.sync_all()?;
            Ok(secret.into_bytes())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => std::fs::read(path),
        Err(error) => Err(error),
    }
}

/// 122 random bits in hexadecimal.
fn fresh() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

//! Signing secret of tokens: the configured one, or one that the process generates once and keeps in the data
//! folder.
//!
//! A process generates a secret only if it is a single process with embedded backends, because then no other
//! process needs to know it. In any other set-up the configuration refuses an empty secret.

use anyhow::Context;
use eventflow_config::Config;
use eventflow_ingress::identity::{ExpectedClaims, Tokens};
use eventflow_ports::Clock;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

/// Name of the secret's file in the data folder.
const FILE: &str = "jwt-secret";

/// Returns the configured secret, else the stored one, else a new one that it stores.
pub fn resolve(config: &Config) -> anyhow::Result<Vec<u8>> {
    if !config.auth.jwt_secret.is_empty() {
        return Ok(config.auth.jwt_secret.expose().as_bytes().to_vec());
    }
    config.may_generate_secret()?;
    let path = config.data.dir.join(FILE);
    keep(&config.data.dir, &path)
        .with_context(|| format!("auth.jwt_secret: keep a generated secret in {}", path.display()))
}

/// The secret before the current one, accepted while it is being replaced.
pub fn previous(config: &Config) -> Option<Vec<u8>> {
    let previous = &config.auth.jwt_secret_previous;
    (!previous.is_empty()).then(|| previous.expose().as_bytes().to_vec())
}

/// The issuer and audience that tokens must name.
pub fn expected(config: &Config) -> ExpectedClaims {
    let given = |text: &str| (!text.is_empty()).then(|| text.into());
    ExpectedClaims { issuer: given(&config.auth.jwt_issuer), audience: given(&config.auth.jwt_audience) }
}

/// Creates the verifier and issuer of tokens as configured.
pub fn tokens(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Tokens> {
    Ok(Tokens::new(&resolve(config)?, clock).context("auth.jwt_secret")?.expecting(expected(config)))
}

fn keep(folder: &Path, path: &Path) -> std::io::Result<Vec<u8>> {
    std::fs::create_dir_all(folder)?;
    let secret = format!("{}{}", fresh(), fresh());
    // Only the owner may read the file. Of two processes that start at the same time, only one creates it.
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

/// Generates 122 random bits in hexadecimal.
fn fresh() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

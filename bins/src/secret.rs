//! Signing secret of tokens: the configured one, or one that the process generates once and keeps in the data
//! folder.
//!
//! A process generates a secret only if it is a single process with embedded backends, because then no other
//! process needs to know it. In any other set-up the configuration refuses an empty secret. The file is there
//! whole or not at all, also after a power loss: it is written beside its place and renamed.

use anyhow::{Context, ensure};
use eventflow_config::Config;
use eventflow_ingress::identity::{ExpectedClaims, SECRET_MIN_BYTES, Tokens};
use eventflow_ports::Clock;
use std::fs::{DirBuilder, File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name of the secret's file in the data folder.
const FILE: &str = "jwt-secret";
/// Mode of the data folder: only its owner may look into it.
const FOLDER_MODE: u32 = 0o700;
/// Mode of the file: only its owner may read it.
const FILE_MODE: u32 = 0o600;

/// Returns the secret of tokens, as [`resolve`] does; `None` where public keys check all tokens.
pub fn of_tokens(config: &Config) -> anyhow::Result<Option<Vec<u8>>> {
    let is_needed = configured(config).is_some() || config.may_generate_secret().is_ok();
    if !is_needed && config.auth.needs_no_token_secret() {
        return Ok(None);
    }
    resolve(config).map(Some)
}

/// Returns the configured secret, else the stored one, else a new one that it stores.
pub fn resolve(config: &Config) -> anyhow::Result<Vec<u8>> {
    if let Some(secret) = configured(config) {
        return Ok(secret);
    }
    config.may_generate_secret()?;
    let path = path(config);
    let fresh = || format!("{}{}", random(), random());
    keep(&config.data.dir, &path, fresh)
        .with_context(|| format!("auth.jwt_secret: keep a generated secret in {}", path.display()))
}

/// Creates the issuer of tokens for a system that runs with this configuration. Without a configured secret
/// the system has stored one: a new one would sign tokens that hold nowhere.
pub fn tokens_of_running_system(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Tokens> {
    let secret = configured(config).map_or_else(|| stored_already(&path(config)), Ok)?;
    Ok(Tokens::new(&secret, clock).context("auth.jwt_secret")?.expecting(expected(config)))
}

/// Refuses a configuration without a secret that may not have a generated one and cannot do without.
pub fn check(config: &Config) -> anyhow::Result<()> {
    if configured(config).is_none() && !config.auth.needs_no_token_secret() {
        config.may_generate_secret()?;
    }
    Ok(())
}

/// The secret before the current one, accepted while it is being replaced.
pub fn previous(config: &Config) -> Option<Vec<u8>> {
    let previous = &config.auth.jwt_secret_previous;
    (!previous.is_empty()).then(|| previous.expose().as_bytes().to_vec())
}

/// The secret of the links by which people stop mails, if it is not the one of tokens.
pub fn of_unsubscribing(config: &Config) -> Option<Vec<u8>> {
    let secret = &config.auth.unsubscribe_secret;
    (!secret.is_empty()).then(|| secret.expose().as_bytes().to_vec())
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

fn configured(config: &Config) -> Option<Vec<u8>> {
    let secret = &config.auth.jwt_secret;
    (!secret.is_empty()).then(|| secret.expose().as_bytes().to_vec())
}

fn path(config: &Config) -> PathBuf {
    config.data.dir.join(FILE)
}

/// The stored secret; there must be one.
fn stored_already(path: &Path) -> anyhow::Result<Vec<u8>> {
    let missing = || {
        let shown = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        format!(
            "there is no secret: JWT_SECRET is not set, and {} does not exist. Run this where the system runs, \
             with its DATA_DIR or --config, or give it the JWT_SECRET of the system",
            shown.display()
        )
    };
    stored(path)?.with_context(missing)
}

/// The stored secret, if there is one.
fn stored(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    let secret = match std::fs::read(path) {
        Ok(secret) => secret.trim_ascii().to_vec(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
    };
    ensure!(
        secret.len() >= SECRET_MIN_BYTES,
        "{} has {} bytes, and a secret has at least {SECRET_MIN_BYTES}; delete it for a new one",
        path.display(),
        secret.len()
    );
    // A copy or an older version may have left it readable for others.
    if std::fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(path, Permissions::from_mode(FILE_MODE))?;
    }
    Ok(Some(secret))
}

/// Returns the secret that is stored in this file of the data folder, else a new one that it stores. Of two
/// processes that do so at the same time, one wins, and both use its secret.
pub(crate) fn keep(folder: &Path, path: &Path, fresh: impl FnOnce() -> String) -> anyhow::Result<Vec<u8>> {
    match stored(path)? {
        Some(secret) => Ok(secret),
        None => store_new(folder, path, fresh()),
    }
}

fn store_new(folder: &Path, path: &Path, secret: String) -> anyhow::Result<Vec<u8>> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
    // Readable for its owner only, from the beginning.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(secret.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            File::open(folder)?.sync_all()?;
            Ok(secret.into_bytes())
        }
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
            stored(path)?.context("it was deleted at this moment")
        }
        Err(error) => Err(error.error.into()),
    }
}

/// Generates 122 random bits in hexadecimal.
fn random() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_ports::SystemClock;

    fn config() -> (Config, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let mut config = eventflow_config::defaults();
        config.data.dir = folder.path().join("data");
        (config, folder)
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_generated_secret_is_kept_for_its_owner_alone_and_found_again() {
        let (config, _folder) = config();
        let secret = resolve(&config).unwrap();
        assert_eq!((secret.len(), resolve(&config).unwrap()), (64, secret));
        assert_eq!((mode(&path(&config)), mode(&config.data.dir)), (0o600, 0o700));
        assert_eq!(std::fs::read_dir(&config.data.dir).unwrap().count(), 1, "nothing is left beside it");
        std::fs::set_permissions(path(&config), Permissions::from_mode(0o644)).unwrap();
        resolve(&config).unwrap();
        assert_eq!(mode(&path(&config)), 0o600);
    }

    #[test]
    fn a_secret_that_was_cut_off_is_refused_and_not_replaced() {
        let (config, _folder) = config();
        std::fs::create_dir(&config.data.dir).unwrap();
        for cut in ["", "0123456789abcdef"] {
            std::fs::write(path(&config), cut).unwrap();
            let error = format!("{:#}", resolve(&config).unwrap_err());
            assert!(error.contains("delete it"), "{error}");
            assert_eq!(std::fs::read_to_string(path(&config)).unwrap(), cut);
        }
    }

    #[test]
    fn of_many_who_store_a_secret_at_once_all_use_one() {
        let (config, _folder) = config();
        let resolved: Vec<Vec<u8>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| resolve(&config).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(resolved.iter().all(|secret| *secret == resolved[0]));
    }

    #[test]
    fn a_token_for_a_running_system_is_not_signed_with_a_secret_that_nobody_has() {
        let (config, _folder) = config();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let Err(error) = tokens_of_running_system(&config, Arc::clone(&clock)) else {
            panic!("there is no secret");
        };
        assert!(error.to_string().contains("jwt-secret does not exist"), "{error}");
        assert!(!config.data.dir.exists(), "nothing is made");
        let token = |tokens: Tokens| tokens.mint(&"ann".parse().unwrap(), "Ann", 600);
        let running = tokens(&config, Arc::clone(&clock)).unwrap();
        let token = token(tokens_of_running_system(&config, clock).unwrap());
        assert!(running.verify(&token).is_ok());
    }
}

//! The public keys of the identity provider: fetched from its address, read from a file, and kept.
//!
//! One task of a gateway looks at the start, every [`REFRESH`], and when a token names a key that is not
//! known, but never more often than [`PAUSE`] allows. What a source gave last counts until it gives something
//! else, or until it has given nothing for [`KEPT`]. Looking again changes nothing that is right already.

use crate::client::{HttpClient, Limits};
use crate::system::System;
use anyhow::{Context, ensure};
use axum::body::Body;
use axum::http::{Request, StatusCode, Uri, header};
use eventflow_config::Config;
use eventflow_ingress::identity::{KeySet, PublicKeys};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Between two looks while all is well: a key that the provider has taken back counts no longer than this.
const REFRESH: Duration = Duration::from_mins(5);
/// Between two looks whatever happens. Anybody can send a token with an invented key id, and each of these
/// must not become a request to the provider.
const PAUSE: Duration = Duration::from_secs(10);
/// How long keys count after their source gave them last: a provider that is away for a night signs nobody
/// out, and keys that nobody vouches for do not count for ever.
const KEPT: Duration = Duration::from_hours(24);
/// A look: from connecting to the last byte, and bytes of the document. A set of five RSA keys with their
/// certificates has 10 KB.
const LIMITS: Limits = Limits { time: Duration::from_secs(5), bytes: 256 * 1024 };

/// Starts the task that keeps the keys, if there are sources; gives the keys.
pub(crate) fn start(system: &mut System) -> anyhow::Result<Option<PublicKeys>> {
    let Some(keeper) = Keeper::open(&system.config)? else { return Ok(None) };
    let (keys, stop) = (keeper.keys.clone(), system.shutdown.workers.clone());
    system.worker("public keys", keeper.run(stop));
    Ok(Some(keys))
}

/// Asks every source of the settings once. How many keys there are, or why one has none; `None` without any.
pub(crate) async fn ask(config: &Config) -> Option<anyhow::Result<usize>> {
    let keeper = match Keeper::open(config) {
        Ok(keeper) => keeper?,
        Err(error) => return Some(Err(error)),
    };
    let mut count = 0;
    for source in &keeper.sources {
        match source.origin.keys().await.context(source.setting) {
            Ok(keys) => count += keys.len(),
            Err(error) => return Some(Err(error)),
        }
    }
    Some(Ok(count))
}

/// Keeps the keys of some sources.
struct Keeper {
    sources: Vec<Source>,
    keys: PublicKeys,
}

struct Source {
    /// The setting that names it.
    setting: &'static str,
    origin: Origin,
    kept: Option<Kept>,
    /// Whether the last look failed; the log says it once.
    is_failing: bool,
}

struct Kept {
    keys: KeySet,
    at: Instant,
}

enum Origin {
    Url { uri: Uri, client: Box<HttpClient> },
    File(PathBuf),
}

impl Keeper {
    /// The sources of the settings; `None` without any. A file must be good now: unlike a server, it is not
    /// away for a moment.
    fn open(config: &Config) -> anyhow::Result<Option<Self>> {
        let mut sources = Vec::new();
        let (url, file) = (config.auth.jwks_url.as_str(), config.auth.jwks_file.as_str());
        if !url.is_empty() {
            let setting = "auth.jwks_url (JWKS_URL)";
            let uri = url.parse().context(setting)?;
            let origin = Origin::Url { uri, client: Box::new(HttpClient::new(LIMITS)?) };
            sources.push(Source { setting, origin, kept: None, is_failing: false });
        }
        if !file.is_empty() {
            let setting = "auth.jwks_file (JWKS_FILE)";
            let kept = Kept { keys: read(Path::new(file)).context(setting)?, at: Instant::now() };
            let origin = Origin::File(file.into());
            sources.push(Source { setting, origin, kept: Some(kept), is_failing: false });
        }
        if sources.is_empty() {
            return Ok(None);
        }
        let keeper = Self { sources, keys: PublicKeys::default() };
        keeper.publish();
        Ok(Some(keeper))
    }

    async fn run(mut self, stop: CancellationToken) {
        loop {
            let began = Instant::now();
            let looked = stop.run_until_cancelled(self.look()).await;
            self.keys.looked(began + PAUSE);
            let Some(all_well) = looked else { return };
            let next = began + if all_well { REFRESH } else { PAUSE };
            let pause = async {
                tokio::time::sleep_until(began + PAUSE).await;
                tokio::select! {
                    () = tokio::time::sleep_until(next) => {}
                    () = self.keys.wanted() => {}
                }
            };
            if stop.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    /// Looks at every source once. Whether all gave keys.
    async fn look(&mut self) -> bool {
        let mut all_well = true;
        for source in &mut self.sources {
            all_well &= source.look().await;
        }
        self.publish();
        all_well
    }

    /// Lets the keys count that the sources have.
    fn publish(&self) {
        let kept = self.sources.iter().filter_map(|source| source.kept.as_ref());
        self.keys.replace(kept.fold(KeySet::default(), |all, kept| all.and(&kept.keys)));
    }
}

impl Source {
    /// Whether the source gave keys.
    async fn look(&mut self) -> bool {
        let setting = self.setting;
        match self.origin.keys().await {
            Ok(keys) => {
                if self.is_failing || self.kept.is_none() {
                    tracing::info!(setting, keys = keys.len(), "public keys of tokens are there");
                }
                self.kept = Some(Kept { keys, at: Instant::now() });
                self.is_failing = false;
            }
            Err(error) => {
                if !self.is_failing {
                    let reason = format!("{error:#}");
                    tracing::warn!(
                        setting,
                        reason,
                        "no public keys of tokens came; those that are known count (said once)"
                    );
                }
                self.is_failing = true;
                if self.kept.take_if(|kept| kept.at.elapsed() > KEPT).is_some() {
                    tracing::error!(setting, "public keys of tokens are too old and count no longer");
                }
            }
        }
        !self.is_failing
    }
}

impl Origin {
    async fn keys(&self) -> anyhow::Result<KeySet> {
        match self {
            Self::Url { uri, client } => fetch(uri, client).await,
            // A small file, once in minutes.
            Self::File(path) => read(path),
        }
    }
}

/// Redirects are not followed: the operator names the address that counts.
async fn fetch(uri: &Uri, client: &HttpClient) -> anyhow::Result<KeySet> {
    let request = Request::get(uri.clone()).header(header::ACCEPT, "application/json");
    let (status, body) = client.ask(request.body(Body::empty())?).await?;
    ensure!(status == StatusCode::OK, "the answer is {status}, and 200 is expected");
    Ok(KeySet::parse(&body)?)
}

fn read(path: &Path) -> anyhow::Result<KeySet> {
    let file = std::fs::File::open(path).with_context(|| format!("read {}", path.display()))?;
    let mut json = Vec::new();
    // One byte more than is allowed shows that there is more.
    let limit = LIMITS.bytes as u64 + 1;
    file.take(limit).read_to_end(&mut json).with_context(|| format!("read {}", path.display()))?;
    ensure!(json.len() <= LIMITS.bytes, "{} has more than {} bytes", path.display(), LIMITS.bytes);
    KeySet::parse(&json).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests;

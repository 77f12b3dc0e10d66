//! Push services as configured: the credentials, checked when the process starts, and the keys that browsers
//! subscribe with.

use crate::backends::Backends;
use crate::secret;
use anyhow::{Context, ensure};
use eventflow_config::{Config, DemoReach, PushSettings as Configured};
use eventflow_ports::{OutboxPusher, Pusher};
use eventflow_push_http::{PushHttp, PushSettings, Reach, Roots, ServiceAccount, VapidKey};
use std::path::Path;
use std::sync::Arc;

/// Name of the file in the data folder that keeps a generated key.
const FILE: &str = "vapid-key";

/// What sends pushes. While no provider is configured and the outbox can be seen, what has none is kept
/// there: a generated key reaches browsers and no apps.
pub(crate) fn pusher(config: &Config, backends: &Backends) -> anyhow::Result<Arc<dyn Pusher>> {
    let settings = settings(config)?;
    for missing in missing(config, &settings) {
        tracing::warn!("{missing}");
    }
    let pusher: Arc<dyn Pusher> = Arc::new(PushHttp::new(settings, Arc::clone(&backends.clock)));
    if !keeps_in_outbox(config) {
        return Ok(pusher);
    }
    Ok(Arc::new(OutboxPusher::new(pusher, Arc::clone(&backends.outbox), Arc::clone(&backends.clock))))
}

/// Whether pushes without a provider are kept in the outbox: where nobody can see it, they fail instead, and
/// the log says so.
pub(crate) fn keeps_in_outbox(config: &Config) -> bool {
    let push = &config.push;
    let has_provider = !push.firebase_credentials.is_empty() || !push.vapid_private_key.is_empty();
    !has_provider && config.demo_reach() != DemoReach::Nobody
}

/// What an operator should know at the start about pushes that go nowhere.
fn missing(config: &Config, settings: &PushSettings) -> Vec<&'static str> {
    let is_half = settings.vapid.is_none() && !config.push.vapid_public_key.is_empty();
    let half = "push.vapid_public_key (VAPID_PUBLIC_KEY) is set without push.vapid_private_key \
                (VAPID_PRIVATE_KEY): browsers subscribe and get no pushes";
    let has_none = settings.service_account.is_none() && settings.vapid.is_none();
    let none = "neither FIREBASE_CREDENTIALS nor VAPID_PRIVATE_KEY is set: no pushes are sent";
    let kept = "no push provider is configured: pushes to apps are kept in the outbox and not sent";
    let found = [(is_half, half), (has_none && !is_half, none), (keeps_in_outbox(config), kept)];
    found.into_iter().filter(|(is_so, _)| *is_so).map(|(_, words)| words).collect()
}

fn settings(config: &Config) -> anyhow::Result<PushSettings> {
    let push = &config.push;
    let roots = match push.ca_file.as_str() {
        "" => Roots::default(),
        file => Roots::with_file(Path::new(file)).with_context(|| format!("push.ca_file: {file}"))?,
    };
    Ok(PushSettings {
        service_account: service_account(push)?,
        fcm_url: push.fcm_url.clone(),
        vapid: vapid(config)?,
        reach: if push.allow_private_endpoints { Reach::Anywhere } else { Reach::Public },
        roots,
    })
}

/// The public key that browsers subscribe with; `None` if they get no pushes.
pub fn public_key(config: &Config) -> anyhow::Result<Option<String>> {
    let given = Some(config.push.vapid_public_key.clone()).filter(|key| !key.is_empty());
    Ok(vapid(config)?.map(|key| key.public().to_owned()).or(given))
}

/// Reads the service account: JSON, or the path of a file with it.
fn service_account(push: &Configured) -> anyhow::Result<Option<ServiceAccount>> {
    let given = push.firebase_credentials.expose().trim();
    if given.is_empty() {
        return Ok(None);
    }
    let key = "push.firebase_credentials (FIREBASE_CREDENTIALS)";
    let json = if given.starts_with('{') {
        given.to_owned()
    } else {
        std::fs::read_to_string(given).with_context(|| format!("{key}: read the file that it names"))?
    };
    ServiceAccount::parse(&json).context(key).map(Some)
}

/// The configured key pair, else one that is generated once and kept in the data folder, where no other
/// process has to know it; else none.
fn vapid(config: &Config) -> anyhow::Result<Option<VapidKey>> {
    let push = &config.push;
    let private = if !push.vapid_private_key.is_empty() {
        push.vapid_private_key.expose().to_owned()
    } else if push.vapid_public_key.is_empty() && config.may_generate_secret().is_ok() {
        let folder = &config.data.dir;
        let kept = secret::keep(folder, &folder.join(FILE), VapidKey::generate);
        String::from_utf8(kept.context("push.vapid_private_key: keep a generated key")?)?
    } else {
        return Ok(None);
    };
    let key =
        VapidKey::parse(&private, contact(config)).context("push.vapid_private_key (VAPID_PRIVATE_KEY)")?;
    let public = push.vapid_public_key.trim_end_matches('=');
    ensure!(
        public.is_empty() || public == key.public(),
        "push.vapid_public_key (VAPID_PUBLIC_KEY): it does not belong to the private key"
    );
    Ok(Some(key))
}

/// Whom push services may write to: as configured, else the site.
fn contact(config: &Config) -> &str {
    let (contact, site) = (config.push.vapid_subject.as_str(), config.server.base_url.as_str());
    if contact.is_empty() && site.starts_with("https://") { site } else { contact }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_config::Secret;

    fn config() -> (Config, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let mut config = eventflow_config::defaults();
        config.data.dir = folder.path().join("data");
        (config, folder)
    }

    fn refusal(config: &Config) -> String {
        let refused = settings(config).err().expect("it is refused");
        format!("{refused:#}")
    }

    #[test]
    fn a_single_process_makes_a_key_once_and_a_fleet_has_none_unless_it_is_given() {
        let (mut config, _folder) = config();
        let first = public_key(&config).unwrap();
        assert!(first.is_some());
        assert_eq!(public_key(&config).unwrap(), first);
        config.broker.url = Secret::new("amqp://x");
        assert_eq!(public_key(&config).unwrap(), None);
        config.push.vapid_public_key = "BKey".to_owned();
        assert_eq!(public_key(&config).unwrap().as_deref(), Some("BKey"), "a gateway needs no private one");
    }

    #[test]
    fn pushes_that_go_nowhere_are_told_at_the_start_and_kept_only_where_somebody_sees_them() {
        let (mut config, _folder) = config();
        let told = |config: &Config| missing(config, &settings(config).unwrap()).join("; ");
        assert!(keeps_in_outbox(&config) && told(&config).contains("outbox"));
        config.demo.mode = eventflow_config::DemoMode::Off;
        assert!(!keeps_in_outbox(&config), "nobody sees it");
        assert_eq!(told(&config), "", "browsers get theirs by the generated key");
        config.push.vapid_public_key = "BKey".to_owned();
        assert!(told(&config).contains("VAPID_PRIVATE_KEY"), "{}", told(&config));
        config.push.vapid_public_key.clear();
        config.push.vapid_private_key = Secret::new(VapidKey::generate());
        config.demo.mode = eventflow_config::DemoMode::On;
        assert!(!keeps_in_outbox(&config) && told(&config).is_empty());
    }

    #[test]
    fn broken_credentials_name_their_key_and_are_not_repeated() {
        let (mut config, folder) = config();
        config.push.firebase_credentials = Secret::new("{\"canary\": 1}");
        let said = refusal(&config);
        assert!(said.contains("FIREBASE_CREDENTIALS") && said.contains("missing field"), "{said}");
        assert!(!said.contains("canary"), "{said}");
        config.push.firebase_credentials = Secret::new("/nonexistent/account.json");
        assert!(refusal(&config).contains("FIREBASE_CREDENTIALS"));
        config.push.firebase_credentials = Secret::new("");
        config.push.vapid_private_key = Secret::new("canary");
        let said = refusal(&config);
        assert!(said.contains("VAPID_PRIVATE_KEY") && !said.contains("canary"), "{said}");
        config.push.vapid_private_key = Secret::new(VapidKey::generate());
        config.push.vapid_public_key = "BKey".to_owned();
        assert!(refusal(&config).contains("VAPID_PUBLIC_KEY"));
        config.push.vapid_public_key.clear();
        config.push.ca_file = folder.path().join("none.pem").display().to_string();
        assert!(refusal(&config).contains("push.ca_file"));
    }
}

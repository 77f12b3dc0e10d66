//! The settings of the ingress, and the error of settings that cannot be used.

use crate::client_address::ProxyTrust;
use crate::files::FileSettings;
use crate::identity::{ExpectedClaims, PublicKeys, WeakSecret};
use crate::new_threads::ThreadRules;
use crate::origin::NotAnOrigin;
use crate::sliding_window::DEFAULT_EVENTS_PER_MINUTE;
use crate::templates::NotificationTemplates;
use eventflow_protocol::Timestamp;
use eventflow_protocol::content::Markup;
use std::sync::Arc;
use std::time::Duration;

/// Events per minute and user unless configured otherwise: three sockets at their own limit. Ten tabs that
/// load again, each with five events, need 50.
const DEFAULT_EVENTS_PER_MINUTE_USER: u32 = 300;
/// REST requests per minute and user unless configured otherwise: ten a second for a page that loads, none
/// for a loop that asks for ever.
const DEFAULT_REST_PER_MINUTE_USER: u32 = 600;
/// REST requests per minute and client address unless configured otherwise: several people share one.
const DEFAULT_REST_PER_MINUTE_IP: u32 = 1_200;
/// Answers in flight unless configured otherwise, in kilobytes; see `default.toml`.
const DEFAULT_REST_ANSWERS_KB: u32 = 64 * 1024;
/// Open sockets per user unless configured otherwise: a person's devices and many tabs, not a loop that
/// connects for ever.
const DEFAULT_SOCKETS_PER_USER: u32 = 50;
/// Open sockets per client address unless configured otherwise: a house or an office shares one.
const DEFAULT_SOCKETS_PER_IP: u32 = 1_000;
/// Clients let in within a second unless configured otherwise; see `default.toml`.
const DEFAULT_JOINS_PER_SECOND: u32 = 1_000;
/// Joins of one user in a minute unless configured otherwise: each of their sockets four times.
const DEFAULT_JOINS_PER_MINUTE_USER: u32 = 200;
/// Lag at which shedding begins unless configured otherwise; see `default.toml`.
const DEFAULT_SHED_AT: Duration = Duration::from_millis(100);

/// Dead letters that a replay sends in a second, unless configured otherwise; see `default.toml`.
const DEFAULT_REPLAYS_PER_SECOND: u32 = 50;

/// Settings of the ingress.
#[derive(Clone)]
pub struct IngressConfig {
    /// The secret that HS256 tokens are signed with, of at least [`crate::identity::SECRET_MIN_BYTES`];
    /// `None` if public keys check all tokens. Then there is an `unsubscribe_secret`.
    pub jwt_secret: Option<Arc<[u8]>>,
    /// The previous secret, as long as tokens signed with it still live.
    pub jwt_secret_previous: Option<Arc<[u8]>>,
    /// The secret of the links by which people stop mails, if it is not the one of tokens.
    pub unsubscribe_secret: Option<Arc<[u8]>>,
    /// The public keys of the identity provider; `None`: it has none.
    pub public_keys: Option<PublicKeys>,
    /// The `iss` and `aud` that tokens must carry.
    pub jwt_expected: ExpectedClaims,
    /// The secret of the mail provider's webhook; `None`: there is no webhook.
    pub webhook_secret: Option<Arc<str>>,
    /// The message stream of the mail provider that mails belong to: reports about others mean nothing.
    pub mail_stream: Arc<str>,
    /// Origins whose pages may talk to us, beside our own pages (`base_url` and the host that is asked).
    pub allowed_origins: Vec<String>,
    /// Address at which people find this server, e.g. `https://chat.example.com`.
    pub base_url: Option<String>,
    /// Rate limit: events per minute and socket; 0 for no limit.
    pub events_per_minute: u32,
    /// Rate limit: events per minute and user, over all their sockets; 0 for no limit.
    pub events_per_minute_user: u32,
    /// Sockets that a user may have open at a time; 0 for no limit.
    pub sockets_per_user: u32,
    /// Sockets that a client address may have open at a time; 0 for no limit.
    pub sockets_per_ip: u32,
    /// Admission: clients let in within a second; 0 for no limit.
    pub joins_per_second: u32,
    /// Admission: joins per minute and user, over all their sockets; 0 for no limit.
    pub joins_per_minute_user: u32,
    /// Load shedding: how long every task has to wait for its turn before typing is shed; zero for never.
    pub shed_at: Duration,
    /// Rate limit: REST requests per minute and user; 0 for no limit.
    pub rest_per_minute_user: u32,
    /// Rate limit: REST requests per minute and client address, and, apart from them, events on sockets on
    /// which nobody has signed in and requests for sessions that do not exist; 0 for no limit.
    pub rest_per_minute_ip: u32,
    /// Answers: kilobytes of pages that clients have not taken yet.
    pub rest_answers_kb: u32,
    /// Who may start threads, with whom, how large and how many.
    pub threads: ThreadRules,
    /// Whether users find people by name with whom they share no thread.
    pub finds_everybody: bool,
    /// Which proxies are believed when they report the client's address.
    pub proxies: ProxyTrust,
    /// The public key that browsers subscribe to pushes with; `None` if they get no pushes.
    pub push_key: Option<String>,
    /// What sends can say by the name of a template.
    pub templates: Arc<NotificationTemplates>,
    /// Dead letters that a replay sends in a second, at most.
    pub replays_per_second: u32,
    /// Whether requests continue the trace that their `traceparent` header names.
    pub continue_traces: bool,
    /// What becomes of typed text that a browser could take for markup.
    pub markup: Markup,
    /// What may be uploaded.
    pub files: FileSettings,
    /// Since when this process runs, if it is the only one: whatever was announced before is in the history
    /// that every socket of today reads, and is not delivered again.
    pub alone_since: Option<Timestamp>,
}

impl IngressConfig {
    /// The default settings, with this secret.
    pub fn new(jwt_secret: &[u8]) -> Self {
        Self {
            jwt_secret: Some(jwt_secret.into()),
            jwt_secret_previous: None,
            unsubscribe_secret: None,
            public_keys: None,
            jwt_expected: ExpectedClaims::default(),
            webhook_secret: None,
            mail_stream: "outbound".into(),
            allowed_origins: Vec::new(),
            base_url: None,
            events_per_minute: DEFAULT_EVENTS_PER_MINUTE,
            events_per_minute_user: DEFAULT_EVENTS_PER_MINUTE_USER,
            sockets_per_user: DEFAULT_SOCKETS_PER_USER,
            sockets_per_ip: DEFAULT_SOCKETS_PER_IP,
            joins_per_second: DEFAULT_JOINS_PER_SECOND,
            joins_per_minute_user: DEFAULT_JOINS_PER_MINUTE_USER,
            shed_at: DEFAULT_SHED_AT,
            rest_per_minute_user: DEFAULT_REST_PER_MINUTE_USER,
            rest_per_minute_ip: DEFAULT_REST_PER_MINUTE_IP,
            rest_answers_kb: DEFAULT_REST_ANSWERS_KB,
            threads: ThreadRules::default(),
            finds_everybody: false,
            proxies: ProxyTrust::default(),
            push_key: None,
            templates: Arc::default(),
            replays_per_second: DEFAULT_REPLAYS_PER_SECOND,
            continue_traces: false,
            markup: Markup::default(),
            files: FileSettings::default(),
            alone_since: None,
        }
    }
}

/// Why the settings cannot be used. The process must not start with them.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The secret is too short.
    #[error(transparent)]
    WeakSecret(#[from] WeakSecret),
    /// There is neither a secret of tokens nor one of unsubscribe links.
    #[error("there is neither a secret of tokens nor one of unsubscribe links")]
    NoSecret,
    /// An entry of the origin list, or the base URL, cannot be read.
    #[error(transparent)]
    NotAnOrigin(#[from] NotAnOrigin),
}

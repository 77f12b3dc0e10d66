//! The checks and ports that sockets and REST share, made once from the parts and the settings.

use crate::buckets::Buckets;
use crate::commands::Commands;
use crate::contacts::Contacts;
use crate::csrf::Csrf;
use crate::files::service::Files;
use crate::files::signed::FileSigner;
use crate::identity::{Identity, Verifier};
use crate::names::TokenNames;
use crate::new_threads::NewThreads;
use crate::notices::Notices;
use crate::ops::OpsParts;
use crate::origin::OriginPolicy;
use crate::parts::IngressParts;
use crate::refusal::Refusal;
use crate::revocation::Revocations;
use crate::seal::Seal;
use crate::searches::Searches;
use crate::settings::SetupError;
use crate::templates::NotificationTemplates;
use eventflow_bus::port::Health;
use eventflow_bus::topology::Topology;
use eventflow_metrics::Metrics;
use eventflow_ports::{
    Apart, Clock, DeadLetters, Directory, Drafts, Erasures, Inbox, Outbound, People, PresenceStore,
    PushDevices, Registry, Reports, Scheduled, SearchIndex, Sends, Store, Suppressions,
};
use eventflow_protocol::content::Markup;
use eventflow_protocol::unsubscribe::Unsubscribe;
use eventflow_protocol::{ErrorCode, UserId};
use http::HeaderMap;
use http::header::ORIGIN;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Searches for people of one user in a minute: one for every other letter that somebody types without a
/// pause.
pub(crate) const PEOPLE_SEARCHES_PER_MINUTE: u32 = 120;

/// The checks and ports that sockets and REST share.
#[derive(Clone)]
pub(crate) struct Edge {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) inbox: Arc<dyn Inbox>,
    pub(crate) outbound: Arc<dyn Outbound>,
    pub(crate) suppressions: Arc<dyn Suppressions>,
    pub(crate) search: Arc<dyn SearchIndex>,
    pub(crate) searches: Arc<Searches>,
    pub(crate) sends: Arc<dyn Sends>,
    pub(crate) drafts: Arc<dyn Drafts>,
    pub(crate) apart: Apart,
    pub(crate) reports: Arc<dyn Reports>,
    pub(crate) erasures: Arc<dyn Erasures>,
    pub(crate) scheduled: Arc<dyn Scheduled>,
    pub(crate) dead_letters: Arc<dyn DeadLetters>,
    pub(crate) topology: Topology,
    pub(crate) replays_per_second: u32,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) devices: Arc<dyn PushDevices>,
    pub(crate) people: People,
    /// How often each user may look for people.
    pub(crate) people_searches: Option<Arc<Buckets<UserId>>>,
    /// Whether users find people with whom they share no thread.
    pub(crate) finds_everybody: bool,
    pub(crate) names: TokenNames,
    pub(crate) presence: Arc<dyn PresenceStore>,
    pub(crate) registry: Arc<dyn Registry>,
    pub(crate) ops: OpsParts,
    pub(crate) contacts: Contacts,
    pub(crate) broker_health: watch::Receiver<Health>,
    pub(crate) commands: Commands,
    pub(crate) markup: Markup,
    pub(crate) continue_traces: bool,
    pub(crate) new_threads: Arc<NewThreads>,
    pub(crate) tokens: Verifier,
    pub(crate) revocations: Revocations,
    pub(crate) csrf: Csrf,
    pub(crate) unsubscribe: Unsubscribe,
    pub(crate) seal: Seal,
    pub(crate) webhook_secret: Option<Arc<str>>,
    /// The message stream of the mail provider that our mails belong to.
    pub(crate) mail_stream: Arc<str>,
    pub(crate) origins: OriginPolicy,
    pub(crate) notices: Notices,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
    pub(crate) events_per_minute: u32,
    pub(crate) push_key: Option<String>,
    pub(crate) templates: Arc<NotificationTemplates>,
    files: Option<Files>,
    pub(crate) file_signer: FileSigner,
    /// Tasks that outlive their request.
    pub(crate) tasks: TaskTracker,
    /// Cancelled when the process is being shut down.
    pub(crate) drain: CancellationToken,
}

impl Edge {
    pub(crate) fn new(parts: &IngressParts) -> Result<Self, SetupError> {
        let config = &parts.config;
        let mut tokens = Verifier::new(Arc::clone(&parts.clock)).expecting(config.jwt_expected.clone());
        if let Some(keys) = &config.public_keys {
            tokens = tokens.with_public_keys(keys.clone());
        }
        let (own, previous) = (config.unsubscribe_secret.as_deref(), config.jwt_secret_previous.as_deref());
        // Where no secret signs tokens, the other one makes what this server gives out and takes back.
        let current = config.jwt_secret.as_deref().or(own).ok_or(SetupError::NoSecret)?;
        let mut csrf = Csrf::new(current);
        let mut seal = Seal::new(current);
        let mut file_signer = FileSigner::new(current);
        let unsubscribe = Unsubscribe::of_secrets(own, current, previous);
        if let Some(secret) = &config.jwt_secret {
            tokens = tokens.with_secret(secret)?;
        }
        if let Some(previous) = previous {
            tokens = tokens.with_secret(previous)?;
            csrf = csrf.with_previous(previous);
            seal = seal.with_previous(previous);
            file_signer = file_signer.with_previous(previous);
        }
        let (requests, membership) = (parts.requests.clone(), parts.membership.clone());
        let people = (membership, parts.apart.clone());
        let (store, uploads) = (Arc::clone(&parts.store), Arc::clone(&parts.uploads));
        let commands = Commands::new(requests, people, store, uploads, config.markup);
        Ok(Self {
            names: TokenNames::new(commands.clone(), Arc::clone(&parts.directory), parts.people.clone()),
            store: Arc::clone(&parts.store),
            inbox: Arc::clone(&parts.inbox),
            outbound: Arc::clone(&parts.outbound),
            suppressions: Arc::clone(&parts.suppressions),
            search: Arc::clone(&parts.search),
            searches: Arc::new(Searches::new()),
            sends: Arc::clone(&parts.sends),
            drafts: Arc::clone(&parts.drafts),
            apart: parts.apart.clone(),
            reports: Arc::clone(&parts.reports),
            erasures: Arc::clone(&parts.erasures),
            scheduled: Arc::clone(&parts.scheduled),
            dead_letters: Arc::clone(&parts.dead_letters),
            topology: parts.topology,
            replays_per_second: config.replays_per_second,
            directory: Arc::clone(&parts.directory),
            devices: Arc::clone(&parts.devices),
            people: parts.people.clone(),
            people_searches: Buckets::new(PEOPLE_SEARCHES_PER_MINUTE).map(Arc::new),
            finds_everybody: config.finds_everybody,
            presence: Arc::clone(&parts.presence),
            registry: Arc::clone(&parts.registry),
            ops: parts.ops.clone(),
            contacts: Contacts::new(Arc::clone(&parts.store)),
            broker_health: parts.broker_health.clone(),
            commands,
            markup: config.markup,
            new_threads: Arc::new(NewThreads::new(config.threads.clone(), Arc::clone(&parts.directory))),
            tokens,
            revocations: Revocations::new(Arc::clone(&parts.directory)),
            csrf,
            unsubscribe,
            seal,
            webhook_secret: config.webhook_secret.clone(),
            mail_stream: Arc::clone(&config.mail_stream),
            origins: OriginPolicy::new(&config.allowed_origins, config.base_url.as_deref())?,
            notices: parts.notices.clone(),
            clock: Arc::clone(&parts.clock),
            metrics: parts.metrics.clone(),
            events_per_minute: config.events_per_minute,
            continue_traces: config.continue_traces,
            push_key: config.push_key.clone(),
            templates: Arc::clone(&config.templates),
            files: Files::new(parts),
            file_signer,
            tasks: parts.tasks.clone(),
            drain: parts.drain.clone(),
        })
    }

    /// What the routes of files need.
    pub(crate) fn files(&self) -> Result<&Files, Refusal> {
        self.files.as_ref().ok_or_else(Refusal::unavailable)
    }

    /// The identity that `token` proves, if the token holds and was not revoked.
    pub(crate) async fn authenticate(&self, token: &str) -> Result<Identity, Refusal> {
        let verified = self.tokens.verify_with_newest(token).await;
        let identity = verified.inspect_err(|fault| self.notices.refused_token(*fault))?;
        self.revocations.check(&identity.user, identity.session, identity.issued_at).await?;
        self.names.note(&identity).await;
        Ok(identity)
    }

    /// Refuses requests of foreign pages.
    pub(crate) fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.origins.admits(headers) {
            return Ok(());
        }
        if let Some(origin) = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()) {
            self.notices.refused_origin(origin);
        }
        Err(Refusal::new(ErrorCode::Forbidden, "this origin is not allowed"))
    }
}

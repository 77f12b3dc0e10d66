//! `eventflow canary`: sends a message through the front door, as a person does, and measures it.
//!
//! One round: a person signs in over the socket door, another one sends them a message over REST, and the
//! first waits for it. So a round needs the proxy, both gateways, the broker, both workers and the store. It
//! also asks for a WebSocket, which the proxy has to let through. The results are metrics on an address of
//! its own; with
//! `--once` they are the exit code. Safe to repeat: each message has a text of its own.

mod door;

use crate::build::{REVISION, VERSION};
use crate::secret;
use anyhow::{Context, bail, ensure};
use clap::Args;
use door::{Door, Socket};
use eventflow_boot::shutdown::signalled;
use eventflow_boot::{AdminParts, Identity, Readiness, admin};
use eventflow_config::Config;
use eventflow_ingress::identity::Tokens;
use eventflow_metrics::{CanaryMetrics, CanaryOutcome, Metrics};
use eventflow_ports::{Clock, SystemClock, ticks};
use eventflow_protocol::UserId;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Patience: a message that has not arrived after this time counts as lost. The ingress answers within 3.5 s,
/// whatever is down.
const PATIENCE: Duration = Duration::from_secs(10);
/// Validity of the tokens of one round, in seconds.
const TOKEN_SECONDS: i64 = 120;

/// The arguments of the canary.
#[derive(Clone, Debug, Args)]
pub struct Canary {
    /// Address of the system as people see it, e.g. `https://chat.example.com`.
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// Address of the sockets, if it is another one.
    #[arg(long, value_name = "URL")]
    pub sockets_url: Option<String>,
    /// Address for `/metrics`, `/livez` and `/readyz`.
    #[arg(long, default_value = "127.0.0.1:9465")]
    pub listen: SocketAddr,
    /// Seconds between two messages.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub every: u64,
    /// User id of the person who sends. It must be allowed to start a thread with the other one.
    #[arg(long, default_value = "canary")]
    pub sender: UserId,
    /// User id of the person who receives.
    #[arg(long, default_value = "canary-nest")]
    pub recipient: UserId,
    /// Sends one message, prints how long it took, and ends; with an error if it did not arrive.
    #[arg(long)]
    pub once: bool,
}

/// What one message took.
struct Round {
    answered: Duration,
    delivered: Duration,
}

/// Why a message did not arrive.
struct Failure(CanaryOutcome, anyhow::Error);

/// The canary and the people it speaks for.
struct Bird {
    door: Door,
    sockets: Door,
    tokens: Tokens,
    sender: UserId,
    recipient: UserId,
}

/// Runs the canary until a signal, or once. Returns the text to print.
pub fn run(arguments: &Canary, config: &Config) -> anyhow::Result<String> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    runtime.block_on(fly(arguments, config))
}

async fn fly(arguments: &Canary, config: &Config) -> anyhow::Result<String> {
    let bird = Bird {
        door: Door::new(&arguments.url).context("--url")?,
        sockets: Door::new(arguments.sockets_url.as_ref().unwrap_or(&arguments.url))
            .context("--sockets-url")?,
        tokens: secret::tokens_of_running_system(config, Arc::new(SystemClock))?,
        sender: arguments.sender.clone(),
        recipient: arguments.recipient.clone(),
    };
    if arguments.once {
        let Round { answered, delivered } = bird.round().await.map_err(|Failure(_, error)| error)?;
        return Ok(format!("stored after {answered:.1?}, delivered after {delivered:.1?}\n"));
    }
    let _spans = eventflow_boot::logging::start(&config.log, &config.tracing, "canary")?;
    let metrics = Metrics::default();
    metrics.build.is(VERSION, REVISION);
    let identity = Identity { role: "canary", version: VERSION, began: Instant::now() };
    let (stop, asked) = (CancellationToken::new(), CancellationToken::new());
    let parts = AdminParts {
        identity,
        metrics: metrics.clone(),
        readiness: Readiness::default(),
        asked: asked.clone(),
    };
    let serving = admin::bind(arguments.listen, parts, stop.clone()).await?;
    let every = Duration::from_secs(arguments.every);
    tokio::select! {
        served = serving => served?,
        () = sing(&bird, &metrics.canary, every) => {}
        name = signalled() => tracing::info!(signal = name?, "ending"),
        () = asked.cancelled() => tracing::info!("ending: an operator asked for it"),
    }
    Ok(String::new())
}

/// Round after round, for ever.
async fn sing(bird: &Bird, series: &CanaryMetrics, every: Duration) {
    let mut ticks = ticks(every);
    loop {
        ticks.tick().await;
        match bird.round().await {
            Ok(Round { answered, delivered }) => {
                series.answer_seconds.observe(answered.as_secs_f64());
                series.delivery_seconds.observe(delivered.as_secs_f64());
                series.last_success_seconds.set(SystemClock.now().0 / 1_000);
                series.messages.of(CanaryOutcome::Delivered).inc();
            }
            Err(Failure(outcome, error)) => {
                series.messages.of(outcome).inc();
                tracing::warn!(
                    ?outcome,
                    error = format!("{error:#}"),
                    "a message of the canary did not arrive"
                );
            }
        }
    }
}

impl Bird {
    async fn round(&self) -> Result<Round, Failure> {
        let not = |outcome| move |error| Failure(outcome, error);
        let connecting = self.connect();
        let mut nest =
            bounded("open a socket", connecting).await.map_err(not(CanaryOutcome::NotConnected))?;
        let text = format!("canary {}", Uuid::new_v4());
        let began = Instant::now();
        let sending = self.send(&text);
        bounded("store a message", sending).await.map_err(not(CanaryOutcome::NotStored))?;
        let answered = began.elapsed();
        let hearing = nest.until_event("message:received", &text);
        bounded("deliver a message", hearing).await.map_err(not(CanaryOutcome::NotDelivered))?;
        let delivered = began.elapsed();
        nest.close().await;
        Ok(Round { answered, delivered })
    }

    fn token(&self, user: &UserId) -> String {
        self.tokens.mint_as(user, user.as_str(), "user", TOKEN_SECONDS)
    }

    async fn connect(&self) -> anyhow::Result<Socket<'_>> {
        self.sockets.offers_websocket().await.context("ask for a WebSocket")?;
        Socket::open(&self.sockets, &self.token(&self.recipient)).await
    }

    /// Sends a message in the thread of the two, which the first round starts.
    async fn send(&self, text: &str) -> anyhow::Result<()> {
        let token = self.token(&self.sender);
        let people = serde_json::json!({ "participants": [self.recipient] });
        let (status, found) = self.door.post("/api/v2/messages/threads", &token, &people).await?;
        let Some(thread) = found["thread"]["_id"].as_str().or(found["threadId"].as_str()) else {
            bail!("no thread: {status} {found}");
        };
        let message = serde_json::json!({ "content": text });
        let (status, sent) = self.door.post(&format!("/api/v2/messages/{thread}"), &token, &message).await?;
        let said = sent["error"].as_str().or(sent["status"].as_str()).unwrap_or_default();
        ensure!(status == 201, "the answer is {status} {said}");
        Ok(())
    }
}

async fn bounded<T>(what: &'static str, step: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    timeout(PATIENCE, step)
        .await
        .unwrap_or_else(|_| Err(anyhow::anyhow!("no end within {PATIENCE:?}")))
        .context(what)
}

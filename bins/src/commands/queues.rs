//! `eventflow queues` and `eventflow shards`: how full the queues are, and who owns which shard.
//!
//! In a fleet they ask the broker and hear the workers themselves, since they are wanted most when no gateway
//! answers. The queues of a single process are in its memory, so they ask its own route.

use crate::commands::answer::Answer;
use crate::commands::api::{Api, ServerArguments};
use crate::commands::table::{Table, age, figure};
use anyhow::{Context, bail};
use clap::Args;
use eventflow_amqp::{AmqpBroker, AmqpConfig};
use eventflow_bus::pipeline::pipeline;
use eventflow_bus::port::{Broker as _, Health};
use eventflow_bus::share::lookout::Lookout;
use eventflow_bus::topology::Topology;
use eventflow_config::Config;
use eventflow_ports::{Clock as _, SystemClock};
use eventflow_protocol::client::answers::{Hop, PipelineAnswer, QueueFigures, WorkerFate};
use eventflow_protocol::hello::GATEWAYS;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long the workers are heard: each says hello every second, and two hellos make a rate.
const HEAR_FOR: Duration = Duration::from_millis(2_500);
/// Longest wait for a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// The arguments of both commands.
#[derive(Clone, Debug, Args)]
pub struct QueuesArguments {
    /// Prints JSON, as `GET /api/v2/ops/pipeline` answers it.
    #[arg(long)]
    pub json: bool,
    /// Shows every queue, also empty dead-letter queues and rungs.
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    server: ServerArguments,
}

/// `eventflow queues`.
pub(crate) async fn queues(arguments: &QueuesArguments, config: &Config) -> anyhow::Result<Answer> {
    let answer = ask(arguments, config).await?;
    if arguments.json {
        return Answer::json(&answer);
    }
    let mut text = hops(&answer.hops);
    text.push_str(&waiting("retry", answer.retry.iter().map(|rung| &rung.figures), arguments.all));
    text.push_str(&waiting("dead", answer.dead.iter(), arguments.all));
    text.push_str(&footnotes(&answer, |_| true));
    Ok(Answer::of(text))
}

/// `eventflow shards`.
pub(crate) async fn shards(arguments: &QueuesArguments, config: &Config) -> anyhow::Result<Answer> {
    let answer = ask(arguments, config).await?;
    if arguments.json {
        return Answer::json(&answer);
    }
    let mut owners = Table::new(["stage", "shard>", "owner", "spare", "consumed"]);
    for hop in answer.hops.iter().filter(|hop| hop.shard.is_some()) {
        let consumed = hop.is_consumed.map(|is_consumed| if is_consumed { "yes" } else { "no" });
        owners.row([
            hop.stage.clone(),
            figure(hop.shard),
            figure(hop.owner.clone()),
            hop.spare.clone().unwrap_or_else(|| "none".to_owned()),
            figure(consumed),
        ]);
    }
    let mut workers = Table::new(["stage", "worker", "runs at", "version", "shards"]);
    for worker in &answer.workers {
        let holds: Vec<String> = worker.holds.iter().map(u16::to_string).collect();
        let shards = match (worker.stage == GATEWAYS, holds.is_empty()) {
            (true, _) => format!("sends by {}", worker.shards),
            (false, true) => "none".to_owned(),
            (false, false) => holds.join(" "),
        };
        workers.row([
            worker.stage.clone(),
            worker.id.clone(),
            figure(worker.place.clone()),
            worker.version.clone(),
            shards,
        ]);
    }
    let heard = if workers.is_empty() { "no worker is heard\n".to_owned() } else { workers.text() };
    let notes = footnotes(&answer, |field| field == "owner");
    Ok(Answer::of(format!("{}\n{heard}{}{notes}", owners.text(), changes(&answer))))
}

async fn ask(arguments: &QueuesArguments, config: &Config) -> anyhow::Result<PipelineAnswer> {
    if config.embedded_broker() {
        return Api::open(&arguments.server, config)?
            .get("/ops/pipeline")
            .await
            .context("the queues of a single process are in its memory; start it, or name it with --server");
    }
    let broker = connect(config).await?;
    let lookout = Lookout::new(Arc::clone(&broker) as _);
    lookout.listen(HEAR_FOR).await.context("hear the workers")?;
    let topology = Topology::new(config.broker.shards);
    let answer = pipeline(broker.as_ref(), &topology, &lookout, None, SystemClock.now()).await;
    broker.shutdown().await;
    Ok(answer)
}

/// A broker that is connected.
pub(crate) async fn connect(config: &Config) -> anyhow::Result<Arc<AmqpBroker>> {
    let broker = AmqpBroker::connect(AmqpConfig::new(config.broker.url.expose(), "eventflow operator"))?;
    let mut health = broker.health();
    let connected =
        timeout(CONNECT_LIMIT, health.wait_for(|health| !matches!(health, Health::Down(_)))).await;
    if connected.is_ok() {
        return Ok(broker);
    }
    let why = match &*broker.health().borrow() {
        Health::Down(why) => why.clone(),
        Health::Up | Health::Blocked(_) => "no connection in time".to_owned(),
    };
    bail!("reach the broker at {}: {why}", config.broker.url.address())
}

fn hops(hops: &[Hop]) -> String {
    let headings =
        ["queue", "messages>", "consumers>", "oldest>", "in/s>", "out/s>", "owner", "spare", "problem"];
    let mut table = Table::new(headings);
    for hop in hops {
        let is_shared = hop.shard.is_some();
        let owner = if is_shared { figure(hop.owner.clone()) } else { String::new() };
        table.row([
            hop.figures.queue.clone(),
            figure(hop.figures.messages),
            figure(hop.figures.consumers),
            oldest(&hop.figures),
            figure(hop.in_per_second),
            figure(hop.out_per_second),
            owner,
            hop.spare.clone().unwrap_or_default(),
            hop.figures.problem.clone().unwrap_or_default(),
        ]);
    }
    table.text()
}

/// An empty queue has no oldest message, which is not the same as one that nobody can tell.
fn oldest(figures: &QueueFigures) -> String {
    if figures.messages == Some(0) && figures.oldest_age_ms.is_none() {
        return "-".to_owned();
    }
    age(figures.oldest_age_ms)
}

fn waiting<'a>(what: &str, queues: impl Iterator<Item = &'a QueueFigures>, all: bool) -> String {
    let mut table = Table::new(["queue", "messages>", "oldest>", "problem"]);
    for figures in queues.filter(|figures| all || figures.messages != Some(0)) {
        table.row([
            figures.queue.clone(),
            figure(figures.messages),
            oldest(figures),
            figures.problem.clone().unwrap_or_default(),
        ]);
    }
    if table.is_empty() { format!("\n{what}: all empty\n") } else { format!("\n{}", table.text()) }
}

fn changes(answer: &PipelineAnswer) -> String {
    let mut table = Table::new(["when", "stage", "worker", "what", "workers>"]);
    for change in &answer.changes {
        let what = match change.what {
            WorkerFate::Joined => "joined",
            WorkerFate::Left => "left",
            WorkerFate::Silent => "fell silent",
        };
        table.row([
            change.at.to_iso(),
            change.stage.clone(),
            change.worker.clone(),
            what.to_owned(),
            change.workers.to_string(),
        ]);
    }
    if table.is_empty() { String::new() } else { format!("\n{}", table.text()) }
}

fn footnotes(answer: &PipelineAnswer, concerns: fn(&str) -> bool) -> String {
    let unknown = answer.unknown.iter().filter(|(field, _)| concerns(field));
    let notes = unknown.map(|(field, why)| format!("? {field}: {why}\n"));
    let notes: String = notes.collect();
    if notes.is_empty() { notes } else { format!("\n{notes}") }
}

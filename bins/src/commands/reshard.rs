//! `eventflow reshard`: changes the number of shards while messages flow (docs/adr/0014).
//!
//! It may be killed at any time and run again: either the change is complete, or nothing has changed. What it
//! does is told on standard error while it goes; the answer comes at the end.

use crate::commands::answer::Answer;
use crate::commands::queues::connect;
use crate::commands::table::Table;
use anyhow::{Context, bail, ensure};
use clap::Args;
use eventflow_amqp::AmqpBroker;
use eventflow_boot::instance;
use eventflow_bus::port::Broker as _;
use eventflow_bus::reshard::SILENT_AFTER;
use eventflow_bus::reshard::change::{Change, GatewayView, Outcome, Step};
use eventflow_bus::topology::{CURSORS, FANOUT, MAX_SHARDS, PERSIST};
use eventflow_config::Config;
use serde_json::json;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Attempts before the command gives up: a burst or a restart passes in the pauses between them.
const ATTEMPTS: u32 = 5;
/// Pause between two attempts, in which the gateways send what they have held back.
const PAUSE: Duration = Duration::from_secs(3);
/// How long `--status` listens: every gateway says hello each second.
const STATUS_HEARS: Duration = Duration::from_millis(2_500);

/// The arguments of `reshard`.
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["to", "status"]))]
pub struct ReshardArguments {
    /// The wanted number of shards.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_SHARDS)))]
    pub to: Option<u16>,
    /// Shows the number in force, the gateways that follow it, and whether a change is under way.
    #[arg(long)]
    pub status: bool,
    /// Looks whether the number could be changed now, and changes nothing.
    #[arg(long, requires = "to")]
    pub dry_run: bool,
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
}

/// What became of the number.
struct Report {
    shards: u16,
    generation: u64,
    to: u16,
    attempts: u32,
    gateways: Vec<GatewayView>,
    obstacles: Vec<String>,
    left_over: Vec<String>,
}

/// Exit code 3 if the number cannot be changed now.
pub(crate) async fn reshard(arguments: &ReshardArguments, config: &Config) -> anyhow::Result<Answer> {
    if config.embedded_broker() {
        bail!(
            "RABBITMQ_URL is not given: a single process has one writer, which gains nothing by more shards. Its \
             number is the setting SHARDS, taken at the start; change it while the queues are empty"
        );
    }
    let broker = connect(config).await?;
    let place = instance::name();
    let mut change = Change::open(Arc::clone(&broker) as _, Arc::clone(&broker) as _, &place)
        .await
        .context("read the shard log")?;
    let answer = match arguments.to {
        None => status(&mut change, arguments).await,
        Some(to) => {
            let report = run(&mut change, to, arguments.dry_run).await?;
            let left_over = if report.shards == to { left_over(&broker, to).await } else { Vec::new() };
            told(Report { left_over, ..report }, arguments)
        }
    };
    broker.shutdown().await;
    answer
}

/// The queues of shards that the number does not use.
async fn left_over(broker: &AmqpBroker, shards: u16) -> Vec<String> {
    let mut left_over = Vec::new();
    for shard in shards..MAX_SHARDS {
        let names = [PERSIST.shard(shard), CURSORS.shard(shard)].map(|queue| queue.name().to_owned());
        for queue in names.into_iter().chain([FANOUT.shard(shard).name().to_owned()]) {
            if let Ok(depth) = broker.depth(&queue).await {
                left_over.push(format!("{queue} ({} messages)", depth.ready));
            }
        }
    }
    left_over
}

async fn status(change: &mut Change, arguments: &ReshardArguments) -> anyhow::Result<Answer> {
    change.listen(STATUS_HEARS).await.context("hear the gateways")?;
    let (state, gateways) = (change.state(), change.gateways());
    let pending = state.pending.map(|pending| pending.to);
    if arguments.json {
        return Answer::json(&json!({
            "shards": state.shards, "generation": state.generation, "underWayTo": pending,
            "gateways": gateways.iter().map(shown).collect::<Vec<_>>(),
        }));
    }
    if !state.is_known() {
        return Ok(Answer::of("no gateway that follows the number of shards has run yet\n"));
    }
    let mut text = format!("{} shards are in force, generation {}\n", state.shards, state.generation);
    if let Some(to) = pending {
        text += "a change is under way, to this number of shards: ";
        text += &to.to_string();
        text += "\n";
    }
    Ok(Answer::of(text + "\n" + &table(&gateways)))
}

async fn run(change: &mut Change, to: u16, is_dry: bool) -> anyhow::Result<Report> {
    progress(&format!("listening for {} s to everybody who is there", SILENT_AFTER.as_secs()));
    change.hear_everybody().await.context("hear everybody")?;
    ensure!(
        change.state().is_known(),
        "no gateway that follows the number of shards has run yet: update every gateway first"
    );
    let mut attempts = 0;
    let mut obstacles = Vec::new();
    while change.state().shards != to {
        obstacles = change.obstacles(to).iter().map(ToString::to_string).collect();
        if is_dry || !obstacles.is_empty() || attempts == ATTEMPTS {
            break;
        }
        attempts += 1;
        let began = Instant::now();
        let tell = async |step| progress(&step_told(step, began));
        match change.attempt(to, tell).await.context("change the number of shards; run this again")? {
            Outcome::Changed => progress(&format!("changed, after {} ms", began.elapsed().as_millis())),
            Outcome::Rival => bail!("another reshard is under way; see `eventflow reshard --status`"),
            Outcome::GivenUp(why) => {
                progress(&format!("given up after {} ms: {why}", began.elapsed().as_millis()));
                if attempts < ATTEMPTS {
                    change.listen(PAUSE).await.context("wait for the next attempt")?;
                } else {
                    obstacles.push(format!("{ATTEMPTS} attempts took too long, the last one: {why}"));
                    break;
                }
            }
        }
    }
    let state = change.state();
    Ok(Report {
        shards: state.shards,
        generation: state.generation,
        to,
        attempts,
        gateways: change.gateways(),
        obstacles,
        left_over: Vec::new(),
    })
}

fn step_told(step: Step, began: Instant) -> String {
    let ms = began.elapsed().as_millis();
    match step {
        Step::Hold => "the gateways are told to hold".to_owned(),
        Step::Barriers { gateways, queues } => {
            format!("{ms} ms: {gateways} gateways hold, {queues} queues have to run empty")
        }
        Step::Passed => format!("{ms} ms: the queues have run empty"),
        Step::GoOn => format!("{ms} ms: the gateways go on"),
    }
}

/// The answer is not there yet, so this goes to standard error.
fn progress(text: &str) {
    let _ = writeln!(std::io::stderr(), "reshard: {text}");
}

fn told(report: Report, arguments: &ReshardArguments) -> anyhow::Result<Answer> {
    let Report { shards, generation, to, attempts, gateways, obstacles, left_over } = report;
    let is_there = shards == to;
    let is_bad = !obstacles.is_empty();
    ensure!(is_there || is_bad || arguments.dry_run, "the number of shards is {shards} and not {to}");
    if arguments.json {
        let answer = json!({
            "shards": shards, "generation": generation, "to": to, "attempts": attempts, "obstacles": obstacles,
            "leftOver": left_over, "gateways": gateways.iter().map(shown).collect::<Vec<_>>(),
        });
        return Ok(Answer::json(&answer)?.found(is_bad));
    }
    let mut text = match (is_there, attempts) {
        (true, 0) => format!("{shards} shards are in force already, generation {generation}\n"),
        (true, _) => format!("{shards} shards are in force now, generation {generation}\n"),
        (false, _) if is_bad => format!("{shards} shards stay in force:\n"),
        (false, _) => format!("{shards} shards are in force; nothing speaks against changing to {to} now\n"),
    };
    for obstacle in &obstacles {
        text += "  - ";
        text += obstacle;
        text += "\n";
    }
    if !left_over.is_empty() {
        text.push_str(
            "\nlate retries may come back to these queues; keep their workers until they are empty:\n",
        );
        text += "  - ";
        text += &left_over.join("\n  - ");
        text += "\n";
    }
    Ok(Answer::of(text).found(is_bad))
}

fn shown(gateway: &GatewayView) -> serde_json::Value {
    let GatewayView { place, version, shards, generation, holds } = gateway;
    json!({"place": place, "version": version, "shards": shards, "generation": generation, "holds": holds})
}

fn table(gateways: &[GatewayView]) -> String {
    let mut table = Table::new(["gateway", "version", "shards>", "generation>", "state"]);
    for gateway in gateways {
        let state = if gateway.holds { "holds" } else { "sends" };
        table.row([
            gateway.place.clone(),
            gateway.version.clone(),
            gateway.shards.to_string(),
            gateway.generation.to_string(),
            state.to_owned(),
        ]);
    }
    if table.is_empty() { "no gateway is heard\n".to_owned() } else { table.text() }
}

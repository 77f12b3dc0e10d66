//! `eventflow dlq`: dead letters, through the routes of the running system.
//!
//! Not through the store: the routes mask, check an edit against what the letter carries, write the audit log
//! before anything is done, and are the same for both shapes.

mod which;

use crate::commands::answer::Answer;
use crate::commands::api::{Api, ServerArguments, escaped};
use crate::commands::table::Table;
use anyhow::Context;
use axum::http::Method;
use clap::{Args, Subcommand};
use eventflow_config::Config;
use eventflow_ports::store::PAGE_MAX;
use eventflow_protocol::Timestamp;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::sleep;
use which::{Filter, Which};

/// Letters listed unless more are asked for.
const DEFAULT_LIMIT: u32 = 50;
/// Pause between two looks at a replay that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What to do with dead letters.
#[derive(Clone, Debug, Args)]
pub struct DlqArguments {
    #[command(subcommand)]
    command: DlqCommand,
    /// Prints JSON, as the routes answer it.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    server: ServerArguments,
}

/// The commands about dead letters.
#[derive(Clone, Debug, Subcommand)]
enum DlqCommand {
    /// Lists letters, the one that failed last first.
    List {
        #[command(flatten)]
        filter: Filter,
        /// `waiting`, `replaying`, `replayed`, `discarded` or `any`.
        #[arg(long, default_value = "waiting")]
        state: String,
        /// Letters to list.
        #[arg(long, default_value_t = DEFAULT_LIMIT)]
        limit: u32,
    },
    /// Counts letters by queue, cause and kind.
    Groups {
        #[command(flatten)]
        filter: Filter,
    },
    /// Shows one letter with its history. What people wrote is masked.
    Show {
        /// The letter.
        id: String,
        /// Shows what people wrote, for this reason; the audit log has it.
        #[arg(long, value_name = "WHY")]
        reveal: Option<String>,
    },
    /// Gives a letter another body, which is read from a file.
    Edit {
        /// The letter.
        id: String,
        /// The whole body as JSON, as `show --reveal … --json` has it in `body`; `-` for standard input.
        #[arg(long, value_name = "FILE")]
        body: PathBuf,
        /// Version that was edited; by default the newest.
        #[arg(long)]
        version: Option<u32>,
        /// Why; the audit log has it.
        #[arg(long)]
        why: String,
    },
    /// Sends letters back to the queues that they came from.
    Replay {
        #[command(flatten)]
        which: Which,
        /// Only says what would be done.
        #[arg(long)]
        dry_run: bool,
        /// Letters a second, at most.
        #[arg(long, value_name = "N")]
        rate: Option<u32>,
        /// Waits until it is done. Exit code 3 if letters were refused or failed again.
        #[arg(long)]
        wait: bool,
    },
    /// Says that letters are not to be done.
    Discard {
        #[command(flatten)]
        which: Which,
    },
}

/// Carries one of the commands out.
pub(crate) async fn dlq(arguments: &DlqArguments, config: &Config) -> anyhow::Result<Answer> {
    let api = Api::open(&arguments.server, config)?;
    let (answer, text) = match &arguments.command {
        DlqCommand::List { filter, state, limit } => list(&api, filter, state, *limit).await?,
        DlqCommand::Groups { filter } => groups(&api, filter).await?,
        DlqCommand::Show { id, reveal } => show(&api, id, reveal.as_deref()).await?,
        DlqCommand::Edit { id, body, version, why } => edit(&api, id, body, *version, why).await?,
        DlqCommand::Replay { which, dry_run: true, .. } => dry_run(&api, which).await?,
        DlqCommand::Replay { which, rate, wait, .. } => {
            let (answer, text) = replay(&api, which, *rate, *wait).await?;
            let replay = &answer["replay"];
            let failed = replay.is_object()
                && ["refused", "failedAgain"].iter().any(|key| replay[key].as_u64() != Some(0));
            return shown(arguments.json, &answer, text).map(|answer| answer.found(*wait && failed));
        }
        DlqCommand::Discard { which } => discard(&api, which).await?,
    };
    shown(arguments.json, &answer, text)
}

fn shown(json: bool, answer: &Value, text: String) -> anyhow::Result<Answer> {
    if json { Answer::json(answer) } else { Ok(Answer::of(text)) }
}

async fn list(api: &Api, filter: &Filter, state: &str, limit: u32) -> anyhow::Result<(Value, String)> {
    let answer = letters(api, filter, state, limit).await?;
    let mut table = Table::new(["id", "queue", "kind", "cause", "state", "failures>", "last", "reason"]);
    for letter in listed(&answer["letters"]) {
        table.row([
            text(&letter["_id"]),
            text(&letter["queue"]),
            text(&letter["kind"]),
            text(&letter["cause"]),
            text(&letter["state"]),
            text(&letter["failures"]),
            text(&letter["lastAt"]),
            text(&letter["reason"]),
        ]);
    }
    let mut words = if table.is_empty() { "none\n".to_owned() } else { table.text() };
    if !answer["nextCursor"].is_null() {
        words.push_str("… there are more: --limit\n");
    }
    Ok((answer, words))
}

/// Up to `limit` letters, the one that failed last first. The route lists a page at a time, so it is asked
/// until there are enough; the answer looks like one of the route's own.
async fn letters(api: &Api, filter: &Filter, state: &str, limit: u32) -> anyhow::Result<Value> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    let mut rest = limit;
    loop {
        // A limit of zero is the route's to refuse.
        let page = rest.min(PAGE_MAX);
        let which = format!("state={}{}", escaped(state), filter.query());
        let path = format!("/ops/dead-letters?{which}&limit={page}&cursor={}", escaped(&cursor));
        let answer = api.ask(Method::GET, &path, None).await?;
        found.extend(listed(&answer["letters"]).cloned());
        rest -= page;
        match answer["nextCursor"].as_str() {
            Some(next) if rest > 0 => next.clone_into(&mut cursor),
            next => return Ok(json!({ "letters": found, "nextCursor": next, "success": true })),
        }
    }
}

async fn groups(api: &Api, filter: &Filter) -> anyhow::Result<(Value, String)> {
    let path = format!("/ops/dead-letters/groups?{}", filter.query().trim_start_matches('&'));
    let answer = api.ask(Method::GET, &path, None).await?;
    let mut table =
        Table::new(["count>", "queue", "kind", "cause", "oldest", "newest", "reason of the newest"]);
    for group in listed(&answer["groups"]) {
        table.row([
            text(&group["count"]),
            text(&group["queue"]),
            text(&group["kind"]),
            text(&group["cause"]),
            text(&group["oldestAt"]),
            text(&group["newestAt"]),
            text(&group["reason"]),
        ]);
    }
    let words = if table.is_empty() { "none\n".to_owned() } else { table.text() };
    Ok((answer, words))
}

async fn show(api: &Api, id: &str, reveal: Option<&str>) -> anyhow::Result<(Value, String)> {
    let path = format!("/ops/dead-letters/{}", escaped(id));
    let answer = match reveal {
        None => api.ask(Method::GET, &path, None).await?,
        Some(why) => api.ask(Method::POST, &format!("{path}/reveal"), Some(&json!({ "why": why }))).await?,
    };
    let mut facts = Table::new(["field", "value"]);
    for field in
        ["_id", "envelope", "queue", "kind", "cause", "reason", "state", "failures", "replays", "size"]
    {
        facts.row([field.to_owned(), text(&answer["letter"][field])]);
    }
    let mut history = Table::new(["when", "what", "by", "why, or the reason"]);
    for entry in listed(&answer["history"]) {
        let why = if entry["why"].is_null() { &entry["reason"] } else { &entry["why"] };
        history.row([text(&entry["at"]), text(&entry["event"]), text(&entry["by"]), text(why)]);
    }
    let body = match &answer["bodyError"] {
        Value::String(error) => error.clone(),
        _ => serde_json::to_string_pretty(&answer["body"])?,
    };
    let words = format!("{}\n{body}\n\n{}", facts.text(), history.text());
    Ok((answer, words))
}

async fn edit(
    api: &Api,
    id: &str,
    file: &Path,
    version: Option<u32>,
    why: &str,
) -> anyhow::Result<(Value, String)> {
    let mut body = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut body).context("read standard input")?;
    } else {
        body = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    }
    let body: Value = serde_json::from_str(&body).context("--body: it is no JSON")?;
    let path = format!("/ops/dead-letters/{}", escaped(id));
    let version = match version {
        Some(version) => json!(version),
        None => api.ask(Method::GET, &path, None).await?["letter"]["version"].clone(),
    };
    let request = json!({ "body": body, "version": version, "why": why });
    let answer = api.ask(Method::PUT, &format!("{path}/body"), Some(&request)).await?;
    let words =
        format!("{id} has version {} now; replay it to have it done\n", text(&answer["letter"]["version"]));
    Ok((answer, words))
}

async fn dry_run(api: &Api, which: &Which) -> anyhow::Result<(Value, String)> {
    let mut body = which.body()?;
    body.insert("dryRun".to_owned(), json!(true));
    let answer = api.ask(Method::POST, "/ops/replays", Some(&Value::Object(body))).await?;
    let run = &answer["dryRun"];
    let mut words = format!(
        "{} letters, {} looked at, {} can be replayed\n",
        text(&run["total"]),
        text(&run["looked"]),
        text(&run["replayable"])
    );
    for queue in listed(&run["queues"]) {
        // Writing into a string does not fail.
        let _ = writeln!(words, "  {} to {}", text(&queue["count"]), text(&queue["queue"]));
    }
    for refused in listed(&run["refused"]) {
        let _ = writeln!(words, "  not {}: {}", text(&refused["_id"]), text(&refused["reason"]));
    }
    Ok((answer, words))
}

async fn replay(api: &Api, which: &Which, rate: Option<u32>, wait: bool) -> anyhow::Result<(Value, String)> {
    let mut body = which.body()?;
    if let Some(rate) = rate {
        body.insert("perSecond".to_owned(), json!(rate));
    }
    // A replay of nothing would stand in the audit log for ever.
    if body.contains_key("filter") && end_of_waiting(api, &which.filter).await?.is_none() {
        return Ok((json!({ "success": true, "replay": null }), "0 replayed: nothing waits\n".to_owned()));
    }
    let mut answer = api.ask(Method::POST, "/ops/replays", Some(&Value::Object(body))).await?;
    let path = format!("/ops/replays/{}", text(&answer["replay"]["_id"]));
    while wait && answer["replay"]["state"] != "done" {
        sleep(LOOK_EVERY).await;
        answer = api.ask(Method::GET, &path, None).await?;
    }
    let replay = &answer["replay"];
    let words = format!(
        "replay {}: {}, {} of {} letters sent, {} refused, {} failed again\n",
        text(&replay["_id"]),
        text(&replay["state"]),
        text(&replay["replayed"]),
        text(&replay["total"]),
        text(&replay["refused"]),
        text(&replay["failedAgain"])
    );
    Ok((answer, words))
}

/// The route discards a bounded number at a time, so it is asked until nothing is left. Every round means
/// the letters of the first: what fails while it goes on, nobody has looked at. For the same reason the route
/// is not asked at all if nothing waits.
async fn discard(api: &Api, which: &Which) -> anyhow::Result<(Value, String)> {
    let mut body = which.body()?;
    if let Some(filter) = body.get_mut("filter").and_then(Value::as_object_mut) {
        let Some(end) = end_of_waiting(api, &which.filter).await? else {
            let answer = json!({ "success": true, "discarded": 0, "left": 0 });
            return Ok((answer, "0 discarded: nothing waits\n".to_owned()));
        };
        filter.insert("to".to_owned(), json!(end.to_iso()));
    }
    let body = Value::Object(body);
    let mut discarded = 0;
    loop {
        let answer = api.ask(Method::POST, "/ops/discards", Some(&body)).await?;
        let now = answer["discarded"].as_u64().unwrap_or(0);
        discarded += now;
        if now == 0 || answer["left"] == 0 {
            let left = answer["left"].clone();
            let answer = json!({ "success": true, "discarded": discarded, "left": left });
            return Ok((answer, format!("{discarded} discarded, {} left\n", text(&left))));
        }
    }
}

/// The time just after the newest letter that waits and fits, as the store has it; so no two clocks are
/// compared. `None` if none waits.
async fn end_of_waiting(api: &Api, filter: &Filter) -> anyhow::Result<Option<Timestamp>> {
    let newest = letters(api, filter, "waiting", 1).await?;
    let Some(newest) = newest["letters"].get(0) else { return Ok(None) };
    let at = newest["lastAt"].as_str().and_then(Timestamp::from_iso);
    let at = at.context("the route lists a letter without a time")?;
    Ok(Some(at.plus(Duration::from_millis(1))))
}

fn listed(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A value as a cell; one that is absent is empty.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;

//! `eventflow doctor`: looks at everything that the system depends on, and says what to do about what is not
//! as it should be. It changes nothing.
//!
//! [`rabbit`], [`stores`] and [`process`] look; a [`Finding`] is what they see.

mod process;
mod rabbit;
mod stores;

use crate::commands::answer::Answer;
use crate::commands::table::Table;
use clap::Args;
use eventflow_config::Config;
use serde::Serialize;

/// Difference of clocks that is worth a word: well below what presence and tokens forgive (a minute).
const CLOCK_MAX_MS: u64 = 5_000;

/// The arguments of `doctor`.
#[derive(Clone, Debug, Args)]
pub struct DoctorArguments {
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
    /// URL of RabbitMQ's management plugin with user and password, for what AMQP does not tell: memory
    /// watermark, disk limit, file descriptors, alarms.
    #[arg(long, value_name = "URL")]
    pub management: Option<String>,
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Grade {
    /// As it should be.
    Ok,
    /// Worth a look; nothing is broken.
    Warning,
    /// Something does not work, or will not for long.
    Bad,
    /// Nobody looked, or nobody can tell.
    Unknown,
}

impl Grade {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Bad => "BAD",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The server, or `process`.
    pub(crate) part: &'static str,
    /// What was looked at.
    pub(crate) check: String,
    /// How it is.
    pub(crate) grade: Grade,
    /// What was seen.
    pub(crate) seen: String,
    /// What to do; empty if nothing has to be done.
    pub(crate) advice: String,
}

impl Finding {
    fn new(part: &'static str, check: &str, grade: Grade, seen: impl Into<String>, advice: &str) -> Self {
        Self { part, check: check.to_owned(), grade, seen: seen.into(), advice: advice.to_owned() }
    }

    fn ok(part: &'static str, check: &str, seen: impl Into<String>) -> Self {
        Self::new(part, check, Grade::Ok, seen, "")
    }

    fn bad(part: &'static str, check: &str, seen: impl Into<String>, advice: &str) -> Self {
        Self::new(part, check, Grade::Bad, seen, advice)
    }

    fn warning(part: &'static str, check: &str, seen: impl Into<String>, advice: &str) -> Self {
        Self::new(part, check, Grade::Warning, seen, advice)
    }

    fn unknown(part: &'static str, check: &str, seen: impl Into<String>, advice: &str) -> Self {
        Self::new(part, check, Grade::Unknown, seen, advice)
    }

    /// How far the clock of a server is from ours.
    fn clock(part: &'static str, difference_ms: Option<u64>) -> Self {
        const ADVICE: &str = "run NTP on both machines: tokens and leases are judged by the clock";
        match difference_ms {
            None => Self::unknown(part, "clock", "the server does not tell", ""),
            Some(ms) if ms > CLOCK_MAX_MS => Self::warning(part, "clock", format!("{ms} ms off"), ADVICE),
            Some(ms) => Self::ok(part, "clock", format!("{ms} ms off")),
        }
    }
}

/// Exit code 3 if something is bad.
pub(crate) async fn doctor(arguments: &DoctorArguments, config: &Config) -> anyhow::Result<Answer> {
    let mut findings = process::look(config);
    findings.extend(rabbit::look(config, arguments.management.as_deref()).await);
    findings.extend(stores::look_at_store(config).await);
    findings.extend(stores::look_at_presence(config).await);
    findings.extend(stores::look_at_mail(config).await);
    let is_bad = findings.iter().any(|finding| finding.grade == Grade::Bad);
    let answer = if arguments.json { Answer::json(&findings)? } else { Answer::of(text(&findings)) };
    Ok(answer.found(is_bad))
}

fn text(findings: &[Finding]) -> String {
    let mut table = Table::new(["part", "check", "", "seen"]);
    for finding in findings {
        let Finding { part, check, grade, seen, .. } = finding;
        table.row([(*part).to_owned(), check.clone(), grade.word().to_owned(), seen.clone()]);
    }
    let advised = findings.iter().filter(|finding| !finding.advice.is_empty());
    let advice: String =
        advised.map(|finding| format!("{}, {}: {}\n", finding.part, finding.check, finding.advice)).collect();
    if advice.is_empty() { table.text() } else { format!("{}\nWhat to do\n{advice}", table.text()) }
}

/// An error with its causes, on one line.
fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_done_stands_below_what_was_seen() {
        let findings =
            [Finding::ok("broker", "reach", "RabbitMQ 3.10.8"), Finding::clock("store", Some(9_000))];
        let text = text(&findings);
        assert!(text.starts_with("part    check"), "{text}");
        assert!(text.contains("What to do\nstore, clock: run NTP"), "{text}");
    }
}

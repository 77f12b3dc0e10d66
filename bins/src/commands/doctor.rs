//! `eventflow doctor`: looks at everything that the system depends on, and says what to do about what is not
//! as it should be. It changes nothing.
//!
//! [`rabbit`], [`shards`], [`stores`] and [`process`] look; a [`finding`] is what they see.

mod finding;
mod process;
mod rabbit;
mod shards;
mod stores;

use crate::commands::answer::Answer;
use crate::commands::table::Table;
use clap::Args;
use eventflow_config::Config;
use finding::{Finding, Grade};

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

/// Exit code 3 if something is bad.
pub(crate) async fn doctor(arguments: &DoctorArguments, config: &Config) -> anyhow::Result<Answer> {
    let mut findings = process::look(config).await;
    findings.extend(rabbit::look(config, arguments.management.as_deref()).await);
    findings.extend(shards::look(config).await);
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
    let advised: Vec<String> =
        advised.map(|finding| format!("{}, {}: {}\n", finding.part, finding.check, finding.advice)).collect();
    let advice = advised.concat();
    if advice.is_empty() { table.text() } else { format!("{}\nWhat to do\n{advice}", table.text()) }
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

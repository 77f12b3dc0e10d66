//! Command line: every binary takes `--config` and `--print-config`; `eventflow` also takes operators'
//! commands.

use crate::commands::{self, OperatorCommand};
use crate::{Role, process, secret};
use anyhow::Context;
use clap::Parser;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// How errors of settings begin.
const KEY: &str = "configuration key";

/// Real-time messaging over RabbitMQ, or all in one process.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// TOML file that sets any of the keys that `--print-config` shows.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Prints every setting with its default and meaning, and exits.
    #[arg(long)]
    print_config: bool,
    #[command(subcommand)]
    command: Option<OperatorCommand>,
}

/// Runs `roles` until a signal, or runs an operator's command. The exit code is 0 if it ended
/// in order; [`commands`] lists those of commands.
pub fn main(roles: &[Role]) -> ExitCode {
    match run(roles, Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            // Logging may not have started yet, so the reason goes to standard error in any case.
            let _ = writeln!(std::io::stderr(), "error: {}", with_short_names(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

fn run(roles: &[Role], arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.print_config {
        write(eventflow_config::DEFAULTS)?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = eventflow_config::load(arguments.config.as_deref())?;
    if let Some(command) = arguments.command {
        let answer = commands::run(&command, &config)?;
        write(&answer.text)?;
        return Ok(answer.code());
    }
    if let [role] = roles {
        config.check_fleet_process(role.name(), role.needs())?;
    } else {
        // Before anything is opened: a server that is away is not what is wrong then.
        secret::check(&config)?;
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    let ended = runtime.block_on(process::run(roles, config));
    // Only tasks of drivers are left; they must not delay the exit.
    runtime.shutdown_background();
    ended.map(|()| ExitCode::SUCCESS)
}

/// The text of an error, with the short name of each configuration key that it names without one. Parts that
/// read a value of their own know its key only.
fn with_short_names(text: &str) -> String {
    let from = text.find(KEY).unwrap_or_default();
    let is_step = text[..from].starts_with("start ");
    let text = if is_step { &text[from..] } else { text };
    eventflow_config::aliases().fold(text.to_owned(), |text, (name, key)| {
        text.replace(&format!("{KEY} `{key}`:"), &format!("{KEY} `{key}` ({name}):"))
    })
}

fn write(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("write to standard output")
}

#[cfg(test)]
mod tests {
    use super::with_short_names;

    #[test]
    fn an_error_of_a_setting_has_its_short_name_once_and_no_step_before_it() {
        for (text, shown) in [
            (
                "start ws-gateway: configuration key `rest.trusted_proxies`: `abc` is wrong",
                "configuration key `rest.trusted_proxies` (TRUSTED_PROXIES): `abc` is wrong",
            ),
            (
                "configuration key `broker.shards` (SHARDS): x",
                "configuration key `broker.shards` (SHARDS): x",
            ),
            ("start ws-gateway: the socket is in use", "start ws-gateway: the socket is in use"),
        ] {
            assert_eq!(with_short_names(text), shown);
        }
    }
}

//! Command line: every binary takes `--config` and `--print-config`; `eventflow` also takes operators'
//! commands.

use crate::commands::{self, OperatorCommand};
use crate::{Role, process};
use anyhow::Context;
use clap::Parser;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

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

/// Runs `roles` until a signal, or runs an operator's command. The exit code is 0 if it ended in order.
pub fn main(roles: &[Role]) -> ExitCode {
    match run(roles, Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Logging may not have started yet, so the reason goes to standard error in any case.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(roles: &[Role], arguments: Arguments) -> anyhow::Result<()> {
    if arguments.print_config {
        return write(eventflow_config::DEFAULTS);
    }
    let config = eventflow_config::load(arguments.config.as_deref())?;
    if let Some(command) = arguments.command {
        return write(&commands::run(&command, &config)?);
    }
    if let [role] = roles {
        config.check_fleet_process(role.name(), role.needs())?;
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    let ended = runtime.block_on(process::run(roles, config));
    // Only tasks of drivers are left; they must not delay the exit.
    runtime.shutdown_background();
    ended
}

fn write(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("write to standard output")
}

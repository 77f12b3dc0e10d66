//! `eventflow-load`: exit code 0 if the ledger is clean, 1 if it is not, 2 if the run failed.

use anyhow::Context as _;
use clap::Parser as _;
use eventflow_load::{
    args::{Cli, Command},
    course, fanout, idle,
    report::Report,
    slow,
};
use std::{
    io::{self, Write as _},
    process::ExitCode,
};
use tokio::runtime::{Builder, Runtime};

fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // A closed standard error does not change the exit code.
            let _ = writeln!(io::stderr(), "eventflow-load: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(command: &Command) -> anyhow::Result<bool> {
    let common = command.common();
    let report = runtime(common.workers)?.block_on(load(command))?;
    if let Some(path) = &common.json {
        report.write_json(path)?;
    }
    write!(io::stdout(), "{report}").context("writing the report")?;
    Ok(report.clean)
}

async fn load(command: &Command) -> Result<Report, eventflow_load::error::LoadError> {
    match command {
        Command::Run(args) => course::run(args).await,
        Command::Idle(args) => idle::run(args).await,
        Command::Fanout(args) => fanout::run(args).await,
        Command::Slow(args) => slow::run(args).await,
    }
}

fn runtime(workers: usize) -> anyhow::Result<Runtime> {
    let mut builder = if workers > 1 { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    if workers > 1 {
        builder.worker_threads(workers);
    }
    builder.enable_all().build().context("starting the runtime")
}

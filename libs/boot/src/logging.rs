//! Log lines: readable for people or one JSON object a line for machines, filtered by level, on standard error.
//!
//! Lines carry ids (command, thread, queue, gateway), never contents, tokens or addresses of people.

use anyhow::Context;
use eventflow_config::{Log, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// The AMQP client logs messages that come back with their payload, which would put contents into the log. Frames to a gateway
/// that is gone come back every day.
const PAYLOADS_OFF: &str = "lapin::returned_messages=off";

/// Starts logging; once per process.
pub fn start(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.level).context("configuration key `log.level`")?;
    let filter = filter.add_directive(PAYLOADS_OFF.parse().context("a fixed directive")?);
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Pretty => lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
        }
    };
    started.map_err(|error| anyhow::anyhow!(error)).context("start logging")
}

//! Command line of the load generator.

use crate::{error::LoadError, proc::Watched, target::Target};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{path::PathBuf, time::Duration};

/// Load generator and ledger checker for EventFlow messaging.
#[derive(Debug, Parser)]
#[command(name = "eventflow-load", version)]
pub struct Cli {
    /// The mode to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The modes.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sends messages in many threads, saturating or at a fixed rate; the ledger judges the run.
    Run(RunArgs),
    /// Opens authenticated sockets that only wait, and measures memory and CPU per connection.
    Idle(IdleArgs),
    /// Uses one thread with many members, and measures how fast a message reaches the last of them.
    Fanout(FanoutArgs),
    /// Opens sockets that never read beside healthy ones, and measures when each is cut, what it costs, and
    /// whether the others notice.
    Slow(SlowArgs),
}

/// Settings of every mode.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Gateway, `ws://host:port`; repeat to spread the clients over several.
    #[arg(long, default_value = "ws://127.0.0.1:8080")]
    pub ws: Vec<String>,
    /// REST base, `http://host:port`; defaults to the first gateway.
    #[arg(long)]
    pub http: Option<String>,
    /// Secret that signs the tokens.
    #[arg(long, env = "JWT_SECRET", hide_env_values = true)]
    pub jwt_secret: String,
    /// Prefix of users and messages; random if not given.
    #[arg(long)]
    pub run_id: Option<String>,
    /// First user number: give each of several generators its own range.
    #[arg(long, default_value_t = 0)]
    pub offset: u32,
    /// Bytes of content per message.
    #[arg(long, default_value_t = 100)]
    pub content_bytes: usize,
    /// Process whose CPU and memory are reported: `name=PID`, or `name=PID+` with its children; repeat for
    /// more.
    #[arg(long = "pid")]
    pub pids: Vec<Watched>,
    /// Longest wait for open messages after sending has ended, in seconds.
    #[arg(long, default_value_t = 60.0)]
    pub drain: f64,
    /// Silence that ends a complete run, in seconds: long enough for a late duplicate to show.
    #[arg(long, default_value_t = 3.0)]
    pub quiet: f64,
    /// Whether clients reconnect after a drop.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub reconnect: bool,
    /// File that also gets the report, as JSON.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Interval of progress reports on standard error, in seconds; 0 for none.
    #[arg(long, default_value_t = 0.0)]
    pub progress: f64,
    /// Threads of the generator itself; one is enough for about 20,000 messages per second.
    #[arg(long, default_value_t = 1)]
    pub workers: usize,
}

/// How messages are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Sends as fast as answers come.
    Saturate,
    /// Sends at a fixed rate, however fast answers come.
    Open,
}

/// Settings of `run`.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Settings of every mode.
    #[command(flatten)]
    pub common: Common,
    /// Number of threads with two people each.
    #[arg(long, default_value_t = 100, conflicts_with = "threads")]
    pub pairs: u32,
    /// Number of threads with `--members` people each, instead of pairs.
    #[arg(long, requires = "members")]
    pub threads: Option<u32>,
    /// People per thread.
    #[arg(long, requires = "threads")]
    pub members: Option<u32>,
    /// Members of each thread that send; 0 for all.
    #[arg(long, default_value_t = 1)]
    pub senders: u32,
    /// How messages are offered.
    #[arg(long, value_enum, default_value_t = Mode::Saturate)]
    pub mode: Mode,
    /// Mode `saturate`: unanswered messages per sender.
    #[arg(long, default_value_t = 4)]
    pub in_flight: u32,
    /// Mode `open`: messages per second of all senders together.
    #[arg(long, default_value_t = 1000.0)]
    pub rate: f64,
    /// Length of the measured window, in seconds.
    #[arg(long, default_value_t = 20.0)]
    pub duration: f64,
    /// Load before the measured window, in seconds.
    #[arg(long, default_value_t = 5.0)]
    pub warmup: f64,
}

/// Settings of `idle`.
#[derive(Debug, Clone, Args)]
pub struct IdleArgs {
    /// Settings of every mode.
    #[command(flatten)]
    pub common: Common,
    /// Number of sockets.
    #[arg(long, default_value_t = 5000)]
    pub connections: u32,
    /// Connects per second; 0 for as fast as possible.
    #[arg(long, default_value_t = 0.0)]
    pub rate: f64,
    /// Time to hold the sockets before memory is read, in seconds.
    #[arg(long, default_value_t = 5.0)]
    pub hold: f64,
    /// Sends one message to all sockets afterwards, in one thread.
    #[arg(long)]
    pub broadcast: bool,
}

/// Settings of `fanout`.
#[derive(Debug, Clone, Args)]
pub struct FanoutArgs {
    /// Settings of every mode.
    #[command(flatten)]
    pub common: Common,
    /// Members of the thread, the sender included.
    #[arg(long, default_value_t = 1000)]
    pub members: u32,
    /// Rounds of each kind.
    #[arg(long, default_value_t = 50)]
    pub rounds: u32,
    /// Messages sent back to back in the second kind of round.
    #[arg(long, default_value_t = 8)]
    pub burst: u32,
}

/// Settings of `slow`.
#[derive(Debug, Clone, Args)]
pub struct SlowArgs {
    /// Settings of every mode.
    #[command(flatten)]
    pub common: Common,
    /// Number of sockets that never read.
    #[arg(long, default_value_t = 100)]
    pub slow: u32,
    /// Number of healthy sockets, two per thread.
    #[arg(long, default_value_t = 1000)]
    pub healthy: u32,
    /// Messages per second of all healthy sockets together.
    #[arg(long, default_value_t = 200.0)]
    pub rate: f64,
    /// Messages per second to each slow socket.
    #[arg(long, default_value_t = 200.0)]
    pub flood_rate: f64,
    /// Bytes of content of each message to a slow socket.
    #[arg(long, default_value_t = 1000)]
    pub flood_bytes: usize,
    /// Receive buffer of a slow socket in bytes (`SO_RCVBUF`; the kernel doubles it).
    #[arg(long, default_value_t = 2048)]
    pub receive_buffer: u32,
    /// Length of each window in seconds: one without a flood, and two per round, beside sockets that read and
    /// beside sockets that do not.
    #[arg(long, default_value_t = 15.0)]
    pub duration: f64,
    /// Number of rounds; the medians of their 99th percentiles are compared.
    #[arg(long, default_value_t = 3)]
    pub rounds: u32,
    /// Largest factor between the healthy sockets' 99th percentiles beside sockets that never read and beside
    /// the same flood to sockets that do.
    #[arg(long, default_value_t = 1.2)]
    pub notice: f64,
    /// Time within which every slow socket must be cut, in seconds from the first message to it.
    #[arg(long, default_value_t = 10.0)]
    pub cut_within: f64,
    /// Bytes that a gateway may hold for each slow socket.
    #[arg(long, default_value_t = 1024 * 1024)]
    pub cap_bytes: u64,
}

impl Command {
    /// The settings of every mode.
    pub fn common(&self) -> &Common {
        match self {
            Self::Run(args) => &args.common,
            Self::Idle(args) => &args.common,
            Self::Fanout(args) => &args.common,
            Self::Slow(args) => &args.common,
        }
    }
}

impl Common {
    /// The system under load.
    pub fn target(&self) -> Result<Target, LoadError> {
        let run = self.run_id.clone().unwrap_or_else(|| format!("r{:08x}", rand::random::<u32>()));
        if run.is_empty() || !run.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(LoadError::Setting("--run-id takes letters and digits".to_owned()));
        }
        Target::new(&self.ws, self.http.as_deref(), &self.jwt_secret, run)
    }

    /// The waiting times at the end of a run.
    pub fn patience(&self) -> Result<Patience, LoadError> {
        Ok(Patience { drain: seconds("--drain", self.drain)?, quiet: seconds("--quiet", self.quiet)? })
    }
}

/// The waiting times at the end of a run.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Longest wait for open messages.
    pub drain: Duration,
    /// Silence that ends a complete run.
    pub quiet: Duration,
}

/// Converts seconds from the command line. Fails with the setting's name if the value is no valid duration.
pub fn seconds(name: &str, value: f64) -> Result<Duration, LoadError> {
    Duration::try_from_secs_f64(value).map_err(|error| LoadError::Setting(format!("{name}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_fault_run_of_the_manual_parses() {
        let line = "eventflow-load run --mode open --rate 200 --duration 120 --jwt-secret s --pid beam=1+ --pid ws=2";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Command::Run(args) = cli.command else { panic!("not run") };
        assert_eq!((args.mode, args.common.pids.len(), args.common.reconnect), (Mode::Open, 2, true));
    }

    #[test]
    fn a_run_id_that_would_break_user_ids_is_refused() {
        let cli = Cli::try_parse_from(["x", "idle", "--jwt-secret", "s", "--run-id", "a-b"]).unwrap();
        assert!(cli.command.common().target().is_err());
    }
}

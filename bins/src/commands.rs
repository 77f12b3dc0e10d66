//! Operators' commands. A command prints its answer to standard output and nothing else.

use crate::secret;
use crate::topology::{self, TopologyAction};
use anyhow::Context;
use clap::Subcommand;
use eventflow_config::Config;
use eventflow_ports::SystemClock;
use eventflow_protocol::UserId;
use std::sync::Arc;

/// Default validity of a development token, in hours.
const DEFAULT_TOKEN_HOURS: u32 = 12;

/// The commands that an operator can run.
#[derive(Debug, Subcommand)]
pub enum OperatorCommand {
    /// Prints a token for a user, signed with the secret of the system, for development and for tests by
    /// hand. Give it the same configuration and folder as the system.
    Token {
        /// User id, `[A-Za-z0-9_:@-]{1,128}`.
        #[arg(long)]
        user: String,
        /// Name shown to others; defaults to the id.
        #[arg(long)]
        name: Option<String>,
        /// Role in the host application, e.g. `admin`.
        #[arg(long, default_value = "user")]
        role: String,
        /// Validity in hours.
        #[arg(long, default_value_t = DEFAULT_TOKEN_HOURS)]
        hours: u32,
    },
    /// Imports threads and messages of the old system. It is safe to run again, because it recognises what it
    /// has imported.
    #[command(name = "import-v1")]
    ImportV1(crate::import::ImportV1),
    /// The broker's map: prints it, makes it, or prints who may do what. Without a word it prints the map.
    Topology {
        /// What to do with it.
        #[command(subcommand)]
        action: Option<TopologyAction>,
    },
}

/// Carries the command out and returns the text to print.
pub fn run(command: &OperatorCommand, config: &Config) -> anyhow::Result<String> {
    match command {
        OperatorCommand::Token { user, name, role, hours } => {
            token(config, user, name.as_deref(), role, *hours)
        }
        OperatorCommand::ImportV1(arguments) => crate::import::run(arguments, config),
        OperatorCommand::Topology { action } => topology::run(action.unwrap_or_default(), config),
    }
}

fn token(config: &Config, user: &str, name: Option<&str>, role: &str, hours: u32) -> anyhow::Result<String> {
    let user: UserId = user.parse().with_context(|| format!("--user {user}"))?;
    let tokens = secret::tokens_of_running_system(config, Arc::new(SystemClock))?;
    Ok(tokens.mint_as(&user, name.unwrap_or(user.as_str()), role, i64::from(hours) * 3_600) + "\n")
}

//! Operators' commands. A command prints its answer to standard output and nothing else.

use crate::secret;
use anyhow::Context;
use clap::Subcommand;
use eventflow_bus::topology::Topology;
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
    /// Sends messages through the front door as a person does, and exports how long they take. Give it the
    /// same secret as the system.
    Canary(crate::canary::Canary),
    /// Imports threads and messages of the old system. It is safe to run again, because it recognises what it
    /// has imported.
    #[command(name = "import-v1")]
    ImportV1(crate::import::ImportV1),
    /// Prints rabbitmq/definitions.json: every exchange, queue and binding, as the workers declare them.
    Topology,
}

/// Carries the command out and returns the text to print.
pub fn run(command: &OperatorCommand, config: &Config) -> anyhow::Result<String> {
    match command {
        OperatorCommand::Token { user, name, role, hours } => {
            token(config, user, name.as_deref(), role, *hours)
        }
        OperatorCommand::Canary(arguments) => crate::canary::run(arguments, config),
        OperatorCommand::ImportV1(arguments) => crate::import::run(arguments, config),
        OperatorCommand::Topology => {
            let definitions = eventflow_amqp::definitions(&Topology::new(config.broker.shards));
            Ok(serde_json::to_string_pretty(&definitions)? + "\n")
        }
    }
}

fn token(config: &Config, user: &str, name: Option<&str>, role: &str, hours: u32) -> anyhow::Result<String> {
    let user: UserId = user.parse().with_context(|| format!("--user {user}"))?;
    let tokens = secret::tokens_of_running_system(config, Arc::new(SystemClock))?;
    Ok(tokens.mint_as(&user, name.unwrap_or(user.as_str()), role, i64::from(hours) * 3_600) + "\n")
}

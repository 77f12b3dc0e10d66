//! Operators' commands. A command prints its answer to standard output and nothing else. Its exit code is 0
//! if it did what was asked, 1 if it failed, 2 if it was called wrongly, and 3 if it found something to mend.

mod answer;
mod api;
mod dlq;
mod doctor;
mod drain;
mod queues;
mod reshard;
mod table;
mod topology_diff;

pub use self::answer::Answer;
use crate::secret;
use crate::topology::{self, TopologyAction, TopologyCommand};
use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use eventflow_config::Config;
use eventflow_ingress::contract;
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
        /// User id, as the host application or its identity provider gives it.
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
    /// Shows how full every queue is, how fast it goes and who owns it.
    Queues(queues::QueuesArguments),
    /// Shows which worker owns which shard, and which workers there are.
    Shards(queues::QueuesArguments),
    /// Changes the number of shards while messages flow, or shows it. Exit code 3 if it cannot be changed
    /// now.
    Reshard(reshard::ReshardArguments),
    /// Lists, shows, edits, replays and discards dead letters.
    Dlq(dlq::DlqArguments),
    /// Looks at everything that the system depends on and says what to do. Exit code 3 if something is bad.
    Doctor(doctor::DoctorArguments),
    /// Tells a process to end in order: its clients move to others, it finishes what it holds.
    Drain(drain::DrainArguments),
    /// Prints the contract with clients for machines, as the server gives it.
    Contract {
        /// Which part.
        part: ContractPart,
    },
    /// The broker's map: prints it, makes it, or prints who may do what. Without a word it prints the map.
    Topology {
        /// What to do with it.
        #[command(subcommand)]
        command: Option<TopologyCommand>,
    },
}

/// A part of the contract with clients.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ContractPart {
    /// The REST routes, as OpenAPI 3.1.
    Openapi,
    /// The socket's events, as AsyncAPI 3.
    Asyncapi,
}

/// Carries the command out and returns its answer.
pub fn run(command: &OperatorCommand, config: &Config) -> anyhow::Result<Answer> {
    match command {
        OperatorCommand::Token { user, name, role, hours } => {
            token(config, user, name.as_deref(), role, *hours).map(Answer::from)
        }
        OperatorCommand::Canary(arguments) => crate::canary::run(arguments, config).map(Answer::from),
        OperatorCommand::ImportV1(arguments) => crate::import::run(arguments, config).map(Answer::from),
        OperatorCommand::Queues(arguments) => wait_for(queues::queues(arguments, config)),
        OperatorCommand::Shards(arguments) => wait_for(queues::shards(arguments, config)),
        OperatorCommand::Reshard(arguments) => wait_for(reshard::reshard(arguments, config)),
        OperatorCommand::Dlq(arguments) => wait_for(dlq::dlq(arguments, config)),
        OperatorCommand::Doctor(arguments) => wait_for(doctor::doctor(arguments, config)),
        OperatorCommand::Drain(arguments) => wait_for(drain::drain(arguments, config)),
        OperatorCommand::Contract { part } => {
            let document = match part {
                ContractPart::Openapi => contract::openapi(),
                ContractPart::Asyncapi => contract::asyncapi(),
            };
            Ok(contract::written(&document).into())
        }
        OperatorCommand::Topology { command: Some(TopologyCommand::Diff(arguments)) } => {
            wait_for(topology_diff::diff(arguments, config))
        }
        OperatorCommand::Topology { command: Some(TopologyCommand::Map(action)) } => {
            topology::run(*action, config).map(Answer::from)
        }
        OperatorCommand::Topology { command: None } => {
            topology::run(TopologyAction::Print, config).map(Answer::from)
        }
    }
}

/// Runs a command that talks to servers.
fn wait_for(command: impl Future<Output = anyhow::Result<Answer>>) -> anyhow::Result<Answer> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    let answer = runtime.block_on(command);
    // Only tasks of drivers are left; they must not delay the exit.
    runtime.shutdown_background();
    answer
}

fn token(config: &Config, user: &str, name: Option<&str>, role: &str, hours: u32) -> anyhow::Result<String> {
    let user: UserId = user.parse().with_context(|| format!("--user {user}"))?;
    let tokens = secret::tokens_of_running_system(config, Arc::new(SystemClock))?;
    Ok(tokens.mint_as(&user, name.unwrap_or(user.as_str()), role, i64::from(hours) * 3_600) + "\n")
}

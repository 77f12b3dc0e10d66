//! `eventflow topology`: the broker's map for operators. Printed, made at the broker, and who may do what.
//!
//! Safe to repeat because declaring what exists changes nothing.

use crate::Role;
use anyhow::Context;
use clap::{Args, Subcommand};
use eventflow_amqp::{AmqpBroker, AmqpConfig};
use eventflow_bus::port::{Broker, BrokerError, Health};
use eventflow_bus::rights::Uses;
use eventflow_bus::topology::{CURSORS, EMAIL, FANOUT, NOTIFY, PERSIST, PRESENCE, PUSH, Topology};
use eventflow_config::Config;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// Longest wait for the broker: one that starts beside this command takes a minute on a slow machine.
const BROKER_PATIENCE: Duration = Duration::from_mins(2);
/// The vhost of the printed permissions.
const VHOST: &str = "/";

/// What to do with the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum TopologyAction {
    /// Prints rabbitmq/definitions.json: every exchange, queue and binding.
    Print,
    /// Makes every exchange, queue and binding at the broker, with a user that may configure. Needed where
    /// the users of the roles may not.
    Apply,
    /// Prints rabbitmq/permissions.json: what the user of each role may do at the broker.
    Permissions,
}

/// The arguments of `topology diff`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct DiffArguments {
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
}

/// What `eventflow topology` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum TopologyCommand {
    /// Prints or makes the map.
    #[command(flatten)]
    Map(TopologyAction),
    /// Compares what is declared at RabbitMQ with what must be there. Exit code 3 if it differs.
    Diff(DiffArguments),
}

/// Carries the action out and returns the text to print.
pub fn run(action: TopologyAction, config: &Config) -> anyhow::Result<String> {
    let topology = Topology::new(config.broker.shards);
    let printed = match action {
        TopologyAction::Print => eventflow_amqp::definitions(&topology),
        TopologyAction::Permissions => permissions(),
        TopologyAction::Apply => return apply(topology, config),
    };
    Ok(serde_json::to_string_pretty(&printed)? + "\n")
}

/// What each role's user may do, as the `permissions` of RabbitMQ's definitions. A user has the role's name.
pub fn permissions() -> Value {
    let of_role = |role: Role| {
        let rights = uses(role).rights();
        json!({
            "user": role.name(), "vhost": VHOST,
            "configure": rights.configure, "write": rights.write, "read": rights.read
        })
    };
    Role::ALL.map(of_role).into_iter().collect()
}

/// What a role does at the broker. It follows from how [`Role::start`] wires the role.
fn uses(role: Role) -> Uses {
    let uses = Uses::default();
    match role {
        // Gateways follow the number of shards.
        Role::WsGateway => uses.gateway_queue().shard_log(),
        // It shows operators the pipeline, and ends people's sockets at every gateway.
        Role::HttpGateway => uses.shard_log().looks().all_gateways(),
        // A replay asks how full the queue is that it sends to.
        Role::PersistenceWorker => uses.shards(&PERSIST).shards(&CURSORS).dead_letters().looks(),
        Role::FanoutWorker => uses.shards(&FANOUT).all_gateways(),
        Role::PresenceSweeper => uses.queue(&PRESENCE).all_gateways(),
        Role::EmailWorker => uses.queue(&EMAIL).queue(&NOTIFY),
        Role::PushWorker => uses.queue(&PUSH).queue(&NOTIFY),
    }
}

fn apply(topology: Topology, config: &Config) -> anyhow::Result<String> {
    anyhow::ensure!(!config.embedded_broker(), "RABBITMQ_URL is not given: there is no broker to make it at");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("start the runtime")?;
    runtime.block_on(async {
        let broker = AmqpBroker::connect(AmqpConfig::new(config.broker.url.expose(), "eventflow topology"))
            .context("broker.url")?;
        let mut health = broker.health();
        let is_up = health.wait_for(|health| !matches!(health, Health::Down(_)));
        let reached = timeout(BROKER_PATIENCE, is_up).await.is_ok();
        let made = if reached { make(broker.as_ref(), &topology).await } else { Ok(()) };
        let state = broker.health().borrow().clone();
        broker.shutdown().await;
        anyhow::ensure!(reached, "reach the broker: {state:?}");
        made.context("make the topology")?;
        let (queues, shards) = (topology.shared().len(), topology.shards());
        Ok(format!("{queues} queues for {shards} shards are at the broker\n"))
    })
}

/// Declares everything, and asks for it: a user who may not configure declares nothing.
async fn make(broker: &AmqpBroker, topology: &Topology) -> Result<(), BrokerError> {
    broker.declare(topology).await?;
    for queue in topology.shared() {
        broker.depth(&queue.name).await?;
    }
    Ok(())
}

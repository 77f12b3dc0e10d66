//! Queue definitions and permissions: the committed files equal those generated from topology and roles.

use crate::repository::read;
use eventflow_bus::topology::Topology;
use serde_json::Value;

/// Shards of the fleet in `docker-compose.yml`.
const FLEET_SHARDS: u16 = 4;

#[test]
fn the_queue_definitions_are_those_of_the_topology() {
    let file: Value =
        serde_json::from_str(&read("rabbitmq/definitions.json")).expect("the definitions are JSON");
    let generated = eventflow_amqp::definitions(&Topology::new(FLEET_SHARDS));
    assert!(
        file == generated,
        "rabbitmq/definitions.json is not what the processes declare: run `SHARDS={FLEET_SHARDS} cargo run --release -- topology > rabbitmq/definitions.json`"
    );
}

#[test]
fn the_permissions_are_those_of_the_roles() {
    let file: Value =
        serde_json::from_str(&read("rabbitmq/permissions.json")).expect("the permissions are JSON");
    assert!(
        file == eventflow::topology::permissions(),
        "rabbitmq/permissions.json is not what the roles need: run `cargo run --release -- topology permissions > rabbitmq/permissions.json`"
    );
}

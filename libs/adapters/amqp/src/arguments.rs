//! The declaration arguments of each kind of queue, and `rabbitmq/definitions.json` made of them.
//!
//! One pure function, [`arguments`], decides. The processes declare from it and the file is generated from
//! it, so they cannot differ. Valid on RabbitMQ 3.10 to 4.x. A queue keeps its arguments for ever: a changed
//! argument needs a new queue name.

use eventflow_bus::topology::{
    DELIVERY_LIMIT, GATEWAY_QUEUE_EXPIRES, GATEWAY_QUEUE_MAX_BYTES, GATEWAYS_EXCHANGE, QueueKind, QueueSpec,
    SHARD_LOG_MAX_BYTES, Topology, WORKERS_EXCHANGE, dead,
};
use serde_json::{Value, json};
use std::time::Duration;

/// The vhost of the generated file.
const VHOST: &str = "/";

/// The value of a declaration argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// A word.
    Text(String),
    /// A number, a limit, milliseconds.
    Number(i64),
    /// A switch.
    Flag(bool),
}

/// The arguments with which a queue is declared.
pub fn arguments(queue: &QueueSpec) -> Vec<(&'static str, Argument)> {
    match queue.kind {
        QueueKind::Work => work(&queue.name),
        QueueKind::SingleActive => {
            let mut arguments = work(&queue.name);
            // One consumer at a time keeps a shard in order; the broker picks the next when it leaves.
            arguments.push(("x-single-active-consumer", Argument::Flag(true)));
            arguments
        }
        QueueKind::Delay(delay) => delayed(delay.duration()),
        QueueKind::Dead => parked(),
        QueueKind::Log => log(),
        QueueKind::Gateway => gateway(),
    }
}

/// The exchanges that processes bind their own queues to.
pub(crate) const EXCHANGES_OF_PROCESSES: [&str; 2] = [GATEWAYS_EXCHANGE, WORKERS_EXCHANGE];

/// The exchange that a queue is bound to. None for a queue that is only reached by its name.
pub fn fanout_exchange(queue: &QueueSpec) -> Option<&'static str> {
    match queue.kind {
        // The routing key of a message names the queue that it returns to, so the exchange must not use it.
        QueueKind::Delay(delay) => Some(delay.queue()),
        QueueKind::Gateway => Some(GATEWAYS_EXCHANGE),
        QueueKind::Work | QueueKind::SingleActive | QueueKind::Dead | QueueKind::Log => None,
    }
}

/// Everything to create except users, in the format that `rabbitmqctl import_definitions` reads.
pub fn definitions(topology: &Topology) -> Value {
    let queues = topology.shared();
    let bound: Vec<(&str, &'static str)> =
        queues.iter().filter_map(|queue| Some((queue.name.as_str(), fanout_exchange(queue)?))).collect();
    let exchanges = bound.iter().map(|(_, exchange)| *exchange).chain(EXCHANGES_OF_PROCESSES);
    json!({
        "vhosts": [{ "name": VHOST }],
        "exchanges": exchanges.map(exchange_definition).collect::<Vec<_>>(),
        "queues": queues.iter().map(queue_definition).collect::<Vec<_>>(),
        "bindings": bound.iter().map(|(queue, exchange)| binding_definition(queue, exchange)).collect::<Vec<_>>(),
    })
}

fn text(value: impl Into<String>) -> Argument {
    Argument::Text(value.into())
}

fn milliseconds(duration: Duration) -> Argument {
    Argument::Number(i64::try_from(duration.as_millis()).expect("a delay of the topology is hours at most"))
}

/// A quorum queue: a message is replicated and on disk before it is confirmed.
fn quorum() -> (&'static str, Argument) {
    ("x-queue-type", text("quorum"))
}

/// Makes the broker hand expired and over-delivered messages on with a confirm. It does that only together
/// with `reject-publish`; with another overflow behaviour it silently falls back to at most once.
fn handed_on_safely() -> [(&'static str, Argument); 3] {
    [
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-strategy", text("at-least-once")),
        ("x-overflow", text("reject-publish")),
    ]
}

fn work(name: &str) -> Vec<(&'static str, Argument)> {
    let mut arguments = vec![
        quorum(),
        // The default is no limit on 3.x and 20 on 4.x. On 3.x a limit also keeps returned messages in their
        // place.
        ("x-delivery-limit", Argument::Number(DELIVERY_LIMIT.into())),
        ("x-dead-letter-routing-key", text(dead(name))),
    ];
    arguments.extend(handed_on_safely());
    arguments
}

/// A dead-letter queue. Looking at a parked message and putting it back counts as a delivery: the default of
/// 4.x would drop it after 20 looks. 3.x accepts no number that means "never", so the limit is only high.
fn parked() -> Vec<(&'static str, Argument)> {
    vec![quorum(), ("x-delivery-limit", Argument::Number(1_000_000))]
}

/// A queue of the retry ladder. Without a dead-letter routing key a message keeps its own, which names the
/// queue it came from.
fn delayed(wait: Duration) -> Vec<(&'static str, Argument)> {
    let mut arguments = vec![quorum(), ("x-message-ttl", milliseconds(wait))];
    arguments.extend(handed_on_safely());
    arguments
}

/// A log. A stream gives every reader all of its messages. It drops the oldest ones segment by segment, so
/// segments are small.
fn log() -> Vec<(&'static str, Argument)> {
    let bytes = i64::try_from(SHARD_LOG_MAX_BYTES).expect("a bound fits an i64");
    vec![
        ("x-queue-type", text("stream")),
        ("x-max-length-bytes", Argument::Number(bytes)),
        ("x-stream-max-segment-size-bytes", Argument::Number(bytes / 16)),
    ]
}

/// The queue of a gateway. Classic, since it lives and dies with one process and needs no replicas; durable,
/// so that it survives a restart of the broker.
fn gateway() -> Vec<(&'static str, Argument)> {
    let bytes = i64::try_from(GATEWAY_QUEUE_MAX_BYTES).expect("a queue bound fits an i64");
    vec![
        ("x-queue-type", text("classic")),
        ("x-expires", milliseconds(GATEWAY_QUEUE_EXPIRES)),
        ("x-max-length-bytes", Argument::Number(bytes)),
        ("x-overflow", text("reject-publish")),
    ]
}

fn queue_definition(queue: &QueueSpec) -> Value {
    let arguments: serde_json::Map<String, Value> =
        arguments(queue).into_iter().map(|(name, value)| (name.to_owned(), argument_value(value))).collect();
    json!({ "name": queue.name, "vhost": VHOST, "durable": true, "auto_delete": false, "arguments": arguments })
}

fn argument_value(argument: Argument) -> Value {
    match argument {
        Argument::Text(text) => text.into(),
        Argument::Number(number) => number.into(),
        Argument::Flag(flag) => flag.into(),
    }
}

fn exchange_definition(name: &'static str) -> Value {
    json!({
        "name": name, "vhost": VHOST, "type": "fanout", "durable": true, "auto_delete": false, "internal": false, "arguments": {}
    })
}

fn binding_definition(queue: &str, exchange: &str) -> Value {
    json!({
        "source": exchange, "vhost": VHOST, "destination": queue, "destination_type": "queue", "routing_key": "", "arguments": {}
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_hands_messages_on_does_it_at_least_once() {
        for queue in Topology::new(2).queues() {
            let arguments = arguments(&queue);
            let has = |name: &str, value: &str| {
                arguments.contains(&(
                    if name == "s" { "x-dead-letter-strategy" } else { "x-overflow" },
                    text(value),
                ))
            };
            let hands_on = arguments.iter().any(|(name, _)| *name == "x-dead-letter-exchange");
            assert!(!hands_on || (has("s", "at-least-once") && has("o", "reject-publish")), "{}", queue.name);
            assert_eq!(hands_on, queue.kind != QueueKind::Dead, "{}", queue.name);
        }
    }

    #[test]
    fn the_definitions_name_every_queue_and_bind_every_delay() {
        let topology = Topology::new(4);
        let definitions = definitions(&topology);
        assert_eq!(definitions["queues"].as_array().unwrap().len(), topology.shared().len());
        assert_eq!(definitions["bindings"].as_array().unwrap().len(), 6);
        assert_eq!(definitions["exchanges"].as_array().unwrap().len(), 8);
        assert_eq!(definitions["queues"][0]["arguments"]["x-dead-letter-routing-key"], "dead.cursors.0");
    }
}

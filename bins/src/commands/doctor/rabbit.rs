//! RabbitMQ: version, rights, alarms, every queue, and quorum queues without a leader.

use super::finding::{Finding, Grade};
use crate::client::{HttpClient, Limits};
use crate::commands::table::figure;
use crate::commands::topology_diff;
use anyhow::Context;
use axum::body::Body;
use axum::http::{Request, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eventflow_amqp::{AmqpConfig, Inspection};
use eventflow_bus::explain::explain;
use eventflow_bus::port::Depth;
use eventflow_bus::topology::{QueueKind, Topology};
use eventflow_config::Config;
use serde_json::Value;
use std::time::Duration;

const PART: &str = "broker";
/// The oldest version for which the declarations are valid.
const OLDEST: (u64, u64) = (3, 10);
/// Share of the watermark from which memory is worth a word, in percent.
const MEMORY_WARNING: u64 = 80;
/// File descriptors with which a fleet of some hundred processes can live.
const DESCRIPTORS_ENOUGH: u64 = 4_096;
/// What the management plugin may take for an answer about every node.
const MANAGEMENT_LIMITS: Limits = Limits { time: Duration::from_secs(10), bytes: 16 * 1024 * 1024 };

pub(super) async fn look(config: &Config, management: Option<&str>) -> Vec<Finding> {
    if config.embedded_broker() {
        return vec![Finding::ok(PART, "reach", "embedded: the data file, in the process itself")];
    }
    let settings = AmqpConfig::new(config.broker.url.expose(), "eventflow doctor");
    let inspection = match Inspection::open(&settings).await {
        Ok(inspection) => inspection,
        Err(error) => return vec![unreachable(&config.broker.url.address(), &explain(&error))],
    };
    let mut findings = vec![version(Inspection::version(&settings).await)];
    findings.push(rights(&inspection).await);
    let topology = Topology::new(config.broker.shards);
    findings.extend(queues(&inspection, &topology).await);
    findings.push(leaders(&inspection, &settings, &topology).await);
    inspection.close().await;
    match management {
        Some(url) => findings.extend(limits(url).await.unwrap_or_else(|error| {
            vec![Finding::unknown(
                PART,
                "limits",
                format!("{error:#}"),
                "check the URL given with --management",
            )]
        })),
        None => findings.push(Finding::unknown(
            PART,
            "limits",
            "memory, disk and descriptors are not told by AMQP",
            "give --management http://USER:PASSWORD@HOST:15672 to see them",
        )),
    }
    findings
}

fn unreachable(address: &str, why: &str) -> Finding {
    let advice = if why.contains("ACCESS_REFUSED") || why.contains("403") {
        "check user and password in RABBITMQ_URL, and that the user has rights in the vhost"
    } else if why.contains("530") || why.contains("NOT_ALLOWED") {
        "make the vhost (rabbitmqctl add_vhost) and give the user rights there, or mend the path of RABBITMQ_URL"
    } else {
        "check that RabbitMQ runs, and the host and port in RABBITMQ_URL"
    };
    Finding::bad(PART, "reach", format!("{address}: {why}"), advice)
}

fn version(version: Option<String>) -> Finding {
    const CHECK: &str = "version";
    let Some(version) = version else {
        return Finding::unknown(PART, CHECK, "the server does not tell before TLS", "");
    };
    let mut numbers = version.split('.').map(|part| part.parse::<u64>().ok());
    let known = numbers.next().flatten().zip(numbers.next().flatten());
    match known {
        Some(known) if known < OLDEST => {
            Finding::bad(PART, CHECK, format!("RabbitMQ {version}"), "the queues need RabbitMQ 3.10 or newer")
        }
        Some((3, _)) => Finding::new(
            PART,
            CHECK,
            Grade::Ok,
            format!("RabbitMQ {version}"),
            "3.x gets no fixes any more: plan the way to 4.x",
        ),
        _ => Finding::ok(PART, CHECK, format!("RabbitMQ {version}")),
    }
}

async fn rights(inspection: &Inspection) -> Finding {
    const CHECK: &str = "declare, publish, read";
    match inspection.try_out().await {
        Ok(()) => Finding::ok(PART, CHECK, "works, and no alarm holds publishers back"),
        Err(error) => Finding::bad(
            PART,
            CHECK,
            explain(&error),
            "without rights: rabbitmqctl set_permissions; without an answer: an alarm holds publishers back, see \
             rabbitmq-diagnostics alarms",
        ),
    }
}

async fn queues(inspection: &Inspection, topology: &Topology) -> Vec<Finding> {
    const CHECK: &str = "topology";
    let differences = topology_diff::differences(inspection, topology).await;
    if differences.is_empty() {
        let count = topology.shared().len();
        return vec![Finding::ok(PART, CHECK, format!("{count} queues are declared as they must be"))];
    }
    let finding = |difference: topology_diff::Difference| {
        let grade = if difference.what == "left over" { Grade::Warning } else { Grade::Bad };
        let seen = format!("{} {}: {}", difference.name, difference.what, difference.detail);
        Finding::new(PART, CHECK, grade, seen.trim_end_matches(": "), difference.advice)
    };
    differences.into_iter().map(finding).collect()
}

/// A quorum queue without a leader looks empty and unconsumed, so only such queues are asked: nobody is given
/// a message by that. The broker closes the whole connection on which such a queue is consumed, so the
/// question has one of its own.
async fn leaders(inspection: &Inspection, settings: &AmqpConfig, topology: &Topology) -> Finding {
    const CHECK: &str = "leaders of queues";
    let mut without = Vec::new();
    let mut words = String::new();
    let consumed = topology.queues().into_iter();
    for queue in consumed.filter(|queue| matches!(queue.kind, QueueKind::Work | QueueKind::SingleActive)) {
        let depth = inspection.depth(&queue.name).await;
        if !matches!(depth, Ok(Depth { ready: 0, consumers: 0, .. })) {
            continue;
        }
        let Ok(probe) = Inspection::open(settings).await else { continue };
        if let Ok(Some(error)) = probe.consuming_fails(&queue.name).await {
            words = error;
            without.push(queue.name);
        }
        probe.close().await;
    }
    if without.is_empty() {
        return Finding::ok(PART, CHECK, "every queue can be consumed");
    }
    Finding::bad(
        PART,
        CHECK,
        format!("cannot be consumed: {} ({words})", without.join(", ")),
        "these queues have no leader, as RabbitMQ 3.10 leaves them after a vhost was deleted and made again: stop \
         the workers, delete the queues (rabbitmqctl delete_queue NAME), and start the workers, which declare them \
         again. What was in them is lost. If deleting fails too, use another vhost",
    )
}

/// What the management plugin tells of each node.
async fn limits(url: &str) -> anyhow::Result<Vec<Finding>> {
    let nodes = ask(url, "/api/nodes").await?;
    let nodes = nodes.as_array().context("the management plugin answered no list of nodes")?;
    Ok(nodes.iter().flat_map(node).collect())
}

fn node(node: &Value) -> Vec<Finding> {
    let number = |key: &str| node[key].as_u64();
    let name = node["name"].as_str().unwrap_or("a node");
    let mut findings = Vec::new();
    for (check, key) in [("memory alarm", "mem_alarm"), ("disk alarm", "disk_free_alarm")] {
        if node[key] == true {
            let advice =
                "publishers are held back until it ends: give it room, and see what fills its queues";
            findings.push(Finding::bad(PART, check, format!("{name}: on"), advice));
        }
    }
    let (used, limit) = (number("mem_used"), number("mem_limit"));
    let seen = format!("{name}: {} of {} MiB", figure(used.map(mib)), figure(limit.map(mib)));
    let is_near = used.zip(limit).is_some_and(|(used, limit)| used * 100 > limit * MEMORY_WARNING);
    findings.push(if is_near {
        Finding::warning(PART, "memory watermark", seen, "near its watermark: look at queues and connections")
    } else {
        let advice = "in a container set vm_memory_high_watermark.absolute below the container's limit: RabbitMQ \
                      reads the machine's memory, not the container's";
        Finding::new(PART, "memory watermark", Grade::Ok, seen, advice)
    });
    let free = format!(
        "{name}: {} MiB free, limit {} MiB",
        figure(number("disk_free").map(mib)),
        figure(number("disk_free_limit").map(mib))
    );
    findings.push(Finding::ok(PART, "disk", free));
    let total = number("fd_total");
    let seen = format!("{name}: {} of {}", figure(number("fd_used")), figure(total));
    findings.push(if total.is_some_and(|total| total < DESCRIPTORS_ENOUGH) {
        Finding::warning(PART, "file descriptors", seen, "raise ulimit -n of the broker")
    } else {
        Finding::ok(PART, "file descriptors", seen)
    });
    findings
}

fn mib(bytes: u64) -> u64 {
    bytes / (1024 * 1024)
}

async fn ask(url: &str, path: &str) -> anyhow::Result<Value> {
    let uri: Uri = format!("{}{path}", url.trim_end_matches('/')).parse().context("--management")?;
    let authority = uri.authority().context("--management: no host")?.as_str();
    let (login, host) = authority.rsplit_once('@').context("--management: no user and password")?;
    let scheme = uri.scheme_str().unwrap_or("http");
    let request = Request::builder()
        .uri(format!("{scheme}://{host}{}", uri.path()))
        .header(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(login)))
        .body(Body::empty())?;
    let (status, body) = HttpClient::new(MANAGEMENT_LIMITS)?.ask(request).await?;
    anyhow::ensure!(status.is_success(), "{scheme}://{host} answered {status}");
    serde_json::from_slice(&body).context("read the answer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_are_bad_and_unknown_ones_are_said_to_be() {
        let grades = [Some("3.9.29"), Some("3.10.8"), Some("4.1.0"), None]
            .map(|text| version(text.map(str::to_owned)).grade);
        assert_eq!(grades, [Grade::Bad, Grade::Ok, Grade::Ok, Grade::Unknown]);
    }

    #[test]
    fn a_node_near_its_watermark_and_an_alarm_are_seen() {
        let told = serde_json::json!({
            "name": "rabbit@a", "mem_used": 900, "mem_limit": 1000, "mem_alarm": true, "fd_total": 1024, "fd_used": 3
        });
        let grades: Vec<_> = node(&told).into_iter().map(|finding| (finding.check, finding.grade)).collect();
        let expected = [
            ("memory alarm", Grade::Bad),
            ("memory watermark", Grade::Warning),
            ("disk", Grade::Ok),
            ("file descriptors", Grade::Warning),
        ];
        assert_eq!(grades, expected.map(|(check, grade)| (check.to_owned(), grade)));
    }
}

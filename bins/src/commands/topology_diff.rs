//! `eventflow topology diff`: how what is declared at the broker differs from what must be there.

use crate::commands::answer::Answer;
use crate::commands::table::{Table, figure};
use crate::topology::DiffArguments;
use anyhow::{Context, bail};
use eventflow_amqp::{AmqpConfig, Inspection, QueueFinding};
use eventflow_bus::topology::Topology;
use eventflow_config::Config;
use serde::Serialize;

/// One thing at the broker that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    /// The queue or exchange.
    pub(crate) name: String,
    /// `missing`, `differs`, `unclear` or `left over`.
    pub(crate) what: &'static str,
    /// The broker's words.
    pub(crate) detail: String,
    /// What to do.
    pub(crate) advice: &'static str,
}

/// `eventflow topology diff`.
pub(crate) async fn diff(arguments: &DiffArguments, config: &Config) -> anyhow::Result<Answer> {
    if config.embedded_broker() {
        bail!(
            "a single process declares its queues in its data file each time it starts: nothing can differ"
        );
    }
    let inspection = Inspection::open(&AmqpConfig::new(config.broker.url.expose(), "eventflow operator"))
        .await
        .with_context(|| format!("reach the broker at {}", config.broker.url.address()))?;
    let found = differences(&inspection, &Topology::new(config.broker.shards)).await;
    inspection.close().await;
    let differs = !found.is_empty();
    if arguments.json {
        return Ok(Answer::json(&found)?.found(differs));
    }
    let mut table = Table::new(["name", "what", "what to do", "in the broker's words"]);
    for difference in found {
        let Difference { name, what, detail, advice } = difference;
        table.row([name, what.to_owned(), advice.to_owned(), detail]);
    }
    let text = if differs { table.text() } else { "everything is declared as it must be\n".to_owned() };
    Ok(Answer::of(text).found(differs))
}

/// Everything that is not as it must be.
pub(crate) async fn differences(inspection: &Inspection, topology: &Topology) -> Vec<Difference> {
    let mut found: Vec<Difference> = inspection
        .queues(topology)
        .await
        .into_iter()
        .filter_map(|(queue, finding)| {
            let name = queue.name;
            match finding {
                QueueFinding::Fits(_) => None,
                QueueFinding::Missing => Some(Difference {
                    name,
                    what: "missing",
                    detail: String::new(),
                    advice: "start any worker, which declares it, or import rabbitmq/definitions.json",
                }),
                QueueFinding::Differs(detail) => Some(Difference {
                    name,
                    what: "differs",
                    detail,
                    advice: "let it run empty, stop the workers, delete it, start them again",
                }),
                QueueFinding::Unclear(detail) => {
                    Some(Difference { name, what: "unclear", detail, advice: "see the broker's log" })
                }
            }
        })
        .collect();
    found.extend(inspection.wrong_exchanges(topology).await.into_iter().map(|(name, detail)| Difference {
        name,
        what: "missing",
        detail,
        advice: "start any worker, which declares it",
    }));
    found.extend(inspection.leftovers(topology).await.into_iter().map(|(name, depth)| Difference {
        name,
        what: "left over",
        detail: format!("{} messages, {} consumers", figure(Some(depth.ready)), depth.consumers),
        advice: "of another number of shards: if it has messages start a worker with that SHARDS, else delete it",
    }));
    found
}

//! A publisher: in go messages, out comes one answer each, `Ok` once the message is on the disk.
//!
//! All messages of a call are one change of the data file, so they share its commit with whatever else waits.
//! Messages for gateways go straight to memory, where the queues of gateways live.

use super::health::broker_error;
use super::message::{BrokerMessage, Slot};
use super::parts::{BrokerParts, QUEUE_MAX_BYTES};
use super::queue::Queue;
use super::replies::Address;
use super::table::{self, Wait};
use crate::DatabaseError;
use async_trait::async_trait;
use eventflow_bus::port::{BrokerError, Destination, Outgoing, Publish, ReplyTo};
use eventflow_bus::topology::{GATEWAY_QUEUE_MAX_BYTES, QueueKind};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Confirm: longest wait for a commit. A disk that takes longer is as good as blocked, and the caller may
/// tell its client so.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(5);

/// A confirmed publisher.
pub(super) struct EmbeddedPublisher {
    shared: Arc<BrokerParts>,
    address: Option<Address>,
}

/// A message to insert into the table.
struct Insert {
    queue: Arc<Queue>,
    slot: Slot,
    wait: Option<Wait>,
    message: BrokerMessage,
}

/// Where a message goes.
enum Routed {
    Table(Insert),
    Memory(Vec<Arc<Queue>>, BrokerMessage),
}

impl EmbeddedPublisher {
    pub(super) fn new(shared: Arc<BrokerParts>, address: Option<Address>) -> Self {
        Self { shared, address }
    }

    fn route(&self, outgoing: Outgoing) -> Result<Routed, BrokerError> {
        // The context in front of the frame is for tools that look at a broker; nobody looks at this one
        // while it runs.
        let Outgoing { to, payload, headers, reply_to, trace: _ } = outgoing;
        let reply_to = match reply_to {
            Some(ReplyTo::Me) => self.address.as_ref().map(|address| address.text.clone()),
            Some(ReplyTo::Address(address)) => Some(address),
            None => None,
        };
        let message = BrokerMessage { payload, headers, reply_to };
        match to {
            Destination::AllGateways => Ok(Routed::Memory(self.shared.catalog.gateways(), message)),
            Destination::Queue(name) => self.to_queue(&name, message),
            Destination::Retry { delay, queue } => {
                let back = self.find(&queue)?;
                let rung = self.find(delay.queue())?;
                if back.kind == QueueKind::Gateway {
                    return Err(BrokerError::Unroutable(queue));
                }
                let delay_ms = i64::try_from(delay.duration().as_millis()).unwrap_or(i64::MAX);
                let due_ms = self.shared.clock.now().0.saturating_add(delay_ms);
                let wait = Some(Wait { due_ms, back_to: back.number });
                Ok(Routed::Table(Insert { queue: rung, slot: Slot(0), wait, message }))
            }
        }
    }

    fn to_queue(&self, name: &str, message: BrokerMessage) -> Result<Routed, BrokerError> {
        let queue = self.find(name)?;
        match queue.kind {
            QueueKind::Gateway if !self.shared.catalog.is_live(&queue) => {
                Err(BrokerError::Unroutable(name.to_owned()))
            }
            QueueKind::Gateway => Ok(Routed::Memory(vec![queue], message)),
            QueueKind::Work | QueueKind::SingleActive if queue.bytes() >= QUEUE_MAX_BYTES => {
                Err(BrokerError::Refused(name.to_owned()))
            }
            _ => Ok(Routed::Table(Insert { queue, slot: Slot(0), wait: None, message })),
        }
    }

    fn find(&self, name: &str) -> Result<Arc<Queue>, BrokerError> {
        self.shared.catalog.get(name).ok_or_else(|| BrokerError::Unroutable(name.to_owned()))
    }

    /// Inserts all messages in one change. The answer is for all of them.
    async fn insert(&self, inserts: Vec<Insert>) -> Result<(), InsertFailure> {
        let (tx, rx) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        let now_ms = self.shared.clock.now().0;
        let done = move |answer: Result<Vec<Insert>, DatabaseError>| {
            let outcome = shared.health.observe(answer).map(|inserted| shared.take_in(inserted));
            // The receiver is gone if the caller has given up meanwhile. The messages are in their queues all
            // the same.
            drop(tx.send(outcome));
        };
        let confirmed = async {
            self.shared.database.submit(move |tx| insert_all(tx, inserts, now_ms), done).await?;
            rx.await.unwrap_or(Err(DatabaseError::Closed))
        };
        tokio::time::timeout(CONFIRM_TIMEOUT, confirmed)
            .await
            .map_err(|_| InsertFailure::Late)?
            .map_err(InsertFailure::Database)
    }
}

/// Why a whole change failed. Each of its messages gets the error.
enum InsertFailure {
    Late,
    Database(DatabaseError),
}

impl InsertFailure {
    fn broker_error(&self) -> BrokerError {
        match self {
            Self::Late => BrokerError::Blocked,
            Self::Database(error) => broker_error(error.clone()),
        }
    }
}

/// Runs on the writer thread, so that slots ascend in the order of the commits.
fn insert_all(
    tx: &rusqlite::Transaction<'_>,
    mut inserts: Vec<Insert>,
    now_ms: i64,
) -> rusqlite::Result<Vec<Insert>> {
    for insert in &mut inserts {
        insert.slot = insert.queue.next_slot();
        table::insert(tx, insert.slot, &insert.message, insert.wait, now_ms)?;
    }
    Ok(inserts)
}

fn to_memory(queues: &[Arc<Queue>], message: &BrokerMessage) -> Result<(), BrokerError> {
    let refused = queues.iter().filter(|queue| !queue.offer(message.clone(), GATEWAY_QUEUE_MAX_BYTES)).last();
    refused.map_or(Ok(()), |queue| Err(BrokerError::Refused(queue.name.clone())))
}

impl BrokerParts {
    /// Hands the messages to their queues. Runs on the writer thread, after the commit.
    fn take_in(&self, inserted: Vec<Insert>) {
        for Insert { queue, slot, wait, message } in inserted {
            match wait {
                None => queue.committed(slot, message),
                Some(wait) => {
                    queue.committed_on_disk(slot, message.bytes());
                    self.alarm.at(wait.due_ms);
                }
            }
        }
    }
}

#[async_trait]
impl Publish for EmbeddedPublisher {
    async fn publish(&mut self, messages: Vec<Outgoing>) -> Vec<Result<(), BrokerError>> {
        let mut answers: Vec<Result<(), BrokerError>> = Vec::with_capacity(messages.len());
        let mut inserts = Vec::new();
        let mut places = Vec::new();
        for outgoing in messages {
            answers.push(match self.route(outgoing) {
                Ok(Routed::Table(insert)) => {
                    places.push(answers.len());
                    inserts.push(insert);
                    Ok(())
                }
                Ok(Routed::Memory(queues, message)) => to_memory(&queues, &message),
                Err(error) => Err(error),
            });
        }
        if inserts.is_empty() {
            return answers;
        }
        if let Err(failure) = self.insert(inserts).await {
            for place in places {
                answers[place] = Err(failure.broker_error());
            }
        }
        answers
    }
}

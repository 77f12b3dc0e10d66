//! How the letters of a step are sent: judged, recorded, published, confirmed.
//!
//! The audit log has a letter before the broker has it, and a letter is confirmed after the broker has. So
//! after a crash nothing was sent without a record, and what was sent without a confirm is sent again.

use super::parts::DeadLetterParts;
use super::replayer::{ReplayError, Replayer};
use bytes::Bytes;
use eventflow_bus::dead::replayed;
use eventflow_bus::port::{BrokerError, Outgoing};
use eventflow_metrics::ReplayOutcome;
use eventflow_protocol::dead_letters::{AuditEntry, DeadLetter, DeadLetterId, LetterChange, Replay};
use std::collections::BTreeSet;

/// Bytes that are published together, so that a step of large letters does not hold them all twice.
const PUBLISHED_TOGETHER: usize = 1024 * 1024;

/// Letters of a step by what is to be done with them.
#[derive(Default)]
struct Judged {
    sent: Vec<(DeadLetterId, String, Outgoing)>,
    refused: Vec<(DeadLetterId, String)>,
}

impl Replayer {
    /// Sends letters that the replay has in hand.
    pub(super) async fn send(
        &mut self,
        replay: &Replay,
        letters: Vec<DeadLetter>,
    ) -> Result<(), ReplayError> {
        let Judged { sent, refused } = self.parts.judge(letters).await?;
        let now = self.parts.clock.now();
        let record = |id: DeadLetterId, refused: Option<String>| {
            AuditEntry::of_replayed(replay.id, id, (replay.by.clone(), replay.why.clone()), refused, now)
        };
        let entries = sent.iter().map(|(id, ..)| record(*id, None));
        let refusals = refused.iter().map(|(id, reason)| record(*id, Some(reason.clone())));
        let entries: Vec<AuditEntry> = entries.chain(refusals).collect();
        self.parts.letters.record_audit(&entries).await?;
        for (id, reason) in refused {
            tracing::warn!(replay = %replay.id, letter = %id, reason, "a dead letter cannot be sent back");
            let refuse = LetterChange::Refuse(replay.id, reason);
            let refused = self.parts.letters.change_letters(&[id], &refuse, now).await?;
            self.metrics.replayed.of(ReplayOutcome::Refused).inc_by(refused.len() as u64);
        }
        self.publish(replay, sent).await
    }

    /// Publishes, some at a time, and confirms those that the broker has.
    async fn publish(
        &mut self,
        replay: &Replay,
        sent: Vec<(DeadLetterId, String, Outgoing)>,
    ) -> Result<(), ReplayError> {
        let mut rest = sent.into_iter().peekable();
        while rest.peek().is_some() {
            let (mut ids, mut messages) = (Vec::new(), Vec::new());
            let mut bytes = 0;
            while let Some((id, _, message)) = rest.next_if(|_| bytes < PUBLISHED_TOGETHER) {
                bytes += message.payload.len();
                ids.push(id);
                messages.push(message);
            }
            let results = self.publisher.publish(messages).await;
            let is_confirmed = results.iter().map(Result::is_ok);
            let confirmed: Vec<DeadLetterId> =
                ids.into_iter().zip(is_confirmed).filter_map(|(id, is_ok)| is_ok.then_some(id)).collect();
            let confirm = LetterChange::Confirm(replay.replayed());
            let now = self.parts.clock.now();
            let sent = self.parts.letters.change_letters(&confirmed, &confirm, now).await?;
            self.metrics.replayed.of(ReplayOutcome::Sent).inc_by(sent.len() as u64);
            results.into_iter().collect::<Result<(), BrokerError>>()?;
        }
        Ok(())
    }
}

impl DeadLetterParts {
    async fn judge(&mut self, letters: Vec<DeadLetter>) -> Result<Judged, ReplayError> {
        let mut judged = Judged::default();
        for letter in letters {
            let body = self.letters.letter_body(&letter, letter.version()).await?;
            match replayed(&self.topology, &letter, body.unwrap_or_else(Bytes::new)) {
                Ok((queue, message)) => judged.sent.push((letter.id, queue, message)),
                Err(reason) => judged.refused.push((letter.id, reason.to_string())),
            }
        }
        let gone = self.gone(&judged).await?;
        let (refused, sent) = judged.sent.into_iter().partition(|(_, queue, _)| gone.contains(queue));
        let refused: Vec<(DeadLetterId, String, Outgoing)> = refused;
        let reasons = refused.into_iter().map(|(id, queue, _)| (id, format!("the queue {queue} is gone")));
        judged.refused.extend(reasons);
        Ok(Judged { sent, refused: judged.refused })
    }

    /// The queues that are not there: those of gateways go with them.
    async fn gone(&mut self, judged: &Judged) -> Result<BTreeSet<String>, ReplayError> {
        let queues: BTreeSet<&String> = judged.sent.iter().map(|(_, queue, _)| queue).collect();
        let mut gone = BTreeSet::new();
        for queue in queues {
            match self.broker.depth(queue).await {
                Ok(_) => {}
                Err(BrokerError::Unroutable(_)) => {
                    gone.insert(queue.clone());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(gone)
    }
}

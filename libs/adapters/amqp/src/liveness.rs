//! Notices within 15 s a subscription that the broker has ended without telling the client.
//!
//! A deleted queue, a closed channel and a broken connection announce themselves. Two losses do not: a
//! consumer that the broker forgot (a lost cancel, a failed-over queue), and a channel that no longer
//! answers. So each subscription asks for its queue on its own channel every few seconds. It is over if there
//! is no answer, no queue, or twice in a row no consumer at all. What it found is handed on to
//! [`crate::starvation`].

use crate::config::CALL_TIMEOUT;
use crate::declare::look;
use lapin::Channel;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Time between two questions. Three of them bound the time to notice: two without a consumer, or one and the
/// timeout of a call.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// Answers without a consumer after which the subscription is over. A queue that moves to another node has
/// none for a moment.
const STRIKES: u32 = 2;

/// What a queue looked like.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct QueueLook {
    /// Messages ready for delivery.
    pub(crate) ready: u32,
    /// Consumers, those included that wait for their turn.
    pub(crate) consumers: u32,
}

/// Resolves with the reason when the subscription to `queue` on `channel` is over. Sends what it found
/// after each answer.
pub(crate) async fn until_lost(channel: Channel, queue: String, looks: watch::Sender<QueueLook>) -> String {
    let mut strikes = 0;
    loop {
        tokio::time::sleep(ASK_EVERY).await;
        match timeout(CALL_TIMEOUT, look(&channel, &queue)).await {
            Err(_) => return "the channel does not answer".to_owned(),
            Ok(Err(error)) => return error.to_string(),
            Ok(Ok(found)) => {
                strikes = if found.consumer_count() == 0 { strikes + 1 } else { 0 };
                looks.send_replace(QueueLook {
                    ready: found.message_count(),
                    consumers: found.consumer_count(),
                });
            }
        }
        if strikes >= STRIKES {
            return "the broker knows no consumer of the queue".to_owned();
        }
    }
}

//! Notices a subscription that is gone without the client having been told.
//!
//! A deleted queue, a closed channel and a broken connection announce themselves. What does not: a consumer that the broker
//! forgot (a lost cancel, a failed-over queue) and a channel that no longer answers. So each subscription asks for its queue on
//! its own channel every few seconds: no answer, no queue, or twice no consumer at all, and it is over. Within 15 s. What it sees
//! of the queue is handed on, for [`crate::hunger`].

use crate::config::CALL_TIMEOUT;
use crate::declare::look;
use lapin::Channel;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Three of these bound the time to notice: two without a consumer, or one and the time-out of a call.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// A queue that moves to another node has no consumer for a moment.
const STRIKES: u32 = 2;

/// Resolves with the reason when the subscription to `queue` on `channel` is over. Tells at each look how many messages are ready.
pub(crate) async fn until_lost(channel: Channel, queue: String, ready: watch::Sender<u32>) -> String {
    let mut strikes = 0;
    loop {
        tokio::time::sleep(ASK_EVERY).await;
        match timeout(CALL_TIMEOUT, look(&channel, &queue)).await {
            Err(_) => return "the channel does not answer".to_owned(),
            Ok(Err(error)) => return error.to_string(),
            Ok(Ok(found)) => {
                strikes = if found.consumer_count() == 0 { strikes + 1 } else { 0 };
                ready.send_replace(found.message_count());
            }
        }
        if strikes >= STRIKES {
            return "the broker knows no consumer of the queue".to_owned();
        }
    }
}

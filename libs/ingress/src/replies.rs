//! Replies: what a message that is being sent, or a draft of one, answers.

use crate::refusal::Refusal;
use eventflow_ports::Store;
use eventflow_protocol::command::SendMessage;
use eventflow_protocol::document::Message;
use eventflow_protocol::quote::NO_SUCH_MESSAGE;
use eventflow_protocol::{MessageId, ThreadId};

/// Quotes what a message answers, and refuses it if that is no message of its thread, or one up to the place
/// `since`, which its sender may not see. While the store does
/// not answer, the message goes on its way without a quote, as every message does.
pub(crate) async fn quote_answered(
    store: &dyn Store,
    send: &mut SendMessage,
    since: Option<u64>,
) -> Result<(), Refusal> {
    let Some(reply) = &mut send.reply_to else { return Ok(()) };
    let answered = answered(store, (send.thread_id, since), reply.message_id).await?;
    reply.quote = answered.map(|answered| answered.quote());
    Ok(())
}

/// The message that something in this thread answers, and a refusal if that is no message of the thread, or
/// one up to the place `since`. `None` while that place is not known or the store does not answer.
pub(crate) async fn answered(
    store: &dyn Store,
    (thread, since): (ThreadId, Option<u64>),
    message: MessageId,
) -> Result<Option<Message>, Refusal> {
    let Some(since) = since else { return Ok(None) };
    match store.message(message).await {
        Ok(Some(answered)) if answered.thread_id == thread && answered.seq > since => Ok(Some(answered)),
        Ok(_) => Err(Refusal::invalid(NO_SUCH_MESSAGE)),
        Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "what a message answers is not known");
            Ok(None)
        }
    }
}

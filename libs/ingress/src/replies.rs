//! Replies: what a message that is being sent answers.

use crate::refusal::Refusal;
use eventflow_ports::Store;
use eventflow_protocol::command::SendMessage;
use eventflow_protocol::quote::NO_SUCH_MESSAGE;

/// Quotes what a message answers, and refuses it if that is no message of its thread, or one up to the place
/// `since`, which its sender may not see. While the store does
/// not answer, the message goes on its way without a quote, as every message does.
pub(crate) async fn quote_answered(
    store: &dyn Store,
    send: &mut SendMessage,
    since: u64,
) -> Result<(), Refusal> {
    let Some(reply) = send.reply_to.as_mut().filter(|_| since < u64::MAX) else { return Ok(()) };
    match store.message(reply.message_id).await {
        Ok(Some(answered)) if answered.thread_id == send.thread_id && answered.seq > since => {
            reply.quote = Some(answered.quote());
            Ok(())
        }
        Ok(_) => Err(Refusal::invalid(NO_SUCH_MESSAGE)),
        Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "what a message answers is not known");
            Ok(())
        }
    }
}

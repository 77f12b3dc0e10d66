//! The quotes of replies that are announced and answered.

use super::Persistence;
use eventflow_ports::quotes;
use eventflow_protocol::document::Message;

impl Persistence {
    /// Gives a reply the quote that it lacks because it comes from the store. Without an answer of the store
    /// it goes on without one: clients find what it answers by the id.
    pub(super) async fn quote(&self, message: &mut Message) {
        let Some(None) = message.reply_to.as_ref().map(|reply| reply.quote.as_ref()) else { return };
        if let Err(error) = quotes::quote(&*self.parts.store, vec![message]).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "a reply is told without its quote");
        }
    }
}

//! Pushes while no provider is configured: they are kept in the outbox, where a development page shows them.

use crate::clock::Clock;
use crate::outbox::{Outbox, OutboxItem};
use crate::pusher::{Accepted, Push, PushAct, PushError, Pusher, Urgency};
use crate::store::StoreError;
use async_trait::async_trait;
use eventflow_protocol::PushDeviceId;
use eventflow_protocol::outbound::Channel;
use eventflow_protocol::push::PushTarget;
use std::sync::Arc;

/// Name of the outbox in the delivery log.
const PROVIDER: &str = "outbox";

/// A pusher that keeps in the outbox what the one behind it has no provider for.
pub struct OutboxPusher {
    pusher: Arc<dyn Pusher>,
    outbox: Arc<dyn Outbox>,
    clock: Arc<dyn Clock>,
}

impl OutboxPusher {
    /// `pusher` is asked first.
    pub fn new(pusher: Arc<dyn Pusher>, outbox: Arc<dyn Outbox>, clock: Arc<dyn Clock>) -> Self {
        Self { pusher, outbox, clock }
    }

    fn item(&self, target: &PushTarget, push: &Push) -> Option<OutboxItem> {
        // There is nothing to see of a push that takes something away.
        let PushAct::Show { title, text, .. } = &push.act else { return None };
        let to = match target {
            PushTarget::Fcm { .. } => "an app",
            PushTarget::WebPush(_) => "a browser",
        };
        let urgency = match push.urgency {
            Urgency::Low => "low",
            Urgency::Normal => "normal",
            Urgency::High => "high",
        };
        let headers = [
            ("Tag", push.tag.clone()),
            ("Badge", push.badge.to_string()),
            ("TTL", push.ttl.as_secs().to_string()),
            ("Urgency", urgency.to_owned()),
        ];
        Some(OutboxItem {
            id: format!("push:{}:{}", PushDeviceId::of_address(target.address()), push.tag),
            channel: Channel::Push,
            to: to.to_owned(),
            title: title.clone(),
            text: text.clone(),
            html: None,
            headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            at: self.clock.now(),
        })
    }
}

#[async_trait]
impl Pusher for OutboxPusher {
    async fn push(&self, target: &PushTarget, push: &Push) -> Result<Accepted, PushError> {
        match self.pusher.push(target, push).await {
            Err(PushError::NoProvider { .. }) => {}
            answered => return answered,
        }
        if let Some(item) = self.item(target, push) {
            self.outbox.keep(&item).await.map_err(|error| failed(&error))?;
        }
        Ok(Accepted { provider: PROVIDER, answer: "kept in the outbox".to_owned() })
    }
}

fn failed(error: &StoreError) -> PushError {
    match error {
        StoreError::Unavailable { .. } | StoreError::Failed { .. } => {
            PushError::Failed { answer: "the outbox cannot be written".to_owned(), after: None }
        }
        StoreError::Refused { .. } => PushError::Refused { answer: "the outbox refuses the push".to_owned() },
    }
}

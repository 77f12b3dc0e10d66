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
            PushTarget::Fcm { .. } => format!("an app of {}", push.user_id),
            PushTarget::WebPush(_) => format!("a browser of {}", push.user_id),
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
            to,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FixedClock;
    use eventflow_protocol::Timestamp;
    use parking_lot::Mutex;
    use std::time::Duration;

    struct Nobody;

    #[async_trait]
    impl Pusher for Nobody {
        async fn push(&self, _: &PushTarget, _: &Push) -> Result<Accepted, PushError> {
            Err(PushError::NoProvider { provider: "fcm" })
        }
    }

    #[derive(Default)]
    struct Kept(Mutex<Vec<OutboxItem>>);

    #[async_trait]
    impl Outbox for Kept {
        async fn keep(&self, item: &OutboxItem) -> Result<(), StoreError> {
            self.0.lock().push(item.clone());
            Ok(())
        }
        async fn kept(&self, _: u32) -> Result<Vec<OutboxItem>, StoreError> {
            Ok(self.0.lock().clone())
        }
        async fn kept_item(&self, _: &str) -> Result<Option<OutboxItem>, StoreError> {
            Ok(None)
        }
    }

    #[tokio::test]
    async fn what_is_kept_says_for_whom_it_is() {
        let kept = Arc::new(Kept::default());
        let clock = Arc::new(FixedClock::at(Timestamp(1)));
        let pusher = OutboxPusher::new(Arc::new(Nobody), kept.clone(), clock);
        let act = PushAct::Show { title: "t".to_owned(), text: String::new(), thread_id: None };
        let user_id = "ann".parse().unwrap();
        let (tag, ttl) = ("n:1".to_owned(), Duration::from_secs(1));
        let push = Push { user_id, tag, act, badge: 1, ttl, urgency: Urgency::Normal };
        let target = PushTarget::Fcm { token: "phone".to_owned() };
        assert_eq!(pusher.push(&target, &push).await.unwrap().provider, PROVIDER);
        assert_eq!(kept.0.lock()[0].to, "an app of ann");
    }
}

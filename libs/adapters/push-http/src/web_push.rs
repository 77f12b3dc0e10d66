//! Pushes to browsers: one encrypted request to the push service that the subscription names (RFC 8030).
//!
//! The answer decides: 201 it is taken, 404 and 410 the subscription is over, 429 later, 5xx again, anything
//! else never.

use crate::client::{Answer, CallError, Client};
use crate::encryption::{self, EncryptionError};
use crate::payload;
use crate::vapid::VapidKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eventflow_ports::Clock;
use eventflow_ports::pusher::{Accepted, Push, PushError, Urgency};
use eventflow_protocol::push::Subscription;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Name of the provider in the delivery log.
pub(crate) const PROVIDER: &str = "webpush";
/// Bytes of the hash that a topic is made of: 24 characters of the 32 that a topic may have (RFC 8030, 5.4).
const TOPIC_BYTES: usize = 18;

/// Sends pushes to browsers.
pub(crate) struct WebPush {
    key: VapidKey,
    client: Client,
    clock: Arc<dyn Clock>,
}

impl WebPush {
    pub(crate) fn new(key: VapidKey, client: Client, clock: Arc<dyn Clock>) -> Self {
        Self { key, client, clock }
    }

    pub(crate) async fn push(&self, subscription: &Subscription, push: &Push) -> Result<Accepted, PushError> {
        let refused = |answer: &str| PushError::Refused { answer: answer.to_owned() };
        let endpoint: Uri =
            subscription.endpoint.parse().map_err(|_| refused("the endpoint is no address"))?;
        let body = match encryption::encrypt(subscription, &payload::json(push)) {
            Ok(body) => body,
            Err(error @ (EncryptionError::Keys | EncryptionError::TooLong)) => {
                return Err(refused(&error.to_string()));
            }
        };
        match self.client.post(&endpoint, self.headers(&endpoint, push), body).await {
            Ok(answer) => judge(&answer),
            // The device stays: only its service says that it is gone. A resolver that is configured wrongly,
            // or a firewall, would delete everybody's browsers otherwise.
            Err(error @ CallError::Forbidden) => Err(refused(&error.to_string())),
            Err(error @ (CallError::Unreachable | CallError::Late | CallError::Broken)) => {
                Err(PushError::Failed { answer: error.to_string(), after: None })
            }
        }
    }

    fn headers(&self, endpoint: &Uri, push: &Push) -> HeaderMap {
        let text = |text: String| HeaderValue::try_from(text).expect("the text is plain ASCII");
        let urgency = match push.urgency {
            Urgency::Low => "low",
            Urgency::Normal => "normal",
            Urgency::High => "high",
        };
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, text(self.key.authorization(endpoint, self.clock.now())));
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("aes128gcm"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert("ttl", HeaderValue::from(push.ttl.as_secs()));
        headers.insert("urgency", HeaderValue::from_static(urgency));
        headers.insert("topic", text(topic(&push.tag)));
        headers
    }
}

/// What replaces an earlier push that its service still keeps. It tells the service nothing of the thread.
fn topic(tag: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(tag)[..TOPIC_BYTES])
}

fn judge(answer: &Answer) -> Result<Accepted, PushError> {
    let said = answer.status.as_u16().to_string();
    match answer.status {
        status if status.is_success() => Ok(Accepted { provider: PROVIDER, answer: said }),
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(PushError::Gone { answer: said }),
        StatusCode::TOO_MANY_REQUESTS => Err(PushError::Limited { answer: said, after: answer.retry_after }),
        StatusCode::REQUEST_TIMEOUT => Err(PushError::Failed { answer: said, after: answer.retry_after }),
        status if status.is_server_error() => {
            Err(PushError::Failed { answer: said, after: answer.retry_after })
        }
        // A redirect is not followed: it would lead past the check of the address.
        _ => Err(PushError::Refused { answer: said }),
    }
}

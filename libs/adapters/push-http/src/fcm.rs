//! Pushes to apps: Firebase Cloud Messaging, HTTP v1. FCM reaches iOS by APNs.
//!
//! The answer decides: a name of a message means taken, `UNREGISTERED` and 404 that the app is gone, 401 a
//! new access token once, 429 later, 5xx and what cannot be read again, anything else never.

use crate::access_token::{AccessTokens, TokenError};
use crate::client::{Answer, Client};
use crate::credentials::ServiceAccount;
use eventflow_ports::Clock;
use eventflow_ports::pusher::{Accepted, Push, PushAct, PushError, Urgency};
use eventflow_protocol::{ThreadId, Timestamp};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Name of the provider in the delivery log.
pub(crate) const PROVIDER: &str = "fcm";
/// Longest code of an error that is repeated in the delivery log.
const CODE_MAX_BYTES: usize = 40;

/// Sends pushes to apps.
pub(crate) struct Fcm {
    url: Option<Uri>,
    tokens: AccessTokens,
    client: Client,
    clock: Arc<dyn Clock>,
}

/// The answer to a push that was taken.
#[derive(Deserialize)]
struct Sent {
    name: String,
}

/// The answer to one that was not.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: Fault,
}

#[derive(Default, Deserialize)]
struct Fault {
    #[serde(default)]
    status: String,
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default, rename = "errorCode")]
    error_code: Option<String>,
}

impl Fcm {
    /// `base` is the address of FCM, with a slash at its end or without.
    pub(crate) fn new(account: ServiceAccount, base: &str, client: Client, clock: Arc<dyn Clock>) -> Self {
        let url = format!("{}/v1/projects/{}/messages:send", base.trim_end_matches('/'), account.project_id);
        let tokens = AccessTokens::new(account, client.clone(), Arc::clone(&clock));
        Self { url: url.parse().ok(), tokens, client, clock }
    }

    pub(crate) async fn push(&self, token: &str, push: &Push) -> Result<Accepted, PushError> {
        let body = message(token, push, self.clock.now()).to_string().into_bytes();
        let access = self.tokens.get(None).await.map_err(|error| no_token(&error))?;
        let answer = self.send(&access, body.clone()).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return judge(&answer);
        }
        let fresh = self.tokens.get(Some(&access)).await.map_err(|error| no_token(&error))?;
        judge(&self.send(&fresh, body).await?)
    }

    async fn send(&self, access: &str, body: Vec<u8>) -> Result<Answer, PushError> {
        let failed = |answer: String| PushError::Failed { answer, after: None };
        let url = self.url.as_ref().ok_or_else(|| failed("the address of FCM is malformed".to_owned()))?;
        let mut authorization = HeaderValue::try_from(format!("Bearer {access}"))
            .map_err(|_| failed("the access token is malformed".to_owned()))?;
        authorization.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, authorization);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.client.post(url, headers, body).await.map_err(|error| failed(error.to_string()))
    }
}

/// Whether the service cannot be reached or refuses the account: an operator can mend either, and no
/// device is to blame.
fn no_token(error: &TokenError) -> PushError {
    PushError::Failed { answer: error.to_string(), after: None }
}

fn judge(answer: &Answer) -> Result<Accepted, PushError> {
    if answer.status == StatusCode::OK {
        let sent: Option<Sent> = serde_json::from_slice(&answer.body).ok();
        let sent = sent.filter(|sent| !sent.name.is_empty());
        return match sent {
            Some(_) => Ok(Accepted { provider: PROVIDER, answer: "200".to_owned() }),
            None => Err(PushError::Failed { answer: "200 that cannot be read".to_owned(), after: None }),
        };
    }
    let code = code(&answer.body);
    let said = format!("{} {code}", answer.status.as_u16()).trim_end().to_owned();
    match answer.status {
        _ if code == "UNREGISTERED" => Err(PushError::Gone { answer: said }),
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(PushError::Gone { answer: said }),
        // The token belongs to another project, which will not change.
        StatusCode::FORBIDDEN if code == "SENDER_ID_MISMATCH" => Err(PushError::Gone { answer: said }),
        StatusCode::TOO_MANY_REQUESTS => Err(PushError::Limited { answer: said, after: answer.retry_after }),
        StatusCode::UNAUTHORIZED | StatusCode::REQUEST_TIMEOUT => {
            Err(PushError::Failed { answer: said, after: answer.retry_after })
        }
        status if status.is_server_error() => {
            Err(PushError::Failed { answer: said, after: answer.retry_after })
        }
        _ => Err(PushError::Refused { answer: said }),
    }
}

/// The code of FCM, or of Google's interfaces in general. Only capitals and underscores: nothing that the
/// answer repeats of the request comes into a log.
fn code(body: &[u8]) -> String {
    let Refusal { error } = serde_json::from_slice(body).unwrap_or_default();
    let code = error.details.into_iter().find_map(|detail| detail.error_code).unwrap_or(error.status);
    let is_plain =
        code.len() <= CODE_MAX_BYTES && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    if is_plain { code } else { String::new() }
}

/// The message in FCM's words: once for Android, once for APNs.
fn message(token: &str, push: &Push, now: Timestamp) -> Value {
    let data = data(push);
    let ttl = format!("{}s", push.ttl.as_secs());
    let priority = if push.urgency == Urgency::High { "HIGH" } else { "NORMAL" };
    let expires = (now.plus(push.ttl).0 / 1_000).to_string();
    match &push.act {
        PushAct::Show { title, text, .. } => json!({"message": {
            "token": token,
            "notification": {"title": title, "body": text},
            "data": data,
            "android": {
                "collapse_key": push.tag, "ttl": ttl, "priority": priority,
                "notification": {"tag": push.tag, "notification_count": push.badge},
            },
            "apns": {
                "headers": {"apns-collapse-id": push.tag, "apns-expiration": expires, "apns-priority": "10", "apns-push-type": "alert"},
                "payload": {"aps": {"badge": push.badge, "thread-id": push.tag, "sound": "default"}},
            },
        }}),
        // Data alone: the app takes away what it shows, and nothing is shown for it.
        PushAct::Clear => json!({"message": {
            "token": token,
            "data": data,
            "android": {"collapse_key": push.tag, "ttl": ttl, "priority": priority},
            "apns": {
                "headers": {"apns-collapse-id": push.tag, "apns-expiration": expires, "apns-priority": "5", "apns-push-type": "background"},
                "payload": {"aps": {"badge": push.badge, "content-available": 1}},
            },
        }}),
    }
}

/// What the app reads. FCM takes texts only.
fn data(push: &Push) -> Value {
    let act = |act: &str| json!({"act": act, "tag": push.tag, "badge": push.badge.to_string()});
    match &push.act {
        PushAct::Clear => act("clear"),
        PushAct::Show { thread_id, .. } => {
            let mut data = act("show");
            if let Some(thread) = thread_id.as_ref().map(ThreadId::to_string) {
                data["threadId"] = thread.into();
            }
            data
        }
    }
}

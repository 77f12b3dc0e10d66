//! The access token of Google: got with a signed assertion (RFC 7523), and kept until shortly before its end.
//!
//! One task at a time asks for it; the others wait for its answer, and share it if it is a refusal: a service
//! that hangs costs all of them one wait.

use crate::client::{CallError, Client};
use crate::credentials::ServiceAccount;
use crate::jwt;
use eventflow_ports::Clock;
use eventflow_protocol::Timestamp;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::error::Unspecified;
use ring::rand::SystemRandom;
use ring::signature::RSA_PKCS1_SHA256;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

/// What the token is for.
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Life of an assertion: Google allows an hour.
const ASSERTION_LIFE: Duration = Duration::from_hours(1);
/// A token is renewed so long before its end, so that none ends on its way.
const RENEWED_BEFORE: Duration = Duration::from_mins(5);

/// Why there is no token. The texts name no address and no key.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// The service cannot be reached, or failed.
    #[error("get an access token: {0}")]
    Failed(String),
    /// The service refuses the account: its key was deleted, or the clock of this machine is wrong.
    #[error("get an access token: refused with {0}")]
    Refused(StatusCode),
}

/// Gets access tokens for a service account, and keeps the last one.
pub(crate) struct AccessTokens {
    account: ServiceAccount,
    client: Client,
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
    /// How often the service was asked. It rises when its answer is kept.
    asked: AtomicU64,
}

/// The last answer of the service.
#[derive(Default)]
struct Kept {
    token: Option<AccessToken>,
    failure: Option<TokenError>,
}

#[derive(Clone)]
struct AccessToken {
    text: Arc<str>,
    until: Timestamp,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: String,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

impl AccessTokens {
    pub(crate) fn new(account: ServiceAccount, client: Client, clock: Arc<dyn Clock>) -> Self {
        Self { account, client, clock, kept: Mutex::default(), asked: AtomicU64::new(0) }
    }

    /// The token to send with. `refused` is one that FCM did not take; it is not given again.
    pub(crate) async fn get(&self, refused: Option<&str>) -> Result<Arc<str>, TokenError> {
        let asked_before = self.asked.load(Ordering::Acquire);
        let mut kept = self.kept.lock().await;
        let now = self.clock.now();
        let usable = kept.token.as_ref().filter(|token| now < token.until && Some(&*token.text) != refused);
        if let Some(token) = usable {
            return Ok(Arc::clone(&token.text));
        }
        if let Some(failure) = &kept.failure
            && self.asked.load(Ordering::Acquire) != asked_before
        {
            return Err(failure.clone());
        }
        *kept = Kept::default();
        let answer = self.ask(now).await;
        match &answer {
            Ok(token) => kept.token = Some(token.clone()),
            Err(failure) => kept.failure = Some(failure.clone()),
        }
        self.asked.fetch_add(1, Ordering::Release);
        answer.map(|token| token.text)
    }

    async fn ask(&self, now: Timestamp) -> Result<AccessToken, TokenError> {
        let failed = |why: &str| TokenError::Failed(why.to_owned());
        let assertion = self.assertion(now).map_err(|_| failed("the assertion cannot be signed"))?;
        let grant = utf8_percent_encode(GRANT_TYPE, NON_ALPHANUMERIC);
        let body = format!("grant_type={grant}&assertion={assertion}");
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let answer = self.client.post(&self.account.token_uri, headers, body.into_bytes()).await;
        let answer = answer.map_err(|error: CallError| TokenError::Failed(error.to_string()))?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(TokenError::Refused(answer.status));
            }
            status => return Err(TokenError::Failed(status.to_string())),
        }
        let granted: Granted =
            serde_json::from_slice(&answer.body).map_err(|_| failed("the answer cannot be read"))?;
        let life = Duration::from_secs(granted.expires_in).saturating_sub(RENEWED_BEFORE);
        Ok(AccessToken { text: granted.access_token.into(), until: now.plus(life) })
    }

    fn assertion(&self, now: Timestamp) -> Result<String, Unspecified> {
        let account = &self.account;
        let header = Header { alg: "RS256", typ: "JWT", kid: account.private_key_id.as_deref() };
        let claims = Claims {
            iss: &account.client_email,
            scope: SCOPE,
            aud: account.token_uri.to_string(),
            iat: now.0 / 1_000,
            exp: now.plus(ASSERTION_LIFE).0 / 1_000,
        };
        jwt::signed(&header, &claims, |content| {
            let key = &account.private_key;
            let mut signature = vec![0; key.public().modulus_len()];
            key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), content, &mut signature)?;
            Ok(signature)
        })
    }
}

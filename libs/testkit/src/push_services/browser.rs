//! A browser with a subscription: the keys that only it has.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::fmt;
use web_push_native::p256::SecretKey;
use web_push_native::p256::elliptic_curve::sec1::ToEncodedPoint;

/// A browser with a subscription.
#[derive(Clone)]
pub struct Browser {
    /// Its id at the push service: the last part of the endpoint.
    pub id: String,
    /// The address at the push service.
    pub endpoint: String,
    pub(super) application_server_key: String,
    secret: SecretKey,
    auth: [u8; 16],
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Browser {
    pub(super) fn new(origin: &str, application_server_key: &str) -> Self {
        let id = uuid::Uuid::new_v4().simple().to_string();
        // Two random UUIDs are 244 random bits: in all likelihood a number below the order of the curve.
        let secret = loop {
            let bytes = [uuid::Uuid::new_v4().into_bytes(), uuid::Uuid::new_v4().into_bytes()].concat();
            if let Ok(secret) = SecretKey::from_slice(&bytes) {
                break secret;
            }
        };
        Self {
            endpoint: format!("{origin}/push/{id}"),
            id,
            application_server_key: application_server_key.to_owned(),
            secret,
            auth: uuid::Uuid::new_v4().into_bytes(),
        }
    }

    /// The public key in base64url.
    pub fn p256dh(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.secret.public_key().to_encoded_point(false).as_bytes())
    }

    /// The authentication secret in base64url.
    pub fn auth(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.auth)
    }

    /// What `PushSubscription.toJSON()` gives.
    pub fn to_json(&self) -> Value {
        json!({
            "endpoint": self.endpoint, "expirationTime": null,
            "keys": {"p256dh": self.p256dh(), "auth": self.auth()},
        })
    }

    /// Reads a push.
    pub(super) fn decrypt(&self, body: Vec<u8>) -> Option<Vec<u8>> {
        web_push_native::decrypt(body, &self.secret, &self.auth.into()).ok()
    }
}

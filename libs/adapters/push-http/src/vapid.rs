//! Who sends a push (RFC 8292, VAPID): a key pair of this system, whose public half a browser subscribes
//! with.
//!
//! A subscription takes pushes of that key only. A new key therefore ends all subscriptions.

use crate::jwt;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eventflow_protocol::Timestamp;
use http::Uri;
use p256::SecretKey;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::Generate;
use serde::Serialize;
use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

/// Life of a signature: at most 24 hours (RFC 8292, 2). Half leaves room for clocks that are wrong.
const SIGNATURE_LIFE: Duration = Duration::from_hours(12);
/// The contact of a system that names none.
const NO_CONTACT: &str = "mailto:postmaster@localhost";

/// The key pair, and whom push services may write to about this system's pushes.
#[derive(Clone)]
pub struct VapidKey {
    secret: SigningKey,
    public: String,
    contact: String,
}

/// A text is no key, or no contact.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum VapidError {
    /// It is not 32 bytes in base64url.
    #[error("a VAPID private key is a number of P-256: 32 bytes in base64url")]
    Key,
    /// It is no `mailto:` or `https:` address.
    #[error("the contact must be mailto:… or https://…")]
    Contact,
}

impl VapidKey {
    /// The key pair whose private half this is, in base64url. `contact` is `mailto:…` or `https://…`, or
    /// empty for none; Apple's push service refuses pushes without a real one.
    pub fn parse(private: &str, contact: &str) -> Result<Self, VapidError> {
        let bytes = URL_SAFE_NO_PAD.decode(private.trim_end_matches('='));
        let secret =
            bytes.ok().and_then(|bytes| SecretKey::from_slice(&bytes).ok()).ok_or(VapidError::Key)?;
        let is_plain = contact.bytes().all(|byte| byte.is_ascii_graphic());
        let is_known =
            contact.is_empty() || contact.starts_with("mailto:") || contact.starts_with("https://");
        if !is_plain || !is_known {
            return Err(VapidError::Contact);
        }
        let contact = if contact.is_empty() { NO_CONTACT } else { contact };
        let public = URL_SAFE_NO_PAD.encode(secret.public_key().to_sec1_bytes());
        Ok(Self { secret: SigningKey::from(&secret), public, contact: contact.to_owned() })
    }

    /// A new private key in base64url, for [`VapidKey::parse`].
    pub fn generate() -> String {
        URL_SAFE_NO_PAD.encode(SecretKey::generate().to_bytes())
    }

    /// The public key in base64url: the `applicationServerKey` of a subscription.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The value of the `Authorization` header for a push to this endpoint.
    pub(crate) fn authorization(&self, endpoint: &Uri, now: Timestamp) -> String {
        #[derive(Serialize)]
        struct Header {
            typ: &'static str,
            alg: &'static str,
        }
        #[derive(Serialize)]
        struct Claims<'a> {
            aud: String,
            exp: i64,
            sub: &'a str,
        }
        let (scheme, authority) = (endpoint.scheme_str(), endpoint.authority());
        let aud = format!(
            "{}://{}",
            scheme.unwrap_or("https"),
            authority.map(http::uri::Authority::as_str).unwrap_or_default()
        );
        let claims = Claims { aud, exp: now.plus(SIGNATURE_LIFE).0 / 1_000, sub: &self.contact };
        let sign = |content: &[u8]| {
            let signature: Signature = self.secret.sign(content);
            Ok::<_, Infallible>(signature.to_bytes().to_vec())
        };
        let Ok(token) = jwt::signed(&Header { typ: "JWT", alg: "ES256" }, &claims, sign);
        format!("vapid t={token}, k={}", self.public)
    }
}

impl fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VapidKey").field("public", &self.public).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_is_a_key() {
        let private = VapidKey::generate();
        let key = VapidKey::parse(&private, "").unwrap();
        assert_eq!(key.public().len(), 87);
        assert_eq!(
            VapidKey::parse(&format!("{private}="), "mailto:a@b.example").unwrap().public(),
            key.public()
        );
        assert!(!format!("{key:?}").contains(&private));
    }

    #[test]
    fn a_broken_key_or_contact_is_refused() {
        let good = VapidKey::generate();
        for bad in ["", "x", &good[..20], "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(VapidKey::parse(bad, "").unwrap_err(), VapidError::Key, "{bad}");
        }
        for bad in ["me", "http://x", "mailto:a b"] {
            assert_eq!(VapidKey::parse(&good, bad).unwrap_err(), VapidError::Contact, "{bad}");
        }
    }
}

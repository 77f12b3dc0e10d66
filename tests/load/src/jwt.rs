//! Development tokens: HS256, valid for one hour, with a fresh `jti` each (RFC 7519).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::time::{SystemTime, UNIX_EPOCH};

/// Validity of a token in seconds: longer than any load run.
const LIFETIME_S: u64 = 3600;
/// Base64url of `{"alg":"HS256","typ":"JWT"}`.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// Signs tokens with one secret.
#[derive(Clone)]
pub struct Minter {
    key: Hmac<Sha256>,
}

impl Minter {
    /// Creates a minter with the secret that the system verifies with.
    pub fn new(secret: &str) -> Self {
        let key = Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        Self { key }
    }

    /// Signs a token for `user`, valid for one hour from now.
    pub fn mint(&self, user: &str) -> String {
        self.mint_as(user, "user")
    }

    /// Signs a token for `user` in this role, valid for one hour from now.
    pub fn mint_as(&self, user: &str, role: &str) -> String {
        let now = wall_clock_s();
        let claims = serde_json::json!({
            "id": user, "sub": user, "role": role, "name": user,
            "iat": now, "exp": now + LIFETIME_S, "jti": format!("{user}-{:016x}", rand::random::<u64>()),
        });
        let signed = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut mac = self.key.clone();
        mac.update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "a token carries wall-clock times and the generator has no Clock port"
)]
fn wall_clock_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_three_parts_and_the_agreed_claims() {
        let token = Minter::new("0123456789abcdef0123456789abcdef").mint("u1");
        let parts: Vec<&str> = token.split('.').collect();
        assert_eq!(parts.len(), 3);
        let header = URL_SAFE_NO_PAD.decode(parts[0]).unwrap();
        assert_eq!(header, br#"{"alg":"HS256","typ":"JWT"}"#);
        let claims: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        assert_eq!((claims["id"].as_str(), claims["role"].as_str()), (Some("u1"), Some("user")));
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), LIFETIME_S);
    }

    #[test]
    fn the_signature_is_that_of_rfc_7515_for_the_same_key_and_text() {
        let mut mac = Minter::new("secret").key.clone();
        mac.update(b"message");
        let hex: String =
            mac.finalize().into_bytes().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        assert_eq!(hex, "8b5f48702995c1598c573db1e21866a9b825d4a794d169d7060a03605796360b");
    }
}

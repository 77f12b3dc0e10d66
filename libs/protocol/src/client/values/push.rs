//! What names and unlocks a device at its push service.

use crate::client::values::unfit::Unfit;
use crate::content::line_within;
use crate::push::{DEVICE_NAME_MAX_CHARS, ENDPOINT_MAX_BYTES, FCM_TOKEN_MAX_BYTES};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Uri;
use http::uri::Authority;
use p256::PublicKey;
use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt;

/// Bytes of an uncompressed point of P-256, the first of which is 4 (SEC 1, 2.3.3).
const POINT_BYTES: usize = 65;
const UNCOMPRESSED: u8 = 4;
/// Bytes of the authentication secret (RFC 8291, 3.2).
const AUTH_BYTES: usize = 16;

/// The registration token of an app.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("pattern" = "^[A-Za-z0-9_:.-]+$", "maxLength" = FCM_TOKEN_MAX_BYTES))]
pub struct FcmToken(String);

/// The address of a subscription: `https://host…`, without a user name.
///
/// Whether the host is one that this server may talk to is decided when it connects, since names change their
/// addresses.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("format" = "uri", "pattern" = "^[Hh][Tt][Tt][Pp][Ss]://", "maxLength" = ENDPOINT_MAX_BYTES))]
pub struct PushEndpoint(String);

/// The public key of a browser: an uncompressed point of P-256 in base64url.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("pattern" = "^B[A-Za-z0-9_-]{86}=*$"))]
pub struct PushPublicKey(String);

/// The authentication secret of a subscription: 16 bytes in base64url.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("pattern" = "^[A-Za-z0-9_-]{21}[AQgw]=*$"))]
pub struct PushAuth(String);

/// What a device is called in a list: one clean line, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("maxLength" = DEVICE_NAME_MAX_CHARS))]
pub struct DeviceName(String);

impl FcmToken {
    /// The token.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl PushEndpoint {
    /// The address.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl PushPublicKey {
    /// The key in base64url without padding.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl PushAuth {
    /// The secret in base64url without padding.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl DeviceName {
    /// The name.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for FcmToken {
    type Error = Unfit;

    fn try_from(text: String) -> Result<Self, Unfit> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_:-.".contains(&byte);
        if (1..=FCM_TOKEN_MAX_BYTES).contains(&text.len()) && text.bytes().all(is_plain) {
            return Ok(Self(text));
        }
        Err(Unfit::must_be(format_args!("1 to {FCM_TOKEN_MAX_BYTES} letters, digits, and _:-.")))
    }
}

impl TryFrom<String> for PushEndpoint {
    type Error = Unfit;

    fn try_from(url: String) -> Result<Self, Unfit> {
        if url.len() <= ENDPOINT_MAX_BYTES && is_https(&url) {
            return Ok(Self(url));
        }
        Err(Unfit::must_be("an https address of a push service"))
    }
}

impl TryFrom<String> for PushPublicKey {
    type Error = Unfit;

    fn try_from(text: String) -> Result<Self, Unfit> {
        let is_point = |bytes: &Vec<u8>| {
            bytes.len() == POINT_BYTES
                && bytes[0] == UNCOMPRESSED
                && PublicKey::from_sec1_bytes(bytes).is_ok()
        };
        let bytes = decoded(&text).filter(is_point);
        let bytes = bytes.ok_or_else(|| Unfit::must_be("a point of P-256, 65 bytes in base64url"))?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }
}

impl TryFrom<String> for PushAuth {
    type Error = Unfit;

    fn try_from(text: String) -> Result<Self, Unfit> {
        let bytes = decoded(&text).filter(|bytes| bytes.len() == AUTH_BYTES);
        let bytes = bytes.ok_or_else(|| Unfit::must_be("16 bytes in base64url"))?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }
}

impl TryFrom<String> for DeviceName {
    type Error = Unfit;

    fn try_from(raw: String) -> Result<Self, Unfit> {
        if raw.trim().is_empty() {
            return Ok(Self::default());
        }
        let name = line_within(&raw, DEVICE_NAME_MAX_CHARS).map(Self);
        name.ok_or_else(|| Unfit::field(format_args!("must have at most {DEVICE_NAME_MAX_CHARS} characters")))
    }
}

/// Some clients put the padding that RFC 8291 leaves out.
fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

fn is_https(url: &str) -> bool {
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\<>\"'`#".contains(&byte));
    let Some(uri) = is_plain.then(|| url.parse::<Uri>().ok()).flatten() else { return false };
    let is_host = |authority: &Authority| {
        let has_port = authority.as_str().len() > authority.host().len();
        let is_port = !has_port || authority.port_u16().is_some_and(|port| port > 0);
        !authority.as_str().contains('@') && !authority.host().is_empty() && is_port
    };
    uri.scheme_str() == Some("https") && uri.authority().is_some_and(is_host)
}

impl fmt::Debug for FcmToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FcmToken(***)")
    }
}

impl fmt::Debug for PushEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PushEndpoint(***)")
    }
}

impl fmt::Debug for PushPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PushPublicKey(***)")
    }
}

impl fmt::Debug for PushAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PushAuth(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of RFC 8291, appendix A.
    const P256DH: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    #[test]
    fn addresses_of_push_services_are_https_and_plain() {
        for good in [
            "https://fcm.googleapis.com/fcm/send/abc:def",
            "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
            "https://web.push.apple.com/QGz?x=1",
            "https://push.example:8443/x",
            "https://[2001:db8::1]:8443/x",
        ] {
            assert!(PushEndpoint::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in [
            "http://push.example/x",
            "https://",
            "https://user@push.example/x",
            "https://push.example/\n",
            "ftp://push.example/",
            "push.example",
            "https://push.example/#part",
            "https://push.example:99999/x",
            "https://push.example:0/x",
            "https://push.example:/x",
            &format!("https://push.example/{}", "x".repeat(ENDPOINT_MAX_BYTES)),
        ] {
            assert!(PushEndpoint::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_have_their_length_with_padding_or_without() {
        assert!(PushPublicKey::try_from(P256DH.to_owned()).is_ok());
        assert_eq!(PushAuth::try_from(format!("{AUTH}==")).unwrap().into_string(), AUTH);
        let off_the_curve = format!("BC{}", &P256DH[2..].replace('7', "8"));
        for bad in ["", "!", &P256DH[..40], AUTH, &format!("A{}", &P256DH[1..]), &off_the_curve] {
            assert!(PushPublicKey::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        assert!(PushAuth::try_from(P256DH.to_owned()).is_err());
        assert!(FcmToken::try_from("a token".to_owned()).is_err());
    }
}

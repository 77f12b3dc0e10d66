//! Encryption of a push for one browser (RFC 8291), as one record of `aes128gcm` (RFC 8188).
//!
//! In come what the browser gave at its subscription and the payload; out comes a body that only this browser
//! can read. Each push has a key pair and a salt of its own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eventflow_protocol::push::Subscription;
use hkdf::Hkdf;
use p256::elliptic_curve::Generate;
use p256::{PublicKey, SecretKey};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use sha2::Sha256;

const SALT_BYTES: usize = 16;
const AUTH_BYTES: usize = 16;
const TAG_BYTES: usize = 16;
/// Record size: that of RFC 8291's own example. A push is one record, so it only has to be large enough.
const RECORD_BYTES: u32 = 4_096;
/// Largest payload: push services take 4,096 bytes (RFC 8030, 7.2), of which the header has 86, the tag 16
/// and the delimiter 1.
pub(crate) const PAYLOAD_MAX_BYTES: usize = 4_096 - 86 - TAG_BYTES - 1;
/// What ends the last record (RFC 8188, 2).
const LAST_RECORD: u8 = 2;

/// A push cannot be encrypted for this subscription.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EncryptionError {
    /// Its keys are no point of P-256 or no secret of 16 bytes.
    #[error("the keys of the subscription are malformed")]
    Keys,
    /// It is longer than push services take.
    #[error("the payload is longer than {PAYLOAD_MAX_BYTES} bytes")]
    TooLong,
}

/// The body of the request: header and one encrypted record.
pub(crate) fn encrypt(subscription: &Subscription, payload: &[u8]) -> Result<Vec<u8>, EncryptionError> {
    let mut salt = [0; SALT_BYTES];
    SystemRandom::new().fill(&mut salt).expect("the system gives random bytes");
    encrypt_with(&SecretKey::generate(), salt, subscription, payload)
}

fn encrypt_with(
    sender: &SecretKey,
    salt: [u8; SALT_BYTES],
    subscription: &Subscription,
    payload: &[u8],
) -> Result<Vec<u8>, EncryptionError> {
    if payload.len() > PAYLOAD_MAX_BYTES {
        return Err(EncryptionError::TooLong);
    }
    let receiver = decoded(&subscription.p256dh)?;
    let receiver = PublicKey::from_sec1_bytes(&receiver).map_err(|_| EncryptionError::Keys)?;
    let auth: [u8; AUTH_BYTES] =
        decoded(&subscription.auth)?.try_into().map_err(|_| EncryptionError::Keys)?;
    let own = sender.public_key().to_sec1_bytes();

    // RFC 8291, 3.3 and 3.4: what both sides share, bound to the secret and to both public keys.
    let shared = sender.diffie_hellman(&receiver);
    let info = [&b"WebPush: info\0"[..], receiver.to_sec1_bytes().as_ref(), own.as_ref()].concat();
    let keying: [u8; 32] = expand(&auth, shared.raw_secret_bytes().as_ref(), &info);
    // RFC 8188, 2.2 and 2.3.
    let key: [u8; 16] = expand(&salt, &keying, b"Content-Encoding: aes128gcm\0");
    let nonce: [u8; 12] = expand(&salt, &keying, b"Content-Encoding: nonce\0");

    let mut record = [payload, &[LAST_RECORD]].concat();
    let key = UnboundKey::new(&AES_128_GCM, &key).expect("the key has 16 bytes");
    LessSafeKey::new(key)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record)
        .expect("a record is much shorter than the cipher's limit");

    let mut body = Vec::with_capacity(SALT_BYTES + 5 + own.len() + record.len());
    body.extend_from_slice(&salt);
    body.extend_from_slice(&RECORD_BYTES.to_be_bytes());
    body.push(u8::try_from(own.len()).expect("a point has 65 bytes"));
    body.extend_from_slice(&own);
    body.extend_from_slice(&record);
    Ok(body)
}

fn expand<const LENGTH: usize>(salt: &[u8], secret: &[u8], info: &[u8]) -> [u8; LENGTH] {
    let mut out = [0; LENGTH];
    let hkdf = Hkdf::<Sha256>::new(Some(salt), secret);
    hkdf.expand(info, &mut out).expect("HKDF-SHA256 gives up to 8,160 bytes");
    out
}

fn decoded(text: &str) -> Result<Vec<u8>, EncryptionError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| EncryptionError::Keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8291, section 5 and appendix A.
    const PLAINTEXT: &str = "When I grow up, I want to be a watermelon";
    const SENDER: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
    const P256DH: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
    const SALT: &str = "DGv6ra1nlYgDCS1FRnbzlw";
    const BODY: &str = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

    fn subscription() -> Subscription {
        Subscription {
            endpoint: "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV".to_owned(),
            p256dh: P256DH.to_owned(),
            auth: AUTH.to_owned(),
        }
    }

    #[test]
    fn the_example_of_rfc_8291_comes_out_byte_by_byte() {
        let sender = SecretKey::from_slice(&URL_SAFE_NO_PAD.decode(SENDER).unwrap()).unwrap();
        let salt = URL_SAFE_NO_PAD.decode(SALT).unwrap().try_into().unwrap();
        let body = encrypt_with(&sender, salt, &subscription(), PLAINTEXT.as_bytes()).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(body), BODY);
    }

    #[test]
    fn no_two_pushes_have_a_salt_or_a_key_in_common() {
        let [one, two] = [(); 2].map(|()| encrypt(&subscription(), b"x").unwrap());
        assert_ne!(one[..16], two[..16]);
        assert_ne!(one[21..86], two[21..86]);
    }

    #[test]
    fn the_longest_payload_fits_what_push_services_take() {
        let longest = vec![0; PAYLOAD_MAX_BYTES];
        assert_eq!(encrypt(&subscription(), &longest).unwrap().len(), 4_096);
        assert_eq!(encrypt(&subscription(), &[longest, vec![0]].concat()), Err(EncryptionError::TooLong));
    }

    #[test]
    fn keys_that_are_none_are_refused() {
        let off_the_curve = URL_SAFE_NO_PAD.encode([&[4][..], &[7; 64]].concat());
        for (p256dh, auth) in [("", AUTH), (P256DH, ""), (P256DH, P256DH), (&off_the_curve, AUTH)] {
            let given = Subscription { p256dh: p256dh.to_owned(), auth: auth.to_owned(), ..subscription() };
            assert_eq!(encrypt(&given, b"x"), Err(EncryptionError::Keys), "{p256dh} {auth}");
        }
    }
}

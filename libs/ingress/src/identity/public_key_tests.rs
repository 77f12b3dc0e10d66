//! Public keys: every algorithm, foreign kinds, confusion of keys, and looks for new ones.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64};
use eventflow_ports::FixedClock;
use eventflow_protocol::{ErrorCode, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const NOW_S: i64 = 1_800_000_000;
/// A key for tests; RSA keys are too slow to make in each.
const RSA_PEM: &str = include_str!("../../../testkit/src/push_services/service-account.pem");

#[allow(clippy::large_enum_variant, reason = "there are three of them")]
enum Signer {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    fn rsa() -> Self {
        let text: String = RSA_PEM.lines().filter(|line| !line.starts_with("-----")).collect();
        Self::Rsa(RsaKeyPair::from_pkcs8(&STANDARD.decode(text).unwrap()).unwrap())
    }

    fn p256() -> Self {
        let (random, way) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let document = EcdsaKeyPair::generate_pkcs8(way, &random).unwrap();
        Self::P256(EcdsaKeyPair::from_pkcs8(way, document.as_ref(), &random).unwrap())
    }

    fn ed25519() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed25519(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap())
    }

    fn alg(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Rsa(key) => {
                let components = RsaPublicKeyComponents::<Vec<u8>>::from(key.public());
                let [n, e] = [components.n, components.e].map(|number| BASE64.encode(number));
                json!({"kty": "RSA", "kid": kid, "n": n, "e": e, "use": "sig", "alg": "RS256", "x5c": ["MII"]})
            }
            Self::P256(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": BASE64.encode(x), "y": BASE64.encode(y)})
            }
            Self::Ed25519(key) => {
                let x = BASE64.encode(key.public_key());
                json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x, "key_ops": ["verify"]})
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
            Self::P256(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(message).as_ref().to_vec(),
        }
    }

    fn token(&self, kid: &str) -> String {
        self.token_with(&json!({"alg": self.alg(), "kid": kid}), &claims())
    }

    fn token_with(&self, header: &Value, claims: &Value) -> String {
        signed(header, claims, |message| self.sign(message))
    }
}

fn claims() -> Value {
    json!({"sub": "auth0|ann", "exp": NOW_S + 600})
}

fn signed(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    let signature = BASE64.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn with_hmac(key: &[u8]) -> impl Fn(&[u8]) -> Vec<u8> {
    move |message| {
        Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes().to_vec()
    }
}

fn set(jwks: &[Value]) -> Result<KeySet, JwksError> {
    KeySet::parse(json!({"keys": jwks}).to_string().as_bytes())
}

fn verifier() -> Verifier {
    Verifier::new(Arc::new(FixedClock::at(Timestamp(NOW_S * 1_000))))
}

fn knowing(jwks: &[Value]) -> (Verifier, PublicKeys) {
    let keys = PublicKeys::default();
    keys.replace(set(jwks).unwrap());
    (verifier().with_public_keys(keys.clone()), keys)
}

#[test]
fn a_token_of_each_algorithm_holds_with_the_key_that_its_provider_publishes() {
    let signers = [Signer::rsa(), Signer::p256(), Signer::ed25519()];
    let jwks: Vec<Value> = signers.iter().zip(["r", "p", "e"]).map(|(one, kid)| one.jwk(kid)).collect();
    let (verifier, _) = knowing(&jwks);
    for (signer, kid) in signers.iter().zip(["r", "p", "e"]) {
        let identity = verifier.verify(&signer.token(kid)).unwrap();
        assert_eq!(identity.user.as_str(), "auth0|ann");
        let unnamed = signer.token_with(&json!({"alg": signer.alg()}), &claims());
        assert!(verifier.verify(&unnamed).is_ok(), "a token may name no key");
        let mut changed = signer.token(kid);
        let place = changed.len() - 10;
        let other = if changed.as_bytes()[place] == b'A' { "B" } else { "A" };
        changed.replace_range(place..=place, other);
        assert_eq!(verifier.verify(&changed), Err(TokenFault::Signature));
        let late =
            signer.token_with(&json!({"alg": signer.alg()}), &json!({"sub": "ann", "exp": NOW_S - 61}));
        assert_eq!(verifier.verify(&late), Err(TokenFault::Expired));
    }
    assert_eq!(
        verifier.verify(&signers[1].token("r")),
        Err(TokenFault::UnknownKey),
        "that key has another algorithm"
    );
    assert_eq!(verifier.verify(&signers[2].token("other")), Err(TokenFault::UnknownKey));
    assert_eq!(verifier.verify(&Signer::p256().token("p")), Err(TokenFault::Signature), "a stranger");
}

#[test]
fn a_public_key_is_never_a_secret_and_no_header_brings_a_key_along() {
    let (rsa, stranger) = (Signer::rsa(), Signer::ed25519());
    let jwk = rsa.jwk("r");
    let (verifier, _) = knowing(std::slice::from_ref(&jwk));
    let both = verifier.clone().with_secret(SECRET).unwrap();
    let Signer::Rsa(pair) = &rsa else { panic!("it is an RSA key") };
    let modulus = BASE64.decode(jwk["n"].as_str().unwrap()).unwrap();
    let json = jwk.to_string();
    for key in [pair.public().as_ref(), &modulus, json.as_bytes(), RSA_PEM.as_bytes(), b""] {
        for header in [json!({"alg": "HS256", "kid": "r"}), json!({"alg": "HS256"})] {
            let token = signed(&header, &claims(), with_hmac(key));
            assert!(matches!(verifier.verify(&token), Err(TokenFault::Algorithm(_))));
            assert_eq!(both.verify(&token), Err(TokenFault::Signature));
        }
        let named = signed(&json!({"alg": "RS256", "kid": "r"}), &claims(), with_hmac(key));
        assert_eq!(both.verify(&named), Err(TokenFault::Signature));
    }
    let own = stranger.jwk("r");
    for (field, value) in [
        ("jwk", own.clone()),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/chain")),
        ("x5c", json!(["MII"])),
    ] {
        let token = stranger.token_with(&json!({"alg": "EdDSA", "kid": "r", field: value}), &claims());
        assert_eq!(both.verify(&token), Err(TokenFault::UnknownKey), "{field}");
    }
    for header in [json!({"alg": "none"}), json!({"alg": "none", "kid": "r"}), json!({"alg": "None"})] {
        let token = signed(&header, &claims(), |_| Vec::new());
        assert_eq!(both.verify(&token), Err(TokenFault::Header));
    }
    for alg in ["RS384", "RS512", "PS256", "ES384"] {
        let token = rsa.token_with(&json!({"alg": alg, "kid": "r"}), &claims());
        assert!(matches!(both.verify(&token), Err(TokenFault::Algorithm(_))), "{alg}");
    }
    assert!(
        both.verify(&signed(&json!({"alg": "HS256"}), &claims(), with_hmac(SECRET))).is_ok(),
        "both count"
    );
    let crit = rsa.token_with(&json!({"alg": "RS256", "kid": "r", "crit": ["exp"]}), &claims());
    assert_eq!(both.verify(&crit), Err(TokenFault::Critical));
}

#[test]
fn what_is_no_key_for_signatures_here_is_passed_over_and_a_set_of_nothing_else_is_refused() {
    let good = Signer::ed25519();
    let with = |field: &str, value: Value| {
        let mut jwk = good.jwk("k");
        jwk[field] = value;
        jwk
    };
    let mut short = Signer::rsa().jwk("r");
    short["n"] = json!(BASE64.encode([0xff; 128]));
    let useless = [
        json!({"kty": "oct", "k": BASE64.encode(SECRET), "kid": "s", "alg": "HS256"}),
        with("use", json!("enc")),
        with("key_ops", json!(["encrypt"])),
        with("alg", json!("ES256")),
        with("x", json!("AAAA")),
        with("x", json!("!")),
        with("crv", json!("X25519")),
        with("kid", json!(7)),
        json!({"kty": "EC", "crv": "P-384", "x": BASE64.encode([1; 48]), "y": BASE64.encode([1; 48])}),
        json!({"kty": "EC", "crv": "P-256", "x": BASE64.encode([1; 32])}),
        short,
        json!("key"),
    ];
    for jwk in &useless {
        assert!(matches!(set(std::slice::from_ref(jwk)), Err(JwksError::NoneUsable(1))), "{jwk}");
    }
    let all: Vec<Value> = useless.iter().cloned().chain([good.jwk("k")]).collect();
    assert_eq!(set(&all).unwrap().len(), 1);
    let many = vec![good.jwk("k"); KEYS_MAX + 1];
    assert!(matches!(set(&many), Err(JwksError::TooMany(_))));
    assert_eq!(set(&many[1..]).unwrap().len(), KEYS_MAX);
    for bad in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[]}"#, "<html>"] {
        assert!(KeySet::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn without_keys_nobody_can_say_whether_a_token_holds() {
    let verifier = verifier().with_public_keys(PublicKeys::default());
    let fault = verifier.verify(&Signer::ed25519().token("k")).unwrap_err();
    assert_eq!(fault, TokenFault::NoKeys);
    assert_eq!(crate::refusal::Refusal::from(fault).code, ErrorCode::Unavailable);
}

#[allow(clippy::disallowed_methods, reason = "the handle is awaited at the end")]
#[tokio::test(start_paused = true)]
async fn a_token_of_a_new_key_waits_for_one_look_and_a_flood_of_them_asks_once_in_a_pause() {
    let (old, new) = (Signer::ed25519(), Signer::p256());
    let (verifier, keys) = knowing(&[old.jwk("old")]);
    let provider = tokio::spawn({
        let (keys, both) = (keys.clone(), set(&[old.jwk("old"), new.jwk("new")]).unwrap());
        async move {
            let mut looks = 0;
            loop {
                keys.wanted().await;
                looks += 1;
                // sleep: on paused time, as long as a provider takes
                tokio::time::sleep(Duration::from_secs(1)).await;
                keys.replace(both.clone());
                keys.looked(Instant::now() + Duration::from_secs(10));
                if looks == 2 {
                    return;
                }
            }
        }
    });
    assert!(verifier.verify_with_newest(&new.token("new")).await.is_ok());
    let began = Instant::now();
    for n in 0..1_000 {
        let refused = verifier.verify_with_newest(&new.token(&format!("invented-{n}"))).await;
        assert_eq!(refused, Err(TokenFault::UnknownKey));
    }
    assert_eq!(began.elapsed(), Duration::ZERO, "nobody waits, nobody is asked");
    assert!(verifier.verify_with_newest(&old.token("old")).await.is_ok());
    tokio::time::advance(Duration::from_secs(10)).await;
    let refused = verifier.verify_with_newest(&new.token("invented")).await;
    assert_eq!(refused, Err(TokenFault::UnknownKey));
    provider.await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_secs(11));
}

#[tokio::test(start_paused = true)]
async fn a_token_waits_no_longer_than_a_look_may_take() {
    let (verifier, _keys) = knowing(&[Signer::ed25519().jwk("k")]);
    let began = Instant::now();
    let refused = verifier.verify_with_newest(&Signer::ed25519().token("other")).await;
    assert_eq!(refused, Err(TokenFault::UnknownKey));
    assert_eq!(began.elapsed(), Duration::from_secs(6));
}

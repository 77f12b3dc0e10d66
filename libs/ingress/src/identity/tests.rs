//! Forgeries, clocks and carriers.

use super::*;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use eventflow_ports::FixedClock;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Sha384, Sha512};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const NOW_S: i64 = 1_800_000_000;

fn tokens() -> Tokens {
    Tokens::new(SECRET, Arc::new(FixedClock::at(Timestamp(NOW_S * 1_000)))).unwrap()
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
}

fn forge_with(header: &Value, claims: &str, sign: impl Fn(&str) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims));
    format!("{signed}.{}", BASE64.encode(sign(&signed)))
}

fn forge(header: &Value, claims: &str, key: &[u8]) -> String {
    forge_with(header, claims, |text| sign(key, text))
}

fn hs256() -> Value {
    json!({"alg": "HS256", "typ": "JWT"})
}

fn good_claims() -> Value {
    json!({"id": "ann", "exp": NOW_S + 600})
}

fn code(token: &str) -> ErrorCode {
    tokens().verify(token).expect_err("the token must be refused").code
}

#[test]
fn a_minted_token_names_its_user_until_it_expires() {
    let tokens = tokens();
    let ann: UserId = "ann".parse().unwrap();
    let identity = tokens.verify(&tokens.mint(&ann, "Ann", 600)).unwrap();
    assert_eq!((identity.user, identity.name.as_str(), identity.role.as_str()), (ann, "Ann", "user"));
    assert_eq!(identity.expires, Timestamp((NOW_S + 600) * 1_000));
}

#[test]
fn a_secret_shorter_than_32_bytes_is_refused() {
    let refused = Tokens::new(&SECRET[1..], Arc::new(FixedClock::default())).err();
    assert_eq!(refused, Some(WeakSecret(31)));
}

#[test]
fn either_id_or_sub_names_the_user_and_both_must_agree() {
    for (claims, user) in [
        (json!({"id": "ann"}), Some("ann")),
        (json!({"sub": "ann"}), Some("ann")),
        (json!({"id": "ann", "sub": "ann"}), Some("ann")),
        (json!({"id": "ann", "sub": "bob"}), None),
        (json!({}), None),
        (json!({"id": "a b"}), None),
        (json!({"id": {"$ne": ""}}), None),
        (json!({"id": 7}), None),
    ] {
        let mut claims = claims;
        claims["exp"] = json!(NOW_S + 5);
        let verified = tokens().verify(&forge(&hs256(), &claims.to_string(), SECRET)).ok();
        assert_eq!(verified.as_ref().map(|identity| identity.user.as_str()), user, "{claims}");
    }
}

#[test]
fn only_hs256_with_our_key_is_accepted_whatever_the_header_says() {
    let claims = good_claims().to_string();
    assert!(tokens().verify(&forge(&hs256(), &claims, SECRET)).is_ok());
    let sha384 = |text: &str| Hmac::<Sha384>::new_from_slice(SECRET).unwrap().chain_update(text).finalize().into_bytes().to_vec();
    let sha512 = |text: &str| Hmac::<Sha512>::new_from_slice(SECRET).unwrap().chain_update(text).finalize().into_bytes().to_vec();
    let jwk = json!({"kty": "oct", "k": BASE64.encode("attacker")});
    for forged in [
        forge_with(&json!({"alg": "none"}), &claims, |_| Vec::new()),
        forge_with(&json!({"alg": "None"}), &claims, |_| Vec::new()),
        forge_with(&hs256(), &claims, |_| Vec::new()),
        forge_with(&json!({"alg": "HS384"}), &claims, sha384),
        forge_with(&json!({"alg": "HS512"}), &claims, sha512),
        forge(&json!({"alg": "HS384"}), &claims, SECRET),
        forge(&json!({"alg": "RS256"}), &claims, SECRET),
        forge(&json!({"alg": "ES256"}), &claims, SECRET),
        forge(&hs256(), &claims, b"another secret of the same length"),
        forge(&json!({"alg": "HS256", "jwk": jwk}), &claims, b"attacker"),
        forge(&json!({"alg": "HS256", "kid": "../../dev/null"}), &claims, b""),
        forge(&json!({"alg": "HS256", "jku": "https://evil.example/keys"}), &claims, b"attacker"),
    ] {
        assert_eq!(code(&forged), ErrorCode::Unauthenticated, "{forged}");
    }
}

#[test]
fn a_key_id_in_the_header_is_ignored() {
    let header = json!({"alg": "HS256", "kid": "2026-11"});
    assert!(tokens().verify(&forge(&header, &good_claims().to_string(), SECRET)).is_ok());
}

#[test]
fn an_expiry_must_be_there_and_be_a_number() {
    for claims in [
        json!({"id": "ann"}),
        json!({"id": "ann", "exp": (NOW_S + 600).to_string()}),
        json!({"id": "ann", "exp": null}),
        json!({"id": "ann", "exp": [NOW_S + 600]}),
        json!({"id": "ann", "exp": -1}),
        json!({"id": "ann", "exp": 1e300}),
        json!({"id": "ann", "exp": NOW_S + 600, "nbf": "0"}),
    ] {
        assert_eq!(code(&forge(&hs256(), &claims.to_string(), SECRET)), ErrorCode::Unauthenticated, "{claims}");
    }
}

#[test]
fn a_claim_that_comes_twice_fails_the_token() {
    let claims = format!(r#"{{"id":"ann","exp":{0},"exp":{0}}}"#, NOW_S + 600);
    assert_eq!(code(&forge(&hs256(), &claims, SECRET)), ErrorCode::Unauthenticated);
}

#[test]
fn clocks_may_differ_by_sixty_seconds_and_no_more() {
    let verdict = |claims: Value| tokens().verify(&forge(&hs256(), &claims.to_string(), SECRET)).map_err(|refusal| refusal.code);
    assert!(verdict(json!({"id": "ann", "exp": NOW_S - 59})).is_ok());
    assert_eq!(verdict(json!({"id": "ann", "exp": NOW_S - 61})), Err(ErrorCode::TokenExpired));
    assert!(verdict(json!({"id": "ann", "exp": NOW_S + 600, "nbf": NOW_S + 60})).is_ok());
    assert_eq!(verdict(json!({"id": "ann", "exp": NOW_S + 600, "nbf": NOW_S + 62})), Err(ErrorCode::Unauthenticated));
}

#[test]
fn an_oversized_or_broken_token_is_refused() {
    let large = json!({"id": "ann", "exp": NOW_S + 600, "name": "x".repeat(TOKEN_MAX_BYTES)});
    assert_eq!(code(&forge(&hs256(), &large.to_string(), SECRET)), ErrorCode::Unauthenticated);
    for broken in ["", ".", "..", "a.b", "a.b.c", "a.b.c.d", "\u{0}", "eyJhbGciOiJIUzI1NiJ9..", &".".repeat(9_000)] {
        assert_eq!(code(broken), ErrorCode::Unauthenticated, "{broken}");
    }
}

#[test]
fn a_session_is_its_jti_and_differs_between_users_and_logins() {
    let session = |claims: Value| tokens().verify(&forge(&hs256(), &claims.to_string(), SECRET)).unwrap().session;
    let of = |user: &str, jti: &str, exp: i64| session(json!({"id": user, "jti": jti, "exp": exp}));
    assert_eq!(of("ann", "1", NOW_S + 1), of("ann", "1", NOW_S + 2));
    assert_ne!(of("ann", "1", NOW_S + 1), of("ann", "2", NOW_S + 1));
    assert_ne!(of("ann", "1", NOW_S + 1), of("bob", "1", NOW_S + 1));
    assert_ne!(session(json!({"id": "ann", "exp": NOW_S + 1})), session(json!({"id": "ann", "exp": NOW_S + 2})));
}

#[test]
fn tokens_are_found_in_the_bearer_header_and_in_the_cookie() {
    let mut headers = HeaderMap::new();
    assert_eq!((bearer(&headers), cookie(&headers)), (None, None));
    headers.insert(AUTHORIZATION, "bearer a.b.c".parse().unwrap());
    headers.append(COOKIE, "tokens=no; xtoken=no".parse().unwrap());
    headers.append(COOKIE, "theme=dark; token=d.e.f".parse().unwrap());
    assert_eq!((bearer(&headers), cookie(&headers)), (Some("a.b.c"), Some("d.e.f")));
    headers.insert(AUTHORIZATION, "Basic abc".parse().unwrap());
    assert_eq!(bearer(&headers), None);
}

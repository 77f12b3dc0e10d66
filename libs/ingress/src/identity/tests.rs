//! Forgeries, clocks and carriers.

use super::*;
use crate::identity::keys::Key;
use crate::refusal::Refusal;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use eventflow_ports::FixedClock;
use eventflow_protocol::{ErrorCode, Timestamp, UserId};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};
use std::sync::Arc;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const NOW_S: i64 = 1_800_000_000;

/// The secret before [`SECRET`], and the one before that.
const OLDER: &[u8] = b"fedcba9876543210fedcba9876543210";
const OLDEST: &[u8] = b"an even older secret of 32 bytes!";

fn tokens() -> Tokens {
    tokens_of(SECRET)
}

fn tokens_of(secret: &[u8]) -> Tokens {
    Tokens::new(secret, Arc::new(FixedClock::at(Timestamp(NOW_S * 1_000)))).unwrap()
}

fn rotated(current: &[u8], previous: &[u8]) -> Tokens {
    tokens_of(current).with_previous(previous).unwrap()
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

fn id_of(secret: &[u8]) -> String {
    Key::new(secret).unwrap().id().to_owned()
}

fn with_key_id(kid: &str, key: &[u8]) -> String {
    forge(&json!({"alg": "HS256", "kid": kid}), &good_claims().to_string(), key)
}

fn good_claims() -> Value {
    json!({"id": "ann", "exp": NOW_S + 600})
}

fn code(token: &str) -> ErrorCode {
    code_of(tokens().verify(token).expect_err("the token must be refused"))
}

fn code_of(fault: TokenFault) -> ErrorCode {
    Refusal::from(fault).code
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
    assert_eq!(tokens().with_previous(&OLDER[1..]).err(), Some(WeakSecret(31)));
}

#[test]
fn either_id_or_sub_names_the_user_and_both_must_agree() {
    for (claims, user) in [
        (json!({"id": "ann"}), Some("ann")),
        (json!({"sub": "ann"}), Some("ann")),
        (json!({"id": "ann", "sub": "ann"}), Some("ann")),
        (json!({"id": "ann", "sub": "bob"}), None),
        (json!({}), None),
        (json!({"id": "auth0|a.b"}), Some("auth0|a.b")),
        (json!({"id": "a,b"}), None),
        (json!({"id": " a"}), None),
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
    let sha384 = |text: &str| {
        Hmac::<Sha384>::new_from_slice(SECRET).unwrap().chain_update(text).finalize().into_bytes().to_vec()
    };
    let sha512 = |text: &str| {
        Hmac::<Sha512>::new_from_slice(SECRET).unwrap().chain_update(text).finalize().into_bytes().to_vec()
    };
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
        forge(&json!({"alg": "HS256", "x5u": "https://evil.example/chain"}), &claims, b"attacker"),
        forge(&json!({"alg": "HS256", "kid": "https://evil.example/key"}), &claims, b"attacker"),
        forge(&json!({"alg": "HS256", "kid": "' UNION SELECT 'attacker"}), &claims, b"attacker"),
        forge(&json!({"alg": "HS256", "kid": {"$ne": ""}}), &claims, SECRET),
        forge(&json!({"alg": "HS256", "kid": id_of(SECRET)}), &claims, b"attacker"),
        forge(&json!({"alg": "HS256", "crit": ["exp"]}), &claims, SECRET),
        forge(&json!({"alg": "PS256"}), &claims, SECRET),
        forge(&json!({"alg": "EdDSA"}), &claims, SECRET),
        forge(&json!({"alg": "hs256"}), &claims, SECRET),
        forge(&json!({"typ": "JWT"}), &claims, SECRET),
        format!("{}.{}", forge(&hs256(), &claims, SECRET), BASE64.encode("fifth")),
        format!("{}A", forge(&hs256(), &claims, SECRET)),
    ] {
        assert_eq!(code(&forged), ErrorCode::Unauthenticated, "{forged}");
    }
}

#[test]
fn the_name_of_a_key_chooses_among_our_own_and_a_foreign_name_chooses_nothing() {
    let tokens = rotated(SECRET, OLDER);
    for (kid, key) in [
        (id_of(SECRET).as_str(), SECRET),
        (id_of(OLDER).as_str(), OLDER),
        ("2026-11", SECRET),
        ("2026-11", OLDER),
    ] {
        assert!(tokens.verify(&with_key_id(kid, key)).is_ok(), "{kid}");
    }
    for (kid, key) in
        [(id_of(SECRET).as_str(), OLDER), (id_of(OLDER).as_str(), SECRET), (id_of(OLDEST).as_str(), OLDEST)]
    {
        let fault = tokens.verify(&with_key_id(kid, key)).unwrap_err();
        assert_eq!(fault, TokenFault::Signature, "{kid}");
    }
}

#[test]
fn two_rotations_sign_nobody_out_who_came_after_the_first_and_everybody_who_came_before() {
    let ann: UserId = "ann".parse().unwrap();
    let generations = [tokens_of(OLDEST), rotated(OLDER, OLDEST), rotated(SECRET, OLDER)];
    let minted = generations.each_ref().map(|tokens| tokens.mint(&ann, "Ann", 600));
    let unnamed = [OLDEST, OLDER, SECRET].map(|key| forge(&hs256(), &good_claims().to_string(), key));
    for (age, tokens) in generations.iter().enumerate() {
        for (made, token) in minted.iter().chain(&unnamed).enumerate() {
            let made = made % 3;
            let holds = made == age || made + 1 == age;
            assert_eq!(tokens.verify(token).is_ok(), holds, "generation {age}, token of {made}");
        }
    }
}

#[test]
fn a_rotation_changes_no_session() {
    let ann: UserId = "ann".parse().unwrap();
    let token = tokens_of(OLDER).mint(&ann, "Ann", 600);
    let before = tokens_of(OLDER).verify(&token).unwrap();
    assert_eq!(rotated(SECRET, OLDER).verify(&token).unwrap(), before);
}

#[test]
fn an_expired_token_of_the_previous_key_is_an_expired_one() {
    let token = forge(&hs256(), &json!({"id": "ann", "exp": NOW_S - 600}).to_string(), OLDER);
    assert_eq!(rotated(SECRET, OLDER).verify(&token), Err(TokenFault::Expired));
}

#[test]
fn the_time_of_issue_is_known_if_the_token_says_it_sensibly() {
    for (iat, issued) in [
        (json!(NOW_S), Some(Timestamp(NOW_S * 1_000))),
        (json!(NOW_S as f64 + 0.5), Some(Timestamp(NOW_S * 1_000 + 500))),
        (json!(NOW_S * 1_000), None),
        (json!(-1), None),
    ] {
        let claims = json!({"id": "ann", "exp": NOW_S + 600, "iat": iat});
        let identity = tokens().verify(&forge(&hs256(), &claims.to_string(), SECRET)).unwrap();
        assert_eq!(identity.issued_at, issued, "{claims}");
    }
    let without = forge(&hs256(), &good_claims().to_string(), SECRET);
    assert_eq!(tokens().verify(&without).unwrap().issued_at, None);
    let text = json!({"id": "ann", "exp": NOW_S + 600, "iat": "yesterday"});
    assert_eq!(code(&forge(&hs256(), &text.to_string(), SECRET)), ErrorCode::Unauthenticated);
}

#[test]
fn only_the_exact_role_makes_an_admin() {
    for (role, is_admin) in
        [("admin", true), ("Admin", false), ("administrator", false), ("user", false), ("", false)]
    {
        let token = tokens().mint_as(&"ann".parse().unwrap(), "Ann", role, 600);
        assert_eq!(tokens().verify(&token).unwrap().is_admin(), is_admin, "{role}");
    }
    let list = json!({"id": "ann", "exp": NOW_S + 600, "role": ["admin"]});
    assert_eq!(code(&forge(&hs256(), &list.to_string(), SECRET)), ErrorCode::Unauthenticated);
    assert!(!tokens().verify(&forge(&hs256(), &good_claims().to_string(), SECRET)).unwrap().is_admin());
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
        assert_eq!(
            code(&forge(&hs256(), &claims.to_string(), SECRET)),
            ErrorCode::Unauthenticated,
            "{claims}"
        );
    }
}

#[test]
fn a_claim_that_comes_twice_fails_the_token() {
    let exp = NOW_S + 600;
    for claims in [
        format!(r#"{{"id":"ann","exp":{exp},"exp":{exp}}}"#),
        format!(r#"{{"id":"ann","id":"bob","exp":{exp}}}"#),
        format!(r#"{{"id":"ann","role":"user","role":"admin","exp":{exp}}}"#),
        format!(r#"{{"id":"ann","iat":1,"iat":2,"exp":{exp}}}"#),
    ] {
        assert_eq!(code(&forge(&hs256(), &claims, SECRET)), ErrorCode::Unauthenticated, "{claims}");
    }
}

#[test]
fn clocks_may_differ_by_sixty_seconds_and_no_more() {
    let verdict =
        |claims: Value| tokens().verify(&forge(&hs256(), &claims.to_string(), SECRET)).map_err(code_of);
    assert!(verdict(json!({"id": "ann", "exp": NOW_S - 59})).is_ok());
    assert_eq!(verdict(json!({"id": "ann", "exp": NOW_S - 61})), Err(ErrorCode::TokenExpired));
    assert!(verdict(json!({"id": "ann", "exp": NOW_S + 600, "nbf": NOW_S + 60})).is_ok());
    assert_eq!(
        verdict(json!({"id": "ann", "exp": NOW_S + 600, "nbf": NOW_S + 62})),
        Err(ErrorCode::Unauthenticated)
    );
}

#[test]
fn an_oversized_or_broken_token_is_refused() {
    let large = json!({"id": "ann", "exp": NOW_S + 600, "name": "x".repeat(TOKEN_MAX_BYTES)});
    assert_eq!(code(&forge(&hs256(), &large.to_string(), SECRET)), ErrorCode::Unauthenticated);
    for broken in
        ["", ".", "..", "a.b", "a.b.c", "a.b.c.d", "\u{0}", "eyJhbGciOiJIUzI1NiJ9..", &".".repeat(9_000)]
    {
        assert_eq!(code(broken), ErrorCode::Unauthenticated, "{broken}");
    }
}

#[test]
fn a_session_is_its_jti_and_differs_between_users_and_logins() {
    let session =
        |claims: Value| tokens().verify(&forge(&hs256(), &claims.to_string(), SECRET)).unwrap().session;
    let of = |user: &str, jti: &str, exp: i64| session(json!({"id": user, "jti": jti, "exp": exp}));
    assert_eq!(of("ann", "1", NOW_S + 1), of("ann", "1", NOW_S + 2));
    assert_ne!(of("ann", "1", NOW_S + 1), of("ann", "2", NOW_S + 1));
    assert_ne!(of("ann", "1", NOW_S + 1), of("bob", "1", NOW_S + 1));
    assert_ne!(
        session(json!({"id": "ann", "exp": NOW_S + 1})),
        session(json!({"id": "ann", "exp": NOW_S + 2}))
    );
}

#[test]
fn tokens_are_found_in_the_bearer_header_and_in_the_cookies() {
    let mut headers = HeaderMap::new();
    let found = |headers: &HeaderMap| cookies(headers).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!((bearer(&headers), found(&headers)), (None, vec![]));
    headers.insert(AUTHORIZATION, "bearer a.b.c".parse().unwrap());
    headers.append(COOKIE, "tokens=no; xtoken=no; token=".parse().unwrap());
    headers.append(COOKIE, "theme=dark; token=d.e.f; token=\"g.h.i\"".parse().unwrap());
    headers.append(COOKIE, "token=j.k.l".parse().unwrap());
    assert_eq!(bearer(&headers), Some("a.b.c"));
    assert_eq!(found(&headers), ["d.e.f", "g.h.i", "j.k.l"]);
    for (header, token) in [
        ("Basic abc", None),
        ("a.b.c", Some("a.b.c")),
        ("  Bearer   a.b.c ", Some("a.b.c")),
        ("Bearer ", None),
        ("bearer", None),
        ("Bearer a.b.c d", None),
        ("", None),
    ] {
        headers.insert(AUTHORIZATION, header.parse().unwrap());
        assert_eq!(bearer(&headers), token, "{header:?}");
    }
    headers.append(COOKIE, "token=m; token=n; token=o".parse().unwrap());
    assert_eq!(found(&headers).len(), 4, "each one costs a signature");
}

#[test]
fn a_token_in_a_url_is_noticed() {
    for (uri, has) in [
        ("/socket.io/?EIO=4&token=a.b.c", true),
        ("/api/v2/messages/threads?access_token=a", true),
        ("/socket.io/?EIO=4&token=", false),
        ("/socket.io/?EIO=4&tokens=a", false),
        ("/token", false),
    ] {
        assert_eq!(has_token_in_url(&uri.parse().unwrap()), has, "{uri}");
    }
}

#[test]
fn a_token_that_we_have_signed_is_told_which_rule_it_breaks() {
    let exp = NOW_S + 600;
    for (claims, said) in [
        (json!({"id": "ann"}), "`exp` is missing"),
        (json!({"id": "ann", "exp": null}), "`exp` is missing"),
        (json!({"id": "ann", "exp": exp * 1_000}), "`exp` must be in seconds, and it is in milliseconds"),
        (json!({"id": "ann", "exp": exp.to_string()}), "`exp` must be a number of seconds"),
        (json!({"id": "ann", "exp": -1}), "`exp` must be a number of seconds"),
        (json!({"id": "ann", "exp": exp, "nbf": exp}), "begins in the future (`nbf`)"),
        (json!({"id": "ann", "exp": exp, "nbf": exp * 1_000}), "`nbf` must be in seconds"),
        (json!({"id": "ann", "exp": exp, "iat": "now"}), "`iat` must be a number"),
        (json!({"userId": "ann", "exp": exp}), "`id` or `sub` must name the user"),
        (json!({"id": "a,b", "exp": exp}), "a user id has 1 to 128 bytes"),
        (json!({"id": 7, "exp": exp}), "`id` must be a text"),
        (json!({"sub": ["ann"], "exp": exp}), "`sub` must be a text"),
        (json!({"id": "ann", "sub": "bob", "exp": exp}), "`id` and `sub` must be equal"),
        (json!({"id": "ann", "role": ["admin"], "exp": exp}), "`role` must be a text"),
        (json!({"id": "ann", "name": 7, "exp": exp}), "`name` must be a text"),
        (json!({"id": "ann", "jti": 7, "exp": exp}), "`jti` must be a text"),
        (json!(["ann"]), "must be a JSON object"),
        (json!({"id": "ann", "exp": NOW_S - 61}), "the token has expired"),
    ] {
        let fault = tokens().verify(&forge(&hs256(), &claims.to_string(), SECRET)).unwrap_err();
        assert!(fault.to_string().contains(said), "{claims}: {fault}");
        let stranger = tokens().verify(&forge(&hs256(), &claims.to_string(), OLDER)).unwrap_err();
        assert_eq!(stranger, TokenFault::Signature, "claims of others are not looked at: {claims}");
    }
    let twice = forge(&hs256(), &format!(r#"{{"id":"ann","exp":{exp},"exp":{exp}}}"#), SECRET);
    assert_eq!(tokens().verify(&twice), Err(TokenFault::Claims));
}

#[test]
fn a_token_of_another_kind_is_told_what_is_expected() {
    let claims = good_claims().to_string();
    for (token, said) in [
        (forge(&json!({"alg": "RS256"}), &claims, SECRET), "RS256, and no key of this server is for that"),
        (forge(&json!({"alg": "HS512"}), &claims, SECRET), "HS512, and no key of this server is for that"),
        (forge(&json!({"alg": "none"}), &claims, SECRET), "`alg` HS256"),
        (forge(&json!({"alg": "HS256", "crit": ["exp"]}), &claims, SECRET), "`crit`"),
        (forge(&hs256(), &claims, OLDER), "its signature does not hold"),
        ("hello".to_owned(), "it is no JWT"),
        ("x".repeat(TOKEN_MAX_BYTES + 1), "it has more than 8192 bytes"),
    ] {
        let fault = tokens().verify(&token).unwrap_err();
        assert!(fault.to_string().contains(said), "{token}: {fault}");
    }
}

fn expecting(issuer: Option<&str>, audience: Option<&str>) -> Tokens {
    tokens().expecting(ExpectedClaims { issuer: issuer.map(Into::into), audience: audience.map(Into::into) })
}

#[test]
fn an_expected_issuer_must_be_said_and_be_that_one() {
    let tokens = expecting(Some("https://host.example"), None);
    for (iss, holds) in [
        (json!("https://host.example"), true),
        (json!("https://host.example/"), false),
        (json!("https://HOST.example"), false),
        (json!("https://evil.example"), false),
        (json!(["https://host.example"]), false),
        (json!({"$ne": ""}), false),
        (json!(""), false),
        (json!(null), false),
    ] {
        let claims = json!({"id": "ann", "exp": NOW_S + 600, "iss": iss, "aud": "anybody"});
        let verified = tokens.verify(&forge(&hs256(), &claims.to_string(), SECRET));
        assert_eq!(verified.err(), (!holds).then_some(TokenFault::Issuer), "{claims}");
    }
    assert!(
        tokens.verify(&forge(&hs256(), &good_claims().to_string(), SECRET)).is_err(),
        "a token without an issuer"
    );
}

#[test]
fn an_expected_audience_must_be_meant_alone_or_in_a_list() {
    let tokens = expecting(None, Some("chat"));
    for (aud, holds) in [
        (json!("chat"), true),
        (json!(["chat"]), true),
        (json!(["mail", "chat"]), true),
        (json!(["mail", "chats"]), false),
        (json!([["chat"]]), false),
        (json!([]), false),
        (json!("chat mail"), false),
        (json!("Chat"), false),
        (json!({"chat": true}), false),
        (json!(7), false),
        (json!(null), false),
    ] {
        let claims = json!({"id": "ann", "exp": NOW_S + 600, "aud": aud});
        assert_eq!(tokens.verify(&forge(&hs256(), &claims.to_string(), SECRET)).is_ok(), holds, "{claims}");
    }
    assert!(
        tokens.verify(&forge(&hs256(), &good_claims().to_string(), SECRET)).is_err(),
        "a token without an audience"
    );
}

#[test]
fn an_issuer_or_audience_that_comes_twice_fails_the_token_whether_it_is_expected_or_not() {
    let exp = NOW_S + 600;
    for claims in [
        format!(r#"{{"id":"ann","exp":{exp},"iss":"evil","iss":"host","aud":"chat"}}"#),
        format!(r#"{{"id":"ann","exp":{exp},"iss":"host","aud":"mail","aud":"chat"}}"#),
    ] {
        let forged = forge(&hs256(), &claims, SECRET);
        assert!(expecting(Some("host"), Some("chat")).verify(&forged).is_err(), "{claims}");
        assert_eq!(code(&forged), ErrorCode::Unauthenticated, "{claims}");
    }
}

#[test]
fn without_an_expectation_issuer_and_audience_are_the_host_applications_own_business() {
    for claims in [
        json!({"iss": "host", "aud": ["mail"]}),
        json!({"iss": 7, "aud": {"any": "thing"}}),
        json!({"iss": null}),
    ] {
        let mut claims = claims;
        claims["id"] = json!("ann");
        claims["exp"] = json!(NOW_S + 600);
        assert!(tokens().verify(&forge(&hs256(), &claims.to_string(), SECRET)).is_ok(), "{claims}");
    }
}

#[test]
fn minted_tokens_say_what_is_expected_of_them_and_nothing_that_is_not() {
    let ann: UserId = "ann".parse().unwrap();
    let strict = expecting(Some("host"), Some("chat"));
    assert!(strict.verify(&strict.mint(&ann, "Ann", 600)).is_ok());
    assert!(strict.verify(&tokens().mint(&ann, "Ann", 600)).is_err());
    let payload =
        tokens().mint(&ann, "Ann", 600).split('.').nth(1).map(|part| BASE64.decode(part).unwrap()).unwrap();
    let said: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!((said.get("iss"), said.get("aud")), (None, None));
}

#[test]
fn an_expired_token_of_another_issuer_is_not_worth_renewing() {
    let claims = json!({"id": "ann", "exp": NOW_S - 600, "iss": "evil"});
    let refused =
        expecting(Some("host"), None).verify(&forge(&hs256(), &claims.to_string(), SECRET)).unwrap_err();
    assert_eq!(refused, TokenFault::Issuer);
}

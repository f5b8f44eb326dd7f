//! What an issuer withdraws is no longer accepted, whatever else its key set holds; and every key that is kept verifies
//! the tokens that are signed with it.

use std::{fs, sync::Arc, time::Duration};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rsa::{
    BoxedUint, RsaPrivateKey,
    pkcs1::EncodeRsaPrivateKey as _,
    pkcs8::DecodePrivateKey as _,
    traits::{PrivateKeyParts as _, PublicKeyParts as _},
};
use sealpost_gateway::{
    JwtAuthenticator, Metrics, TokenPolicy,
    auth::{
        Authenticator as _, Denied, IssuerKeys, JwksError, JwksRefresh, JwksSource, KeySet,
        Unusable,
    },
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    issuer::Issuer,
    keys::{NOW, Script, ask, authenticator, keys, source},
};

/// The issuer's set with one more member.
fn with_member(issuer: &Issuer, member: Value) -> Vec<u8> {
    let mut set: Value = serde_json::from_slice(&issuer.jwks()).unwrap();
    set["keys"].as_array_mut().unwrap().insert(0, member);
    set.to_string().into_bytes()
}

/// Members that once froze the set.
fn odd_members() -> [Value; 8] {
    [
        json!("a string"),
        json!(null),
        json!({"kty": "RSA", "n": "!", "e": "AQAB", "kid": "x"}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": 7}),
        json!({"kty": "EC", "crv": "P-256", "x5c": "MII"}),
        json!({"kty": "oct", "k": "AAAA", "kid": "x"}),
        json!({"kty": "RSA", "use": 1, "key_ops": "verify"}),
        json!({"kid": ["ed"], "kty": []}),
    ]
}

#[tokio::test]
async fn one_odd_member_neither_freezes_the_set_nor_prevents_the_start() {
    let (issuer, script) = (Issuer::new(NOW), Script::default());
    let address = script.serve().await;
    for member in odd_members() {
        // At the start.
        script.say(Some(with_member(&issuer, member.clone())));
        let (keys, _) = keys(source(address, "/jwks"), Duration::ZERO);
        let authenticator = authenticator(&keys);
        assert_eq!(
            ask(&authenticator, &issuer.token()).await,
            Ok(()),
            "{member}"
        );
        // And later: the issuer has withdrawn its keys, and has others.
        let next = Issuer::new(NOW);
        script.say(Some(with_member(&next, member.clone())));
        keys.fetch().await.unwrap();
        assert_eq!(ask(&authenticator, &next.token()).await, Ok(()), "{member}");
        let old = ask(&authenticator, &issuer.token()).await;
        assert_eq!(old, Err(Denied::Signature), "{member}");
    }
}

#[tokio::test]
async fn a_set_without_usable_members_replaces_the_old_one() {
    let (issuer, script) = (Issuer::new(NOW), Script::default());
    let address = script.serve().await;
    let mut empty = vec![json!({"keys": []}), json!({"keys": odd_members()})];
    empty.extend(odd_members().map(|member| json!({ "keys": [member] })));
    for set in empty {
        script.say(Some(issuer.jwks()));
        let (keys, metrics) = keys(source(address, "/jwks"), Duration::ZERO);
        let authenticator = authenticator(&keys);
        assert_eq!(ask(&authenticator, &issuer.token()).await, Ok(()));
        script.say(Some(set.to_string().into_bytes()));
        keys.fetch().await.unwrap();
        assert_eq!(
            ask(&authenticator, &issuer.token()).await,
            Err(Denied::UnknownKey),
            "{set}"
        );
        assert!(!authenticator.is_ready(), "{set}");
        let text = metrics.encode().unwrap();
        assert!(text.contains("\nsealpost_jwks_keys 0\n"), "{text}");
        // They come back.
        script.say(Some(issuer.jwks()));
        assert_eq!(ask(&authenticator, &issuer.token()).await, Ok(()));
        assert!(authenticator.is_ready());
    }
}

/// A clock of hours, so that no test waits.
async fn after(keys: &IssuerKeys, time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
    // It is one more attempt, and fails.
    assert!(keys.fetch().await.is_err());
}

#[tokio::test]
async fn what_is_not_a_key_set_keeps_the_last_good_one_until_it_is_stale() {
    let issuer = Issuer::new(NOW);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    let hour = Duration::from_secs(3600);
    for bad in [
        &b"<html>"[..],
        b"",
        b"[]",
        b"{}",
        br#"{"keys":null}"#,
        br#"{"keys":[],"keys":[]}"#,
        br#"{"keys":[]"#,
        &[b' '; 300_000],
    ] {
        fs::write(&path, issuer.jwks()).unwrap();
        let refresh = JwksRefresh {
            max_stale: 3 * hour,
            ..JwksRefresh::default()
        };
        let source = JwksSource::file(&path);
        let keys = Arc::new(IssuerKeys::new(source, refresh, Arc::new(Metrics::new())));
        let authenticator = authenticator(&keys);
        keys.fetch().await.unwrap();
        fs::write(&path, bad).unwrap();
        after(&keys, 2 * hour).await;
        assert_eq!(ask(&authenticator, &issuer.token()).await, Ok(()));
        assert!(authenticator.is_ready());
        after(&keys, hour).await;
        assert_eq!(
            ask(&authenticator, &issuer.token()).await,
            Err(Denied::UnknownKey)
        );
        assert!(!authenticator.is_ready());
        // One success, and all is well.
        fs::write(&path, issuer.jwks()).unwrap();
        keys.fetch().await.unwrap();
        assert_eq!(ask(&authenticator, &issuer.token()).await, Ok(()));
        assert!(authenticator.is_ready());
    }
}

/// Over the network the last good set lasts as long; here the clock is real.
#[tokio::test]
async fn an_issuer_that_fails_or_redirects_keeps_its_keys_until_they_are_stale() {
    let (issuer, script) = (Issuer::new(NOW), Script::default());
    let address = script.serve().await;
    for bad in [None, Some(vec![b' '; 300_000])] {
        script.say(Some(issuer.jwks()));
        let refresh = JwksRefresh {
            max_age: Duration::from_millis(100),
            max_stale: Duration::from_millis(900),
            min_interval: Duration::from_millis(20),
        };
        let keys = IssuerKeys::new(source(address, "/jwks"), refresh, Arc::new(Metrics::new()));
        let keys = Arc::new(keys);
        let authenticator = authenticator(&keys);
        let begun = Instant::now();
        keys.fetch().await.unwrap();
        script.say(bad);
        let background = tokio::spawn({
            let keys = Arc::clone(&keys);
            async move { keys.keep_fresh().await }
        });
        let mut last_accepted = begun;
        while authenticator.is_ready() {
            let asked = Instant::now();
            if ask(&authenticator, &issuer.token()).await.is_ok() {
                last_accepted = asked;
            }
            sleep(Duration::from_millis(20)).await;
        }
        let lasted = last_accepted - begun;
        assert!(lasted >= Duration::from_millis(400), "{lasted:?}");
        assert!(lasted <= Duration::from_millis(950), "{lasted:?}");
        let refused = ask(&authenticator, &issuer.token()).await;
        assert_eq!(refused, Err(Denied::UnknownKey));
        background.abort();
    }
    // A redirect says nothing about the keys.
    let (keys, _) = keys(source(address, "/moved"), Duration::ZERO);
    assert!(matches!(keys.fetch().await, Err(JwksError::Status(308))));
}

#[tokio::test]
async fn keys_that_share_a_kid_all_verify() {
    let (one, two) = (Issuer::new(NOW), Issuer::new(NOW));
    let named = |issuer: &Issuer| {
        let mut set: Value = serde_json::from_slice(&issuer.jwks()).unwrap();
        for key in set["keys"].as_array_mut().unwrap() {
            key["kid"] = "same".into();
        }
        set["keys"].as_array().unwrap().clone()
    };
    let members = [named(&one), named(&two)].concat();
    let set = json!({ "keys": members }).to_string();
    let authenticator = fixed(&set);
    for issuer in [&one, &two] {
        for algorithm in [Algorithm::EdDSA, Algorithm::ES256, Algorithm::PS256] {
            let token = issuer.token_with(|header, _| {
                header.alg = algorithm;
                header.kid = Some("same".into());
            });
            assert_eq!(ask(&authenticator, &token).await, Ok(()), "{algorithm:?}");
        }
    }
    let stranger = Issuer::new(NOW).token_with(|header, _| header.kid = Some("same".into()));
    assert_eq!(ask(&authenticator, &stranger).await, Err(Denied::Signature));
    // The claims are those of the token that verifies, not of the first key that is tried.
    let expired = two.token_with(|header, claims| {
        header.kid = Some("same".into());
        claims["exp"] = 1.into();
    });
    assert_eq!(ask(&authenticator, &expired).await, Err(Denied::Expired));
}

fn fixed(set: &str) -> JwtAuthenticator {
    let keys = KeySet::from_jwks(set.as_bytes()).unwrap();
    JwtAuthenticator::new(TokenPolicy::new(Issuer::NAME, Issuer::AUDIENCE), keys)
}

/// The key of the tests with another exponent.
fn with_exponent(e: u64) -> Option<RsaPrivateKey> {
    let pem = include_str!("../../../../testdata/keys/agent-a2048.key.pem");
    let key = RsaPrivateKey::from_pkcs8_pem(pem).unwrap();
    let [p, q] = key.primes() else { panic!() };
    let [p, q] = [p, q].map(|prime| prime.as_ref().clone());
    RsaPrivateKey::from_p_q(p, q, BoxedUint::from(e)).ok()
}

#[tokio::test]
async fn rsa_keys_with_unusual_exponents_or_zero_octets_verify_if_they_are_kept() {
    let mut verified = 0;
    for e in [
        3,
        17,
        257,
        65_537,
        (1 << 32) + 15,
        (1 << 33) - 9,
        (1 << 33) - 1,
    ] {
        let Some(key) = with_exponent(e) else {
            continue;
        };
        let der = key.to_pkcs1_der().unwrap();
        let n = key.n().to_be_bytes_trimmed_vartime();
        let exponent = BoxedUint::from(e).to_be_bytes_trimmed_vartime();
        for (zeros_n, zeros_e) in [(0, 0), (1, 0), (0, 1), (3, 2)] {
            let pad = |zeros, number: &[u8]| {
                Base64UrlUnpadded::encode_string(&[&vec![0; zeros], number].concat())
            };
            let member = json!({"kty": "RSA", "n": pad(zeros_n, &n), "e": pad(zeros_e, &exponent)});
            let set = json!({ "keys": [member] }).to_string();
            assert!(
                !KeySet::from_jwks(set.as_bytes()).unwrap().is_empty(),
                "{e}"
            );
            let authenticator = fixed(&set);
            for algorithm in [Algorithm::RS256, Algorithm::PS256] {
                let claims = json!({
                    "iss": Issuer::NAME, "aud": Issuer::AUDIENCE, "sub": "tester", "exp": NOW + 9,
                });
                let signing = EncodingKey::from_rsa_der(der.as_bytes());
                let token = encode(&Header::new(algorithm), &claims, &signing).unwrap();
                assert_eq!(
                    ask(&authenticator, &token).await,
                    Ok(()),
                    "{e} {zeros_n} {zeros_e}"
                );
                verified += 1;
            }
        }
    }
    assert!(verified >= 4 * 8, "{verified}");
}

#[tokio::test]
async fn a_key_of_small_order_lets_nobody_in() {
    // With the neutral element as key and as R, and S = 0, every message is signed.
    let identity = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let set = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": identity}]});
    let keys = KeySet::from_jwks(set.to_string().as_bytes()).unwrap();
    assert_eq!(keys.left_out()[0].reason(), Unusable::SmallOrder);
    let token = Issuer::new(NOW).token();
    let (message, _) = token.rsplit_once('.').unwrap();
    let mut signature = [0; 64];
    signature[0] = 1;
    let forged = format!("{message}.{}", Base64UrlUnpadded::encode_string(&signature));
    let refused = ask(&fixed(&set.to_string()), &forged).await;
    assert_eq!(refused, Err(Denied::UnknownKey));
}

#[tokio::test]
async fn keys_that_became_too_old_are_fetched_again_before_max_age_is_over_and_the_metric_is_zero_meanwhile()
 {
    let (issuer, script) = (Issuer::new(NOW), Script::default());
    let address = script.serve().await;
    script.say(Some(issuer.jwks()));
    let refresh = JwksRefresh {
        max_age: Duration::from_secs(600),
        max_stale: Duration::from_millis(300),
        min_interval: Duration::from_millis(50),
    };
    let metrics = Arc::new(Metrics::new());
    let keys = IssuerKeys::new(source(address, "/jwks"), refresh, Arc::clone(&metrics));
    let keys = Arc::new(keys);
    let authenticator = authenticator(&keys);
    keys.fetch().await.unwrap();
    script.say(Some(b"not a set".to_vec()));
    let background = tokio::spawn({
        let keys = Arc::clone(&keys);
        async move { keys.keep_fresh().await }
    });
    let known = |number: usize| {
        metrics
            .encode()
            .unwrap()
            .contains(&format!("\nsealpost_jwks_keys {number}\n"))
    };
    let wait = async |what: &str, is_there: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !is_there() {
            assert!(begun.elapsed() < Duration::from_secs(10), "{what}");
            sleep(Duration::from_millis(5)).await;
        }
    };
    wait("too old", &|| !authenticator.is_ready() && known(0)).await;
    // Without a token that would have them fetched, and with the mark that a file may have, too.
    script.say(Some([b"\xef\xbb\xbf", &issuer.jwks()[..]].concat()));
    wait("repaired", &|| authenticator.is_ready() && !known(0)).await;
    background.abort();
}

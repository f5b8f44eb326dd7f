//! The issuer's key set, as it comes from the network.

use std::sync::LazyLock;

use sealpost_gateway::{
    JwtAuthenticator, TokenPolicy,
    auth::{Authenticator as _, KeySet},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{AUDIENCE, ISSUER, judge, seeds, signers::SIGNERS};
use crate::{
    keys::NOW,
    reader::{self, Node, Role},
};

/// What is accepted is a JSON object without a symmetric key, and a token is believed only if the key that it was signed
/// with is in there, under that id and good for that algorithm.
pub(crate) fn check(document: &[u8]) {
    let Ok(keys) = KeySet::from_jwks(document) else {
        return;
    };
    let first = document.trim_ascii_start().first();
    assert_eq!(first, Some(&b'{'), "a JWK set is an object (RFC 7517 §5)");
    // Deeper, or with larger numbers, than this reader takes, in members that nobody looks at.
    let Ok(value) = serde_json::from_slice::<Value>(document) else {
        return;
    };
    // Of two members with one name the library passes the whole key over, or the set.
    let read = reader::read(document, Role::Other).root;
    let distinct = read.is_some_and(|read| named(&read) == members(&value));
    let keys_there = value["keys"].as_array().expect("a list");
    let symmetric = |key: &Value| key["kty"] == "oct" && key["k"].is_string();
    assert!(!keys_there.iter().any(symmetric));

    let authenticator = JwtAuthenticator::new(TokenPolicy::new(ISSUER, AUDIENCE), keys);
    let mut ids: Vec<_> = keys_there.iter().map(|key| key["kid"].as_str()).collect();
    ids.truncate(4);
    ids.push(None);
    // A key without its numbers is none.
    let usable = keys_there.iter().filter(|key| {
        let complete = [&["x"][..], &["n", "e"], &["x", "y"]];
        let kty = ["OKP", "RSA", "EC"]
            .iter()
            .position(|kty| key["kty"] == *kty);
        let complete = kty.is_some_and(|kty| complete[kty].iter().all(|n| key[n].is_string()));
        complete && !good_for(key).is_empty()
    });
    let usable = usable.count();
    ids.push(Some("other"));
    for id in ids {
        for (who, alg) in [
            ("e", "EdDSA"),
            ("r", "RS256"),
            ("p", "PS256"),
            ("c", "ES256"),
            ("E", "EdDSA"),
        ] {
            let fits = |key: &&Value| {
                id.is_none_or(|id| key["kid"] == id) && is(key, who) && good_for(key).contains(&alg)
            };
            let found = keys_there.iter().filter(fits).count();
            let believed = believes(&authenticator, who, alg, id);
            let choice = id.is_none() && usable > 1 && distinct;
            assert!(!believed || found > 0 && !choice, "no key {id:?} for {alg}");
            // Members of other types may spoil a key.
            let plain = |key: &Value| {
                key.as_object()
                    .is_some_and(|key| key.values().all(Value::is_string))
            };
            let sure = distinct && found == 1 && id.is_some() && keys_there.iter().all(plain);
            assert!(believed || !sure, "there is a key {id:?} for {alg}");
        }
    }
}

/// How many members there are, at every depth.
fn named(node: &Node) -> usize {
    let values = node.members.iter().filter_map(|m| m.value.as_ref());
    node.members.len() + values.chain(&node.items).map(named).sum::<usize>()
}

fn members(value: &Value) -> usize {
    match value {
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
        Value::Array(items) => items.iter().map(members).sum(),
        _ => 0,
    }
}

fn believes(authenticator: &JwtAuthenticator, who: &str, alg: &str, id: Option<&str>) -> bool {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("it starts")
    });
    let mut header = json!({ "alg": alg });
    if let Some(id) = id {
        header["kid"] = id.into();
    }
    let (header, claims) = (header.to_string(), seeds::claims().to_string());
    let token = SIGNERS.token(who.as_bytes(), header.as_bytes(), claims.as_bytes());
    let token = String::from_utf8(token.expect("somebody signs")).expect("base64url and dots");
    let said = RUNTIME.block_on(authenticator.authenticate(&token, NOW));
    said.is_ok()
}

/// What a key may be used with, among the algorithms of tokens.
fn good_for(key: &Value) -> Vec<&str> {
    let possible: &[&str] = match (key["kty"].as_str(), key["crv"].as_str()) {
        (Some("RSA"), _) => &["RS256", "PS256"],
        (Some("EC"), Some("P-256")) => &["ES256"],
        (Some("OKP"), Some("Ed25519")) => &["EdDSA"],
        _ => &[],
    };
    let signs = matches!(key["use"].as_str(), None | Some("sig"));
    let named = key["alg"].as_str();
    let fits = |alg: &&&str| signs && named.is_none_or(|named| named == **alg);
    possible.iter().filter(fits).copied().collect()
}

/// Whether it is the public key of this signer.
fn is(key: &Value, who: &str) -> bool {
    let (own, numbers): (Value, &[&str]) = match who {
        "e" => (SIGNERS.ed_jwk(), &["x"]),
        "r" | "p" => (SIGNERS.rsa_jwk(), &["n", "e"]),
        "c" => (SIGNERS.ec_jwk(), &["x", "y"]),
        _ => return false,
    };
    let number = |key: &Value, name: &str| {
        let bytes = judge::decode(key[name].as_str()?)?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Some(bytes[zeros..].to_vec())
    };
    key["kty"] == own["kty"]
        && key["crv"] == own["crv"]
        && numbers
            .iter()
            .all(|name| number(key, name) == number(&own, name))
}

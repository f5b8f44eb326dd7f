//! The issuer's key set, as it comes from the network.

use std::{collections::BTreeSet, sync::LazyLock};

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

/// A JSON object with one list of keys is accepted, whatever the list holds. A token is believed exactly if the key that it
/// was signed with is in there, under that id and good for that algorithm and for verifying.
pub(crate) fn check(document: &[u8]) {
    let read = KeySet::from_jwks(document);
    // Deeper, or with larger numbers, than this reader takes, in members that nobody looks at.
    let Ok(value) = serde_json::from_slice::<Value>(document) else {
        return;
    };
    // Of two members with one name this reader sees the last.
    let names = reader::read(document, Role::Other).root;
    let distinct = names.is_some_and(|names| named(&names) == members(&value));
    let is_set = value.is_object() && value["keys"].is_array();
    let Ok(keys) = read else {
        assert!(!is_set || !distinct, "a JWK set is refused");
        return;
    };
    assert!(
        is_set || !distinct,
        "a JWK set is an object with keys (RFC 7517 §5)"
    );
    let Some(keys_there) = value["keys"].as_array() else {
        return;
    };
    assert_eq!(
        keys.len() + keys.left_out().len() + keys.more_left_out(),
        keys_there.len()
    );
    let (alone, crowded) = (keys.len() == 1, keys_there.len() > 4);

    let authenticator = JwtAuthenticator::new(TokenPolicy::new(ISSUER, AUDIENCE), keys);
    let mut ids: Vec<_> = keys_there.iter().map(|key| key["kid"].as_str()).collect();
    ids.truncate(4);
    ids.push(None);
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
                let same = id.is_none() && alone || key["kid"].as_str() == id;
                same && is(key, who) && good_for(key).contains(&alg)
            };
            let found = keys_there.iter().any(|key| fits(&key));
            let believed = believes(&authenticator, who, alg, id);
            assert!(!believed || found || !distinct, "no key {id:?} for {alg}");
            let sure = found && distinct && !crowded;
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
    // RFC 7517 §4: what is there has its type, and nothing may be null.
    let typed = |names: &[&str], sound: fn(&Value) -> bool| {
        names.iter().all(|name| key.get(name).is_none_or(sound))
    };
    let texts = ["kid", "use", "alg", "crv", "x5u", "x5t", "x5t#S256"];
    let list = |value: &Value| {
        value
            .as_array()
            .is_some_and(|list| list.iter().all(Value::is_string))
    };
    let sound = typed(&texts, Value::is_string) && typed(&["x5c", "key_ops"], list);
    let public = key.get("d").is_none();
    let named = key["alg"].as_str();
    let fits =
        |alg: &&&str| sound && public && verifies(key) && named.is_none_or(|named| named == **alg);
    possible.iter().filter(fits).copied().collect()
}

/// RFC 7517 §4.2 and §4.3.
fn verifies(key: &Value) -> bool {
    let Some(operations) = key["key_ops"].as_array() else {
        return matches!(key["use"].as_str(), None | Some("sig"));
    };
    let operations: Vec<_> = operations.iter().filter_map(Value::as_str).collect();
    let distinct: BTreeSet<_> = operations.iter().collect();
    let encrypts = operations.iter().any(|o| {
        [
            "encrypt",
            "decrypt",
            "wrapKey",
            "unwrapKey",
            "deriveKey",
            "deriveBits",
        ]
        .contains(o)
    });
    let consistent = match key["use"].as_str() {
        None => true,
        Some("sig") => !encrypts,
        Some(_) => false,
    };
    consistent && distinct.len() == operations.len() && operations.contains(&"verify")
}

/// Whether it is the public key of this signer.
fn is(key: &Value, who: &str) -> bool {
    let (own, numbers): (Value, &[&str]) = match who {
        "e" => (SIGNERS.ed_jwk(), &["x"]),
        "r" | "p" => (SIGNERS.rsa_jwk(), &["n", "e"]),
        "c" => (SIGNERS.ec_jwk(), &["x", "y"]),
        _ => return false,
    };
    // Zero octets before the numbers of RSA are taken; coordinates have their length.
    let number = |key: &Value, name: &str| {
        let bytes = judge::decode(key[name].as_str()?)?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let zeros = if key["kty"] == "RSA" { zeros } else { 0 };
        Some(bytes[zeros..].to_vec())
    };
    key["kty"] == own["kty"]
        && (key["kty"] == "RSA" || key["crv"] == own["crv"])
        && numbers
            .iter()
            .all(|name| number(key, name) == number(&own, name))
}

//! Tokens that are good, and one for each thing that is wrong with a token; key sets, likewise.

use serde_json::{Value, json};

use super::{AUDIENCE, ISSUER, PROJECT, signers::SIGNERS};
use crate::{gateway::AGENT, input::join, keys::NOW, seeds::Seed};

pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "tester", "exp": NOW.as_secs() + 3600, "scope": "secrets:write",
    })
}

pub(crate) fn tokens() -> Vec<Seed> {
    let now = NOW.as_secs();
    let ed = json!({"alg": "EdDSA", "kid": "ed"});
    let seed = |name: &str, how: &[u8], header: &Value, claims: &Value| {
        let (header, claims) = (header.to_string(), claims.to_string());
        let parts = [how, header.as_bytes(), claims.as_bytes()];
        (name.to_owned(), join(&parts))
    };
    let mut seeds = vec![
        seed("good_ed", b"e", &ed, &claims()),
        seed(
            "good_rsa",
            b"r",
            &json!({"alg": "RS256", "kid": "rsa", "typ": "JWT"}),
            &claims(),
        ),
        seed(
            "good_ec",
            b"c",
            &json!({"alg": "ES256", "kid": "ec", "typ": "at+jwt"}),
            &claims(),
        ),
        seed(
            "pss",
            b"p",
            &json!({"alg": "PS256", "kid": "rsa"}),
            &claims(),
        ),
        seed("changed", b"e\x00\x20\x01", &ed, &claims()),
        seed("stranger", b"E", &ed, &claims()),
        seed(
            "unsigned",
            b"n",
            &json!({"alg": "none", "kid": "ed"}),
            &claims(),
        ),
        seed(
            "hmac",
            b"h",
            &json!({"alg": "HS256", "kid": "ed"}),
            &claims(),
        ),
        seed(
            "other_key",
            b"e",
            &json!({"alg": "EdDSA", "kid": "rsa"}),
            &claims(),
        ),
        seed("no_kid", b"e", &json!({"alg": "EdDSA"}), &claims()),
        seed(
            "crit",
            b"e",
            &json!({"alg": "EdDSA", "kid": "ed", "crit": ["exp"], "exp": 1}),
            &claims(),
        ),
        seed(
            "crit_null",
            b"e",
            &json!({"alg": "EdDSA", "kid": "ed", "crit": null}),
            &claims(),
        ),
        seed(
            "b64",
            b"e",
            &json!({"alg": "EdDSA", "kid": "ed", "b64": true}),
            &claims(),
        ),
        seed(
            "typ",
            b"e",
            &json!({"alg": "EdDSA", "kid": "ed", "typ": "sealpost-request+jwt"}),
            &claims(),
        ),
    ];
    for typ in ["JWT+", "JOSE", "application/AT+jwt"] {
        let header = json!({"alg": "EdDSA", "kid": "ed", "typ": typ});
        let name = format!("typ_{}", typ.replace('/', "_"));
        seeds.push(seed(&name, b"e", &header, &claims()));
    }
    let wrong = [
        ("iss", json!("https://issuer.example/")),
        ("iss", json!([ISSUER])),
        ("aud", json!("https://elsewhere.example")),
        ("aud", json!(["x", AUDIENCE])),
        ("aud", json!([AUDIENCE, 1])),
        ("sub", json!(null)),
        ("exp", json!((now + 3600).to_string())),
        ("exp", json!(now - 30)),
        ("exp", json!(now - 29)),
        ("nbf", json!(now + 31)),
        ("nbf", json!(now + 30)),
        ("nbf", json!("now")),
        ("scope", json!("secrets:read  secrets:writer")),
        ("scope", json!(["secrets:write"])),
        ("scp", json!(["a b", "secrets:write"])),
        ("scp", json!({})),
        ("sealpost_agents", json!([])),
        ("sealpost_agents", json!([AGENT, "b"])),
        ("sealpost_agents", json!(["b"])),
        ("sealpost_agents", json!(null)),
        ("sealpost_projects", json!([PROJECT])),
        ("sealpost_projects", json!([PROJECT.replace('0', "1")])),
        ("sealpost_projects", json!([PROJECT.replace('-', "")])),
        ("sealpost_projects", json!(PROJECT)),
    ];
    for (n, (name, value)) in wrong.into_iter().enumerate() {
        let mut claims = claims();
        claims[name] = value;
        seeds.push(seed(&format!("{name}_{n}"), b"e", &ed, &claims));
    }
    for missing in ["iss", "aud", "exp", "scope"] {
        let mut claims = claims();
        claims.as_object_mut().expect("it is one").remove(missing);
        seeds.push(seed(&format!("no_{missing}"), b"e", &ed, &claims));
    }
    // What no `Value` holds.
    let twice = claims().to_string().replacen('{', r#"{"exp":1,"#, 1);
    seeds.push((
        "exp_twice".into(),
        join(&[b"e", ed.to_string().as_bytes(), twice.as_bytes()]),
    ));
    let headers: [(&str, &[u8]); 7] = [
        ("raw_none", b""),
        ("raw_basic", b"Basic dTpw"),
        ("raw_two", b"Bearer a.b.c\nBearer a.b.c"),
        ("raw_blanks", b"Bearer  a.b.c"),
        ("raw_tab", b"Bearer\ta.b.c"),
        ("raw_case", b"bEARER a.b.c"),
        ("raw_bytes", b"Bearer a.\xe9.c"),
    ];
    // As long as may be, and longer.
    for length in [8192, 8193] {
        let long = format!("Bearer {}", "a".repeat(length));
        seeds.push((format!("raw_{length}"), join(&[b"", long.as_bytes(), b""])));
    }
    seeds.extend(headers.map(|(name, value)| (name.to_owned(), join(&[b"", value, b""]))));
    seeds
}

pub(crate) fn jwks() -> Vec<Seed> {
    let named = |mut key: Value, changes: &[(&str, &str)]| {
        for (name, value) in changes {
            key[name] = (*value).into();
        }
        key
    };
    let with = |key: &Value, name: &str, value: Value| {
        let mut key = key.clone();
        key[name] = value;
        key
    };
    // The key for ES256 is another one in each process.
    let (ed, rsa) = (SIGNERS.ed_jwk(), SIGNERS.rsa_jwk());
    let point = json!({
        "kty": "EC", "crv": "P-256", "kid": "ec",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let (ed_a, rsa_b) = (
        named(ed.clone(), &[("kid", "a")]),
        named(rsa.clone(), &[("kid", "b")]),
    );
    let sets = [
        ("all", json!({"keys": [ed_a, rsa_b, point]})),
        ("one", json!({"keys": [ed]})),
        ("no_id", json!({"keys": [ed, rsa_b]})),
        (
            "ps256",
            json!({"keys": [named(rsa.clone(), &[("kid", "b"), ("alg", "PS256"), ("use", "sig")])]}),
        ),
        (
            "encryption",
            json!({"keys": [ed_a, named(rsa.clone(), &[("kid", "b"), ("use", "enc")])]}),
        ),
        (
            "other_alg",
            json!({"keys": [ed_a, named(rsa, &[("kid", "b"), ("alg", "RSA-OAEP-256")])]}),
        ),
        (
            "one_id",
            json!({"keys": [ed_a, named(ed.clone(), &[("kid", "a")])]}),
        ),
        (
            "symmetric",
            json!({"keys": [ed_a, {"kty": "oct", "k": "AAAA", "kid": "c"}]}),
        ),
        (
            "other_kinds",
            json!({"keys": [ed_a, {"kty": "AKP", "pub": "AAAA"}, named(ed.clone(), &[("crv", "X25519")])]}),
        ),
        (
            "short",
            json!({"keys": [named(ed, &[("x", "AAAA"), ("kid", "a")])]}),
        ),
        ("empty", json!({"keys": []})),
        (
            "odd_members",
            json!({"keys": ["x", null, {"kty": "RSA", "n": "!", "e": "AQAB"}, {"kid": 7}, ed_a]}),
        ),
        (
            "operations",
            json!({"keys": [with(&ed_a, "key_ops", json!(["verify"])), with(&rsa_b, "key_ops", json!(["sign"]))]}),
        ),
        (
            "small_order",
            json!({"keys": [named(ed_a.clone(), &[("x", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")])]}),
        ),
        (
            "zero_octet",
            json!({"keys": [named(rsa_b.clone(), &[("e", "AAEAAQ")])]}),
        ),
        ("chain", json!({"keys": [with(&ed_a, "x5c", json!("MII"))]})),
        ("list", json!([[ed_a]])),
    ];
    sets.map(|(name, set)| (name.to_owned(), set.to_string().into_bytes()))
        .into()
}

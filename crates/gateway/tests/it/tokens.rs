//! Who is let in, and that everybody else is told the same.

use axum::http::HeaderValue;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::{
    harness::{AGENT, Answer, GOOD, PROJECT, SILENT, World, world},
    issuer::Issuer,
};

async fn with_token(world: &World, path: &str, token: &str) -> Answer {
    let mut request = world.request(path, GOOD);
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    request.headers_mut().insert("authorization", value);
    world.send(request).await
}

/// `BASE64URL(json)`, by way of a token: the tests need no base64 of their own.
fn base64url(json: &Value) -> String {
    let token = encode(&Header::default(), json, &EncodingKey::from_secret(b"-")).unwrap();
    token.split('.').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn every_allowed_algorithm_lets_in() {
    let cases = [
        (Algorithm::EdDSA, "ed"),
        (Algorithm::ES256, "ec"),
        (Algorithm::RS256, "rsa"),
        (Algorithm::PS256, "rsa"),
    ];
    for (algorithm, kid) in cases {
        let world = world();
        let token = world.issuer.token_with(|header, _| {
            header.alg = algorithm;
            header.kid = Some(kid.into());
        });
        assert_eq!(
            with_token(&world, AGENT, &token).await.status,
            201,
            "{algorithm:?}"
        );
    }
}

#[tokio::test]
async fn harmless_variations_let_in() {
    type Change = fn(&mut Header, &mut Value);
    let changes: [Change; 9] = [
        |h, _| h.typ = None,
        |h, _| h.typ = Some("at+jwt".into()),
        |h, _| h.typ = Some("application/at+JWT".into()),
        |_, c| c["aud"] = json!(["https://elsewhere.example", Issuer::AUDIENCE]),
        |_, c| c["scope"] = json!("openid secrets:write profile"),
        |_, c| {
            c.as_object_mut().unwrap().remove("scope");
            c["scp"] = json!(["secrets:write"]);
        },
        |_, c| c["exp"] = json!(2_000_000_000.5),
        // Within the leeway.
        |_, c| c["exp"] = json!(2_000_000_000 - 59),
        |_, c| c["nbf"] = json!(2_000_000_000 + 60),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let world = world();
        let token = world.issuer.token_with(change);
        let answer = with_token(&world, AGENT, &token).await;
        assert_eq!(answer.status, 201, "{index}: {answer}");
    }
}

#[tokio::test]
async fn every_forgery_gets_the_same_403() {
    let world = world();
    let issuer = &world.issuer;
    let good = issuer.token();
    let parts: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!()
    };
    let stranger = Issuer::new(issuer.now);

    type Change = fn(&mut Header, &mut Value);
    let changed: [(&str, Change); 20] = [
        ("unknown kid", |h, _| h.kid = Some("other".into())),
        ("kid of another key", |h, _| h.kid = Some("rsa".into())),
        ("no kid", |h, _| h.kid = None),
        ("wrong typ", |h, _| {
            h.typ = Some("sealpost-request+jwt".into());
        }),
        ("critical header", |h, _| h.crit = Some(vec!["exp".into()])),
        ("RS384", |h, _| {
            h.alg = Algorithm::RS384;
            h.kid = Some("rsa".into());
        }),
        ("no aud", |_, c| {
            drop(c.as_object_mut().unwrap().remove("aud"));
        }),
        ("other aud", |_, c| {
            c["aud"] = json!("https://elsewhere.example");
        }),
        ("no iss", |_, c| {
            drop(c.as_object_mut().unwrap().remove("iss"));
        }),
        ("other iss", |_, c| {
            c["iss"] = json!("https://elsewhere.example");
        }),
        ("list of iss", |_, c| c["iss"] = json!([Issuer::NAME])),
        ("no exp", |_, c| {
            drop(c.as_object_mut().unwrap().remove("exp"));
        }),
        ("exp is a text", |_, c| c["exp"] = json!("2000003600")),
        ("expired", |_, c| c["exp"] = json!(2_000_000_000 - 60)),
        ("not yet", |_, c| c["nbf"] = json!(2_000_000_000 + 61)),
        ("nbf is a text", |_, c| c["nbf"] = json!("now")),
        ("no scope", |_, c| {
            drop(c.as_object_mut().unwrap().remove("scope"));
        }),
        ("other scope", |_, c| {
            c["scope"] = json!("secrets:writer secrets");
        }),
        ("agents is null", |_, c| c["sealpost_agents"] = Value::Null),
        ("projects is no list", |_, c| {
            c["sealpost_projects"] = json!(PROJECT);
        }),
    ];
    let mut forged: Vec<(&str, String)> = changed
        .into_iter()
        .map(|(what, change)| (what, issuer.token_with(change)))
        .collect();

    let none = base64url(&json!({"alg": "none", "typ": "JWT"}));
    let none_signed = base64url(&json!({"alg": "none", "kid": "ed"}));
    let hs256 = |kid: &str, secret: &[u8]| {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(kid.into());
        let claims = json!({
            "iss": Issuer::NAME, "aud": Issuer::AUDIENCE, "exp": issuer.now + 3600, "scope": "secrets:write",
        });
        encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    let jwks: Value = serde_json::from_slice(&issuer.jwks()).unwrap();
    let x = jwks["keys"][0]["x"].as_str().unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    forged.extend([
        ("alg none", format!("{none}.{claims}.")),
        (
            "alg none with a signature",
            format!("{none_signed}.{claims}.{signature}"),
        ),
        ("HS256 with the public key", hs256("ed", x.as_bytes())),
        ("HS256 with the key set", hs256("rsa", &issuer.jwks())),
        ("a stranger's key", stranger.token()),
        (
            "a changed signature",
            format!("{header}.{claims}.{flipped}{}", &signature[1..]),
        ),
        ("no signature", format!("{header}.{claims}.")),
        (
            "changed claims",
            format!(
                "{header}.{}.{signature}",
                base64url(&json!({"scope": "secrets:write"}))
            ),
        ),
        (
            "two dots too many",
            format!("{good}.{signature}.{signature}"),
        ),
        ("two parts", format!("{header}.{claims}")),
        ("only dots", "..".into()),
        ("padding", format!("{good}=")),
        ("no base64", "$$.$$.$$".into()),
        (
            "100 KB",
            format!("{header}.{}.{signature}", "A".repeat(100_000)),
        ),
        (
            "just too long",
            format!("{header}.{}.{signature}", "A".repeat(8 * 1024)),
        ),
        ("empty", String::new()),
    ]);
    assert!(forged.len() >= 30);

    let mut without = world.request(AGENT, GOOD);
    without.headers_mut().remove("authorization");
    let expected = world.send(without).await.to_string();
    assert!(expected.starts_with("403 Forbidden\n"), "{expected}");
    for (what, token) in forged {
        assert_eq!(
            with_token(&world, AGENT, &token).await.to_string(),
            expected,
            "{what}"
        );
    }
    for value in [
        "",
        "Bearer",
        "Basic dTpw",
        &format!("Bearer {good}, Bearer {good}"),
        &format!("Token {good}"),
    ] {
        let mut request = world.request(AGENT, GOOD);
        request
            .headers_mut()
            .insert("authorization", HeaderValue::from_str(value).unwrap());
        assert_eq!(world.send(request).await.to_string(), expected, "{value}");
    }
    let mut twice = world.request(AGENT, GOOD);
    twice.headers_mut().append(
        "authorization",
        HeaderValue::from_str(&format!("Bearer {good}")).unwrap(),
    );
    assert_eq!(world.send(twice).await.to_string(), expected);
    // None of them stored anything.
    assert_eq!(with_token(&world, AGENT, &good).await.status, 201);
}

/// A token whose header is this text.
fn with_header(world: &World, header: &str) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    let token = world.issuer.token();
    let claims = token.split('.').nth(1).unwrap();
    let message = format!(
        "{}.{claims}",
        Base64UrlUnpadded::encode_string(header.as_bytes())
    );
    let key = world.issuer.key(Algorithm::EdDSA);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, Algorithm::EdDSA).unwrap();
    format!("{message}.{signature}")
}

#[tokio::test]
async fn every_crit_and_b64_is_refused() {
    let world = world();
    let header = |more: &str| format!(r#"{{"alg":"EdDSA","kid":"ed"{more}}}"#);
    let plain = with_header(&world, &header(""));
    assert_eq!(with_token(&world, AGENT, &plain).await.status, 201);
    let unknown = with_header(&world, &header(r#","x":{"crit":[],"b64":false},"Crit":[]"#));
    assert_eq!(with_token(&world, AGENT, &unknown).await.status, 409);
    for more in [
        r#","crit":null"#,
        r#","crit":[]"#,
        r#","crit":["exp"]"#,
        r#","crit":["b64"],"b64":true"#,
        r#","crit":["b64"],"b64":false"#,
        r#","crit":"exp""#,
        r#","crit":{}"#,
        r#","crit":false"#,
        r#","crit":0"#,
        r#","crit":["kid"],"crit":null"#,
        r#","cri\u0074":null"#,
        r#","b64":true"#,
        r#","b64":false"#,
        r#","b64":null"#,
        r#","b64":"x""#,
    ] {
        let token = with_header(&world, &header(more));
        let answer = with_token(&world, AGENT, &token).await;
        assert_eq!(answer.status, 403, "{more}");
    }
}

#[tokio::test]
async fn one_or_more_spaces_after_bearer_are_accepted_and_no_tab() {
    for (scheme, status) in [
        ("Bearer ", 201),
        ("Bearer  ", 201),
        ("bearer        ", 201),
        ("BEARER ", 201),
        ("Bearer\t", 403),
        ("Bearer \t", 403),
        ("Bearer\t ", 403),
        ("Bearer", 403),
    ] {
        let world = world();
        let mut request = world.request(AGENT, GOOD);
        let value = HeaderValue::from_str(&format!("{scheme}{}", world.issuer.token())).unwrap();
        request.headers_mut().insert("authorization", value);
        assert_eq!(world.send(request).await.status, status, "{scheme:?}");
    }
}

#[tokio::test]
async fn claims_limit_agents_and_projects() {
    let world = world();
    let limited = |claims: Value| {
        world.issuer.token_with(|_, c| {
            for (name, value) in claims.as_object().unwrap() {
                c[name.as_str()] = value.clone();
            }
        })
    };
    let in_project = format!("{AGENT}?projectId={PROJECT}");
    let agents = limited(json!({"sealpost_agents": [AGENT]}));
    let projects = limited(json!({"sealpost_projects": [PROJECT.to_uppercase()]}));
    let nothing = limited(json!({"sealpost_agents": []}));

    assert_eq!(with_token(&world, AGENT, &agents).await.status, 201);
    assert_eq!(with_token(&world, &in_project, &projects).await.status, 201);
    for (path, token) in [
        (SILENT, &agents),
        // Callers without permission learn neither whether an agent exists nor what an id looks like.
        ("nobody", &agents),
        ("a.b", &agents),
        (AGENT, &projects),
        (&format!("{AGENT}?projectId=nonsense"), &projects),
        (
            &format!("{AGENT}?projectId={PROJECT}&projectId={PROJECT}"),
            &projects,
        ),
        (&format!("{AGENT}?projectid={PROJECT}"), &projects),
        (
            &format!("{AGENT}?projectId=1b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f"),
            &projects,
        ),
        (AGENT, &nothing),
    ] {
        assert_eq!(with_token(&world, path, token).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn nothing_is_said_before_the_token_is_good() {
    let world = world();
    let bodies = [GOOD.to_owned(), "{".to_owned(), "x".repeat(1 << 20)];
    for (path, body) in ["nobody", "a.b", "a?projectId=x"].into_iter().zip(bodies) {
        let mut request = world.request(path, body);
        request.headers_mut().remove("authorization");
        request
            .headers_mut()
            .insert("content-type", "text/plain".parse().unwrap());
        assert_eq!(world.send(request).await.status, 403);
    }
}

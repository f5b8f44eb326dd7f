//! From a request to the vault and back.

use sealpost_agent::ResolveError;
use sealpost_validator::{MAX_BODY, MAX_VALUE};
use sealpost_vault::error::FetchError;

use crate::harness::{AGENT, GOOD, PROJECT, World, world};

async fn create(world: &World, path: &str, body: String) -> String {
    let answer = world.post(path, body).await;
    assert_eq!(answer.status, 201, "{answer}");
    answer.json()["resolver_ref"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_resolved_is_what_was_sent() {
    let world = world();
    let values = [
        "{}".to_owned(),
        r#"{"password":"P@ssw0rd123"}"#.to_owned(),
        // Numbers keep their digits, escapes their form, members their order, blanks their place.
        "{ \"b\" : 1.000e+02,\n\t\"a\":\"\\u00e9\\/\", \"d\":{\"x\":1,\"x\":2}, \"c\":[0.1e-400 , -0] }".to_owned(),
        "{\"ключ\":\"значение \u{1F511}\"}".to_owned(),
        format!("{{\"p\":\"{}\"}}", "x".repeat(MAX_VALUE - 8)),
    ];
    for (index, value) in values.iter().enumerate() {
        let body = format!("{{\"secret\" : {{\"value\": {value} , \"name\":\"n{index}\"}} }}");
        let reference = create(&world, AGENT, body).await;
        let resolved = world.resolver.resolve(&reference).await.unwrap();
        assert_eq!(resolved.as_json(), value.as_bytes());
    }
}

#[tokio::test]
async fn one_property_is_a_span_of_what_was_sent() {
    let world = world();
    let value = r#"{"a":"x\u00e9\n","b": 1.50 ,"c":{"d":[1, 2]},"p\u0061ss":"w","":"e"}"#;
    for (key, json, plain) in [
        ("a", r#""x\u00e9\n""#, "xé\n"),
        ("b", "1.50", "1.50"),
        ("c", r#"{"d":[1, 2]}"#, r#"{"d":[1, 2]}"#),
        ("pass", r#""w""#, "w"),
    ] {
        let body = format!(r#"{{"secret":{{"name":"of {key}","key":"{key}","value":{value}}}}}"#);
        let reference = create(&world, AGENT, body).await;
        assert!(reference.ends_with(&format!("#{key}")), "{reference}");
        let resolved = world.resolver.resolve(&reference).await.unwrap();
        assert_eq!(resolved.as_json(), json.as_bytes());
        assert_eq!(resolved.to_plain().as_slice(), plain.as_bytes());
    }
}

#[tokio::test]
async fn a_project_is_a_namespace() {
    let world = world();
    let other = "1b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f";
    let paths = [
        AGENT.to_owned(),
        format!("{AGENT}?projectId={PROJECT}"),
        format!("{AGENT}?projectId={other}"),
    ];
    let mut references = Vec::new();
    for (index, path) in paths.iter().enumerate() {
        let body = format!(r#"{{"secret":{{"name":"n","value":{{"from":{index}}}}}}}"#);
        references.push(create(&world, path, body).await);
    }
    for (index, reference) in references.iter().enumerate() {
        let resolved = world.resolver.resolve(reference).await.unwrap();
        assert_eq!(
            resolved.as_json(),
            format!("{{\"from\":{index}}}").as_bytes()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_requests_for_one_name_one_wins() {
    let world = world();
    for round in 0..20 {
        let body = |who| format!(r#"{{"secret":{{"name":"n{round}","value":{{"who":{who}}}}}}}"#);
        let (a, b) = tokio::join!(
            tokio::spawn(send(&world, body(1))),
            tokio::spawn(send(&world, body(2)))
        );
        let mut statuses = [a.unwrap(), b.unwrap()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
    }
}

fn send(world: &World, body: String) -> impl Future<Output = u16> + use<> {
    use tower::ServiceExt as _;
    let (router, request) = (world.router.clone(), world.request(AGENT, body));
    async move { router.oneshot(request).await.unwrap().status().as_u16() }
}

#[tokio::test]
async fn the_largest_request_that_is_allowed_goes_through() {
    let world = world();
    let value = format!("{{\"p\":\"{}\"}}", "x".repeat(MAX_VALUE - 8));
    assert_eq!(value.len(), MAX_VALUE);
    let body = format!(
        r#"{{"secret":{{"name":"{}","value":{value}}}}}"#,
        "n".repeat(512)
    );
    let body = format!("{body}{}", " ".repeat(MAX_BODY - body.len()));
    create(&world, AGENT, body).await;
}

#[tokio::test]
async fn references_that_lead_nowhere_say_so() {
    let world = world();
    create(&world, AGENT, GOOD.to_owned()).await;
    let resolve = |reference: &'static str| world.resolver.resolve(reference);
    assert!(matches!(
        resolve("secret:nothing").await,
        Err(ResolveError::Vault(FetchError::NotFound))
    ));
    assert!(matches!(
        resolve("secret:my-secret#user").await,
        Err(ResolveError::NoSuchProperty)
    ));
    assert!(matches!(
        resolve("secret:my-secret#").await,
        Err(ResolveError::Reference(_))
    ));
    assert!(matches!(
        resolve("secret:..").await,
        Err(ResolveError::Name(_))
    ));
    assert!(matches!(
        resolve("password").await,
        Err(ResolveError::Reference(_))
    ));
}

#[tokio::test]
async fn a_request_id_of_the_callers_binds_nothing() {
    let world = world();
    // Every request of these tests has the same id; the second is another operation all the same.
    assert_eq!(world.post(AGENT, GOOD).await.status, 201);
    assert_eq!(world.post(AGENT, GOOD).await.status, 409);
}

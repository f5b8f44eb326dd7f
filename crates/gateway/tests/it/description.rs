//! The interface's description: the given one, what is ours marked, and the same in both forms.

use std::collections::BTreeSet;

use axum::{body::Body, http::Request};
use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::{Answer, REQUEST_ID, World, short_limits, world, world_of};

const GIVEN: &str = include_str!("../../openapi/given.yaml");
const YAML: &str = include_str!("../../openapi/openapi.yaml");
const JSON: &str = include_str!("../../openapi/openapi.json");

const MARK: &str = "x-sealpost-extension";

fn parse(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap()
}

/// What is left without the things that are marked, and without what then is empty.
fn strip(value: &mut Value) {
    match value {
        Value::Object(members) => members.retain(|_, member| !is_ours(member)),
        Value::Array(items) => items.retain_mut(|item| !is_ours(item)),
        _ => {}
    }
}

fn is_ours(value: &mut Value) -> bool {
    let was_empty = is_empty(value);
    let marked = value.get(MARK) == Some(&Value::Bool(true));
    strip(value);
    marked || (is_empty(value) && !was_empty)
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
        || value.as_array().is_some_and(Vec::is_empty)
}

#[test]
fn what_is_given_is_unchanged() {
    // Nothing but lines inserted …
    let mut ours = YAML.lines();
    for line in GIVEN.lines() {
        assert!(ours.any(|our| our == line), "changed or moved: {line}");
    }
    // … that all belong to things that are marked.
    let mut ours = parse(YAML);
    assert_ne!(ours, parse(GIVEN));
    strip(&mut ours);
    assert_eq!(ours, parse(GIVEN));
}

#[test]
fn an_unmarked_addition_would_be_seen() {
    let mut ours = parse(YAML);
    ours["paths"]["/v1/more"] = serde_json::json!({"get": {}});
    strip(&mut ours);
    assert_ne!(ours, parse(GIVEN));
}

/// `python3 -c 'import json,sys,yaml; json.dump(yaml.safe_load(sys.stdin),sys.stdout,indent=2,ensure_ascii=False); print()'`
/// makes the one from the other.
#[test]
fn both_forms_say_the_same() {
    let json: Value = serde_json::from_str(JSON).unwrap();
    assert_eq!(parse(YAML), json);
}

async fn get(world: &World, path: &str) -> Answer {
    let request = Request::get(path).header("x-request-id", REQUEST_ID);
    world.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn it_is_served() {
    let world = world();
    let yaml = get(&world, "/openapi.yaml").await;
    assert_eq!(yaml.body, YAML);
    let json = get(&world, "/openapi.json").await;
    assert_eq!(json.body, JSON);
    let heads = [yaml, json].map(|mut answer| {
        assert_eq!(
            answer.headers["content-length"],
            answer.body.len().to_string()
        );
        answer.headers.remove("content-length");
        answer.body.clear();
        answer.to_string()
    });
    assert_snapshot!(heads.join(""), @r##"
    200 OK
    cache-control: no-store
    content-type: application/yaml
    x-content-type-options: nosniff
    x-request-id: test-request-1

    200 OK
    cache-control: no-store
    content-type: application/json
    x-content-type-options: nosniff
    x-request-id: test-request-1
    "##);
}

#[tokio::test]
async fn it_is_served_under_the_base_path_and_says_so() {
    let world = world_of(short_limits(), |gateway| {
        gateway.with_base_path("/dpc".parse().unwrap())
    });
    let server = |description: &Value| description["servers"][0]["url"].clone();
    let yaml = get(&world, "/dpc/openapi.yaml").await;
    assert_eq!(server(&parse(&yaml.body)), "/dpc");
    let json = get(&world, "/dpc/openapi.json").await;
    assert_eq!(server(&json.json()), "/dpc");

    let mut request = world.request(crate::harness::AGENT, crate::harness::GOOD);
    *request.uri_mut() = format!("/dpc{}", request.uri()).parse().unwrap();
    assert_eq!(world.send(request).await.status, 201);
    for path in ["/openapi.yaml", "/dpc", "/dpc/", "/dpcx/openapi.yaml"] {
        let answer = get(&world, path).await;
        assert_eq!(answer.problem(), "not-found", "{path}");
        assert_eq!(
            answer.json()["detail"],
            "/dpc/openapi.yaml lists the routes."
        );
    }
}

#[tokio::test]
async fn every_route_of_it_exists_and_every_status_is_in_it() {
    let description = parse(YAML);
    let world = world();
    for (path, item) in description["paths"].as_object().unwrap() {
        let path = path.replace("{agentId}", crate::harness::AGENT);
        let answer = get(&world, &path).await;
        assert_ne!(answer.status, 404, "{path}");
        assert_eq!(answer.status == 405, item.get("get").is_none(), "{path}");
    }
    let operation = &description["paths"]["/v1/secrets/{agentId}/secret-value"]["post"];
    let described: BTreeSet<u16> = operation["responses"]
        .as_object()
        .unwrap()
        .keys()
        .map(|status| status.parse().unwrap())
        .collect();
    // 404 and 405 are not answers of an operation.
    let answered: BTreeSet<u16> = sealpost_gateway::ProblemType::ALL
        .map(sealpost_gateway::ProblemType::status)
        .into_iter()
        .filter(|status| ![404, 405].contains(status))
        .chain([201])
        .collect();
    assert_eq!(described, answered);
}

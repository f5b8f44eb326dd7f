//! Every kind of answer, to the byte: status, headers, body.

use axum::{
    body::Body,
    http::{Method, Request},
};
use insta::assert_snapshot;
use sealpost_gateway::ProblemType;

use crate::harness::{AGENT, GOOD, OFFLINE, PROJECT, REQUEST_ID, SILENT, world};

#[tokio::test]
async fn created() {
    assert_snapshot!(world().post(AGENT, GOOD).await, @r##"
    201 Created
    cache-control: no-store
    content-length: 74
    content-type: application/json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"resolver_ref":"secret:my-secret#password","vaultSecretName":"my-secret"}
    "##);
}

#[tokio::test]
async fn created_in_a_project_as_a_whole_object() {
    let body = r#"{"secret":{"name":"a/b c","value":{"x":1}}}"#;
    assert_snapshot!(world().post(&format!("{AGENT}?projectId={PROJECT}"), body).await, @r##"
    201 Created
    cache-control: no-store
    content-length: 193
    content-type: application/json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"resolver_ref":"secret:p0b9c4f6e7d1a4a528f371a2b3c4d5e6f-a-b-c-xoi22di7n43w5z4tagp5pe7icylqvaexk","vaultSecretName":"p0b9c4f6e7d1a4a528f371a2b3c4d5e6f-a-b-c-xoi22di7n43w5z4tagp5pe7icylqvaexk"}
    "##);
}

#[tokio::test]
async fn several_violations_in_order() {
    let body = r#"{"secret":{"name":"","key":"","value":[]}}"#;
    let answer = world().post("not+an+agent?projectId=nonsense", body).await;
    assert_snapshot!(answer, @r##"
    400 Bad Request
    cache-control: no-store
    content-length: 609
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:invalid-request","title":"The request breaks rules","status":400,"detail":"There are 5 violations: fix them and resend the request.","instance":"urn:sealpost:request:test-request-1","violations":["agentId: must be 1 to 64 ASCII letters, digits, `_` or `-`; give the id that the agent has","projectId: must be a UUID with hyphens, such as 123e4567-e89b-12d3-a456-426614174000","#/secret/name: is empty; give 1 to 512 bytes","#/secret/key: is empty; give 1 to 256 bytes","#/secret/value: must be a JSON object, but an array was sent; put it into one, such as {\"password\": …}"]}
    "##);
}

#[tokio::test]
async fn malformed_json() {
    assert_snapshot!(world().post(AGENT, r#"{"secret":{"name":null,"#).await, @r##"
    400 Bad Request
    cache-control: no-store
    content-length: 417
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:malformed-json","title":"The body is not valid JSON","status":400,"detail":"There are 2 violations: fix them and resend the request.","instance":"urn:sealpost:request:test-request-1","violations":["#/secret/name: must be a string, but null was sent; write the secret's name in double quotes","#/secret: not valid JSON at byte 23, where it ends: expected a member name in double quotes"]}
    "##);
}

#[tokio::test]
async fn a_bad_parameter_alone() {
    assert_snapshot!(world().post(&format!("{AGENT}?projectId=1"), GOOD).await, @r##"
    400 Bad Request
    cache-control: no-store
    content-length: 345
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:invalid-parameter","title":"A parameter in the path, the query or a header is wrong","status":400,"detail":"There is one violation: fix it and resend the request.","instance":"urn:sealpost:request:test-request-1","violations":["projectId: must be a UUID with hyphens, such as 123e4567-e89b-12d3-a456-426614174000"]}
    "##);
}

#[tokio::test]
async fn too_large() {
    assert_snapshot!(world().post(AGENT, vec![b'['; 1 << 20]).await, @r##"
    400 Bad Request
    cache-control: no-store
    content-length: 283
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:too-large","title":"The request is too large","status":400,"detail":"There is one violation: fix it and resend the request.","instance":"urn:sealpost:request:test-request-1","violations":["#: the body is larger than 131072 bytes; send a smaller value"]}
    "##);
}

#[tokio::test]
async fn wrong_media_type() {
    let world = world();
    let mut request = world.request(AGENT, GOOD);
    request
        .headers_mut()
        .insert("content-type", "text/plain".parse().unwrap());
    assert_snapshot!(world.send(request).await, @r##"
    400 Bad Request
    cache-control: no-store
    content-length: 423
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:unsupported-media-type","title":"The body is of a type that is not read here","status":400,"detail":"There is one violation: fix it and resend the request.","instance":"urn:sealpost:request:test-request-1","violations":["Content-Type: must be application/json, once, without another charset than utf-8; or for a sealed value application/jose, application/jose+json or application/pkcs7-mime"]}
    "##);
}

#[tokio::test]
async fn unknown_agent() {
    assert_snapshot!(world().post("nobody", GOOD).await, @r##"
    400 Bad Request
    cache-control: no-store
    content-length: 311
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:unknown-agent","title":"There is no such agent","status":400,"detail":"There is one violation: fix it and resend the request.","instance":"urn:sealpost:request:test-request-1","violations":["agentId: there is no such agent here; compare it with the id that its operator gave you"]}
    "##);
}

/// [G1]: of each request, and not when the channel is opened.
#[tokio::test]
async fn certificate_expires_mid_channel() {
    let mut world = world();
    let not_after = 4_948_987_672;
    world.issuer.now = not_after - 10;
    world.clock.set(not_after - 10);
    assert_eq!(world.post(AGENT, GOOD).await.status, 201);
    world.clock.set(not_after + 1);
    let answer = world.post(AGENT, GOOD.replace("my-secret", "other")).await;
    assert_eq!(answer.problem(), "certificate-expired");
}

#[tokio::test]
async fn expired_certificate() {
    let mut world = world();
    // The certificates of the tests are good until 2126.
    world.issuer.now = 5_000_000_000;
    world.clock.set(5_000_000_000);
    assert_snapshot!(world.post(AGENT, GOOD).await, @r##"
    400 Bad Request
    cache-control: no-store
    content-length: 343
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:certificate-expired","title":"The agent's certificate is not valid now","status":400,"detail":"There is one violation: fix it and resend the request.","instance":"urn:sealpost:request:test-request-1","violations":["agentId: the certificate expired 51012328 seconds ago: ask the agent's operator for the new one"]}
    "##);
}

#[tokio::test]
async fn forbidden() {
    let world = world();
    let mut request = world.request(AGENT, GOOD);
    request.headers_mut().remove("authorization");
    assert_snapshot!(world.send(request).await, @r##"
    403 Forbidden
    cache-control: no-store
    content-length: 303
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:forbidden","title":"The token does not permit this","status":403,"detail":"Send a bearer token that is valid now, has the scope secrets:write, and permits this agent and project. The gateway's log says what this one lacks.","instance":"urn:sealpost:request:test-request-1"}
    "##);
}

#[tokio::test]
async fn the_name_is_taken() {
    let world = world();
    assert_eq!(world.post(AGENT, GOOD).await.status, 201);
    assert_snapshot!(world.post(AGENT, GOOD).await, @r##"
    409 Conflict
    cache-control: no-store
    content-length: 267
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:secret-exists","title":"The secret exists already","status":409,"detail":"What is stored under this name was left as it is. Choose another name, or delete that secret in the vault first.","instance":"urn:sealpost:request:test-request-1"}
    "##);
}

#[tokio::test]
async fn the_agent_is_offline() {
    assert_snapshot!(world().post(OFFLINE, GOOD).await, @r##"
    504 Gateway Timeout
    cache-control: no-store
    content-length: 242
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:agent-offline","title":"The agent is not connected","status":504,"detail":"The agent is not connected, and nothing was stored. Send the request again when it is.","instance":"urn:sealpost:request:test-request-1"}
    "##);
}

#[tokio::test(start_paused = true)]
async fn the_agent_does_not_answer() {
    assert_snapshot!(world().post(SILENT, GOOD).await, @r##"
    504 Gateway Timeout
    cache-control: no-store
    content-length: 361
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:agent-timeout","title":"The agent did not answer in time","status":504,"detail":"The agent did not answer in time. The secret may be stored or not: send the request again. With the same Idempotency-Key it happens once; without one, a 409 may mean that the first attempt succeeded.","instance":"urn:sealpost:request:test-request-1"}
    "##);
}

#[tokio::test]
async fn no_such_route() {
    let request = Request::builder()
        .uri("/v1/elsewhere")
        .header("x-request-id", REQUEST_ID)
        .body(Body::empty())
        .unwrap();
    assert_snapshot!(world().send(request).await, @r##"
    404 Not Found
    cache-control: no-store
    content-length: 179
    content-type: application/problem+json
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"type":"urn:sealpost:problem:not-found","title":"There is no such route","status":404,"detail":"/openapi.yaml lists the routes.","instance":"urn:sealpost:request:test-request-1"}
    "##);
}

#[tokio::test]
async fn no_such_method() {
    for method in [
        Method::GET,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::PATCH,
    ] {
        let world = world();
        let mut request = world.request(AGENT, GOOD);
        *request.method_mut() = method.clone();
        let answer = world.send(request).await;
        assert_eq!(answer.problem(), "method-not-allowed", "{method}");
        if method == Method::GET {
            assert_snapshot!(answer, @r##"
            405 Method Not Allowed
            allow: POST
            cache-control: no-store
            content-length: 217
            content-type: application/problem+json
            x-content-type-options: nosniff
            x-request-id: test-request-1

            {"type":"urn:sealpost:problem:method-not-allowed","title":"The route has no such method","status":405,"detail":"The header Allow names the methods that the route has.","instance":"urn:sealpost:request:test-request-1"}
            "##);
        }
    }
}

#[test]
fn the_documentation_has_the_table_of_problem_types() {
    let page = include_str!("../../../../docs/API.md");
    let (_, table) = page.split_once("| type | status |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let rows: Vec<_> = table
        .lines()
        .skip(2)
        .map(|row| {
            let mut cells = row.split('|').map(str::trim).skip(1);
            let name = cells.next().unwrap().trim_matches('`').to_owned();
            (name, cells.next().unwrap().parse().unwrap())
        })
        .collect();
    let table: Vec<(String, u16)> = ProblemType::ALL
        .map(|problem| (problem.name().to_owned(), problem.status()))
        .into();
    assert_eq!(rows, table);
}

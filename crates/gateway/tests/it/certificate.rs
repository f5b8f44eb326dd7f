//! `GET /v1/agents/{agentId}/certificate`.

use axum::{
    body::Body,
    http::{Method, Request},
};
use insta::assert_snapshot;
use sealpost_envelope::Certificate;

use crate::harness::{AGENT, Answer, CERTIFICATE, REQUEST_ID, World, world};

impl World {
    async fn certificate(&self, agent: &str, accept: &[&str], token: Option<&str>) -> Answer {
        let mut request = Request::builder()
            .uri(format!("/v1/agents/{agent}/certificate"))
            .header("x-request-id", REQUEST_ID);
        for accept in accept {
            request = request.header("accept", *accept);
        }
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }
}

#[tokio::test]
async fn pem_for_everybody() {
    let world = world();
    let token = world.issuer.token();
    let answer = world.certificate(AGENT, &[], Some(&token)).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(
        answer.headers["content-type"],
        "application/pem-certificate-chain"
    );
    assert_eq!(answer.headers["vary"], "Accept");
    assert_eq!(answer.body.as_bytes(), CERTIFICATE);
    let same = world.certificate(AGENT, &["*/*"], Some(&token)).await;
    assert_eq!(same.to_string(), answer.to_string());
}

#[tokio::test]
async fn json_for_those_who_ask() {
    let world = world();
    let token = world.issuer.token();
    let mut answer = world
        .certificate(AGENT, &["application/json"], Some(&token))
        .await;
    let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
    let json = answer.json();
    assert_eq!(json["fingerprint"], certificate.fingerprint().to_string());
    assert_eq!(json["pem"].as_str().unwrap().as_bytes(), CERTIFICATE);
    // The PEM is long, and compared above.
    let pem = serde_json::to_string(&json["pem"]).unwrap();
    answer.body = answer.body.replace(&pem, "\"…\"");
    assert_snapshot!(answer, @r##"
    200 OK
    cache-control: no-store
    content-length: 1486
    content-type: application/json
    vary: Accept
    x-content-type-options: nosniff
    x-request-id: test-request-1

    {"agent_id":"a2048","fingerprint":"8cd9444f100b10b843e3dc93fbd36e14bf9a20a7dc910c5b30afa9cbd18995fe","x5t#S256":"jNlETxALELhD49yT-9NuFL-aIKfckQxbMK-py9GJlf4","kid":"v8rTAlg6XUMUyKHuAtrIqHq05_xZ7WNDLLWOGza-t9A","not_before":"2026-11-22T22:47:52Z","not_after":"2126-10-29T22:47:52Z","pem":"…"}
    "##);
}

#[tokio::test]
async fn as_for_writing() {
    let world = world();
    let reading = world
        .issuer
        .token_with(|_, claims| claims["scope"] = "secrets:read".into());
    let elsewhere = world
        .issuer
        .token_with(|_, claims| claims["sealpost_agents"] = ["another"].as_slice().into());
    for token in [None, Some(reading.as_str()), Some(elsewhere.as_str())] {
        for agent in [AGENT, "nobody", "not+an+agent"] {
            let answer = world.certificate(agent, &[], token).await;
            assert_eq!(answer.status, 403, "{agent}: {answer}");
        }
    }
    let token = world.issuer.token();
    let unknown = world.certificate("nobody", &[], Some(&token)).await;
    assert_eq!(unknown.problem(), "unknown-agent");
    let wrong = world.certificate("not+an+agent", &[], Some(&token)).await;
    assert_eq!(wrong.problem(), "invalid-parameter");
    assert_eq!(wrong.violations().len(), 1, "{wrong}");
}

#[tokio::test]
async fn a_caller_limited_to_a_project_must_name_it() {
    let world = world();
    let project = crate::harness::PROJECT;
    let limited = world
        .issuer
        .token_with(|_, claims| claims["sealpost_projects"] = [project].as_slice().into());
    assert_eq!(
        world.certificate(AGENT, &[], Some(&limited)).await.status,
        403
    );
    let request = Request::builder()
        .uri(format!(
            "/v1/agents/{AGENT}/certificate?projectId={project}"
        ))
        .header("authorization", format!("Bearer {limited}"))
        .body(Body::empty())
        .unwrap();
    assert_eq!(world.send(request).await.status, 200);
}

#[tokio::test]
async fn it_is_only_read() {
    let world = world();
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("/v1/agents/{AGENT}/certificate"))
        .body(Body::empty())
        .unwrap();
    let answer = world.send(request).await;
    assert_eq!(answer.status, 405, "{answer}");
    assert_eq!(answer.headers["allow"], "GET,HEAD");
}

//! What is no ordinary request: methods, paths and framing, over real sockets.
//!
//! What the HTTP library refuses before the gateway sees it has no body; `docs/API.md` lists it. Everything
//! else is answered with a problem.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Method, Request, Uri},
};
use sealpost_gateway::{Listener, Metrics, serve};
use tokio::{net::TcpListener, time::Instant};

use crate::{
    harness::{AGENT, GOOD, REQUEST_ID, World, short_limits, world, world_of},
    sockets::{raw, start, start_counted},
};

/// What came back: the status, the type of the body, and the problem's name.
#[derive(Debug, Eq, PartialEq)]
struct Seen {
    status: String,
    media_type: Option<String>,
    problem: Option<String>,
    body: String,
}

fn seen(answer: &str) -> Seen {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let mut lines = head.lines();
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    };
    let problem = serde_json::from_str(body)
        .ok()
        .and_then(|json: serde_json::Value| {
            let urn = json["type"].as_str()?;
            assert_eq!(json["status"].to_string(), head.get(9..12).unwrap());
            for member in ["title", "detail", "instance"] {
                assert!(
                    json[member].as_str().is_some_and(|text| !text.is_empty()),
                    "{body}"
                );
            }
            urn.strip_prefix("urn:sealpost:problem:").map(str::to_owned)
        });
    Seen {
        status: lines
            .next()
            .unwrap_or_default()
            .get(9..12)
            .unwrap_or_default()
            .to_owned(),
        media_type: header("content-type"),
        problem,
        body: body.to_owned(),
    }
}

#[tokio::test]
async fn every_method_is_answered() {
    let world = world();
    for (method, status) in [
        (Method::HEAD, 405),
        (Method::OPTIONS, 405),
        (Method::TRACE, 405),
        (Method::CONNECT, 405),
        (Method::from_bytes(b"PURGE").unwrap(), 405),
    ] {
        let mut request = world.request(AGENT, GOOD);
        *request.method_mut() = method.clone();
        let answer = world.send(request).await;
        assert_eq!(answer.status, status, "{method}");
        assert_eq!(answer.headers["allow"], "POST", "{method}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        if method != Method::HEAD {
            assert_eq!(answer.problem(), "method-not-allowed", "{method}");
        }
    }
    let request = Request::post("/openapi.yaml").body(Body::empty()).unwrap();
    let answer = world.send(request).await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_str()),
        (405, "method-not-allowed")
    );
    assert_eq!(answer.headers["allow"], "GET,HEAD");
}

#[tokio::test]
async fn every_path_is_answered() {
    let world = world();
    for path in [
        "/",
        "//",
        "*",
        "/v1",
        "/v1/secrets",
        "/v1/secrets/a/secret-value/",
        "/v1/secrets/a/b/secret-value",
        "/V1/secrets/a/secret-value",
        "/v1/secrets/a/secret-value%20",
        "/%",
        "/%zz",
        "/%00",
        "/%FF",
        "/..",
        "/v1/../v1/secrets/a/secret-value",
        "http://elsewhere.example/",
    ] {
        let request =
            Request::post(path.parse::<Uri>().unwrap()).header("x-request-id", REQUEST_ID);
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (404, "not-found"),
            "{path}"
        );
    }
    for agent in [
        "", "%", "%zz", "%FF", "%00", "%c3%28", "a%2fb", "%2e%2e", "a%", "..", "~",
    ] {
        let answer = world.post(agent, GOOD).await;
        assert_eq!(answer.problem(), "invalid-parameter", "{agent}: {answer}");
        assert!(answer.violations()[0].starts_with("agentId: "), "{agent}");
    }
    for query in [
        "projectId=%",
        "projectId=%zz",
        "projectId=%ff",
        "projectId=%00",
        "projectId",
    ] {
        let answer = world.post(&format!("{AGENT}?{query}"), GOOD).await;
        assert_eq!(answer.problem(), "invalid-parameter", "{query}: {answer}");
        assert!(answer.violations()[0].starts_with("projectId: "), "{query}");
    }
    // What is not known is passed over, however it is written.
    let answer = world.post(&format!("{AGENT}?%=%&%zz=%ff&&=&a"), GOOD).await;
    assert_eq!(answer.status, 201, "{answer}");
}

#[tokio::test]
async fn framing_that_is_odd_but_clear_is_answered_with_a_problem() {
    let server = start(world()).await;
    let length = GOOD.len();
    let chunked = format!("{length:x}\r\n{GOOD}\r\n0\r\n\r\n");
    let close = "Connection: close\r\n";
    let cases: [(&str, String, String, &str, Option<&str>); 10] = [
        (
            "a length",
            format!("Content-Length: {length}\r\n"),
            GOOD.into(),
            "201",
            None,
        ),
        (
            "chunks",
            "Transfer-Encoding: chunked\r\n".into(),
            chunked.clone(),
            "201",
            None,
        ),
        (
            "chunks with an extension and a trailer",
            "Transfer-Encoding: chunked\r\n".into(),
            format!("{length:x};a=b\r\n{GOOD}\r\n0\r\nX-A: b\r\n\r\n"),
            "201",
            None,
        ),
        (
            "no body",
            String::new(),
            String::new(),
            "400",
            Some("malformed-json"),
        ),
        (
            "a length of none",
            "Content-Length: 0\r\n".into(),
            String::new(),
            "400",
            Some("malformed-json"),
        ),
        (
            "a coding before the chunks",
            "Transfer-Encoding: gzip, chunked\r\n".into(),
            chunked.clone(),
            "400",
            Some("unsupported-media-type"),
        ),
        (
            "a compressed body",
            format!("Content-Encoding: gzip\r\nContent-Length: {length}\r\n"),
            GOOD.into(),
            "400",
            Some("unsupported-media-type"),
        ),
        (
            "a length beyond all",
            "Content-Length: 9223372036854775807\r\n".into(),
            String::new(),
            "400",
            Some("too-large"),
        ),
        (
            "another expectation",
            format!("Expect: a-miracle\r\nContent-Length: {length}\r\n"),
            GOOD.into(),
            "201",
            None,
        ),
        (
            "chunks that break off",
            "Transfer-Encoding: chunked\r\n".into(),
            "5\r\n{".into(),
            "400",
            Some("body-timeout"),
        ),
    ];
    for (index, (what, headers, body, status, problem)) in cases.into_iter().enumerate() {
        let head = server.head(AGENT, &format!("{headers}{close}"));
        let body = body.replace("my-secret", &format!("my-{index:06}"));
        let seen = seen(&server.raw(&[head.as_bytes(), body.as_bytes()]).await);
        assert_eq!(seen.status, status, "{what}: {seen:?}");
        assert_eq!(seen.problem.as_deref(), problem, "{what}: {seen:?}");
    }
}

/// RFC 9112 §3.2.
#[tokio::test]
async fn http_1_1_without_a_host_is_a_400_and_so_are_two_or_an_invalid_one() {
    let metrics = Arc::new(Metrics::new());
    let world = world_of(short_limits(), |gateway| {
        gateway.with_metrics(metrics.clone())
    });
    let operations = serve_operations(&world).await;
    let server = start_counted(world, Some(metrics.clone())).await;
    let refused = [
        ("1.1", ""),
        ("1.1", "Host: x\r\nHost: x\r\n"),
        ("1.1", "Host: x\r\nhost: y\r\n"),
        ("1.1", "Host: a b\r\n"),
        ("1.1", "Host: u@x\r\n"),
        ("1.1", "Host: http://x\r\n"),
        ("1.1", "Host: x:y\r\n"),
        ("1.1", "Host: [::1\r\n"),
        ("1.0", "Host: x\r\nHost: x\r\n"),
        ("1.0", "Host: a/b\r\n"),
    ];
    for (version, hosts) in refused {
        for target in [
            "/openapi.json",
            "http://x/openapi.json",
            "/v1/secrets/a/secret-value",
        ] {
            let head =
                format!("GET {target} HTTP/{version}\r\n{hosts}X-Request-Id: request-1\r\n\r\n");
            let started = Instant::now();
            let answer = server.raw(&[head.as_bytes()]).await;
            assert!(started.elapsed() < Duration::from_secs(2), "closed");
            let seen = seen(&answer);
            assert_eq!(seen.status, "400", "{head}");
            assert_eq!(seen.problem.as_deref(), Some("invalid-parameter"), "{head}");
            assert_eq!(seen.media_type.as_deref(), Some("application/problem+json"));
            assert!(seen.body.contains(r#""violations":["Host: "#), "{seen:?}");
            for header in [
                "x-request-id: request-1",
                "cache-control: no-store",
                "connection: close",
            ] {
                assert!(answer.contains(header), "{answer}");
            }
        }
        let head = format!("GET /healthz HTTP/{version}\r\n{hosts}\r\n");
        let seen = seen(&raw(operations, head.as_bytes()).await);
        assert_eq!(seen.problem.as_deref(), Some("invalid-parameter"), "{head}");
    }
    let counted = r#"sealpost_requests_total{status="400",outcome="invalid-parameter"} 30"#;
    let text = metrics.encode().unwrap();
    assert!(text.contains(counted), "{text}");
    // Nothing of a body is stored, and however long it is, the answer arrives.
    let head = server.head(AGENT, "Content-Length: 1000000\r\n");
    let head = head.replace("Host: x\r\n", "");
    let answer = server.raw(&[head.as_bytes(), &[b' '; 1_000_000]]).await;
    assert_eq!(seen(&answer).problem.as_deref(), Some("invalid-parameter"));

    let close = "Connection: close\r\n";
    for (version, host) in [
        ("1.0", ""),
        ("1.0", "Host: x\r\n"),
        ("1.1", "Host:\r\n"),
        ("1.1", "Host: gateway.example:8443\r\n"),
        ("1.1", "hOST: [::1]:8443\r\n"),
    ] {
        let head = |path| format!("GET {path} HTTP/{version}\r\n{host}{close}\r\n");
        let answer = server.raw(&[head("/openapi.json").as_bytes()]).await;
        assert_eq!(seen(&answer).status, "200", "{host}");
        let answer = raw(operations, head("/healthz").as_bytes()).await;
        assert_eq!(seen(&answer).status, "200", "{host}");
    }
}

async fn serve_operations(world: &World) -> SocketAddr {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let listener = Listener::plain(tcp).unwrap();
    let router = world.operations.clone();
    tokio::spawn(serve(
        listener,
        router,
        world.limits,
        std::future::pending(),
    ));
    address
}

/// The second column of a table in `docs/API.md`.
#[tokio::test]
async fn what_the_library_refuses_has_no_body() {
    let server = start(world()).await;
    let with = |headers: &str| server.head(AGENT, headers);
    let many: String = (0..100).map(|n| format!("X-{n}: x\r\n")).collect();
    let cases = [
        ("no HTTP", "what is this\r\n\r\n".to_owned(), "400"),
        ("a version", "GET / HTTP/3.1\r\n\r\n".into(), "400"),
        (
            "a control character in the path",
            "GET /\u{1} HTTP/1.1\r\n\r\n".into(),
            "400",
        ),
        ("a header without a colon", with("X\r\n"), "400"),
        ("a header with a blank name", with("X Y: z\r\n"), "400"),
        ("a folded header", with("X: y\r\n z\r\n"), "400"),
        ("a null byte in a header", with("X: \0\r\n"), "400"),
        (
            "two lengths",
            with("Content-Length: 1\r\nContent-Length: 2\r\n"),
            "400",
        ),
        ("a negative length", with("Content-Length: -1\r\n"), "400"),
        (
            "a length that is no number",
            with("Content-Length: 0x10\r\n"),
            "400",
        ),
        (
            "another transfer coding",
            with("Transfer-Encoding: gzip\r\n"),
            "400",
        ),
        (
            "chunks not last",
            with("Transfer-Encoding: chunked, gzip\r\n"),
            "400",
        ),
        (
            "TLS",
            "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}".into(),
            "400",
        ),
        (
            "a length beyond all numbers",
            with("Content-Length: 18446744073709551615\r\n"),
            "431",
        ),
        ("more than 100 headers", with(&many), "431"),
        (
            "headers of more than 160 KiB",
            with(&format!("X: {}\r\n", "x".repeat(160 * 1024))),
            "431",
        ),
        (
            "a path of more than 65,534 bytes",
            format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(65_534)),
            "414",
        ),
    ];
    let mut wrong = Vec::new();
    for (what, request, status) in cases {
        let seen = seen(&server.raw(&[request.as_bytes()]).await);
        if seen.status != status || !seen.body.is_empty() {
            wrong.push(format!("{what}: {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // HTTP/2 begins with what is no request of HTTP/1.1, and who speaks it expects no answer of that kind.
    let answer = server.raw(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]).await;
    assert_eq!(answer, "");
}

#[tokio::test]
async fn headers_just_within_the_limits_are_read() {
    let server = start(world()).await;
    let close = "Connection: close\r\nContent-Length: 0\r\n";
    // Six others are there.
    let many: String = (0..94).map(|n| format!("X-{n}: x\r\n")).collect();
    let large = "x".repeat(158 * 1024);
    for more in [
        many,
        format!("X: {large}\r\n"),
        format!("Authorization: Bearer {large}\r\n"),
    ] {
        let head = server.head(AGENT, &format!("{more}{close}"));
        let seen = seen(&server.raw(&[head.as_bytes()]).await);
        assert!(seen.problem.is_some(), "{seen:?}");
    }
    let path = format!(
        "GET /{} HTTP/1.1\r\nHost: x\r\n{close}\r\n",
        "x".repeat(65_000)
    );
    let seen = seen(&server.raw(&[path.as_bytes()]).await);
    assert_eq!(seen.problem.as_deref(), Some("not-found"));
}

/// Two ways to say where a body ends are the beginning of request smuggling (RFC 9112 §6.1, §11.2).
#[tokio::test]
async fn a_length_beside_chunks_ends_the_connection() {
    let server = start(world()).await;
    let chunk = format!("{:x}\r\n{GOOD}\r\n0\r\n\r\n", GOOD.len());
    let head = server.head(AGENT, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n");
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let started = Instant::now();
    let answer = server
        .raw(&[head.as_bytes(), chunk.as_bytes(), smuggled.as_bytes()])
        .await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert!(started.elapsed() < Duration::from_secs(2), "closed");
}

#[tokio::test]
async fn an_answer_to_head_has_no_body_on_the_wire() {
    let server = start(world()).await;
    let head = "HEAD /openapi.yaml HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = server.raw(&[head.as_bytes()]).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    let head = head.replace("/openapi.yaml", "/nowhere");
    let answer = server.raw(&[head.as_bytes()]).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    assert!(
        answer.contains("content-type: application/problem+json"),
        "{answer}"
    );
}

/// Many at once and one after the other: the gateway goes on.
#[tokio::test]
async fn nonsense_does_not_wear_it_out() {
    let server = start(world()).await;
    for round in 0..20_u8 {
        let junk: Vec<u8> = (0..64)
            .map(|n: u8| n.wrapping_mul(round).wrapping_add(round))
            .collect();
        let mut junk = junk;
        junk.extend_from_slice(b"\r\n\r\n");
        let _ = server.raw(&[&junk]).await;
    }
    let created = server
        .client()
        .create_secret(AGENT, None, &crate::sockets::secret("after"))
        .await;
    assert_eq!(created.unwrap().vault_secret_name, "after");
}

use std::{collections::HashSet, time::Duration};

use sealpost_client::{
    Client, ClientError, IdempotencyKey, ProblemType, problem::Retry, retry::RetryPolicy,
};
use tokio::{net::TcpListener, time::Instant};

use crate::server::{Act, Server, created, problem, problem_with, secret};

#[tokio::test]
async fn what_passes_is_tried_again_with_one_key_and_one_body() {
    let bad_gateway = || Act::Answer(502, "", "<html>".to_owned());
    let script = [
        Act::Drop,
        problem(504, "agent-offline"),
        bad_gateway(),
        Act::Cut,
        created(),
    ];
    let server = Server::start(script).await;
    let made = server
        .client()
        .create_secret("a", None, &secret())
        .await
        .unwrap();
    assert_eq!(made.resolver_ref, "secret:n#password");
    assert_eq!(made.vault_secret_name, "n");
    assert_eq!(made.request_id.as_deref(), Some("request-1"));

    let requests = server.requests();
    assert_eq!(requests.len(), 5);
    let distinct = |part: fn(&crate::server::Request) -> String| {
        requests.iter().map(part).collect::<HashSet<_>>()
    };
    assert_eq!(
        distinct(|r| r.header("idempotency-key").unwrap().to_owned()).len(),
        1
    );
    assert_eq!(
        distinct(|r| String::from_utf8(r.body.clone()).unwrap()).len(),
        1
    );
    assert_eq!(
        distinct(|r| r.header("authorization").unwrap().to_owned()).len(),
        1
    );
}

#[tokio::test]
async fn a_connection_that_is_closed_at_once_is_tried_again() {
    let server = Server::start([Act::Hang, Act::Hang, created()]).await;
    assert!(
        server
            .client()
            .create_secret("a", None, &secret())
            .await
            .is_ok()
    );
    assert_eq!((server.connections(), server.requests().len()), (3, 1));
}

#[tokio::test]
async fn every_call_has_a_key_of_its_own_unless_one_is_given() {
    let server = Server::start([created(), created(), created()]).await;
    let client = server.client();
    let given = IdempotencyKey::new("order-4711").unwrap();
    client.create_secret("a", None, &secret()).await.unwrap();
    client.create_secret("a", None, &secret()).await.unwrap();
    let with_key = secret().with_idempotency_key(given);
    client.create_secret("a", None, &with_key).await.unwrap();
    let keys: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.header("idempotency-key").unwrap().to_owned())
        .collect();
    assert_ne!(keys[0], keys[1]);
    assert_eq!(keys[0].len(), 34);
    assert_eq!(keys[2], "\"order-4711\"");
}

#[tokio::test]
async fn every_problem_type_is_final_or_retried_as_the_table_says() {
    for kind in ProblemType::ALL {
        let server = Server::start([problem(kind.status(), kind.name()), created()]).await;
        let result = server.client().create_secret("a", None, &secret()).await;
        match kind.retry() {
            Retry::Later => {
                assert!(result.is_ok(), "{kind:?}");
                assert_eq!(server.connections(), 2, "{kind:?}");
            }
            Retry::Never => {
                let error = result.unwrap_err();
                let may_have_been_created = error.may_have_been_created();
                assert_eq!(
                    may_have_been_created,
                    kind.may_have_been_stored(),
                    "{kind:?}"
                );
                let ClientError::Problem(problem) = error else {
                    panic!("{error}");
                };
                assert_eq!(problem.kind, Some(kind));
                assert_eq!(problem.status, kind.status());
                assert_eq!(server.connections(), 1, "{kind:?}");
            }
        }
    }
}

#[tokio::test]
async fn no_gateway_is_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let pauses = (Duration::from_millis(1), Duration::from_millis(2));
    let client = Client::builder(url)
        .retries(RetryPolicy::attempts(3).with_pauses(pauses.0, pauses.1))
        .build()
        .unwrap();
    let error = client
        .create_secret("a", None, &secret())
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Connect(_)), "{error}");
    assert!(!error.may_have_been_created());
}

#[tokio::test]
async fn silence_ends_an_attempt_and_then_the_call() {
    let server = Server::start([Act::Stall, created()]).await;
    let client = server
        .builder()
        .attempt_timeout(Duration::from_millis(150))
        .build()
        .unwrap();
    client.create_secret("a", None, &secret()).await.unwrap();
    assert_eq!(server.requests().len(), 2);

    let server = Server::start(vec![Act::Stall; 9]).await;
    let client = server
        .builder()
        .attempt_timeout(Duration::from_millis(100))
        .timeout(Duration::from_millis(350))
        .retries(RetryPolicy::attempts(99).with_pauses(Duration::ZERO, Duration::ZERO))
        .build()
        .unwrap();
    let start = Instant::now();
    let error = client
        .create_secret("a", None, &secret())
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Timeout), "{error}");
    assert!(error.may_have_been_created());
    assert!(
        start.elapsed() >= Duration::from_millis(300),
        "{:?}",
        start.elapsed()
    );
    assert!(
        (3..=4).contains(&server.connections()),
        "{}",
        server.connections()
    );
}

#[tokio::test]
async fn it_waits_as_long_as_the_gateway_says() {
    let limited = problem_with(504, "rate-limited", "retry-after: 1\r\n");
    let server = Server::start([limited.clone(), created()]).await;
    let start = Instant::now();
    server
        .client()
        .create_secret("a", None, &secret())
        .await
        .unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));

    let server = Server::start([limited, created()]).await;
    let client = server
        .builder()
        .timeout(Duration::from_millis(900))
        .build()
        .unwrap();
    let error = client
        .create_secret("a", None, &secret())
        .await
        .unwrap_err();
    let ClientError::Problem(problem) = error else {
        panic!("{error}");
    };
    assert_eq!(problem.kind, Some(ProblemType::RateLimited));
    assert_eq!(problem.retry_after, Some(Duration::from_secs(1)));
    assert_eq!(server.connections(), 1);
}

/// A proxy's own answers have no problem, or one of another kind.
#[tokio::test]
async fn it_waits_as_long_as_a_proxy_says_in_seconds_or_as_a_date() {
    let forms = [
        "retry-after: 1\r\n",
        "date: Fri, 27 Nov 2026 22:00:00 GMT\r\nretry-after: Fri, 27 Nov 2026 22:00:01 GMT\r\n",
        "date: Fri, 27 Nov 2026 22:00:00 GMT\r\nretry-after: Friday, 27-Nov-26 22:00:01 GMT\r\n",
        "date: Fri, 27 Nov 2026 22:00:00 GMT\r\nretry-after: Fri Nov 27 22:00:01 2026\r\n",
    ];
    let about_blank = r#"{"type":"about:blank","title":"Service Unavailable","status":503}"#;
    let mut tried = tokio::task::JoinSet::new();
    for (n, status) in [429, 502, 503, 504].into_iter().cycle().take(8).enumerate() {
        for form in forms {
            tried.spawn(async move {
                let body = if n < 4 { "<html>" } else { about_blank };
                let busy = Act::Answer(status, form, body.to_owned());
                let server = Server::start([busy.clone(), created()]).await;
                let start = Instant::now();
                let made = server.client().create_secret("a", None, &secret()).await;
                assert!(made.is_ok(), "{status} {form}");
                assert!(start.elapsed() >= Duration::from_secs(1), "{status} {form}");
                // Within the deadline: what would come too late is told at once.
                let server = Server::start([busy, created()]).await;
                let client = server.builder().timeout(Duration::from_millis(900));
                let start = Instant::now();
                let call = client.build().unwrap();
                let error = call.create_secret("a", None, &secret()).await.unwrap_err();
                assert!(start.elapsed() < Duration::from_millis(800), "{error}");
                let text = error.to_string();
                assert!(
                    text.contains("asks to wait 1 s, more than the 0 s left"),
                    "{text}"
                );
                assert_eq!(server.connections(), 1);
            });
        }
    }
    while let Some(done) = tried.join_next().await {
        done.unwrap();
    }
    // A number without sense is not repeated.
    for form in [
        "retry-after: 99999999999999999999999\r\n",
        "retry-after: 31536001\r\n",
    ] {
        let server = Server::start([Act::Answer(503, form, "busy".to_owned())]).await;
        let error = server.client().create_secret("a", None, &secret()).await;
        let text = error.unwrap_err().to_string();
        assert!(
            text.contains("it asks to wait longer than a year, more than the "),
            "{text}"
        );
    }
    // What is not read, or has passed, is no reason to wait or to fail.
    for form in [
        "retry-after: soon\r\n",
        "retry-after: Fri, 27 Nov 1998 22:00:00 GMT\r\n",
        "retry-after: \r\n",
    ] {
        let busy = Act::Answer(503, form, String::new());
        let server = Server::start([busy, created()]).await;
        let made = server.client().create_secret("a", None, &secret()).await;
        assert!(made.is_ok(), "{form}");
    }
    // And where the cause does not pass, no time is waited for.
    for status in [400, 403, 500] {
        let final_answer = Act::Answer(status, "retry-after: 0\r\n", String::new());
        let server = Server::start([final_answer, created()]).await;
        let refused = server.client().create_secret("a", None, &secret()).await;
        assert!(refused.is_err());
        assert_eq!(server.connections(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_409_after_a_lost_answer_says_so() {
    let server = Server::start([Act::Drop, problem(409, "secret-exists")]).await;
    let error = server
        .client()
        .create_secret("a", None, &secret())
        .await
        .unwrap_err();
    assert!(error.may_have_been_created());
    assert!(
        error
            .to_string()
            .contains("an earlier attempt of this call had no answer"),
        "{error}"
    );
    let server =
        Server::start([problem(504, "agent-offline"), problem(409, "secret-exists")]).await;
    let error = server
        .client()
        .create_secret("a", None, &secret())
        .await
        .unwrap_err();
    assert!(!error.may_have_been_created());
}

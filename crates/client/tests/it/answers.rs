use std::time::Duration;

use sealpost_client::{ClientError, retry::RetryPolicy};

use crate::server::{Act, Server, created, problem, secret};

async fn error(act: Act) -> (ClientError, Server) {
    let server = Server::start([act, created()]).await;
    let client = server
        .builder()
        .retries(RetryPolicy::never())
        .build()
        .unwrap();
    let error = client
        .create_secret("a", None, &secret())
        .await
        .unwrap_err();
    (error, server)
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = Act::Answer(status, "location: /elsewhere\r\n", String::new());
        let server = Server::start([elsewhere, created()]).await;
        let error = server
            .client()
            .create_secret("a", None, &secret())
            .await
            .unwrap_err();
        assert!(
            matches!(error, ClientError::Unexpected { status: s, .. } if s == status),
            "{error}"
        );
        assert!(!error.may_have_been_created());
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn a_success_that_is_none_of_ours_is_an_error() {
    let good = r#"{"resolver_ref":"secret:n","vaultSecretName":"n"}"#;
    for (status, body) in [
        (201, ""),
        (201, "{}"),
        (201, "<html>created</html>"),
        (201, r#"["secret:n"]"#),
        (201, r#"{"resolver_ref":"secret:n"}"#),
        (201, r#"{"resolver_ref":null,"vaultSecretName":"n"}"#),
        (201, r#"["secret:n","n"]"#),
        (201, r#"{"resolver_ref":"n","vaultSecretName":"n"}"#),
        (201, r#"{"resolver_ref":"","vaultSecretName":"n"}"#),
        (201, r#"{"resolver_ref":"secret:","vaultSecretName":""}"#),
        (201, r#"{"resolver_ref":"secret:n#","vaultSecretName":"n"}"#),
        (
            201,
            r#"{"resolver_ref":"secret:n b","vaultSecretName":"n b"}"#,
        ),
        (
            201,
            r#"{"resolver_ref":"secret:%6e","vaultSecretName":"n"}"#,
        ),
        (
            201,
            r#"{"resolver_ref":"secret:n\u001b[2J","vaultSecretName":"n"}"#,
        ),
        (201, r#"{"resolver_ref":"secret:n","vaultSecretName":"m"}"#),
        (
            201,
            r#"{"resolver_ref":"secret:n%1B","vaultSecretName":"n\u001b"}"#,
        ),
        (
            201,
            r#"{"resolver_ref":"secret:n","resolver_ref":"secret:n","vaultSecretName":"n"}"#,
        ),
        (
            201,
            r#"{"resolver_ref":"secret:n","vaultSecretName":"n"} x"#,
        ),
        (201, r#"{"resolver_ref":"https://n","vaultSecretName":"n"}"#),
        (200, good),
        (202, good),
        (204, ""),
    ] {
        let (error, _) = error(Act::Answer(status, "", body.to_owned())).await;
        assert!(
            matches!(error, ClientError::Unexpected { status: s, .. } if s == status),
            "{body}"
        );
        assert!(error.may_have_been_created(), "{status} {body}");
        let text = error.to_string();
        assert!(
            text.ends_with("; the secret may have been created"),
            "{text}"
        );
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}

#[tokio::test]
async fn a_success_of_another_content_type_is_an_error() {
    let body = r#"{"resolver_ref":"secret:n","vaultSecretName":"n"}"#.to_owned();
    for headers in [
        "content-type: text/html\r\n",
        "content-type: application/problem+json\r\n",
        "content-type: application/jsonp\r\n",
        "content-type: \r\n",
    ] {
        let (error, _) = error(Act::Answer(201, headers, body.clone())).await;
        assert!(
            matches!(error, ClientError::Unexpected { status: 201, .. }),
            "{headers}"
        );
        assert!(error.may_have_been_created());
    }
    for headers in [
        "",
        "content-type: application/json\r\n",
        "content-type: Application/JSON; charset=utf-8\r\n",
    ] {
        let server = Server::start([Act::Answer(201, headers, body.clone())]).await;
        let made = server.client().create_secret("a", None, &secret()).await;
        assert_eq!(made.unwrap().resolver_ref, "secret:n", "{headers}");
    }
}

#[tokio::test]
async fn an_error_that_is_no_problem_is_unexpected() {
    for (status, body) in [
        (400, "<html>"),
        (403, ""),
        (404, "[]"),
        (500, "null"),
        (404, r#"{"title":"x"}"#),
    ] {
        let (error, server) = error(Act::Answer(status, "", body.to_owned())).await;
        assert!(
            matches!(error, ClientError::Unexpected { status: s, .. } if s == status),
            "{error}"
        );
        assert_eq!(error.may_have_been_created(), status == 500);
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn an_answer_is_read_so_far_and_no_further() {
    for status in [201, 400] {
        let (error, server) = error(Act::Endless(status)).await;
        assert!(
            matches!(error, ClientError::Unexpected { status: s, .. } if s == status),
            "{error}"
        );
        // A megabyte was read; the rest is in the buffers of the kernel.
        assert!(server.written() < 32 << 20, "{}", server.written());
    }
    let (error, _) = error(Act::HugeHeader).await;
    assert!(matches!(error, ClientError::Connection(_)), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("the headers of the answer are longer"),
        "{text}"
    );
    assert!(!text.contains("message head"), "{text}");
}

#[tokio::test]
async fn an_answer_that_drips_ends_with_the_attempt() {
    let server = Server::start([Act::Drip]).await;
    let client = server
        .builder()
        .retries(RetryPolicy::never())
        .attempt_timeout(Duration::from_millis(150))
        .build()
        .unwrap();
    let error = client
        .create_secret("a", None, &secret())
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Timeout), "{error}");
}

#[tokio::test]
async fn a_problem_is_shown_whole() {
    let body = r#"{"type":"urn:sealpost:problem:invalid-request","title":"The request breaks rules","status":400,
        "detail":"There is one violation.","instance":"urn:x","violations":["/secret/name: \u001b[31mred"]}"#;
    let (error, _) = error(Act::Answer(400, "x-request-id: r-1\r\n", body.to_owned())).await;
    assert_eq!(
        error.to_string(),
        "The request breaks rules: There is one violation.\n  /secret/name: \u{fffd}[31mred\n  (request id r-1)"
    );
    let (error, _) = error_of_unknown_type().await;
    assert!(error.to_string().contains("T: D."), "{error}");
}

async fn error_of_unknown_type() -> (ClientError, Server) {
    error(problem(400, "of-tomorrow")).await
}

/// The secret that was asked for may have been created all the same.
#[tokio::test]
async fn a_success_for_another_secret_is_an_error_that_says_what_differs() {
    const PROJECT: &str = "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f";
    let scoped = format!("p{}-n", PROJECT.replace('-', ""));
    let other = scoped.replace("p0", "p1");
    for (project, name, key, words) in [
        (None, "m", Some("password"), "names \"m\""),
        (None, "n", Some("user"), "points to another property"),
        (
            None,
            scoped.as_str(),
            Some("password"),
            "which is not that of the secret",
        ),
        (Some(PROJECT), "n", Some("password"), "in its project"),
        (Some(PROJECT), &other, Some("password"), "in its project"),
    ] {
        let fragment = key.map_or(String::new(), |key| format!("#{key}"));
        let body =
            format!(r#"{{"resolver_ref":"secret:{name}{fragment}","vaultSecretName":"{name}"}}"#);
        let server = Server::start([Act::Answer(201, "", body)]).await;
        let call = server.client();
        let error = call
            .create_secret("a", project, &secret())
            .await
            .unwrap_err();
        assert!(matches!(error, ClientError::Misfit { .. }), "{error:?}");
        assert!(error.may_have_been_created());
        let text = error.to_string();
        assert!(
            text.contains(words) && text.ends_with("the secret may have been created"),
            "{text}"
        );
        assert_eq!(server.connections(), 1, "it is not tried again");
    }
    let body =
        format!(r#"{{"resolver_ref":"secret:{scoped}#password","vaultSecretName":"{scoped}"}}"#);
    let server = Server::start([Act::Answer(201, "", body)]).await;
    let made = server
        .client()
        .create_secret("a", Some(PROJECT), &secret())
        .await;
    assert_eq!(made.unwrap().vault_secret_name, scoped);
}

/// What the hint says must be in the error, too, for those who use the crate.
#[tokio::test]
async fn a_problem_of_unknown_type_says_whether_the_secret_may_have_been_created() {
    for (status, may) in [(500, true), (503, true), (400, false), (418, false)] {
        let server = Server::start([problem(status, "something-new")]).await;
        let client = server
            .builder()
            .retries(RetryPolicy::never())
            .build()
            .unwrap();
        let error = client
            .create_secret("a", None, &secret())
            .await
            .unwrap_err();
        assert_eq!(error.may_have_been_created(), may, "{status}");
        assert_eq!(
            error.to_string().contains("may have been created"),
            may,
            "{error}"
        );
    }
}

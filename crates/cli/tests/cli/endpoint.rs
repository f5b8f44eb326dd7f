use insta::assert_snapshot;

use super::server::Dev;

/// What a caller gets for each kind of bad input: the status and why.
#[test]
fn bad_input_is_told_which_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let dev = Dev::start(&folder.path().join("data"));
    let long_name = format!(
        r#"{{"secret":{{"name":"{}","value":{{}}}}}}"#,
        "n".repeat(513)
    );
    let brackets = "[".repeat(1 << 20);
    let bodies = [
        ("an empty body", ""),
        ("a brace", "{"),
        ("an array", "[]"),
        ("1 MiB of brackets", &brackets),
        (
            "secret twice",
            r#"{"secret":{"name":"a","value":{}},"secret":{"name":"b","value":{}}}"#,
        ),
        ("Secret for secret", r#"{"Secret":{"name":"a","value":{}}}"#),
        ("name is null", r#"{"secret":{"name":null,"value":{}}}"#),
        ("a name of 513 bytes", &long_name),
        (
            "a control character in the name",
            r#"{"secret":{"name":"a\u0007b","value":{}}}"#,
        ),
        (
            "an unpaired surrogate in the name",
            r#"{"secret":{"name":"a\ud800b","value":{}}}"#,
        ),
        ("no value", r#"{"secret":{"name":"a"}}"#),
        (
            "a key with a dot",
            r#"{"secret":{"name":"a","key":"b.c","value":{"b":{"c":1}}}}"#,
        ),
        (
            "a key that the value lacks",
            r#"{"secret":{"name":"a","key":"b","value":{"c":1}}}"#,
        ),
    ];
    let mut transcript = String::new();
    let mut tell = |what: &str, target: &str, body: &str| {
        let answer = dev.post_to(target, body.as_bytes());
        assert!(
            answer.head.contains("application/problem+json"),
            "{what}: {}",
            answer.head
        );
        let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["status"], answer.status, "{what}");
        transcript += &format!(
            "{what}: {} {}\n",
            answer.status,
            problem["type"].as_str().unwrap()
        );
        for violation in problem["violations"].as_array().into_iter().flatten() {
            transcript += &format!("  {}\n", violation.as_str().unwrap());
        }
    };
    let dev_agent = "/v1/secrets/dev-agent/secret-value";
    for (what, body) in bodies {
        tell(what, dev_agent, body);
    }
    let fine = r#"{"secret":{"name":"a","value":{}}}"#;
    tell(
        "a UUID that is none",
        &format!("{dev_agent}?projectId=1234"),
        fine,
    );
    tell("an unknown agent", "/v1/secrets/nobody/secret-value", fine);
    tell(
        "several at once",
        &format!("{dev_agent}?projectId=x"),
        r#"{"secret":{"name":"","value":1}}"#,
    );
    assert_snapshot!(transcript);
    assert_eq!(dev.post(fine.as_bytes()).status, 201, "and it still serves");
}

#[test]
fn a_token_is_needed_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    let mut dev = Dev::start(&one);
    let stranger = Dev::start(&other);
    let fine = br#"{"secret":{"name":"a","value":{}}}"#;
    let good = dev.token.clone();
    let changed = format!("{}A{}", &good[..40], &good[41..]);
    for bad in ["", "x", &stranger.token, &changed, &good[..good.len() - 2]] {
        dev.token = bad.to_owned();
        let answer = dev.post(fine);
        assert_eq!(answer.status, 403, "{bad}: {}", answer.body);
    }
    dev.token = good;
    assert_eq!(dev.post(fine).status, 201);
}

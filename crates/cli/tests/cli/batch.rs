use super::support::{AGENT, Run, agent, other_agent, run};

const LINES: &str = concat!(
    r#"{"name":"db","value":{"password":"P@ssw0rd123", "port": 5432.0}}"#,
    "\n",
    r#"{"name":"api","key":"token","type":"TOKEN","value":{"token":"x\u0041"}}"#,
    "\n",
    r#"{"name":"bytes","base64":"/wD+"}"#,
    "\n",
);

fn seal(lines: &[u8]) -> Run {
    let agent = agent();
    let (certificate, pin) = (agent.certificate(), &agent.fingerprint);
    run(
        &[
            "seal",
            "--batch",
            "--to",
            &certificate,
            "--pin",
            pin,
            "--agent-id",
            AGENT,
        ],
        lines,
    )
}

fn open(extra: &[&str], sealed: &[u8]) -> Run {
    let identity = agent().identity();
    let mut arguments = vec!["open", "--batch", "--identity", &identity];
    arguments.extend(extra);
    run(&arguments, sealed)
}

#[test]
fn comes_back_line_by_line() {
    let sealed = seal(LINES.as_bytes()).text();
    assert_eq!(sealed.lines().count(), 4);
    assert!(sealed.starts_with(
        "{\"name\":\"db\"}\n{\"name\":\"api\",\"key\":\"token\",\"type\":\"TOKEN\"}\n"
    ));
    assert!(!sealed.contains("P@ssw0rd123"));
    assert_eq!(
        open(&["--agent-id", AGENT], sealed.as_bytes()).text(),
        LINES
    );
}

#[test]
fn many_are_one_envelope() {
    let lines: String = (0..1000)
        .map(|i| format!("{{\"name\":\"secret-{i}\",\"value\":{{\"n\":{i}}}}}\n"))
        .collect();
    let sealed = seal(lines.as_bytes()).text();
    assert_eq!(
        open(&["--agent-id", AGENT], sealed.as_bytes()).text(),
        lines
    );
    let envelope = sealed.lines().last().unwrap().to_owned();
    let envelope = envelope
        .trim_start_matches("{\"envelope\":\"")
        .trim_end_matches("\"}");
    let report = run(&["inspect", "--json"], envelope.as_bytes()).text();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["frames"].as_array().unwrap().len(), 1000);
    assert_eq!(report["recipients"].as_array().unwrap().len(), 1);
}

#[test]
fn gives_nothing_of_a_batch_that_was_changed() {
    let sealed = seal(LINES.as_bytes()).text();
    for (changed, code) in [
        (sealed.replace("\"db\"", "\"db2\""), 3),
        (sealed.replace("TOKEN", "TOKEM"), 3),
        (sealed.replacen("{\"name\":\"db\"}\n", "", 1), 1),
        (sealed.lines().take(3).collect::<Vec<_>>().join("\n"), 1),
        (sealed.replacen("sealpost.v1.", "sealpost.v2.", 1), 1),
    ] {
        let run = open(&["--agent-id", AGENT], changed.as_bytes());
        assert_eq!(run.code(), code, "{changed}");
        assert!(run.streams().0.is_empty(), "nothing of it comes out");
    }
    let other = open(&["--agent-id", "another"], sealed.as_bytes());
    assert_eq!(other.code(), 3);
}

#[test]
fn says_which_line_is_wrong() {
    for (lines, expected) in [
        ("", "there are no lines"),
        (
            "{\"name\":\"a\",\"value\":1}\n{\"name\":\"b\"}",
            "line 2: there is no value",
        ),
        ("{\"value\":1}", "line 1: there is no name"),
        (
            "\n{\"name\":\"a\",\"value\":",
            "line 2: malformed at column 20",
        ),
        (
            "{\"name\":\"a\",\"value\":1,\"Key\":\"k\"}",
            "line 1: malformed at column",
        ),
        (
            "{\"name\":\"a\",\"name\":\"a\",\"value\":1}",
            "line 1: malformed at column",
        ),
        (
            "{\"name\":\"a\",\"key\":\"\",\"value\":1}",
            "line 1: key: is empty",
        ),
        (
            "{\"name\":\"a\",\"value\":1,\"base64\":\"AA==\"}",
            "both a value and base64",
        ),
        (
            "{\"name\":\"a\",\"base64\":\"AB==\"}",
            "the base64 is not canonical",
        ),
    ] {
        let run = seal(lines.as_bytes());
        assert_eq!(run.code(), 1, "{lines}");
        let stderr = stderr(&run);
        assert!(stderr.contains(expected), "{lines}: {stderr}");
    }
    let mixed = run(
        &[
            "seal",
            "--batch",
            "--name",
            "x",
            "--to",
            "c",
            "--pin",
            &agent().fingerprint,
            "--agent-id",
            AGENT,
        ],
        b"",
    );
    assert_eq!(mixed.code(), 2);
}

#[test]
fn an_old_key_opens_and_is_named_old() {
    let sealed = seal(LINES.as_bytes()).text();
    let (new, old) = (other_agent().identity(), agent().identity());
    let opened = run(
        &[
            "open",
            "--batch",
            "--identity",
            &new,
            "--identity",
            &old,
            "--agent-id",
            AGENT,
        ],
        sealed.as_bytes(),
    );
    assert!(stderr(&opened).contains("note: opened with an old key"));
    assert_eq!(opened.text(), LINES);
    let neither = run(
        &["open", "--batch", "--identity", &new, "--agent-id", AGENT],
        sealed.as_bytes(),
    );
    assert_eq!(neither.code(), 3);
    assert!(stderr(&neither).contains("no key in the ring opens the envelope"));
}

fn stderr(run: &Run) -> String {
    String::from_utf8_lossy(run.streams().1).into_owned()
}

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use insta::assert_snapshot;

use super::server::Dev;
use super::stub::{Stub, created, problem};
use super::support::{Run, agent, path, run, run_command, sealpost};

const AGENT: &str = "dev-agent";

fn create(url: &str, token: &str, arguments: &[&str], value: &[u8]) -> Run {
    run_command(command(url, token, arguments), value)
}

fn command(url: &str, token: &str, arguments: &[&str]) -> Command {
    let mut all = vec!["secret", "create", "--url", url];
    if !arguments.contains(&"--agent") {
        all.extend(["--agent", AGENT]);
    }
    all.extend(arguments);
    let mut command = sealpost(&all);
    command.env("SEALPOST_TOKEN", token);
    command
}

#[test]
fn a_value_from_a_file_or_a_pipe_becomes_a_reference() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let dev = Dev::start(&data);
    let (url, token) = (dev.url(), dev.token.clone());
    let value = b"{\"password\": \"P@ss\", \"n\": 1.00}\n";

    let piped = create(&url, &token, &["--name", "piped"], value).text();
    assert_eq!(piped, "secret:piped\n");
    let file = folder.path().join("value.json");
    fs::write(&file, value).unwrap();
    let arguments = [
        "--name",
        "my file",
        "--key",
        "password",
        "--type",
        "PASSWORD",
        "--json",
        &path(&file),
    ];
    let json = create(&url, &token, &arguments, b"").text();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let reference = json["resolver_ref"].as_str().unwrap();
    assert!(
        reference.ends_with("#password") && json["requestId"].is_string(),
        "{json}"
    );

    let resolve =
        |reference: &str| run(&["resolve", "--data", &path(&data), reference], b"").text();
    assert_eq!(
        resolve("secret:piped"),
        "{\"password\": \"P@ss\", \"n\": 1.00}"
    );
    assert_eq!(resolve(reference), "P@ss");

    let token_file = folder.path().join("token");
    fs::write(&token_file, format!("{token}\n")).unwrap();
    let arguments = ["--name", "by-file", "--token-file", &path(&token_file)];
    assert_eq!(
        create(&url, "", &arguments, value).text(),
        "secret:by-file\n"
    );
}

#[test]
fn what_the_gateway_refuses_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let dev = Dev::start(&folder.path().join("data"));
    let tell = |snapshot: &str, token: &str, arguments: &[&str], value: &str| {
        let run = create(&dev.url(), token, arguments, value.as_bytes());
        let transcript = run.transcript();
        let mut shown = String::new();
        for line in transcript.lines() {
            // The id differs from run to run.
            let line = match line.split_once("(request id ") {
                Some((before, _)) => format!("{before}(request id …)"),
                None => line.to_owned(),
            };
            shown += &format!("{line}\n");
        }
        assert_snapshot!(snapshot, shown);
    };
    let good = dev.token.clone();
    create(&dev.url(), &good, &["--name", "taken"], b"{}").text();
    tell("exists", &good, &["--name", "taken"], "{}");
    tell(
        "violations",
        &good,
        &["--name", "n", "--key", "", "--project", "x"],
        "[]",
    );
    tell("forbidden", "a.b.c", &["--name", "n"], "{}");
    tell(
        "unknown_agent",
        &good,
        &["--agent", "nobody", "--name", "n"],
        "{}",
    );
    tell("no_json", &good, &["--name", "n"], "P@ss");
}

#[test]
fn wrong_usage_is_told_before_anything_is_sent() {
    let stub = Stub::start(created);
    let url = stub.url.as_str();
    let tell = |snapshot: &str, mut command: Command| {
        command.current_dir(std::env::temp_dir());
        let transcript = run_command(command, b"{}").transcript();
        assert_snapshot!(snapshot, transcript.replace(url, "http://<stub>"));
    };
    let mut no_token = command(url, "", &["--name", "n"]);
    tell("empty_token", command(url, " ", &["--name", "n"]));
    no_token.env_remove("SEALPOST_TOKEN");
    tell("no_token", no_token);
    tell(
        "no_token_file",
        command(url, "", &["--name", "n", "--token-file", "no-such-file"]),
    );
    tell(
        "plain_http",
        command("http://gateway.example", "t", &["--name", "n"]),
    );
    tell("no_url", command("gateway.example", "t", &["--name", "n"]));
    tell(
        "no_trust",
        command(url, "t", &["--name", "n", "--seal-at-source"]),
    );
    tell(
        "pin_alone",
        command(url, "t", &["--name", "n", "--pin", &"ab".repeat(32)]),
    );
    tell(
        "idempotency_key",
        command(url, "t", &["--name", "n", "--idempotency-key", "a b"]),
    );
    tell(
        "no_value",
        command(url, "t", &["--name", "n", "no-such-file"]),
    );
    tell(
        "value_as_argument",
        command(url, "t", &["--name", "n", "--value", "{}"]),
    );
    tell(
        "value_in_place_of_a_file",
        command(url, "t", &["--name", "n", r#" {"password":"x"}"#]),
    );
    assert!(stub.seen().is_empty());
}

#[test]
fn a_lost_answer_says_how_to_find_out() {
    let stub = Stub::start(|_, _| problem(504, "agent-timeout"));
    let arguments = [
        "--name",
        "n",
        "--attempts",
        "2",
        "--idempotency-key",
        "order-4711",
    ];
    let run = create(&stub.url, "t", &arguments, b"{}");
    assert_snapshot!("agent_timeout", run.transcript());
    let keys: Vec<_> = stub
        .seen()
        .iter()
        .map(|seen| seen.idempotency_key.clone())
        .collect();
    assert_eq!(keys, ["\"order-4711\"", "\"order-4711\""]);

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let run = create(&url, "t", &["--name", "n", "--attempts", "1"], b"{}");
    assert_eq!(run.code(), 2);
    let transcript = run.transcript();
    assert!(
        transcript.contains("no connection to the gateway"),
        "{transcript}"
    );
    assert!(transcript.contains("hint: check --url"), "{transcript}");
}

/// From the environment as from a file.
#[test]
fn a_token_with_the_word_before_it_is_refused_in_the_same_way_from_both() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let stub = Stub::start(created);
    for token in ["Bearer t.o.k", "t.o k", "authorization: t"] {
        fs::write(&file, token).unwrap();
        let by_file = create(
            &stub.url,
            "",
            &["--name", "n", "--token-file", &path(&file)],
            b"{}",
        );
        let by_variable = create(&stub.url, token, &["--name", "n"], b"{}");
        for run in [by_file, by_variable] {
            assert_eq!(run.code(), 1, "{token}: {}", run.transcript());
            let transcript = run.transcript();
            assert!(
                transcript.contains("holds no token"),
                "{token}: {transcript}"
            );
            assert!(
                transcript.contains("without the word Bearer"),
                "{token}: {transcript}"
            );
        }
    }
    assert!(stub.seen().is_empty());
}

/// Sealing again gives other bytes: the key of the first call would be refused with them.
#[test]
fn after_a_lost_answer_the_hint_fits_what_was_sealed_here() {
    fn certificate_and_timeout(name: &str, count: usize) -> (u16, String) {
        match (name, count) {
            // Neither the call for the certificate nor what is sealed has a name to be read.
            ("?", 1 | 3 | 5) => (200, fs::read_to_string(agent().certificate()).unwrap()),
            ("?", 6) => problem(400, "idempotency-key-reused"),
            _ => problem(504, "agent-timeout"),
        }
    }
    let stub = Stub::start(certificate_and_timeout);
    let pin = &agent().fingerprint;
    let sealing = ["--seal-at-source", "--pin", pin];
    let call = |extra: &[&str]| {
        let arguments = [
            &["--attempts", "1", "--agent", super::support::AGENT][..],
            extra,
        ]
        .concat();
        let run = create(&stub.url, "t", &arguments, b"{}");
        run.transcript()
    };
    let clear = call(&["--name", "n", "--idempotency-key", "k-1"]);
    assert!(
        clear.contains("the same command and --idempotency-key k-1"),
        "{clear}"
    );
    let sealed = call(&[&["--name", "n"], &sealing[..]].concat());
    assert!(
        sealed.contains("find out with the same command: it creates"),
        "{sealed}"
    );
    assert!(
        sealed.contains("a 409 (secret-exists) says that one is there"),
        "{sealed}"
    );
    assert!(!sealed.contains("--idempotency-key"), "{sealed}");
    let with_key = call(&[&["--name", "n", "--idempotency-key", "k-1"], &sealing[..]].concat());
    assert!(
        with_key.contains("and another --idempotency-key, or none"),
        "{with_key}"
    );
    let reused = call(
        &[
            &["--name", "reused", "--idempotency-key", "k-1"],
            &sealing[..],
        ]
        .concat(),
    );
    assert!(reused.contains("leave --idempotency-key out"), "{reused}");
}

#[test]
fn a_token_that_was_renewed_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "old").unwrap();
    let answer = |_: &str, count| match count {
        1 => problem(504, "agent-offline"),
        _ => created("n", 1),
    };
    let stub = Stub::start_slow(answer, Duration::from_millis(300));
    let value = folder.path().join("value.json");
    fs::write(&value, "{}").unwrap();
    let arguments = ["--name", "n", "--token-file", &path(&file), &path(&value)];
    let mut child = command(&stub.url, "", &arguments)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while stub.seen().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    // While the first attempt waits for its answer.
    fs::write(&file, "new").unwrap();
    assert!(child.wait().unwrap().success());
    let sent: Vec<_> = stub
        .seen()
        .iter()
        .map(|seen| seen.authorization.clone())
        .collect();
    assert_eq!(sent, ["Bearer old", "Bearer new"]);
}

#[test]
fn a_value_is_sealed_at_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let dev = Dev::start(&data);
    let (url, token) = (dev.url(), dev.token.clone());
    let pin = fingerprint(&data.join("agent.pem"));
    let resolve =
        |reference: &str| run(&["resolve", "--data", &path(&data), reference], b"").text();

    let arguments = [
        "--name",
        "sealed",
        "--key",
        "p",
        "--type",
        "T",
        "--seal-at-source",
        "--pin",
        &pin,
    ];
    let made = create(&url, &token, &arguments, b" {\"p\" : \"P@ss\"}\n");
    assert_eq!(made.text(), "secret:sealed#p\n");
    assert_eq!(resolve("secret:sealed"), "{\"p\" : \"P@ss\"}");
    let again = create(&url, &token, &arguments, b"{\"p\":1}");
    assert_eq!(again.code(), 1, "{}", again.transcript());
    assert!(
        again.transcript().contains("exists already"),
        "{}",
        again.transcript()
    );

    // Another agent's fingerprint.
    let arguments = [
        "--name",
        "n",
        "--seal-at-source",
        "--pin",
        &agent().fingerprint,
    ];
    let other = create(&url, &token, &arguments, b"{}");
    assert_snapshot!("not_the_pinned", other.transcript());
    // What the agent finds wrong with the value, it says.
    let arguments = [
        "--name",
        "n",
        "--key",
        "q",
        "--seal-at-source",
        "--pin",
        &pin,
    ];
    let refused = create(&url, &token, &arguments, b"{\"p\":1}");
    assert_eq!(refused.code(), 1, "{}", refused.transcript());
    assert!(
        refused.transcript().contains("#/secret/key"),
        "{}",
        refused.transcript()
    );
    let log = fs::read_to_string(&dev.log).unwrap();
    assert!(!log.contains("P@ss"));
}

/// SHA-256 of the certificate's DER.
fn fingerprint(certificate: &Path) -> String {
    let pem = fs::read(certificate).unwrap();
    let certificate = sealpost_envelope::Certificate::from_pem(&pem);
    certificate.unwrap().fingerprint().to_string()
}

#[test]
fn help_says_what_there_is() {
    assert_snapshot!("secret_help", run(&["secret", "--help"], b"").transcript());
    for command in ["create", "import"] {
        let help = run(&["secret", command, "--help"], b"").transcript();
        assert_snapshot!(format!("{command}_help"), help);
    }
}

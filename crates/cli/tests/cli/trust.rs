//! `--ca`: certificates that an authority vouches for.

use super::support::{AGENT, Run, agent, run};

fn certificate(name: &str) -> String {
    format!(
        "{}/../../testdata/certificates/{name}.pem",
        env!("CARGO_MANIFEST_DIR")
    )
}

fn seal(to: &str, ca: &str, agent: &str, extra: &[&str]) -> Run {
    let (to, ca) = (certificate(to), certificate(ca));
    let mut arguments = vec![
        "seal",
        "--to",
        &to,
        "--ca",
        &ca,
        "--agent-id",
        agent,
        "--name",
        "db",
    ];
    arguments.extend(extra);
    run(&arguments, b"secret")
}

#[test]
fn an_authority_vouches_for_its_agents() {
    // Directly, and through an intermediate authority that comes in the certificate's file.
    for to in ["agent-rsa-sha256", "chain-rsa", "two-agents"] {
        let sealed = seal(to, "ca-rsa", "a2048", &[]).text();
        assert!(sealed.starts_with("sealpost.v1."));
    }
}

#[test]
fn refuses_whom_it_does_not_vouch_for() {
    for (to, ca, agent, expected) in [
        ("agent-rsa-sha256", "ca-p256", "a2048", "issuer"),
        ("chain-rsa-cut", "ca-rsa", "a2048", "issuer"),
        (
            "agent-rsa-sha256",
            "ca-rsa",
            "b2048",
            "names agent a2048, not the one asked for",
        ),
        (
            "other-agent",
            "ca-rsa",
            "a2048",
            "names agent b2048, not the one asked for",
        ),
        ("no-agent", "ca-rsa", "a2048", "names no agent"),
        ("self-signed", "ca-rsa", "a2048", "is self-signed"),
        ("tls-purpose", "ca-rsa", "a2048", "for another purpose"),
        ("ca-rsa", "ca-rsa", "a2048", ""),
        (
            "agent-rsa-sha256",
            "self-signed",
            "a2048",
            "is not a certificate authority's",
        ),
    ] {
        let run = seal(to, ca, agent, &[]);
        let (stdout, stderr) = run.streams();
        let stderr = String::from_utf8_lossy(stderr);
        assert_eq!(run.code(), 1, "{to} {ca}: {stderr}");
        assert!(stderr.contains(expected), "{to} {ca}: {stderr}");
        assert!(stdout.is_empty());
    }
}

fn seal_pinned(to: &[&str], extra: &[&str]) -> Run {
    let files: Vec<_> = to.iter().map(|name| certificate(name)).collect();
    let mut arguments = vec!["seal".to_owned(), "--name".to_owned(), "db".to_owned()];
    for file in files {
        let pem = std::fs::read(&file).unwrap();
        let certificate = sealpost_envelope::Certificate::from_pem(&pem).unwrap();
        let pin = certificate.fingerprint().to_string();
        arguments.extend(["--to".to_owned(), file, "--pin".to_owned(), pin]);
    }
    arguments.extend(extra.iter().map(|text| (*text).to_owned()));
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    run(&arguments, b"{}")
}

/// The pin is right, and the agent is another than the one of the certificate.
#[test]
fn a_pin_for_an_agent_whose_certificate_names_another_is_an_error() {
    for format in ["native", "jwe", "jwe-json", "cms"] {
        let seal = |to: &[&str], agent| seal_pinned(to, &["--agent-id", agent, "--format", format]);
        for (to, agent) in [
            (&["agent-rsa-sha256"][..], "b2048"),
            (&["agent-rsa-sha256"], "A2048"),
            (&["other-agent"], "a2048"),
            (&["two-agents"], "c2048"),
        ] {
            let run = seal(to, agent);
            let transcript = run.transcript();
            assert_eq!(run.code(), 1, "{transcript}");
            assert!(transcript.contains("names another agent"), "{transcript}");
            assert!(run.streams().0.is_empty());
        }
        for to in ["agent-rsa-sha256", "two-agents"] {
            let run = seal(&[to], "a2048");
            assert!(run.streams().1.is_empty(), "{}", run.transcript());
            run.stdout();
        }
    }
    // One that has expired as well.
    let expired = "--danger-accept-expired-certificate";
    assert_eq!(
        seal_pinned(&["expired"], &["--agent-id", "b2048", expired]).code(),
        1
    );
}

#[test]
fn a_pinned_certificate_that_names_no_agent_is_a_warning() {
    let run = seal_pinned(&["no-agent"], &["--agent-id", "a2048"]);
    let transcript = run.transcript();
    assert_eq!(run.code(), 0, "{transcript}");
    assert!(
        transcript.contains("warning: ") && transcript.contains("names no agent"),
        "{transcript}"
    );
    assert!(run.text().starts_with("sealpost.v1."));
    // No agent is meant.
    let unbound = [
        "seal",
        "--danger-unbound",
        "--format",
        "jwe",
        "--to",
        &certificate("no-agent"),
        "--danger-trust-any-certificate",
    ];
    let run = super::support::run(&unbound, b"{}");
    assert!(run.streams().1.is_empty(), "{}", run.transcript());
}

#[test]
fn overrides_do_what_their_names_say() {
    let unnamed = "--danger-accept-certificate-without-agent-id";
    seal("no-agent", "ca-rsa", "a2048", &[unnamed]).stdout();
    assert_eq!(seal("other-agent", "ca-rsa", "a2048", &[unnamed]).code(), 1);
    // One policy at a time.
    let both = seal(
        "agent-rsa-sha256",
        "ca-rsa",
        "a2048",
        &["--danger-trust-any-certificate"],
    );
    assert_eq!(both.code(), 2);
}

#[test]
fn an_expired_certificate_needs_an_override() {
    let (to, pin) = (agent().certificate(), &agent().fingerprint);
    let seal = |pin: &str, extra: &[&str]| {
        let mut arguments = vec![
            "seal",
            "--to",
            &to,
            "--pin",
            pin,
            "--agent-id",
            AGENT,
            "--name",
            "db",
        ];
        arguments.extend(["--now", "2190-01-01T00:00:00Z"]);
        arguments.extend(extra);
        run(&arguments, b"secret")
    };
    let refused = seal(pin, &[]);
    assert_eq!(refused.code(), 1);
    assert!(String::from_utf8_lossy(refused.streams().1).contains("the certificate expired"));
    let expired = ["--danger-accept-expired-certificate"];
    seal(pin, &expired).stdout();
    assert_eq!(
        seal(&"00".repeat(32), &expired).code(),
        1,
        "it must be the pinned one all the same"
    );
}

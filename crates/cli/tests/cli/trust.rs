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
            "is that of agent a2048",
        ),
        ("other-agent", "ca-rsa", "a2048", "is that of agent b2048"),
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

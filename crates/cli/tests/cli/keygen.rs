use std::fs;
use std::process::Command;

use insta::assert_snapshot;

use super::support::{agent, path, run};

#[test]
fn makes_a_folder_with_a_private_identity_and_a_public_certificate() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("new/agents");
    let out = path(&folder);
    let made = run(
        &[
            "keygen",
            "--agent-id",
            "berlin-1",
            "--out",
            &out,
            "--bits",
            "2048",
        ],
        b"",
    );
    assert_snapshot!(made.transcript());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |name: &str| {
            fs::metadata(folder.join(name))
                .unwrap()
                .permissions()
                .mode()
        };
        assert_eq!(mode("identity.pem") & 0o777, 0o600);
        assert_eq!(mode("agent.pem") & 0o600, 0o600);
        assert_eq!(mode("") & 0o777, 0o700);
    }
}

#[test]
fn never_overwrites() {
    let folder = tempfile::tempdir().unwrap();
    let out = path(folder.path());
    let keygen = ["keygen", "--agent-id", "a", "--out", &out, "--bits", "2048"];
    for file in ["identity.pem", "agent.pem"] {
        let file = folder.path().join(file);
        fs::write(&file, "precious").unwrap();
        let refused = run(&keygen, b"");
        assert_eq!(refused.code(), 2);
        assert!(
            refused
                .transcript()
                .contains("exists and is never overwritten")
        );
        assert_eq!(fs::read(&file).unwrap(), b"precious");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "something else was written"
        );
        fs::remove_file(file).unwrap();
    }
}

#[test]
fn prints_json_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    let out = path(folder.path());
    let made = run(
        &[
            "keygen",
            "--agent-id",
            "a",
            "--out",
            &out,
            "--bits",
            "2048",
            "--json",
        ],
        b"",
    );
    assert_snapshot!(made.transcript());
}

#[test]
fn refuses_what_is_no_agent_id_or_key_size() {
    let folder = tempfile::tempdir().unwrap();
    let out = path(folder.path());
    assert_snapshot!(
        "agent_id",
        run(&["keygen", "--agent-id", "a b", "--out", &out], b"").transcript()
    );
    assert_snapshot!(
        "bits",
        run(
            &["keygen", "--agent-id", "a", "--out", &out, "--bits", "1024"],
            b""
        )
        .transcript()
    );
    assert_eq!(
        run(
            &["keygen", "--agent-id", "a", "--out", &out, "--days", "0"],
            b""
        )
        .code(),
        2
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Another implementation reads the certificate as it was meant.
#[test]
fn openssl_reads_the_certificate() {
    let certificate = agent().certificate();
    let x509 = [
        "x509",
        "-in",
        &certificate,
        "-noout",
        "-text",
        "-fingerprint",
        "-sha256",
    ];
    let Ok(output) = Command::new("openssl").args(x509).output() else {
        assert!(
            std::env::var_os("CI").is_none(),
            "this test needs the `openssl` command: install it"
        );
        println!("NOT RUN: this test needs the `openssl` command");
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    for expected in [
        "Version: 3 (0x2)",
        "Signature Algorithm: sha256WithRSAEncryption",
        "Issuer: CN = berlin-1",
        "Subject: CN = berlin-1",
        "Public-Key: (2048 bit)",
        "X509v3 Basic Constraints: critical\n                CA:FALSE",
        "X509v3 Key Usage: critical\n                Key Encipherment\n",
        "URI:urn:sealpost:agent:berlin-1\n",
        "X509v3 Subject Key Identifier",
    ] {
        // Releases of openssl differ in the blanks around `=`.
        assert!(
            text.replace(" = ", "=")
                .contains(&expected.replace(" = ", "=")),
            "{expected}\n{text}"
        );
    }
    let fingerprint = text.lines().last().unwrap().split_once('=').unwrap().1;
    assert_eq!(
        fingerprint.replace(':', "").to_lowercase(),
        agent().fingerprint
    );

    let verify = [
        "verify",
        "-x509_strict",
        "-partial_chain",
        "-trusted",
        &certificate,
        &certificate,
    ];
    let verified = Command::new("openssl").args(verify).output().unwrap();
    assert!(verified.status.success(), "the signature: {verified:?}");
}

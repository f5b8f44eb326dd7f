//! Keys, certificates and authorities that others made: what is odd is named, and what is not needed stops nothing.

use std::fs;

use super::support::{Run, agent, path, run, sealpost, testdata};
#[cfg(unix)]
use super::{gateway_server::Site, support::run_command};

const CONTEXT: [&str; 4] = ["--agent-id", "a2048", "--name", "db"];

fn read(name: &str) -> Vec<u8> {
    fs::read(testdata(name)).unwrap()
}

fn stderr(run: &Run) -> String {
    String::from_utf8_lossy(run.streams().1).into_owned()
}

/// A message in JWE, which names key and certificate.
fn sealed() -> Vec<u8> {
    let to = path(&testdata("keys/agent-a2048.pem"));
    let arguments = [
        &[
            "seal",
            "--format",
            "jwe",
            "--to",
            &to,
            "--danger-trust-any-certificate",
        ][..],
        &CONTEXT,
    ];
    run(&arguments.concat(), b"secret").stdout()
}

fn open(identity: &[u8]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, identity).unwrap();
    let file = path(&file);
    let arguments = [&["open", "--identity", &file][..], &CONTEXT];
    run(&arguments.concat(), &sealed())
}

fn seal_under(bundle: &[u8]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bundle.pem");
    fs::write(&file, bundle).unwrap();
    let (to, ca) = (path(&testdata("certificates/chain-rsa.pem")), path(&file));
    let arguments = [&["seal", "--to", &to, "--ca", &ca][..], &CONTEXT];
    run(&arguments.concat(), b"secret")
}

#[test]
fn an_unusable_root_in_a_bundle_is_a_warning_that_names_it() {
    let (good, weak, agents) = (
        read("certificates/ca-rsa.pem"),
        read("certificates/ca-rsa-1024.pem"),
        read("keys/agent-b2048.pem"),
    );
    let run = seal_under(&[&weak[..], &good, &agents].concat());
    assert_eq!(run.code(), 0, "{}", run.transcript());
    let said = stderr(&run);
    let warnings: Vec<_> = said.lines().collect();
    assert_eq!(warnings.len(), 2, "{said}");
    for (warning, parts) in [
        (
            0,
            ["CA certificate 1 ", "CN=ca-rsa-1024", "2048 to 8192 bits"],
        ),
        (1, ["certificate 3 ", "CN=b2048", "CA:TRUE"]),
    ] {
        let warning = warnings[warning];
        assert!(warning.starts_with("warning: "), "{warning}");
        for part in parts {
            assert!(warning.contains(part), "{part}: {warning}");
        }
    }
    // Alone it is of no use.
    let run = seal_under(&weak);
    assert_eq!(run.code(), 1);
    assert!(stderr(&run).contains("the key of CA certificate 1 can't be used"));
}

#[test]
fn an_odd_certificate_in_the_identity_file_does_not_prevent_opening() {
    let (key, own) = (
        read("keys/agent-a2048.key.pem"),
        read("keys/agent-a2048.pem"),
    );
    let odd = read("certificates/serial-24-bytes.pem");
    let run = open(&[&key[..], &odd, &own].concat());
    assert_eq!(run.streams().0, b"secret", "{}", run.transcript());
    let said = stderr(&run);
    assert!(
        said.starts_with("warning: ") && said.contains("certificate 1 in the file is left out"),
        "{said}"
    );
}

/// The certificate is not needed to open an envelope.
#[test]
fn an_identity_file_with_only_anothers_certificate_opens_with_a_warning() {
    let envelope = {
        let to = path(&testdata("keys/agent-a2048.pem"));
        let arguments = [
            &["seal", "--to", &to, "--danger-trust-any-certificate"][..],
            &CONTEXT,
        ];
        run(&arguments.concat(), b"secret").stdout()
    };
    let key = read("keys/agent-a2048.key.pem");
    for (other, words) in [
        (read("keys/agent-b2048.pem"), "is for its private key"),
        (read("certificates/usual.p7b"), "it is PKCS#7"),
        (
            read("certificates/trusted-format.pem"),
            "TRUSTED CERTIFICATE",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        fs::write(&file, [&key[..], &other].concat()).unwrap();
        let file = path(&file);
        let arguments = [&["open", "--identity", &file][..], &CONTEXT];
        let run = run(&arguments.concat(), &envelope);
        assert_eq!(run.streams().0, b"secret", "{}", run.transcript());
        let said = stderr(&run);
        assert!(
            said.starts_with("warning: ") && said.contains(words),
            "{said}"
        );
    }
}

#[test]
fn a_ca_file_that_is_none_is_described_and_a_broken_block_is_named_by_its_line() {
    for (file, words) in [
        (&b""[..], "the file is empty"),
        (b"<!doctype html><html>", "the file is a web page (HTML)"),
        (b"{\"error\":\"forbidden\"}", "the file is JSON"),
        (b"\x30\x03\x02\x01\x07", "the file is DER, and neither"),
        (b"\x00\x9f\x12", "the file is neither text nor DER"),
        (b"not found", "the file is text without a block of PEM"),
        (
            &read("keys/agent-a2048.key.pem"),
            "the file is a private key",
        ),
    ] {
        let run = seal_under(file);
        let said = stderr(&run);
        assert_eq!(run.code(), 1, "{said}");
        assert!(
            said.contains(words) && !said.contains("malformed"),
            "{said}"
        );
        assert!(!said.contains("agent's"), "{said}");
    }
    let good = read("certificates/ca-rsa.pem");
    let broken = String::from_utf8(good.clone())
        .unwrap()
        .replacen("\nMII", "\n?II", 1);
    let run = seal_under(&[&good[..], broken.as_bytes()].concat());
    let said = stderr(&run);
    assert_eq!(run.code(), 0, "{said}");
    let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
    assert!(said.contains(&format!("line {line} of the file")), "{said}");
    assert!(
        !said.contains("e3b0c442"),
        "the digest of nothing names nothing: {said}"
    );
}

#[test]
fn a_jwk_opens() {
    let jwk = |name: &str| fs::read(testdata("../fuzz/seeds/jwk").join(name)).unwrap();
    // Its certificate is not with it.
    let own = path(&testdata("keys/agent-a2048.pem"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.jwk");
    let open = |identity: Vec<u8>| {
        fs::write(&file, identity).unwrap();
        let file = path(&file);
        let arguments = [
            &["open", "--identity", &file, "--certificate", &own][..],
            &CONTEXT,
        ];
        run(&arguments.concat(), &sealed())
    };
    assert_eq!(open(jwk("jwk_0")).stdout(), b"secret");
    assert_eq!(open(jwk("jwk_1")).stdout(), b"secret");
    let marked = [b"\xef\xbb\xbf\n".to_vec(), jwk("jwk_0"), b"\r\n".to_vec()].concat();
    assert_eq!(open(marked).stdout(), b"secret");
    for (name, said) in [
        (
            "jwk_2",
            "\"key_ops\" says that the key is for something else",
        ),
        ("jwk_3", "more than two primes"),
        ("jwk_4", "it lacks \"d\""),
    ] {
        let run = open(jwk(name));
        assert_eq!(run.code(), 1);
        assert!(stderr(&run).contains(said), "{}", run.transcript());
    }
}

/// `agent.pem` beside the key is used without being named; what it is worth is said if it can't be.
#[test]
fn a_certificate_beside_the_key_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("identity.pem");
    let beside = folder.path().join("agent.pem");
    fs::write(&file, read("keys/agent-a2048.key.pem")).unwrap();
    let identity = path(&file);
    let open = || {
        let envelope = {
            let to = path(&testdata("keys/agent-a2048.pem"));
            let arguments = ["seal", "--to", &to, "--danger-trust-any-certificate"];
            run(&[&arguments[..], &CONTEXT].concat(), b"secret").stdout()
        };
        let run = run(
            &[&["open", "--identity", &identity][..], &CONTEXT].concat(),
            &envelope,
        );
        assert_eq!(run.streams().0, b"secret", "{}", run.transcript());
        stderr(&run)
    };
    let own = read("keys/agent-a2048.pem");
    for good in [own.clone(), read("keys/agent-b2048.pem")] {
        fs::write(&beside, good).unwrap();
        assert_eq!(open(), "");
    }
    for (odd, words) in [
        (own[..own.len() / 2].to_vec(), "malformed or was cut off"),
        (read("certificates/serial-24-bytes.pem"), "serial number"),
        (read("certificates/usual.p7b"), "PKCS#7"),
        (Vec::new(), "empty"),
    ] {
        fs::write(&beside, odd).unwrap();
        let said = open();
        assert!(
            said.starts_with("warning: ") && said.contains("agent.pem"),
            "{said}"
        );
        assert!(
            said.contains(words) && said.contains("It is left out"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    fs::remove_file(&beside).unwrap();
    assert_eq!(open(), "");
    // The key's own file may have that name.
    fs::rename(&file, &beside).unwrap();
    let identity = path(&beside);
    let run = run(
        &[&["open", "--identity", &identity][..], &CONTEXT].concat(),
        b"",
    );
    assert!(!stderr(&run).contains("warning"), "{}", run.transcript());
}

#[test]
fn a_time_before_1970_is_refused_with_one_that_is_taken() {
    let to = path(&testdata("keys/agent-a2048.pem"));
    for now in [
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "now",
    ] {
        let arguments = [
            "seal",
            "--to",
            &to,
            "--danger-trust-any-certificate",
            "--now",
            now,
        ];
        let run = run(&[&arguments[..], &CONTEXT].concat(), b"secret");
        let said = stderr(&run);
        assert_eq!(run.code(), 2, "{said}");
        assert!(said.contains("the years 1970 to 9999"), "{said}");
    }
    let example = "2027-01-31T12:00:00Z";
    let arguments = [
        "seal",
        "--to",
        &to,
        "--danger-trust-any-certificate",
        "--now",
        example,
    ];
    run(&[&arguments[..], &CONTEXT].concat(), b"secret").stdout();
}

#[test]
fn files_of_other_kinds_are_named_with_what_to_do() {
    for (name, parts) in [
        (
            "certificates/usual.p7b",
            [
                "PKCS#7",
                "`openssl pkcs7 -in FILE -print_certs -out CERT.pem`",
            ],
        ),
        (
            "certificates/trusted-format.pem",
            [
                "TRUSTED CERTIFICATE",
                "`openssl x509 -in FILE -out CERT.pem`",
            ],
        ),
        (
            "keys/agent-a2048.key.pem",
            ["a private key", "the agent's certificate"],
        ),
    ] {
        let to = path(&testdata(name));
        let arguments = [
            &["seal", "--to", &to, "--danger-trust-any-certificate"][..],
            &CONTEXT,
        ];
        let run = run(&arguments.concat(), b"secret");
        let said = stderr(&run);
        assert_eq!(run.code(), 1);
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    }
    let run = open(&read("certificates/usual.pem"));
    assert!(stderr(&run).contains("the file is a certificate, and holds no private key"));
}

/// The gateway reads the same files.
#[cfg(unix)]
#[test]
fn the_gateway_warns_of_them_and_starts() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path(), "");
    let odd = read("certificates/serial-24-bytes.pem");
    let identity = folder.path().join("identity.pem");
    let own = fs::read(agent().identity()).unwrap();
    fs::write(&identity, [&own[..], &odd].concat()).unwrap();
    fs::set_permissions(&identity, fs::Permissions::from_mode(0o600)).unwrap();
    let check = |from: &str, to: &str| {
        let config = fs::read_to_string(site.config()).unwrap();
        assert!(config.contains(from));
        let other = folder.path().join("other.toml");
        fs::write(&other, config.replace(from, to)).unwrap();
        run_command(
            sealpost(&["gateway", "--config", &path(&other), "--check"]),
            b"",
        )
    };
    let run = check(&agent().identity(), &path(&identity));
    assert_eq!(run.code(), 0, "{}", run.transcript());
    let said = run.transcript();
    assert!(
        said.contains("certificate 1 in the file is left out"),
        "{said}"
    );
    let run = check(
        &format!("certificate = \"{}\"", agent().certificate()),
        &format!(
            "certificate = \"{}\"",
            path(&testdata("certificates/usual.p7b"))
        ),
    );
    assert!(
        run.transcript().contains("openssl pkcs7"),
        "{}",
        run.transcript()
    );
    // An authority that is left out is named, also where none of the others issued the certificate.
    let bundle = folder.path().join("ca.pem");
    let roots = [
        read("certificates/ca-rsa.pem"),
        read("certificates/ca-rsa-1024.pem"),
    ];
    fs::write(&bundle, roots.concat()).unwrap();
    let run = check(
        &format!("pin = \"{}\"", agent().fingerprint),
        &format!("ca = \"{}\"", path(&bundle)),
    );
    assert!(
        run.transcript().contains("CN=ca-rsa-1024"),
        "{}",
        run.transcript()
    );
}

//! JWE and CMS: sealed, opened, inspected; and what is refused.

use std::fs;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use insta::assert_snapshot;
use serde_json::Value;

use super::support::{Run, path, run, testdata};

const FORMATS: [&str; 4] = ["jwe", "jwe-json", "cms", "cms-pem"];
const VALUE: &[u8] = br#"{"password": "P@ssw0rd123", "n": 1.50}"#;
const CONTEXT: [&str; 10] = [
    "--agent-id",
    "agent-1",
    "--name",
    "db",
    "--key",
    "password",
    "--type",
    "PASSWORD",
    "--project",
    "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f",
];

fn key(name: &str) -> String {
    path(&testdata(&format!("keys/agent-{name}.key.pem")))
}

fn certificate(name: &str) -> String {
    path(&testdata(&format!("keys/agent-{name}.pem")))
}

fn seal(names: &[&str], format: &str, extra: &[&str], value: &[u8]) -> Run {
    let certificates: Vec<_> = names.iter().map(|name| certificate(name)).collect();
    let mut arguments = vec!["seal", "--danger-trust-any-certificate", "--format", format];
    for certificate in &certificates {
        arguments.extend(["--to", certificate]);
    }
    arguments.extend(extra);
    run(&arguments, value)
}

fn open(name: &str, extra: &[&str], sealed: &[u8]) -> Run {
    let (key, certificate) = (key(name), certificate(name));
    let arguments = ["open", "--identity", &key, "--certificate", &certificate];
    run(&[&arguments[..], extra].concat(), sealed)
}

#[test]
fn opens_for_its_context_and_for_no_other() {
    for format in FORMATS {
        let sealed = seal(&["a2048"], format, &CONTEXT, VALUE).stdout();
        assert_eq!(open("a2048", &CONTEXT, &sealed).stdout(), VALUE, "{format}");
        for n in (1..CONTEXT.len()).step_by(2) {
            let mut other = CONTEXT;
            other[n] = match CONTEXT[n].contains('-') && n == 9 {
                true => "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e70",
                false => "other",
            };
            let refused = open("a2048", &other, &sealed);
            assert_eq!(refused.code(), 3, "{format}, {other:?}");
            assert!(refused.streams().0.is_empty());
        }
        // Less is another context, too.
        assert_eq!(open("a2048", &CONTEXT[..8], &sealed).code(), 3);
        assert_eq!(open("a3072", &CONTEXT, &sealed).code(), 3);
    }
    let other = [&CONTEXT[..3], &["other"], &CONTEXT[4..]].concat();
    for format in ["jwe", "cms"] {
        let sealed = seal(&["a2048"], format, &CONTEXT, VALUE).stdout();
        assert_snapshot!(
            format!("{format}_other_name"),
            open("a2048", &other, &sealed).transcript()
        );
        assert_snapshot!(
            format!("{format}_other_key"),
            open("a3072", &CONTEXT, &sealed).transcript()
        );
        let mut changed = sealed;
        let at = changed.len() - 10;
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert_snapshot!(
            format!("{format}_changed"),
            open("a2048", &CONTEXT, &changed).transcript()
        );
    }
}

#[test]
fn of_several_recipients_each_opens() {
    for format in ["jwe-json", "cms", "cms-pem"] {
        let sealed = seal(&["a2048", "a3072"], format, &CONTEXT, VALUE).stdout();
        for name in ["a2048", "a3072"] {
            assert_eq!(
                open(name, &CONTEXT, &sealed).stdout(),
                VALUE,
                "{format}, {name}"
            );
        }
    }
    assert_snapshot!(seal(&["a2048", "a3072"], "jwe", &CONTEXT, VALUE).transcript());
}

/// As `keygen` leaves them; what else stands in that place is left alone.
#[test]
fn a_certificate_is_found_in_the_folder_of_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let [identity, neighbour] = ["identity.pem", "agent.pem"].map(|name| folder.path().join(name));
    fs::copy(key("a2048"), &identity).unwrap();
    let identity = path(&identity);
    for format in FORMATS {
        let sealed = seal(&["a2048"], format, &CONTEXT, VALUE).stdout();
        let open = |more: &[&str]| {
            let arguments = ["open", "--identity", &identity];
            run(&[&arguments, more, &CONTEXT[..]].concat(), &sealed)
        };
        fs::copy(certificate("a2048"), &neighbour).unwrap();
        assert_eq!(open(&[]).stdout(), VALUE, "{format}");
        let given = certificate("a2048");
        assert_eq!(open(&["--certificate", &given]).stdout(), VALUE, "{format}");
        fs::copy(certificate("a3072"), &neighbour).unwrap();
        assert_eq!(open(&[]).code(), 3, "{format}");
        assert_eq!(open(&["--certificate", &given]).stdout(), VALUE, "{format}");
        fs::write(&neighbour, "no certificate").unwrap();
        assert_eq!(open(&[]).code(), 3, "{format}");
    }
}

#[test]
fn a_certificate_is_found_beside_its_key_or_given() {
    let folder = tempfile::tempdir().unwrap();
    let both = path(&folder.path().join("both.pem"));
    let text = [
        fs::read(key("a2048")).unwrap(),
        fs::read(certificate("a2048")).unwrap(),
    ]
    .concat();
    fs::write(&both, text).unwrap();
    let key = key("a2048");
    for format in FORMATS {
        let sealed = seal(&["a2048"], format, &CONTEXT, VALUE).stdout();
        let open = |more: &[&str]| run(&[&["open"], more, &CONTEXT].concat(), &sealed);
        assert_eq!(open(&["--identity", &both]).stdout(), VALUE);
        let without = open(&["--identity", &key]);
        assert_eq!(without.code(), 3, "{format}");
        if format.starts_with("jwe") {
            continue;
        }
        let old = [
            "--identity",
            &super::support::agent().identity(),
            "--identity",
            &key,
            "--certificate",
            &certificate("a2048"),
        ];
        let opened = open(&old);
        assert!(String::from_utf8_lossy(opened.streams().1).contains("opened with an old key"));
        assert_eq!(opened.stdout(), VALUE);
    }
    let sealed = seal(&["a2048"], "cms", &CONTEXT, VALUE).stdout();
    let other = path(&folder.path().join("other.pem"));
    fs::copy(certificate("a3072"), &other).unwrap();
    assert_snapshot!(
        "certificate_of_another_key",
        run(
            &[
                &["open", "--identity", &key, "--certificate", &other][..],
                &CONTEXT
            ]
            .concat(),
            &sealed
        )
        .transcript()
    );
    assert_snapshot!(
        "cms_without_certificate",
        run(
            &[&["open", "--identity", &key][..], &CONTEXT].concat(),
            &sealed
        )
        .transcript()
    );
    let sealed = seal(&["a2048"], "jwe", &CONTEXT, VALUE).stdout();
    assert_snapshot!(
        "jwe_without_certificate",
        run(
            &[&["open", "--identity", &key][..], &CONTEXT].concat(),
            &sealed
        )
        .transcript()
    );
}

#[test]
fn what_is_bound_to_nothing_must_be_insisted_on() {
    for format in FORMATS {
        for value in [&b""[..], VALUE, b"\xff\0 no JSON\n"] {
            let sealed = seal(&["a2048"], format, &["--danger-unbound"], value).stdout();
            let refused = open("a2048", &CONTEXT, &sealed);
            assert_eq!(refused.code(), 3);
            assert!(refused.streams().0.is_empty());
            assert_eq!(
                open("a2048", &["--danger-accept-unbound"], &sealed).stdout(),
                value,
                "{format}"
            );
        }
    }
    for format in ["jwe", "cms"] {
        let sealed = seal(&["a2048"], format, &["--danger-unbound"], VALUE).stdout();
        assert_snapshot!(
            format!("{format}_unbound"),
            open("a2048", &CONTEXT, &sealed).transcript()
        );
    }
    // Whatever it was sealed for; of CMS, all that was sealed.
    let sealed = seal(&["a2048"], "jwe", &CONTEXT, VALUE).stdout();
    assert_eq!(
        open("a2048", &["--danger-accept-unbound"], &sealed).stdout(),
        VALUE
    );
    let sealed = seal(&["a2048"], "cms", &CONTEXT, VALUE).stdout();
    let wrapper = run(&[&["wrap"][..], &CONTEXT].concat(), VALUE).stdout();
    assert_eq!(
        open("a2048", &["--danger-accept-unbound"], &sealed).stdout(),
        wrapper
    );
    let native = seal(&["a2048"], "native", &CONTEXT, VALUE).stdout();
    assert_snapshot!(
        "native_unbound",
        open("a2048", &["--danger-accept-unbound"], &native).transcript()
    );
}

#[test]
fn flags_that_do_not_go_together_are_wrong_usage() {
    for (name, format, extra) in [
        ("batch", "jwe", &["--agent-id", "a", "--batch"][..]),
        ("binary", "cms", &[&CONTEXT[..], &["--binary"]].concat()),
        ("unbound", "native", &["--danger-unbound"]),
        (
            "expires",
            "native",
            &[&CONTEXT[..], &["--expires-in", "15m"]].concat(),
        ),
        (
            "unbound_expires",
            "jwe",
            &["--danger-unbound", "--expires-in", "15m"],
        ),
        ("unbound_name", "jwe", &["--danger-unbound", "--name", "n"]),
        ("no_name", "jwe", &["--agent-id", "a"]),
        ("format", "pgp", &CONTEXT),
    ] {
        let refused = seal(&["a2048"], format, extra, VALUE);
        assert_eq!(refused.code(), 2, "{name}");
        assert_snapshot!(format!("usage_{name}"), refused.transcript());
    }
    for format in FORMATS {
        let sealed = seal(&["a2048"], format, &CONTEXT, VALUE).stdout();
        let refused = open("a2048", &["--agent-id", "agent-1", "--batch"], &sealed);
        assert_eq!(refused.code(), 1, "{format}");
        assert_snapshot!(format!("open_batch_{format}"), refused.transcript());
    }
    let to = certificate("a2048");
    let ca = [
        "seal",
        "--to",
        &to,
        "--ca",
        &to,
        "--format",
        "jwe",
        "--danger-unbound",
    ];
    assert_snapshot!("usage_ca", run(&ca, VALUE).transcript());
}

#[test]
fn inspect_says_which_it_is_and_what_is_known() {
    for format in ["jwe", "cms-pem"] {
        let sealed = seal(&["a2048"], format, &CONTEXT, VALUE).stdout();
        assert_snapshot!(
            format!("inspect_{format}"),
            run(&["inspect"], &sealed).transcript()
        );
        assert_snapshot!(
            format!("inspect_{format}_json"),
            run(&["inspect", "--json"], &sealed).transcript()
        );
    }
    let sealed = seal(
        &["a2048", "a3072"],
        "jwe-json",
        &["--danger-unbound"],
        VALUE,
    )
    .stdout();
    assert_snapshot!("inspect_jwe-json", run(&["inspect"], &sealed).transcript());
    // What somebody else wrote does nothing to a terminal.
    let evil = r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"me","sealpost":{"agent":"\u001b[31m","name":"a\nmessage    0 bytes\u202e","exp":"9999999999999"}}"#;
    let evil = Base64UrlUnpadded::encode_string(evil.as_bytes());
    let evil = format!("{evil}.AAAA.AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA\n");
    assert_snapshot!(
        "inspect_evil",
        run(&["inspect"], evil.as_bytes()).transcript()
    );
}

/// A compact JWE whose header was changed.
fn with_header(from: &str, to: &str) -> Vec<u8> {
    let sealed = seal(&["a2048"], "jwe", &CONTEXT, VALUE).text();
    let (header, rest) = sealed.split_once('.').unwrap();
    let header = String::from_utf8(Base64UrlUnpadded::decode_vec(header).unwrap()).unwrap();
    assert!(header.contains(from), "{header}");
    let header = Base64UrlUnpadded::encode_string(header.replace(from, to).as_bytes());
    format!("{header}.{rest}").into_bytes()
}

#[test]
fn wrong_messages_are_refused_with_what_to_do() {
    let alg = "\"RSA-OAEP-256\"";
    let der = |oid: &[u8]| [&[0x30, 0x81, 0x80][..], oid, &vec![0; 0x80 - oid.len()]].concat();
    let enveloped = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3];
    let signed = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    let pem = seal(&["a2048"], "cms-pem", &CONTEXT, VALUE).text();
    for (name, message) in [
        ("rsa1_5", with_header(alg, "\"RSA1_5\"")),
        ("rsa_oaep_sha1", with_header(alg, "\"RSA-OAEP\"")),
        ("enc", with_header("A256GCM", "A128CBC-HS256")),
        ("zip", with_header("{", "{\"zip\":\"DEF\",")),
        ("crit", with_header("{", "{\"crit\":[\"exp\"],")),
        ("three_parts", b"eyJhbGciOiJub25lIn0.e30.".to_vec()),
        ("json_no_jwe", b"{\"password\":\"x\"}".to_vec()),
        ("ber", [&[0x30, 0x80][..], &enveloped, &[0; 200]].concat()),
        ("enveloped_data", der(&enveloped)),
        ("signed_data", der(&signed)),
        (
            "smime",
            b"MIME-Version: 1.0\nContent-Disposition: attachment; filename=\"smime.p7m\"\n"
                .to_vec(),
        ),
        ("pem_cut", pem.as_bytes()[..200].to_vec()),
        ("pem_certificate", fs::read(certificate("a2048")).unwrap()),
    ] {
        let refused = open("a2048", &CONTEXT, &message);
        assert_eq!(refused.code(), 1, "{name}");
        assert_snapshot!(format!("wrong_{name}"), refused.transcript());
        assert_eq!(run(&["inspect"], &message).code(), 1, "{name}");
    }
}

#[test]
fn wrap_prints_the_context_and_the_value_as_it_is() {
    assert_snapshot!(
        "wrap",
        run(&[&["wrap"][..], &CONTEXT].concat(), VALUE).transcript()
    );
    for (name, value) in [
        ("no_json", &b"hunter2"[..]),
        ("no_object", b"[1]"),
        ("twice", br#"{"a":1,"password":"canary","\u0061":2}"#),
        ("no_such_key", br#"{"user":"canary"}"#),
        ("members_of_its_own", br#"{},"sealpost":{"agent":"a"}"#),
    ] {
        let refused = run(&[&["wrap"][..], &CONTEXT].concat(), value);
        assert_eq!(refused.code(), 1);
        assert!(!refused.transcript().contains("canary"));
        assert_snapshot!(format!("wrap_{name}"), refused.transcript());
    }
    assert_snapshot!("wrap_nothing", run(&["wrap"], VALUE).transcript());
    assert_snapshot!(
        "seal_cms_no_json",
        seal(&["a2048"], "cms", &CONTEXT, b"hunter2").transcript()
    );
}

#[test]
fn what_expires_is_for_once() {
    let wrap = || {
        let wrapper = run(
            &[&["wrap", "--expires-in", "15m"][..], &CONTEXT].concat(),
            VALUE,
        )
        .stdout();
        let wrapper: Value = serde_json::from_slice(&wrapper).unwrap();
        let text = |name: &str| wrapper["sealpost"][name].as_str().unwrap().to_owned();
        (text("jti"), text("exp").parse::<u64>().unwrap())
    };
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let ((first, end), (second, _)) = (wrap(), wrap());
    assert!(first != second && first.len() == 32, "{first} {second}");
    assert!((now + 900..now + 960).contains(&end));
    for format in FORMATS {
        let sealed = seal(
            &["a2048"],
            format,
            &[&CONTEXT[..], &["--expires-in", "1s"]].concat(),
            VALUE,
        )
        .stdout();
        std::thread::sleep(std::time::Duration::from_millis(1100));
        let opened = open("a2048", &CONTEXT, &sealed);
        assert!(
            String::from_utf8_lossy(opened.streams().1).contains("its time is over"),
            "{format}"
        );
        assert_eq!(opened.stdout(), VALUE);
    }
}

/// What begins like a message and is none is called what it is.
#[test]
fn input_that_is_not_one_message_is_named_as_what_it_is() {
    let (to, identity) = (
        path(&testdata("keys/agent-a2048.pem")),
        path(&testdata("keys/agent-a2048.key.pem")),
    );
    let whose = ["--agent-id", "a2048"];
    let which = ["--name", "db"];
    let trust = ["--to", &to, "--danger-trust-any-certificate"];
    let line = b"{\"name\":\"db\",\"value\":{\"a\":1}}\n";
    let batch = run(&[&["seal", "--batch"][..], &trust, &whose].concat(), line).stdout();
    let native = run(&[&["seal"][..], &trust, &whose, &which].concat(), b"{}").stdout();
    let wrapper = run(&[&["wrap"][..], &whose, &which].concat(), b"{\"a\":1}").stdout();
    let certificate = fs::read(&to).unwrap();
    let open = ["open", "--identity", &identity];
    let in_context = [&open[..], &whose, &which].concat();
    let unbound = [&open[..], &["--danger-accept-unbound"]].concat();
    for (input, words) in [
        (&batch[..], ["this is a batch", "give --batch"]),
        (&wrapper, ["this is a wrapper", "seal it"]),
        (
            b"{\"error\":\"forbidden\"}",
            ["this is JSON, and not a JWE", "give what was sealed"],
        ),
        (
            &certificate,
            ["this is PEM of \"CERTIFICATE\"", "--certificate"],
        ),
    ] {
        for arguments in [&in_context, &unbound, &vec!["inspect"]] {
            let run = run(arguments, input);
            let transcript = run.transcript();
            assert_eq!(run.code(), 1, "{transcript}");
            for part in words {
                assert!(transcript.contains(part), "{part}: {transcript}");
            }
        }
    }
    let as_batch = [&open[..], &whose, &["--batch"]].concat();
    for (input, words) in [
        (&native[..], "this is one message"),
        (&certificate, "this is PEM of \"CERTIFICATE\""),
    ] {
        let run = run(&as_batch, input);
        let transcript = run.transcript();
        assert_eq!(run.code(), 1, "{transcript}");
        assert!(transcript.contains(words), "{transcript}");
    }
}

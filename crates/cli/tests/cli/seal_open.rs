use std::fs;

use insta::assert_snapshot;

use super::support::{AGENT, Run, agent, contains, other_agent, path, run, run_command, sealpost};

fn seal(extra: &[&str], plaintext: &[u8]) -> Run {
    let agent = agent();
    let (certificate, pin) = (agent.certificate(), &agent.fingerprint);
    let mut arguments = vec![
        "seal",
        "--to",
        &certificate,
        "--pin",
        pin,
        "--agent-id",
        AGENT,
        "--name",
        "db",
    ];
    arguments.extend(extra);
    run(&arguments, plaintext)
}

fn open(extra: &[&str], envelope: &[u8]) -> Run {
    let identity = agent().identity();
    let mut arguments = vec![
        "open",
        "--identity",
        &identity,
        "--agent-id",
        AGENT,
        "--name",
        "db",
    ];
    arguments.extend(extra);
    run(&arguments, envelope)
}

#[test]
fn gives_back_every_byte() {
    let random: Vec<u8> = (0..65_536_u32)
        .map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[2])
        .collect();
    for plaintext in [&b""[..], b"x", b"\n", b"\xff\xfe not JSON \0\r\n", &random] {
        for form in [&[][..], &["--binary"]] {
            let envelope = seal(form, plaintext).stdout();
            assert!(plaintext.len() < 2 || !contains(&envelope, plaintext));
            assert!(
                open(&[], &envelope).stdout() == plaintext,
                "{form:?}, {} bytes",
                plaintext.len()
            );
        }
    }
}

#[test]
fn the_exit_code_says_what_kind_of_failure_it_is() {
    let envelope = seal(&[], b"secret").stdout();
    let identity = agent().identity();
    let open_as = |name: &str, envelope: &[u8]| {
        let arguments = [
            "open",
            "--identity",
            &identity,
            "--agent-id",
            AGENT,
            "--name",
            name,
        ];
        run(&arguments, envelope).code()
    };
    assert_eq!(open_as("db", &envelope), 0);
    // The input is refused: not an envelope, a request against the rules.
    assert_eq!(open_as("db", b"not an envelope"), 1);
    assert_eq!(run(&["validate"], b"{}").code(), 1);
    // Wrong usage, and a file that is not there.
    assert_eq!(run(&["open"], &envelope).code(), 2);
    let absent = run(
        &[
            "open",
            "--identity",
            "absent.pem",
            "--agent-id",
            AGENT,
            "--name",
            "db",
        ],
        &envelope,
    );
    assert_eq!(absent.code(), 2);
    // It does not open: another name, and a byte that was changed.
    assert_eq!(open_as("other", &envelope), 3);
    let mut changed = envelope.clone();
    let middle = changed.len() - 40;
    changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
    assert_eq!(open_as("db", &changed), 3);
}

#[test]
fn text_form_is_one_line_and_white_space_may_stand_around_it() {
    let line = seal(&[], b"secret").text();
    assert!(line.starts_with("sealpost.v1.") && line.ends_with('\n'));
    assert_eq!(line.lines().count(), 1);
    let text = line.trim_end();
    for ending in ["", "\n", "\r\n", "\n\n", "\r", " "] {
        assert_eq!(
            open(&[], format!("{text}{ending}").as_bytes()).stdout(),
            b"secret"
        );
    }
    for broken in [
        format!("{text}\n\nx"),
        format!("{} {}", &text[..40], &text[40..]),
        format!("{}\n{}", &text[..40], &text[40..]),
        format!("{text}="),
    ] {
        assert_eq!(open(&[], broken.as_bytes()).code(), 1, "{broken:?}");
    }
}

#[test]
fn reads_and_writes_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| path(&folder.path().join(name));
    let (plaintext, envelope, opened) = (file("plaintext"), file("envelope"), file("opened"));
    fs::write(&plaintext, b"from a file").unwrap();
    fs::write(&opened, b"older and longer than what is written now").unwrap();
    assert!(
        seal(&["-o", &envelope, &plaintext], b"")
            .stdout()
            .is_empty()
    );
    assert!(
        open(&["--output", &opened, &envelope], b"")
            .stdout()
            .is_empty()
    );
    assert_eq!(fs::read(&opened).unwrap(), b"from a file");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        3,
        "a temporary file is left"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            fs::metadata(&opened).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    // A failed open leaves the output as it was.
    assert_eq!(
        open(&["--type", "OTHER", "-o", &opened, &envelope], b"").code(),
        3
    );
    assert_eq!(fs::read(&opened).unwrap(), b"from a file");
}

#[test]
fn opens_for_no_other_context() {
    let project = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
    let full = [
        "--key",
        "password",
        "--type",
        "PASSWORD",
        "--project",
        project,
    ];
    let envelope = seal(&full, b"secret").stdout();
    assert_eq!(open(&full, &envelope).stdout(), b"secret");
    for other in [
        &["--type", "PASSWORD", "--project", project][..],
        &[
            "--key",
            "Password",
            "--type",
            "PASSWORD",
            "--project",
            project,
        ],
        &["--key", "password", "--project", project],
        &[
            "--key",
            "password",
            "--type",
            "PASSWORD2",
            "--project",
            project,
        ],
        &["--key", "password", "--type", "PASSWORD"],
        &[
            "--key",
            "password",
            "--type",
            "PASSWORD",
            "--project",
            &project.replace('b', "c"),
        ],
    ] {
        let failed = open(other, &envelope);
        assert_eq!(failed.code(), 3, "{other:?}");
        assert!(failed.streams().0.is_empty());
    }
    let identity = agent().identity();
    for (agent_id, name) in [("berlin-2", "db"), (AGENT, "DB")] {
        let mut arguments = vec![
            "open",
            "--identity",
            &identity,
            "--agent-id",
            agent_id,
            "--name",
            name,
        ];
        arguments.extend(full);
        assert_eq!(run(&arguments, &envelope).code(), 3, "{agent_id} {name}");
    }
    assert_snapshot!(open(&[], &envelope).transcript());
}

#[test]
fn seals_to_several_certificates_if_each_is_pinned() {
    let (one, other) = (agent(), other_agent());
    let (first, second) = (one.certificate(), other.certificate());
    let pins = [&one.fingerprint, &other.fingerprint];
    let both = [
        "seal",
        "--to",
        &first,
        "--to",
        &second,
        "--agent-id",
        AGENT,
        "--name",
        "db",
    ];
    let pinned = [&both[..], &["--pin", pins[1], "--pin", pins[0]]].concat();
    let sealed = run(&pinned, b"for two");
    // One of them is the agent's; that the other is another's is told.
    assert_snapshot!(
        "of_another_agent",
        String::from_utf8_lossy(sealed.streams().1).replace(&second, "<second>")
    );
    let envelope = sealed.stdout();
    for identity in [one.identity(), other.identity()] {
        let opened = run(
            &[
                "open",
                "--identity",
                &identity,
                "--agent-id",
                AGENT,
                "--name",
                "db",
            ],
            &envelope,
        );
        assert_eq!(opened.stdout(), b"for two");
    }
    assert_snapshot!(
        "one_of_two_pinned",
        run(&[&both[..], &["--pin", pins[0]]].concat(), b"").transcript()
    );
    let any = run(
        &[&both[..], &["--danger-trust-any-certificate"]].concat(),
        b"x",
    );
    assert_eq!(any.code(), 0);
    let twice = [
        &both[..5],
        &["--to", &first, "--danger-trust-any-certificate"],
        &both[5..],
    ]
    .concat();
    assert_snapshot!("twice", run(&twice, b"x").transcript());
}

#[test]
fn a_pin_may_have_colons_and_capitals() {
    let agent = agent();
    let bytes: Vec<_> = agent
        .fingerprint
        .as_bytes()
        .chunks(2)
        .map(|b| str::from_utf8(b).unwrap())
        .collect();
    let pin = bytes.join(":").to_uppercase();
    let to = agent.certificate();
    let sealed = run(
        &[
            "seal",
            "--to",
            &to,
            "--pin",
            &pin,
            "--agent-id",
            AGENT,
            "--name",
            "n",
        ],
        b"",
    );
    assert_eq!(sealed.code(), 0);
}

#[test]
fn trust_is_stated_exactly_once() {
    let to = agent().certificate();
    let base = ["seal", "--to", &to, "--agent-id", AGENT, "--name", "db"];
    assert_snapshot!("no_trust", run(&base, b"").transcript());
    let both = [
        &base[..],
        &[
            "--pin",
            &agent().fingerprint,
            "--danger-trust-any-certificate",
        ],
    ]
    .concat();
    assert_snapshot!("both_trusts", run(&both, b"").transcript());
    assert_snapshot!(
        "no_pin",
        run(&[&base[..], &["--pin", "abcd"]].concat(), b"").transcript()
    );
}

#[test]
fn time_decides_whether_a_certificate_is_valid() {
    assert_eq!(seal(&["--now", "2020-01-01T00:00:00Z"], b"").code(), 1);
    assert_eq!(seal(&["--now", "2060-01-01T00:00:00Z"], b"").code(), 1);
    assert_snapshot!(seal(&["--now", "tomorrow"], b"").transcript());
}

#[test]
fn refuses_the_context_that_the_endpoint_would_refuse() {
    assert_snapshot!("empty_key", seal(&["--key", ""], b"").transcript());
    assert_snapshot!("type", seal(&["--type", "pass word"], b"").transcript());
    assert_snapshot!("project", seal(&["--project", "{x}"], b"").transcript());
    let to = agent().certificate();
    let name = |name: &str| {
        run(
            &[
                "seal",
                "--to",
                &to,
                "--danger-trust-any-certificate",
                "--agent-id",
                "a",
                "--name",
                name,
            ],
            b"",
        )
    };
    assert_eq!(name("").code(), 1);
    assert_eq!(name("a\nb").code(), 1);
    assert_eq!(name(&"n".repeat(512)).code(), 0);
    assert_eq!(name(&"n".repeat(513)).code(), 1);
}

#[test]
fn tells_malformed_from_sealed_to_another() {
    let envelope = seal(&["--binary"], b"secret").stdout();
    let other = other_agent().identity();
    let not_ours = run(
        &[
            "open",
            "--identity",
            &other,
            "--agent-id",
            AGENT,
            "--name",
            "db",
        ],
        &envelope,
    );
    assert_snapshot!("another_key", not_ours.transcript());
    assert_snapshot!("malformed", open(&[], b"hello").transcript());
    assert_snapshot!(
        "cut",
        open(&[], &envelope[..envelope.len() - 1]).transcript()
    );
    let mut changed = envelope.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert_snapshot!("changed", open(&[], &changed).transcript());
}

#[test]
fn says_which_file_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let empty = path(&folder.path().join("empty.pem"));
    fs::write(&empty, "").unwrap();
    let missing = path(&folder.path().join("missing.pem"));
    let open_with = |identity: &str| {
        run(
            &[
                "open",
                "--identity",
                identity,
                "--agent-id",
                AGENT,
                "--name",
                "db",
            ],
            b"",
        )
        .transcript()
    };
    assert_snapshot!("no_identity_file", open_with(&missing));
    assert_snapshot!("no_identity_in_file", open_with(&empty));
    assert_snapshot!("certificate_as_identity", open_with(&agent().certificate()));
    let seal_to = |certificate: &str| {
        let trust = "--danger-trust-any-certificate";
        run(
            &[
                "seal",
                "--to",
                certificate,
                trust,
                "--agent-id",
                AGENT,
                "--name",
                "db",
            ],
            b"",
        )
        .transcript()
    };
    assert_snapshot!("no_certificate_in_file", seal_to(&empty));
    assert_snapshot!("identity_as_certificate", seal_to(&agent().identity()));
    assert_snapshot!("no_input_file", seal(&[&missing], b"").transcript());
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error() {
    let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else {
        println!("not run: there is no /dev/full");
        return;
    };
    let to = agent().certificate();
    let seal = [
        "seal",
        "--to",
        &to,
        "--danger-trust-any-certificate",
        "--agent-id",
        "a",
        "--name",
        "n",
    ];
    let mut command = sealpost(&seal);
    let status = command
        .stdin(std::process::Stdio::null())
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(status.status.code(), Some(2), "{status:?}");
    assert_eq!(
        run_command(sealpost(&[&seal[..], &["-o", "/dev/full"]].concat()), b"").code(),
        2
    );
}

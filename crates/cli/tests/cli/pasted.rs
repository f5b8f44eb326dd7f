//! Text as people save and paste it: byte-order marks, blank lines, CRLF, other encodings. Every input that is text.

use std::fs;

use super::support::{AGENT, Run, agent, path, run};

const MARK: &str = "\u{feff}";
const VALUE: &[u8] = br#"{"p":"c4n4ry"}"#;
const CONTEXT: [&str; 4] = ["--agent-id", AGENT, "--name", "db"];

/// How a text may be changed without being another one.
fn dressed(text: &str) -> Vec<String> {
    let text = text.trim_end();
    let crlf = text.replace('\n', "\r\n");
    vec![
        text.to_owned(),
        format!("{text}\n"),
        format!("{crlf}\r\n"),
        format!("{MARK}{text}\n"),
        format!("{MARK}{crlf}\r\n"),
        format!("\n\n{text}\n\n"),
        format!("\r\n \r\n{crlf}\r\n\t\r\n"),
        format!("{MARK}\n{text}\n\n\n"),
        format!("{MARK}\r\n\r\n{crlf}\r\n \r\n"),
        format!("\n \n{MARK}{text}\n"),
    ]
}

/// Other encodings, by the name that the message must have.
fn encoded(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let utf16 = |to: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
        let text = format!("{mark}{text}");
        text.encode_utf16().flat_map(to).collect()
    };
    let utf32 = |to: fn(u32) -> [u8; 4], mark: &str| -> Vec<u8> {
        let text = format!("{mark}{text}");
        text.chars().map(u32::from).flat_map(to).collect()
    };
    let mut all = Vec::new();
    for mark in ["", MARK] {
        all.push(("UTF-16LE", utf16(u16::to_le_bytes, mark)));
        all.push(("UTF-16BE", utf16(u16::to_be_bytes, mark)));
        all.push(("UTF-32LE", utf32(u32::to_le_bytes, mark)));
        all.push(("UTF-32BE", utf32(u32::to_be_bytes, mark)));
    }
    all
}

fn assert_names_encoding(run: &Run, encoding: &str) {
    let transcript = run.transcript();
    assert_eq!(run.code(), 1, "{transcript}");
    for part in [encoding, "not in UTF-8", "hint: ", "iconv -f "] {
        assert!(transcript.contains(part), "{part}: {transcript}");
    }
    assert!(!transcript.contains("c4n4ry"), "{transcript}");
}

fn seal(extra: &[&str], input: &[u8]) -> Run {
    let (to, pin) = (agent().certificate(), &agent().fingerprint);
    let mut arguments = vec!["seal", "--to", &to, "--pin", pin];
    arguments.extend(extra);
    run(&arguments, input)
}

fn sealed(format: &str) -> String {
    seal(&[&["--format", format], &CONTEXT[..]].concat(), VALUE).text()
}

fn open(extra: &[&str], sealed: &[u8]) -> Run {
    let identity = agent().identity();
    let mut arguments = vec!["open", "--identity", &identity];
    arguments.extend(extra);
    run(&arguments, sealed)
}

#[test]
fn messages_in_text_are_opened_and_inspected_however_they_were_pasted() {
    for format in ["native", "jwe", "jwe-json", "cms-pem"] {
        let sealed = sealed(format);
        let inspected = run(&["inspect"], sealed.trim_end().as_bytes()).text();
        for text in dressed(&sealed) {
            let opened = open(&CONTEXT, text.as_bytes());
            assert_eq!(opened.stdout(), VALUE, "{format}: {text:?}");
            let shown = run(&["inspect"], text.as_bytes()).text();
            let without_lengths = |text: &str| text.lines().skip(1).collect::<String>();
            assert_eq!(
                without_lengths(&shown),
                without_lengths(&inspected),
                "{format}: {text:?}"
            );
        }
        for (encoding, bytes) in encoded(&sealed) {
            assert_names_encoding(&open(&CONTEXT, &bytes), encoding);
            assert_names_encoding(&open(&["--danger-accept-unbound"], &bytes), encoding);
            assert_names_encoding(&run(&["inspect"], &bytes), encoding);
        }
    }
}

/// As mail programs and people add it (RFC 7468 §2).
#[test]
fn text_around_a_cms_message_in_pem_is_passed_over() {
    let sealed = sealed("cms-pem");
    for text in [
        format!("Sealed for you.\n\n{sealed}"),
        format!("{MARK}Sealed for you:\r\n{sealed}\nRegards\n"),
    ] {
        assert_eq!(open(&CONTEXT, text.as_bytes()).stdout(), VALUE);
        assert_eq!(run(&["inspect"], text.as_bytes()).code(), 0);
    }
    let other = sealed.replace("CMS", "CERTIFICATE");
    let run = open(&CONTEXT, format!("text\n{other}").as_bytes());
    assert_eq!(run.code(), 1, "{}", run.transcript());
}

/// A byte of a binary form counts, also if it is white space.
#[test]
fn binary_forms_stay_strict() {
    for extra in [&["--binary"][..], &["--format", "cms"]] {
        let sealed = seal(&[extra, &CONTEXT].concat(), VALUE).stdout();
        assert_eq!(open(&CONTEXT, &sealed).stdout(), VALUE);
        for (before, after) in [("\n", ""), ("", "\n"), (" ", ""), ("", "\r\n")] {
            let padded = [before.as_bytes(), &sealed, after.as_bytes()].concat();
            assert_eq!(open(&CONTEXT, &padded).code(), 1, "{before:?} {after:?}");
        }
        // Nor is a mark dropped that some program put there.
        let marked = [MARK.as_bytes(), &sealed].concat();
        for run in [open(&CONTEXT, &marked), run(&["inspect"], &marked)] {
            let transcript = run.transcript();
            assert_eq!(run.code(), 1, "{transcript}");
            assert!(
                transcript.contains("byte-order mark, and what follows is binary"),
                "{transcript}"
            );
        }
    }
}

#[test]
fn what_is_not_recognised_is_reported_as_that_and_not_as_usage() {
    for input in [&b"hello"[..], b"\x00\x01", b"c4n4ry.c4n4ry", b"<xml/>"] {
        for extra in [&["--danger-accept-unbound"][..], &CONTEXT] {
            let run = open(extra, input);
            assert_eq!(run.code(), 1);
            let transcript = run.transcript();
            assert!(
                transcript.contains("not a sealpost envelope, a JWE or a CMS message"),
                "{transcript}"
            );
            assert!(!transcript.contains("c4n4ry"), "{transcript}");
        }
    }
    for input in [&b""[..], b"\n\n", b" \r\n"] {
        let transcript = open(&["--danger-accept-unbound"], input).transcript();
        assert!(transcript.contains("stdin is empty"), "{transcript}");
    }
    // Signed, and not a JWE that was cut.
    for jws in [
        "eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.c2ln",
        "eyJhbGciOiJSUzI1NiJ9..c2ln",
        "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.",
        r#"{"payload":"eyJhIjoxfQ","protected":"eyJhbGciOiJSUzI1NiJ9","signature":"c2ln"}"#,
        r#"{"payload":"eyJhIjoxfQ","signatures":[{"protected":"eyJhbGciOiJSUzI1NiJ9","signature":"c2ln"}]}"#,
    ] {
        for run in [
            open(&CONTEXT, jws.as_bytes()),
            run(&["inspect"], jws.as_bytes()),
        ] {
            let transcript = run.transcript();
            assert_eq!(run.code(), 1, "{transcript}");
            assert!(transcript.contains("this is a JWS"), "{transcript}");
            assert!(!transcript.contains("five parts"), "{transcript}");
        }
    }
    let jwe = sealed("jwe");
    let cut: Vec<_> = jwe.split('.').take(3).collect();
    let transcript = open(&CONTEXT, cut.join(".").as_bytes()).transcript();
    assert!(
        transcript.contains("five parts between dots, this has 3"),
        "{transcript}"
    );
    // A native envelope needs its context: that is wrong usage.
    let native = sealed("native");
    let run = open(&["--danger-accept-unbound"], native.as_bytes());
    assert_eq!(run.code(), 2);
}

#[test]
fn keys_and_certificates_are_read_however_they_were_saved() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file.pem");
    let name = path(&file);
    let (certificate, identity) = (agent().certificate(), agent().identity());
    let sealed = sealed("native");
    let jwe = sealed_as_jwe();
    let pem = fs::read_to_string(&certificate).unwrap();
    let key = fs::read_to_string(&identity).unwrap();
    let to = |name: &str| {
        let pin = &agent().fingerprint;
        let arguments = ["seal", "--to", name, "--pin", pin];
        run(&[&arguments, &CONTEXT[..]].concat(), VALUE)
    };
    let with_ca = |name: &str| {
        let ca = [
            "seal",
            "--to",
            &certificate,
            "--ca",
            name,
            "--agent-id",
            AGENT,
            "--name",
            "db",
        ];
        run(&ca, VALUE)
    };
    let with_identity = |name: &str| {
        let arguments = ["open", "--identity", name];
        run(&[&arguments, &CONTEXT[..]].concat(), sealed.as_bytes())
    };
    let with_certificate = |name: &str| {
        let copied = folder.path().join("key.pem");
        fs::copy(&identity, &copied).unwrap();
        let copied = path(&copied);
        let arguments = ["open", "--identity", &copied, "--certificate", name];
        run(&[&arguments, &CONTEXT[..]].concat(), jwe.as_bytes())
    };
    for text in dressed(&pem) {
        fs::write(&file, &text).unwrap();
        to(&name).stdout();
        assert_eq!(with_certificate(&name).stdout(), VALUE, "{text:?}");
        // It is read, and found not to be an authority's.
        assert!(with_ca(&name).transcript().contains("authority"));
    }
    // Files that were put together, each with its mark.
    fs::write(&file, format!("{MARK}{pem}{MARK}{pem}")).unwrap();
    to(&name).stdout();
    for text in dressed(&key) {
        fs::write(&file, &text).unwrap();
        assert_eq!(with_identity(&name).stdout(), VALUE, "{text:?}");
    }
    for (encoding, bytes) in encoded(&pem) {
        fs::write(&file, &bytes).unwrap();
        for run in [to(&name), with_ca(&name), with_certificate(&name)] {
            assert_names_encoding(&run, encoding);
        }
    }
    for (encoding, bytes) in encoded(&key) {
        fs::write(&file, &bytes).unwrap();
        assert_names_encoding(&with_identity(&name), encoding);
    }
}

fn sealed_as_jwe() -> String {
    sealed("jwe")
}

#[test]
fn json_lines_are_read_however_they_were_saved() {
    let lines = "{\"name\":\"a\",\"value\":{\"p\":\"c4n4ry\"}}\n{\"name\":\"b\",\"value\":2}";
    let plain = format!("{lines}\n");
    let batch = ["--batch", "--agent-id", AGENT];
    for text in dressed(lines) {
        let sealed = seal(&batch, text.as_bytes()).text();
        for sealed in dressed(&sealed) {
            let opened = open(&batch, sealed.as_bytes()).text();
            assert_eq!(opened, plain, "{text:?}");
        }
    }
    let (one, two) = lines.split_once('\n').unwrap();
    let together = format!("{MARK}{one}\r\n{MARK}{two}\n{MARK}\n");
    seal(&batch, together.as_bytes()).stdout();
    // One mark a line, as one a file, and not two.
    seal(&batch, format!("\n{MARK}{lines}").as_bytes()).stdout();
    for twice in [
        format!("{MARK}{MARK}{lines}"),
        format!("\n{MARK}{MARK}{lines}"),
    ] {
        let run = seal(&batch, twice.as_bytes());
        assert_eq!(run.code(), 1, "{}", run.transcript());
        assert!(
            run.transcript().contains("malformed at column 1"),
            "{}",
            run.transcript()
        );
    }
    for (encoding, bytes) in encoded(lines) {
        assert_names_encoding(&seal(&batch, &bytes), encoding);
        assert_names_encoding(&open(&batch, &bytes), encoding);
    }
}

#[test]
fn a_value_that_is_an_object_is_wrapped_without_its_byte_order_mark_and_other_bytes_stay() {
    let text = format!("{MARK}\r\n{}\r\n", String::from_utf8_lossy(VALUE));
    let wrap = |input: &[u8]| run(&[&["wrap"], &CONTEXT[..]].concat(), input);
    assert_eq!(wrap(text.as_bytes()).stdout(), wrap(VALUE).stdout());
    for (encoding, bytes) in encoded(r#"{"p":"c4n4ry"}"#) {
        assert_names_encoding(&wrap(&bytes), encoding);
        for json in [&["validate"][..], &["validate", "--json"]] {
            assert_names_encoding(&run(json, &bytes), encoding);
        }
    }
    // What ends is for the endpoint, which takes JSON in UTF-8.
    let ends = [&["--format", "jwe", "--expires-in", "5m"], &CONTEXT[..]].concat();
    let opened = open(&CONTEXT, seal(&ends, text.as_bytes()).text().as_bytes()).stdout();
    assert_eq!(opened, text.trim_start_matches(MARK).as_bytes());
    for (encoding, bytes) in encoded(r#"{"p":"c4n4ry"}"#) {
        assert_names_encoding(&seal(&ends, &bytes), encoding);
    }
    // These formats carry any bytes.
    for format in ["native", "jwe"] {
        let sealed = seal(
            &[&["--format", format], &CONTEXT[..]].concat(),
            text.as_bytes(),
        )
        .text();
        let opened = open(&CONTEXT, sealed.as_bytes()).stdout();
        assert_eq!(opened, text.as_bytes());
    }
}

//! A secret goes the whole way at the highest level of logging, and no log has it.

use std::fs;
use std::path::Path;

use sealpost_envelope::Certificate;

use super::server::Dev;
use super::support::{AGENT, Run, agent, contains, path, run_command, sealpost};

const CANARY: &str = "c4n4ry-7f3a91e2d8b6";

fn run(arguments: &[&str], stdin: &[u8]) -> Run {
    let mut command = sealpost(arguments);
    command
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "full");
    run_command(command, stdin)
}

/// The canary as it is, in hex, and in the three ways in which base64 may have it.
fn forms() -> Vec<Vec<u8>> {
    let hex: String = CANARY.bytes().map(|b| format!("{b:02x}")).collect();
    let mut forms = vec![
        CANARY.as_bytes().to_vec(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
    ];
    for offset in 0..3 {
        let aligned = &CANARY.as_bytes()[offset..offset + (CANARY.len() - offset) / 3 * 3];
        forms.push(base64(aligned));
    }
    forms
}

/// Without padding, which whole groups of three bytes don't need.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits = |group: &[u8]| {
        let word = group
            .iter()
            .fold(0, |word, byte| word << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| ALPHABET[word >> shift & 63])
    };
    bytes.chunks_exact(3).flat_map(digits).collect()
}

#[track_caller]
fn assert_clean(what: &str, bytes: &[u8]) {
    for form in forms() {
        assert!(
            !contains(bytes, &form),
            "{what} has it: {}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[track_caller]
fn assert_clean_folder(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_clean_folder(&path);
        } else if path.is_file() {
            assert_clean(&path.display().to_string(), &fs::read(&path).unwrap());
        }
    }
}

/// `secret create` and `secret import`, in clear and sealed at the source, good and bad.
fn assert_clean_secret_commands(dev: &Dev, data: &Path, value: &str) {
    let certificate = fs::read(data.join("agent.pem")).unwrap();
    let certificate = Certificate::from_pem(&certificate).unwrap();
    let pin = certificate.fingerprint().to_string();
    let url = dev.url();
    let to = ["--url", &url, "--agent", "dev-agent", "--attempts", "1"];
    let seal = ["--seal-at-source", "--pin", &pin];
    let resume = path(&data.join("resume"));
    let lines = format!(
        "{{\"name\":\"l1\",\"value\":{value}}}\n{{\"name\":\"l1\",\"value\":{value}}}\n{{\"name\":\"{CANARY}"
    );
    for (arguments, input, code) in [
        (vec!["create", "--name", "c1"], value.to_owned(), 0),
        (
            [&["create", "--name", "c2"][..], &seal].concat(),
            value.to_owned(),
            0,
        ),
        (vec!["create", "--name", "c1"], value.to_owned(), 1),
        (
            vec!["create", "--name", "c3", "--key", "x"],
            value.to_owned(),
            1,
        ),
        (vec!["create", "--name", "c3"], value.replace('}', ""), 1),
        (vec!["import", "--resume", &resume, "-"], lines.clone(), 1),
        ([&["import", "--json", "-"][..], &seal].concat(), lines, 1),
    ] {
        let mut command = sealpost(&[&["secret", arguments[0]][..], &to, &arguments[1..]].concat());
        command
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full")
            .env("SEALPOST_TOKEN", &dev.token);
        let run = run_command(command, input.as_bytes());
        assert_eq!(run.code(), code, "{}", run.transcript());
        let (stdout, stderr) = run.streams();
        assert_clean(arguments[0], stdout);
        assert_clean(arguments[0], stderr);
        // What is refused here sends nothing and logs nothing.
        if code == 0 {
            assert!(contains(stderr, b"TRACE"), "{}", run.transcript());
        }
        for stream in [stdout, stderr] {
            assert!(!contains(stream, dev.token.as_bytes()), "the token");
        }
    }
}

#[test]
fn the_forms_are_found() {
    assert_eq!(base64(b"Man"), b"TWFu");
    for prefix in ["", "x", "xy"] {
        let text = format!("{prefix}{CANARY}xyz");
        let encoded = base64(&text.as_bytes()[..text.len() / 3 * 3]);
        assert!(
            forms().iter().any(|form| contains(&encoded, form)),
            "{prefix:?}"
        );
    }
}

#[test]
fn no_log_and_no_error_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let agent = agent();
    let (to, identity) = (agent.certificate(), agent.identity());
    let value = format!(r#"{{"password":"{CANARY}"}}"#);
    let request = format!(r#"{{"secret":{{"name":"n","key":"password","value":{value}}}}}"#);

    let seal = [
        "seal",
        "--to",
        &to,
        "--pin",
        &agent.fingerprint,
        "--agent-id",
        AGENT,
        "--name",
        "n",
    ];
    let sealed = run(&seal, value.as_bytes());
    assert_clean("seal", sealed.streams().0);
    assert_clean("seal's log", sealed.streams().1);
    let envelope = sealed.stdout();

    let open = [
        "open",
        "--identity",
        &identity,
        "--agent-id",
        AGENT,
        "--name",
        "n",
    ];
    let opened = run(&open, &envelope);
    assert_eq!(opened.streams().0, value.as_bytes());
    assert_clean("open's log", opened.streams().1);
    let mut other = open;
    other[6] = "m";
    let failed = run(&other, &envelope);
    assert_eq!(failed.code(), 3);
    assert_clean("a failed open", failed.streams().1);
    assert_clean("a failed open", failed.streams().0);
    let inspected = run(&["inspect"], &envelope);
    assert_clean("inspect", inspected.streams().0);
    for format in ["jwe", "jwe-json", "cms", "cms-pem"] {
        let sealed = run(
            &[&seal[..], &["--format", format]].concat(),
            value.as_bytes(),
        );
        assert_clean("seal", sealed.streams().0);
        assert_clean("seal's log", sealed.streams().1);
        let sealed = sealed.stdout();
        let opened = run(&[&open[..], &["--certificate", &to]].concat(), &sealed);
        assert_eq!(opened.streams().0, value.as_bytes());
        assert_clean("open's log", opened.streams().1);
        let failed = run(&[&other[..], &["--certificate", &to]].concat(), &sealed);
        assert_eq!(failed.code(), 3);
        assert_clean("a failed open", failed.streams().1);
        assert_clean("a failed open", failed.streams().0);
        assert_clean("inspect", run(&["inspect"], &sealed).streams().0);
    }
    // The secret where an envelope or a key should be, and where a JSON object should.
    let wrap = ["wrap", "--agent-id", AGENT, "--name", "n"];
    for wrong in [CANARY.to_owned(), format!("[{value}]"), format!("{value}x")] {
        let refused = run(&wrap, wrong.as_bytes());
        assert_eq!(refused.code(), 1);
        assert_clean("wrap", refused.streams().1);
    }
    for mistaken in [
        run(&open, value.as_bytes()),
        run(&["inspect", "--json"], value.as_bytes()),
    ] {
        assert_eq!(mistaken.code(), 1);
        assert_clean("malformed", mistaken.streams().1);
    }
    let key = path(&folder.path().join("key.pem"));
    fs::write(&key, &value).unwrap();
    let mistaken = run(
        &[
            "open",
            "--identity",
            &key,
            "--agent-id",
            AGENT,
            "--name",
            "n",
        ],
        &envelope,
    );
    assert_clean("a secret for a key", mistaken.streams().1);
    fs::remove_file(&key).unwrap();

    for body in [
        request.clone(),
        request.replace('}', ""),
        request.replace("password\",", "passwort\","),
    ] {
        let validated = run(&["validate"], body.as_bytes());
        assert_clean("validate", validated.streams().0);
        assert_clean("validate's log", validated.streams().1);
    }

    let file = folder.path().join("request.json");
    fs::write(&file, &request).unwrap();
    let demo = run(&["demo", &path(&file)], b"");
    assert_eq!(demo.code(), 0, "{}", demo.transcript());
    assert!(
        contains(demo.streams().0, CANARY.as_bytes()),
        "the demo shows it"
    );
    assert_clean("the demo's log", demo.streams().1);
    fs::remove_file(&file).unwrap();

    let data = folder.path().join("data");
    let dev = Dev::start_with(&data, &[("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full")]);
    assert_eq!(dev.post(request.as_bytes()).status, 201);
    assert_eq!(dev.post(request.as_bytes()).status, 409);
    assert_eq!(dev.post(request.replace('}', "").as_bytes()).status, 400);
    assert_eq!(
        dev.post(request.replace("password\",", "passwort\",").as_bytes())
            .status,
        400
    );
    let resolve = ["resolve", "--data", &path(&data), "secret:n#password"];
    let resolved = run(&resolve, b"");
    assert_eq!(resolved.streams().0, CANARY.as_bytes());
    assert_clean("resolve's log", resolved.streams().1);
    assert_clean_secret_commands(&dev, &data, &value);
    let log = fs::read(&dev.log).unwrap();
    assert!(
        contains(&log, b"DEBUG"),
        "it did log: {}",
        String::from_utf8_lossy(&log)
    );
    assert!(
        !contains(&log, dev.token.as_bytes()),
        "the token is in the log"
    );
    let (_, signature) = dev.token.rsplit_once('.').unwrap();
    assert!(
        !contains(&log, signature.as_bytes()),
        "the token is in the log"
    );
    dev.kill();
    let resolved = run(&resolve, b"");
    assert_eq!(resolved.streams().0, CANARY.as_bytes());
    assert_clean("resolve's log", resolved.streams().1);
    // The log of `dev` is in here as well, and the vault, encrypted.
    assert_clean_folder(folder.path());
}

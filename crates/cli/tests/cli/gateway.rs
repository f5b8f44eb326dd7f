//! `sealpost gateway` serves, is told what to do by signals, and ends in order.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::gateway_server::{Site, eventually, free_port};
use super::server::answer;
use super::support::{AGENT, path, run, run_command};

#[test]
fn it_stores_and_resolves_and_leaves_a_trail() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Site::new(folder.path(), "base_path = \"/dpc\"\n").start(&[]);
    let created = gateway.create_with("/dpc", "", "prod/db");
    assert_eq!(created.status, 201, "{}", created.body);
    assert_eq!(
        gateway.create("prod/db").status,
        404,
        "without the base path"
    );
    assert_eq!(gateway.create_with("/dpc", "", "prod/db").status, 409);

    let state = path(&folder.path().join("state"));
    let resolve = || {
        let reference = "secret:prod%2Fdb#password";
        run(&["resolve", "--data", &state, reference], b"").text()
    };
    assert_eq!(resolve(), "P@ss prod/db", "through the running process");
    let trail = gateway.audit();
    let outcomes: Vec<_> = trail
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|event| event["event"] == "request")
        .map(|event| event["outcome"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(outcomes, ["stored", "secret-exists"], "{trail}");
    assert!(trail.contains(AGENT) && trail.contains("tester"), "{trail}");
    gateway.kill();
    assert_eq!(
        resolve(),
        "P@ss prod/db",
        "from the vault of a killed process"
    );
}

#[test]
fn a_retry_after_a_kill_is_answered_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(
        folder.path(),
        "idempotency = { secret_file = \"idempotency.hex\" }\n",
    );
    private(
        folder.path(),
        "idempotency.hex",
        &format!("{}\n", "a5".repeat(32)),
    );
    let key = "Idempotency-Key: \"0f7a4c1e-4f0a-4f6c-9a53\"\r\n";
    let gateway = site.start(&[]);
    let first = gateway.create_with("", key, "once");
    assert_eq!(first.status, 201, "{}", first.body);
    let gateway = gateway.kill().start(&[]);
    let again = gateway.create_with("", key, "once");
    assert_eq!((again.status, again.body), (201, first.body));
    assert_eq!(gateway.create("once").status, 409, "without the key");
    assert_eq!(gateway.create_with("", key, "other").status, 400);
}

#[test]
fn sigterm_lets_a_running_request_finish() {
    let folder = tempfile::tempdir().unwrap();
    let mut gateway = Site::new(folder.path(), "").start(&[]);
    let (head, body) = gateway.site().request("", "", "slow");
    let mut stream = gateway.connect();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body.as_bytes()[..10]).unwrap();
    thread::sleep(Duration::from_millis(300));
    gateway.signal("TERM");
    eventually("it takes no more connections", || {
        TcpStream::connect(("127.0.0.1", gateway.site().port)).is_err()
    });
    stream.write_all(&body.as_bytes()[10..]).unwrap();
    assert_eq!(answer(stream).status, 201);
    assert!(gateway.wait().success());
    assert!(!folder.path().join("state/resolve.sock").exists());
}

#[test]
fn sighup_opens_the_audit_file_anew_and_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Site::new(folder.path(), "").start(&[]);
    assert_eq!(gateway.create("a").status, 201);
    let (file, old) = (
        folder.path().join("audit.jsonl"),
        folder.path().join("audit.jsonl.1"),
    );
    fs::rename(&file, &old).unwrap();
    gateway.signal("HUP");
    eventually("the file is made anew", || file.exists());
    assert_eq!(gateway.create("b").status, 201);
    assert!(fs::read_to_string(&old).unwrap().contains("\"a\""));
    let new = gateway.audit();
    assert!(new.contains("\"b\"") && !new.contains("\"a\""), "{new}");
}

#[test]
fn metrics_and_health_have_a_port_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let metrics = format!("metrics = {{ listen = \"127.0.0.1:{port}\" }}\n");
    let gateway = Site::new(folder.path(), &metrics).start(&[]);
    assert_eq!(gateway.create("counted").status, 201);
    let get = |route: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        write!(
            stream,
            "GET {route} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        answer(stream)
    };
    assert_eq!(get("/healthz").status, 200);
    assert_eq!(get("/readyz").status, 200);
    let text = get("/metrics").body;
    let stored = text
        .lines()
        .find(|line| line.starts_with("sealpost_requests_total{") && line.contains("\"201\""));
    assert!(stored.is_some_and(|line| line.ends_with(" 1")), "{text}");
    assert!(text.contains(AGENT), "the certificate's end: {text}");
    assert!(!text.contains("counted"), "no secret's name: {text}");
}

#[test]
fn it_speaks_tls_and_takes_a_new_certificate() {
    if !has_openssl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let certificate = |name: &str| {
        let (key, certificate) = (
            folder.path().join("key.pem"),
            folder.path().join("server.pem"),
        );
        let subject = format!("/CN={name}");
        let mut openssl = Command::new("openssl");
        openssl
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "90",
            ])
            .args([
                "-subj",
                &subject,
                "-addext",
                "subjectAltName=DNS:localhost",
                "-keyout",
            ])
            .args([&key])
            .arg("-out")
            .args([&certificate])
            .stderr(Stdio::null());
        assert!(openssl.status().unwrap().success());
    };
    certificate("first");
    let tls = "tls = { certificate = \"server.pem\", key = \"key.pem\" }\n";
    let gateway = Site::new(folder.path(), tls).start(&[]);
    let talk = |name: &str| {
        let (head, body) = gateway.site().request("", "", name);
        let mut client = Command::new("openssl");
        client
            .args(["s_client", "-quiet", "-connect"])
            .arg(format!("127.0.0.1:{}", gateway.site().port))
            .args([
                "-servername",
                "localhost",
                "-verify_return_error",
                "-CAfile",
            ])
            .arg(folder.path().join("server.pem"));
        let ended = run_command(client, (head + &body).as_bytes());
        let (out, err) = ended.streams();
        String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(err)
    };
    let seen = talk("over-tls");
    assert!(
        seen.contains("HTTP/1.1 201") && seen.contains("CN = first"),
        "{seen}"
    );
    certificate("second");
    gateway.signal("HUP");
    eventually("the new certificate is shown", || {
        let seen = talk("again");
        seen.contains("CN = second") && seen.contains("HTTP/1.1 ")
    });
    // Plain HTTP is not spoken beside it.
    let mut stream = gateway.connect();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    assert!(!bytes.starts_with(b"HTTP/"), "{bytes:?}");
}

#[test]
fn no_log_has_a_value_or_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let gateway =
        Site::new(folder.path(), "log = { format = \"json\" }\n").start(&[("RUST_LOG", "trace")]);
    let created = gateway.create("c4n4ry");
    assert_eq!(created.status, 201, "{}", created.body);
    gateway.signal("HUP");
    eventually("it is in the log", || gateway.log().contains("reloading"));
    let token = gateway.site().token();
    let claims = token.split('.').nth(1).unwrap();
    for text in [gateway.log(), gateway.audit()] {
        assert!(!text.contains("P@ss"), "a value");
        assert!(!text.contains(claims), "a token");
    }
    for line in gateway.log().lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn a_source_of_keys_that_stalls_delays_no_signal() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path(), "");
    let keys = fs::read_to_string(folder.path().join("jwks.json")).unwrap();
    let issuer = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", issuer.local_addr().unwrap());
    let configuration = fs::read_to_string(site.config()).unwrap().replace(
        r#"jwks_file = "jwks.json""#,
        &format!("jwks_url = \"{url}\"\njwks_timeout = \"10m\""),
    );
    fs::write(site.config(), configuration).unwrap();
    let (asked, is_asked) = mpsc::channel();
    thread::spawn(move || {
        let mut stalled = Vec::new();
        for (n, stream) in issuer.incoming().enumerate() {
            let mut stream = stream.unwrap();
            if n == 0 {
                let _ = stream.read(&mut [0; 4096]).unwrap();
                let length = keys.len();
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{keys}"
                )
                .unwrap();
                continue;
            }
            // From the second time on it says nothing.
            stalled.push(stream);
            asked.send(()).unwrap();
        }
    });
    let mut gateway = site.start(&[]);
    assert_eq!(gateway.create("before").status, 201, "{}", gateway.log());
    gateway.signal("HUP");
    is_asked.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(gateway.create("meanwhile").status, 201, "{}", gateway.log());
    gateway.signal("TERM");
    let ended = gateway.wait();
    assert!(ended.success(), "{}", gateway.log());
}

#[test]
fn it_does_not_start_on_what_is_taken_or_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path(), "");
    let taken = TcpListener::bind(("127.0.0.1", site.port)).unwrap();
    let ended = run_command(site.command(), b"");
    assert_eq!(ended.code(), 2, "{}", ended.transcript());
    assert!(
        ended.transcript().contains("listen: cannot listen on"),
        "{}",
        ended.transcript()
    );
    drop(taken);

    let mut wrong = site.command();
    wrong.env("SEALPOST_GATEWAY__AUTH__JWKS_FILE", "nothing.json");
    let ended = run_command(wrong, b"");
    assert_eq!(ended.code(), 1, "{}", ended.transcript());
    assert!(
        ended.transcript().contains("auth.jwks_file: cannot read"),
        "{}",
        ended.transcript()
    );

    let gateway = site.start(&[]);
    let mut second = gateway.site().command();
    second.env(
        "SEALPOST_GATEWAY__LISTEN",
        format!("127.0.0.1:{}", free_port()),
    );
    let ended = run_command(second, b"");
    assert_eq!(
        ended.code(),
        2,
        "one process a vault: {}",
        ended.transcript()
    );
    assert_eq!(gateway.create("still-served").status, 201);
}

fn private(folder: &std::path::Path, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let file = folder.join(name);
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Says loudly that a test is skipped, and fails where everything is meant to be run.
#[allow(
    clippy::print_stderr,
    reason = "a test that was not run must not pass in silence"
)]
fn has_openssl() -> bool {
    let there = Command::new("openssl")
        .arg("version")
        .stdout(Stdio::null())
        .status()
        .is_ok();
    assert!(
        there || std::env::var_os("CI").is_none(),
        "openssl is not installed"
    );
    if !there {
        eprintln!("!!! openssl is not installed: TLS was not tested !!!");
    }
    there
}

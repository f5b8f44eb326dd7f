//! The audit trail of a running gateway, and what becomes of requests when it can't be written.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::gateway_server::{Gateway, Site, eventually, metric, page};
use super::small_disk::SmallDisk;
use super::support::{path, run};

/// Starts a gateway with this `[audit]`. Returns the port of its metrics, too.
fn start(folder: &Path, audit: &str, stdout: Stdio) -> (Gateway, u16) {
    let (port, metrics) = Site::metrics();
    let site = Site::new(folder, &metrics);
    let text = fs::read_to_string(site.config()).unwrap();
    let text = text.replace("[audit]\nfile = \"audit.jsonl\"\n", audit);
    fs::write(site.config(), text).unwrap();
    let mut command = site.command();
    let log = File::create(folder.join("log")).unwrap();
    command.stderr(log).stdout(stdout);
    (site.run(command), port)
}

/// Asserts that a create is a 500 that stores nothing, while health and resolver answer and readiness is a 503.
#[track_caller]
fn refuses(gateway: &Gateway, port: u16, stored: &str, name: &str) {
    let started = Instant::now();
    let refused = gateway.create(name);
    assert_eq!(refused.status, 500, "{}", refused.body);
    assert!(started.elapsed() < Duration::from_secs(15));
    let started = Instant::now();
    assert_eq!(page(port, "/healthz").status, 200);
    let ready = page(port, "/readyz");
    assert_eq!(
        (ready.status, ready.body.as_str()),
        (503, r#"{"ready":false,"missing":["audit-trail"]}"#)
    );
    assert_eq!(resolve(gateway, stored), format!("P@ss {stored}"));
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(metric(port, "sealpost_audit_failures_total") > 0);
    assert!(!gateway.log().contains("panicked"), "{}", gateway.log());
}

fn resolve(gateway: &Gateway, name: &str) -> String {
    let state = path(&gateway.site().folder.join("state"));
    run(
        &[
            "resolve",
            "--data",
            &state,
            &format!("secret:{name}#password"),
        ],
        b"",
    )
    .text()
}

/// Asserts that it goes on, and that what was refused was not stored.
#[track_caller]
fn recovers(gateway: &Gateway, port: u16, refused: &str) {
    eventually("it is ready again", || page(port, "/readyz").status == 200);
    let created = gateway.create(refused);
    assert_eq!(created.status, 201, "{}", created.body);
}

fn ends_in_order(mut gateway: Gateway) {
    gateway.signal("TERM");
    let started = Instant::now();
    assert!(gateway.wait().success());
    assert!(started.elapsed() < Duration::from_secs(20));
}

/// It ends as fast, and its exit code and the log say that the trail is not complete.
fn ends_without_its_last_line(mut gateway: Gateway) {
    gateway.signal("TERM");
    let started = Instant::now();
    assert_eq!(gateway.wait().code(), Some(2), "{}", gateway.log());
    assert!(started.elapsed() < Duration::from_secs(20));
    let reason = "stopped because a part failed: the audit trail: it does not say that the process has ended";
    assert!(gateway.log().contains(reason), "{}", gateway.log());
}

fn events(trail: &str) -> Vec<Value> {
    trail
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

#[test]
fn an_intent_is_written_before_and_completed_after() {
    for sync in ["", "sync = true\n"] {
        let folder = tempfile::tempdir().unwrap();
        let audit = format!("[audit]\nfile = \"audit.jsonl\"\n{sync}");
        let (gateway, _) = start(folder.path(), &audit, Stdio::null());
        assert_eq!(gateway.create("one").status, 201);
        assert_eq!(gateway.create("one").status, 409);
        let events = events(&gateway.audit());
        let kinds: Vec<_> = events.iter().map(|event| &event["event"]).collect();
        assert_eq!(kinds, ["start", "intent", "request", "intent", "request"]);
        let events = &events[1..];
        for pair in events.chunks(2) {
            assert_eq!(pair[0]["request_id"], pair[1]["request_id"]);
            assert_eq!(pair[0]["name"], "one");
            assert_eq!(pair[0].get("outcome"), None);
        }
        assert_eq!(events[1]["outcome"], "stored");
        assert_eq!(events[3]["outcome"], "secret-exists");
        ends_in_order(gateway);
    }
}

#[test]
fn a_start_and_an_orderly_end_have_a_line_each_and_a_kill_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let audit = "[audit]\nfile = \"audit.jsonl\"\n";
    let (mut gateway, _) = start(folder.path(), audit, Stdio::null());
    assert_eq!(gateway.create("one").status, 201);
    gateway.signal("TERM");
    assert!(gateway.wait().success());
    for lines in [5, 6] {
        gateway = gateway.kill().start(&[]);
        // It listens before it answers, and writes the line in between.
        eventually("the start has its line", || {
            gateway.audit().lines().count() == lines
        });
    }
    let events = events(&gateway.audit());
    let kinds: Vec<_> = events.iter().map(|event| &event["event"]).collect();
    assert_eq!(
        kinds,
        ["start", "intent", "request", "end", "start", "start"]
    );
}

#[test]
fn the_first_line_after_a_restart_is_not_glued_to_a_torn_one() {
    for (audit, is_stdout) in [("file = \"audit.jsonl\"", false), ("stdout = true", true)] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.jsonl");
        fs::write(&file, "{\"event\":\"int").unwrap();
        let stdout = match is_stdout {
            true => File::options().append(true).open(&file).unwrap().into(),
            false => Stdio::null(),
        };
        let (gateway, _) = start(folder.path(), &format!("[audit]\n{audit}\n"), stdout);
        let name = format!("after-{is_stdout}");
        assert_eq!(gateway.create(&name).status, 201);
        ends_in_order(gateway);
        let text = fs::read_to_string(&file).unwrap();
        let events = events(&text);
        assert_eq!(events[0]["event"], "start", "{text}");
        assert_eq!(events[1]["name"], name.as_str(), "{text}");
        assert_eq!(text.lines().count(), events.len() + 1, "{text}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_trail_that_can_not_be_written_is_not_ready_before_the_first_request() {
    let (closed, _) = std::io::pipe()
        .map(|(reader, writer)| (writer, drop(reader)))
        .unwrap();
    for (audit, stdout) in [
        ("file = \"pipe\"", Stdio::null()),
        ("file = \"/dev/full\"", Stdio::null()),
        ("stdout = true", closed.into()),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = Command::new("mkfifo")
            .args(["-m", "600"])
            .arg(&pipe)
            .status();
        assert!(made.unwrap().success());
        let (gateway, port) = start(folder.path(), &format!("[audit]\n{audit}\n"), stdout);
        let ready = page(port, "/readyz");
        assert_eq!(ready.status, 503, "{audit}: {}", ready.body);
        assert!(ready.body.contains("audit-trail"), "{}", ready.body);
        ends_without_its_last_line(gateway);
    }
}

#[test]
fn a_trail_to_a_stdout_that_leads_nowhere_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path(), "");
    let text = fs::read_to_string(site.config()).unwrap();
    let text = text.replace("file = \"audit.jsonl\"", "stdout = true");
    fs::write(site.config(), text).unwrap();
    let mut command = site.command();
    let output = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(2));
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("it is closed or leads to /dev/null"), "{log}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_failed_fsync_of_the_audit_file_is_a_500_that_stored_nothing_and_ends_the_process() {
    use super::strace::{Fault, has_strace};
    if !has_strace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let audit = "[audit]\nfile = \"audit.jsonl\"\nsync = true\n";
    let (mut gateway, _) = start(folder.path(), audit, Stdio::null());
    assert_eq!(gateway.create("one").status, 201);
    let file = folder.path().join("audit.jsonl");
    // Once: the next one would succeed without having written anything.
    let fault = Fault::inject(gateway.pid(), &file, "fsync,fdatasync:error=EIO:when=1");
    assert_eq!(gateway.create("two").status, 500);
    assert_eq!(gateway.wait().code(), Some(2), "{}", gateway.log());
    drop(fault);
    let log = gateway.log();
    let reason = "stopped because a part failed: the audit trail: a line did not reach the disk";
    assert!(log.contains(reason), "{log}");
    let gateway = gateway.kill().start(&[]);
    assert_eq!(gateway.create("two").status, 201, "it was not stored");
    assert_eq!(gateway.create("one").status, 409);
    ends_in_order(gateway);
}

#[test]
#[cfg(target_os = "linux")]
fn an_fsync_or_a_write_of_the_audit_file_that_fails_at_the_close_ends_the_process_with_2() {
    use super::strace::{Fault, has_strace};
    if !has_strace() {
        return;
    }
    for fault in [
        "fsync,fdatasync:error=EIO",
        "write:error=EIO",
        "write:error=ENOSPC",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let audit = "[audit]\nfile = \"audit.jsonl\"\nsync = true\n";
        let (gateway, _) = start(folder.path(), audit, Stdio::null());
        assert_eq!(gateway.create("one").status, 201);
        let file = folder.path().join("audit.jsonl");
        let fault = Fault::inject(gateway.pid(), &file, fault);
        ends_without_its_last_line(gateway);
        drop(fault);
    }
}

/// By the rule of the start.
#[test]
fn a_trail_whose_path_becomes_a_link_to_a_file_of_the_configuration_is_not_opened_again() {
    for file in [
        "state/vault/vault.key",
        "state/vault/vault.redb",
        "state/ledger.redb",
        "jwks.json",
        "gateway.toml",
    ] {
        for is_asked in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let audit = "[audit]\nfile = \"audit.jsonl\"\n";
            let (gateway, port) = start(folder.path(), audit, Stdio::null());
            assert_eq!(gateway.create("one").status, 201);
            let (trail, file) = (folder.path().join("audit.jsonl"), folder.path().join(file));
            let key = fs::read(folder.path().join("state/vault/vault.key")).unwrap();
            let length = fs::metadata(&file).unwrap().len();
            fs::remove_file(&trail).unwrap();
            std::os::unix::fs::symlink(&file, &trail).unwrap();
            if is_asked {
                gateway.signal("HUP");
            }
            std::thread::sleep(Duration::from_millis(1100));
            refuses(&gateway, port, "one", "two");
            assert!(
                gateway.log().contains("too; give each its own")
                    || gateway.log().contains("lies in the folder of"),
                "{}",
                gateway.log()
            );
            assert_eq!(
                fs::read(folder.path().join("state/vault/vault.key")).unwrap(),
                key
            );
            assert_eq!(
                fs::metadata(&file).unwrap().len(),
                length,
                "{}",
                file.display()
            );
            // As the rotation of logs leaves it.
            fs::remove_file(&trail).unwrap();
            recovers(&gateway, port, "two");
            ends_in_order(gateway);
        }
    }
}

#[test]
fn a_killed_process_leaves_a_line_for_each_secret_that_it_stored() {
    let folder = tempfile::tempdir().unwrap();
    let audit = "[audit]\nfile = \"audit.jsonl\"\n";
    let (gateway, _) = start(folder.path(), audit, Stdio::null());
    let (site, address) = (gateway.site(), ("127.0.0.1", gateway.site().port));
    // Answers are not waited for.
    let requests: Vec<_> = (0..16)
        .map(|n| {
            let (head, body) = site.request("", "", &format!("killed-{n}"));
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            std::io::Write::write_all(&mut stream, (head + &body).as_bytes()).unwrap();
            stream
        })
        .collect();
    std::thread::sleep(Duration::from_millis(40));
    let site = gateway.kill();
    drop(requests);
    let trail = fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    let state = path(&site.folder.join("state"));
    for n in 0..16 {
        let reference = format!("secret:killed-{n}#password");
        let is_stored = run(&["resolve", "--data", &state, &reference], b"").code() == 0;
        let is_named = trail.contains(&format!("\"killed-{n}\""));
        assert!(is_named || !is_stored, "killed-{n} is not in {trail}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_trail_to_dev_full_stores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let audit = "[audit]\nfile = \"/dev/full\"\n";
    let (gateway, port) = start(folder.path(), audit, Stdio::null());
    for _ in 0..2 {
        assert_eq!(gateway.create("full").status, 500);
        assert_eq!(page(port, "/readyz").status, 503);
        assert_eq!(page(port, "/healthz").status, 200);
    }
    ends_without_its_last_line(gateway);
}

#[test]
fn a_trail_on_a_full_disk_has_a_line_for_each_secret_that_is_stored() {
    let disk = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(disk.path()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let filler = disk.0.join("filler");
    fs::write(&filler, vec![0; 48 << 10]).unwrap();
    let file = disk.0.join("audit.jsonl");
    let audit = format!("[audit]\nfile = \"{}\"\n", path(&file));
    let (gateway, port) = start(folder.path(), &audit, Stdio::null());
    let mut stored = Vec::new();
    for n in 0..1000 {
        let name = format!("n{n}");
        match gateway.create(&name).status {
            201 => stored.push(name),
            status => {
                assert_eq!(status, 500);
                break;
            }
        }
    }
    assert!(!stored.is_empty() && stored.len() < 1000);
    refuses(&gateway, port, &stored[0], "refused");
    fs::remove_file(&filler).unwrap();
    recovers(&gateway, port, "refused");
    let events = events(&fs::read_to_string(&file).unwrap());
    for name in &stored {
        let lines = events.iter().filter(|event| event["name"] == **name);
        let kinds: Vec<_> = lines.map(|event| event["event"].as_str()).collect();
        assert_eq!(kinds.first(), Some(&Some("intent")), "{name}");
    }
    assert!(events.iter().any(|event| event["event"] == "gap"));
    ends_in_order(gateway);
}

#[test]
fn a_reader_of_stdout_that_stalls_ends_in_500() {
    let folder = tempfile::tempdir().unwrap();
    let audit = "[audit]\nstdout = true\n";
    let (mut gateway, port) = start(folder.path(), audit, Stdio::piped());
    let mut reader = gateway.child().stdout.take().unwrap();
    assert_eq!(gateway.create("before").status, 201);
    stall(&gateway);
    refuses(&gateway, port, "before", "refused");
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    });
    recovers(&gateway, port, "refused");
    ends_in_order(gateway);
    let events = events(&reading.join().unwrap());
    let gaps = events.iter().filter(|event| event["event"] == "gap");
    assert!(gaps.count() > 0);
    let stored = |name: &str| {
        let mut events = events.iter().filter(|event| event["name"] == name);
        events.any(|event| event["outcome"] == "stored")
    };
    assert!(stored("before") && stored("refused"));
}

#[test]
fn a_pipe_as_the_audit_file_may_have_no_reader_or_one_that_stalls() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo")
        .args(["-m", "600"])
        .arg(&pipe)
        .status();
    assert!(made.unwrap().success());
    let (gateway, port) = start(folder.path(), "[audit]\nfile = \"pipe\"\n", Stdio::null());
    assert_eq!(gateway.create("no-reader").status, 500);
    assert_eq!(page(port, "/readyz").status, 503);
    // It is opened to write, too, so that opening does not wait, and no end of file comes.
    let reader = File::options().read(true).write(true).open(&pipe).unwrap();
    recovers(&gateway, port, "no-reader");
    stall(&gateway);
    refuses(&gateway, port, "no-reader", "refused");
    let mut reading = reader.try_clone().unwrap();
    std::thread::spawn(move || while reading.read(&mut [0; 4096]).is_ok() {});
    recovers(&gateway, port, "refused");
    ends_in_order(gateway);
}

#[test]
fn a_stalled_trail_does_not_keep_it_from_ending() {
    let folder = tempfile::tempdir().unwrap();
    let audit = "[audit]\nstdout = true\n";
    let (mut gateway, _) = start(folder.path(), audit, Stdio::piped());
    let _never_read = gateway.child().stdout.take().unwrap();
    stall(&gateway);
    gateway.signal("HUP");
    ends_without_its_last_line(gateway);
}

/// Sends requests that are refused until the trail is full.
fn stall(gateway: &Gateway) {
    for n in 0..2000 {
        // A long name, so that it is soon.
        let status = gateway.create(&format!("{n}-{}", "x".repeat(500))).status;
        if status == 500 {
            return;
        }
        assert_eq!(status, 201);
    }
    panic!("the pipe is never full");
}

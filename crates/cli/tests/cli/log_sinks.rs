//! Log sinks: whatever becomes of stderr, requests, health and resolver go on, drops are counted, and recovery is reported.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::gateway_server::{Gateway, Site, eventually, metric, page};
use super::support::{path, run};

const DROPPED: &str = "sealpost_log_lines_dropped_total";

/// Starts a gateway that logs to `stderr`. Returns the port of its metrics, too.
fn start(folder: &Path, more: &str, level: &str, stderr: Stdio) -> (Gateway, u16) {
    let (port, metrics) = Site::metrics();
    let site = Site::new(folder, &(metrics + more));
    let mut command = site.command();
    command.env("RUST_LOG", level).stderr(stderr);
    (site.run(command), port)
}

/// Asserts that a create, health, readiness and the resolver answer at once.
#[track_caller]
fn all_answer(gateway: &Gateway, port: u16, name: &str) {
    let started = Instant::now();
    let created = gateway.create(name);
    assert_eq!(created.status, 201, "{}", created.body);
    assert_eq!(page(port, "/readyz").status, 200);
    assert_eq!(page(port, "/healthz").status, 200);
    let state = path(&gateway.site().folder.join("state"));
    let reference = format!("secret:{name}#password");
    let resolved = run(&["resolve", "--data", &state, &reference], b"").text();
    assert_eq!(resolved, format!("P@ss {name}"));
    assert!(started.elapsed() < Duration::from_secs(20));
}

/// Asserts that it ends in order and soon, although its last lines can't be written.
fn ends_in_order(mut gateway: Gateway) {
    gateway.signal("TERM");
    let started = Instant::now();
    assert!(gateway.wait().success());
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_closed_stderr_pipe_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut gateway, port) = start(folder.path(), "", "debug", Stdio::piped());
    all_answer(&gateway, port, "before");
    drop(gateway.child().stderr.take());
    for round in 0..5 {
        all_answer(&gateway, port, &format!("after-{round}"));
    }
    eventually("drops are counted", || metric(port, DROPPED) > 0);
    ends_in_order(gateway);
}

#[test]
fn a_stderr_that_is_closed_from_the_start_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (port, metrics) = Site::metrics();
    let site = Site::new(folder.path(), &metrics);
    let mut shell = Command::new("sh");
    let command = site.command();
    shell
        .args(["-c", "exec \"$0\" \"$@\" 2>&-"])
        .arg(command.get_program())
        .args(command.get_args())
        .env("RUST_LOG", "debug");
    let gateway = site.run(shell);
    all_answer(&gateway, port, "one");
    ends_in_order(gateway);
}

#[test]
#[cfg(target_os = "linux")]
fn dev_full_as_stderr_stops_nothing() {
    for format in ["human", "json"] {
        let folder = tempfile::tempdir().unwrap();
        let full = File::options().write(true).open("/dev/full").unwrap();
        let log = format!("log = {{ format = \"{format}\" }}\n");
        let (gateway, port) = start(folder.path(), &log, "debug", full.into());
        for round in 0..5 {
            all_answer(&gateway, port, &format!("full-{round}"));
        }
        eventually("drops are counted", || metric(port, DROPPED) > 0);
        ends_in_order(gateway);
    }
}

#[test]
fn a_reader_that_stalls_hangs_nothing_and_learns_of_the_drops() {
    let folder = tempfile::tempdir().unwrap();
    let (mut gateway, port) = start(folder.path(), "", "trace", Stdio::piped());
    let mut reader = gateway.child().stderr.take().unwrap();
    let mut round = 0;
    // The pipe is full at once; what waits in memory takes longer.
    while metric(port, DROPPED) == 0 {
        let created = gateway.create(&format!("stalled-{round}"));
        assert_eq!(created.status, 201, "{}", created.body);
        assert!(round < 5000, "nothing is ever dropped");
        round += 1;
    }
    all_answer(&gateway, port, "stalled");

    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    });
    std::thread::sleep(Duration::from_millis(500));
    all_answer(&gateway, port, "read-again");
    let dropped = metric(port, DROPPED);
    ends_in_order(gateway);
    let log = reading.join().unwrap();
    let reported: u64 = log
        .lines()
        .filter_map(|line| line.strip_suffix(" lines were dropped"))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(reported, dropped);
    let (before, after) = log.split_once(" lines were dropped").unwrap();
    assert!(before.contains("request answered") && after.contains("request answered"));
}

#[test]
fn a_stalled_reader_of_stderr_does_not_keep_it_from_ending() {
    let folder = tempfile::tempdir().unwrap();
    let (mut gateway, port) = start(folder.path(), "", "trace", Stdio::piped());
    let _never_read = gateway.child().stderr.take().unwrap();
    while metric(port, DROPPED) == 0 {
        for _ in 0..20 {
            gateway.create("again-and-again");
        }
    }
    ends_in_order(gateway);
}

#[test]
fn a_log_file_on_a_full_disk_stops_nothing_also_after_space_is_freed() {
    let disk = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(disk.path()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let filler = disk.0.join("filler");
    fs::write(&filler, vec![0; 32 << 10]).unwrap();
    let log = File::create(disk.0.join("log")).unwrap();
    let (gateway, port) = start(folder.path(), "", "debug", log.into());
    let mut round = 0;
    while metric(port, DROPPED) == 0 {
        all_answer(&gateway, port, &format!("filling-{round}"));
        round += 1;
    }
    all_answer(&gateway, port, "full");
    fs::remove_file(&filler).unwrap();
    all_answer(&gateway, port, "freed");
    let log = || String::from_utf8_lossy(&fs::read(disk.0.join("log")).unwrap()).into_owned();
    eventually("the drops are reported", || {
        log().contains(" lines were dropped\n")
    });
    let log = log();
    let (_, after) = log.rsplit_once(" lines were dropped\n").unwrap();
    assert!(!after.contains('\0'), "no hole in the file");
    ends_in_order(gateway);
}

#[test]
fn a_log_file_at_the_limit_of_its_size_stops_nothing() {
    // Only the log reaches the limit: blocks of 512 bytes or KiB, and the vault has 1.5 MiB.
    const LIMIT: usize = 16 << 20;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    fs::write(&file, vec![b'\n'; LIMIT]).unwrap();
    let log = File::options().append(true).open(&file).unwrap();
    let (port, metrics) = Site::metrics();
    let site = Site::new(folder.path(), &metrics);
    let command = site.command();
    let mut shell = Command::new("bash");
    shell
        .args(["-c", "ulimit -f 16384; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args())
        .env("RUST_LOG", "debug")
        .stderr(log);
    let gateway = site.run(shell);
    all_answer(&gateway, port, "limited");
    eventually("drops are counted", || metric(port, DROPPED) > 0);
    ends_in_order(gateway);
}

#[test]
fn a_failure_of_the_start_is_told_and_never_waits_for_stderr() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path(), "");
    let _taken = std::net::TcpListener::bind(("127.0.0.1", site.port)).unwrap();
    let mut command = site.command();
    command.env("RUST_LOG", "trace").stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut text = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert!(text.contains("listen: cannot listen on"), "{text}");
    // The same with a pipe that was full before.
    let (reader, mut pipe) = std::io::pipe().unwrap();
    let stalled = std::thread::spawn({
        let mut pipe = pipe.try_clone().unwrap();
        move || drop(std::io::Write::write_all(&mut pipe, &[b'x'; 1 << 20]))
    });
    std::thread::sleep(Duration::from_millis(200));
    let mut command = site.command();
    command.stderr(pipe.try_clone().unwrap());
    let mut child = command.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => assert!(Instant::now() < deadline, "it waits for the reader"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(2));
    drop(reader);
    let _ = std::io::Write::flush(&mut pipe);
    stalled.join().unwrap();
}

#[test]
fn a_panic_is_logged_without_what_it_was_about() {
    // Nothing in the gateway panics on request; `logging` is tried in a process of its own.
    if std::env::var_os(PANICKING).is_some() {
        let log = sealpost_server::LogConfiguration::default();
        let log = sealpost_server::logging::start(&log, Default::default()).unwrap();
        let secret = "hunter2-é".to_owned();
        let cut = std::thread::spawn(move || secret[..9].to_owned()).join();
        assert!(cut.is_err());
        let literal = std::thread::spawn(|| panic!("a literal")).join();
        assert!(literal.is_err());
        drop(log);
        std::process::exit(0);
    }
    let this = "log_sinks::a_panic_is_logged_without_what_it_was_about";
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["--nocapture", "--exact", &format!("cli::{this}")])
        .env(PANICKING, "1")
        .env_remove("RUST_LOG")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success(), "{text}");
    assert_eq!(text.matches("a thread panicked").count(), 2, "{text}");
    assert!(
        text.contains("log_sinks.rs") && text.contains("a literal"),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn one_shot_commands_do_not_panic_on_a_closed_stderr() {
    for stderr in ["2>&-", "2>/dev/full"] {
        let mut shell = Command::new("sh");
        let command = super::support::sealpost(&["validate", "--agent-id", "no id"]);
        shell
            .args(["-c", &format!("exec \"$0\" \"$@\" {stderr}")])
            .arg(command.get_program())
            .args(command.get_args())
            .env("RUST_LOG", "trace")
            .stdin(Stdio::null());
        let status = shell.status().unwrap();
        assert!(
            matches!(status.code(), Some(1 | 2)),
            "a panic is 101: {status}"
        );
    }
}

const PANICKING: &str = "SEALPOST_TEST_PANICKING";

/// A file system of 64 KiB.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where this process may not mount.
    #[allow(
        clippy::print_stderr,
        reason = "a test that was not run must not pass in silence"
    )]
    fn mount(folder: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64k", "none"]);
        let mounted = mount.arg(folder).stderr(Stdio::null()).status();
        if !mounted.is_ok_and(|status| status.success()) {
            eprintln!("NOT RUN: a test that needs to mount a small disk");
            return None;
        }
        Some(Self(folder.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that failed may have a file open.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

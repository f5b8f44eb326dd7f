use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use insta::assert_snapshot;

use super::server::Dev;
use super::stub::{Stub, created, problem};
use super::support::{Run, contains, path, run, run_command, sealpost};

fn import(url: &str, arguments: &[&str], lines: &[u8]) -> Run {
    run_command(command(url, arguments), lines)
}

fn command(url: &str, arguments: &[&str]) -> Command {
    let mut all = vec!["secret", "import", "--url", url, "--agent", "dev-agent"];
    all.extend(arguments);
    let mut command = sealpost(&all);
    command.env("SEALPOST_TOKEN", "t.o.k");
    command
}

fn many(count: usize) -> String {
    (1..=count)
        .map(|n| {
            format!(
                "{{\"name\":\"secret-{n}\",\"key\":\"p\",\"value\":{{\"p\":\"c4n4ry {n}\"}}}}\n"
            )
        })
        .collect()
}

#[test]
fn good_lines_are_stored_and_the_others_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let dev = Dev::start(&data);
    let project = "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f";
    let lines = [
        r#"{"name":"one","value":{"p" : 1.00}}"#,
        "",
        r#"{"name":"two","key":"p","type":"PASSWORD","value":{"p":"c4n4ry"}}"#,
        &format!(r#"{{"name":"one","project":"{project}","value":{{}}}}"#),
        "   ",
        r#"{"name":"one","value":{}}"#,
        r#"{"name":"three","key":"p.q","value":{"c4n4ry":1}}"#,
        r#"{"name":"four"}"#,
        r#"{"name":"five","value":{},"c4n4ry":1}"#,
        r#"{"name":"six","value":{"c4n4ry"#,
        "c4n4ry",
        r#"{"name":"seven","value":{}}"#,
    ]
    .join("\n");
    let arguments = ["--concurrency", "1", "-"];
    let mut first = command(&dev.url(), &arguments);
    first.env("SEALPOST_TOKEN", &dev.token);
    let first = run_command(first, lines.as_bytes());
    assert_snapshot!("mixed", first.transcript());
    let (stdout, stderr) = first.streams();
    assert!(!contains(stdout, b"c4n4ry") && !contains(stderr, b"c4n4ry"));

    let resolve =
        |reference: &str| run(&["resolve", "--data", &path(&data), reference], b"").text();
    assert_eq!(resolve("secret:one"), r#"{"p" : 1.00}"#);
    assert_eq!(resolve("secret:two#p"), "c4n4ry");
    let in_project = format!("secret:p{}-one", project.replace('-', ""));
    assert_eq!(resolve(&in_project), "{}");
}

#[test]
fn json_tells_every_line() {
    let stub = Stub::start(|name, count| match name {
        "secret-2" => problem(409, "secret-exists"),
        name => created(name, count),
    });
    let run = import(
        &stub.url,
        &["--json", "--concurrency", "1", "-"],
        many(3).as_bytes(),
    );
    assert_eq!(run.code(), 1);
    let (stdout, _) = run.streams();
    assert_snapshot!("json", String::from_utf8_lossy(stdout));
}

/// Ten thousand lines, killed on the way three times, each time taken up again.
#[test]
fn a_run_that_was_killed_is_taken_up_again() {
    const COUNT: usize = 10_000;
    let folder = tempfile::tempdir().unwrap();
    let (file, resume) = (
        folder.path().join("secrets.jsonl"),
        folder.path().join("resume"),
    );
    fs::write(&file, many(COUNT)).unwrap();
    let stub = Stub::start(created);
    let (file, resume_path) = (path(&file), path(&resume));
    let arguments = ["--resume", &resume_path, "--concurrency", "4", &file];
    for round in 1..=3 {
        let mut child = command(&stub.url, &arguments)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while stub.seen().len() < round * COUNT / 10 {
            assert!(child.try_wait().unwrap().is_none(), "it ended too early");
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let last = import(&stub.url, &arguments, b"");
    assert_eq!(last.code(), 0, "{}", last.transcript());
    let done_before = records(&resume);
    assert_eq!(done_before, COUNT);

    let mut keys: HashMap<String, HashSet<String>> = HashMap::new();
    for seen in stub.seen().iter() {
        keys.entry(seen.name.clone())
            .or_default()
            .insert(seen.idempotency_key.clone());
    }
    assert_eq!(keys.len(), COUNT, "every line was sent");
    assert!(
        keys.values().all(|keys| keys.len() == 1),
        "and a line that came again was recognisable"
    );
    let again = stub.seen().len() - COUNT;
    // What was on its way when it was killed, and what had arrived and was not written down yet.
    assert!(again <= 3 * 3 * 4, "{again} were sent again");

    let nothing_left = import(&stub.url, &arguments, b"");
    assert_snapshot!("nothing_left", nothing_left.transcript());
    assert_eq!(stub.seen().len(), COUNT + again);
    let written = fs::read(&resume).unwrap();
    assert!(!contains(&written, b"c4n4ry") && !contains(&written, b"secret-"));
}

fn records(resume: &Path) -> usize {
    fs::read_to_string(resume).unwrap().lines().count() - 1
}

#[test]
fn only_those_that_failed_are_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let resume = path(&folder.path().join("resume"));
    let stub = Stub::start(|name, count| match (name, count) {
        ("secret-2", 1) => problem(409, "secret-exists"),
        ("secret-4", 1) => problem(500, "internal"),
        (name, count) => created(name, count),
    });
    let arguments = ["--resume", &resume, "-"];
    let first = import(&stub.url, &arguments, many(5).as_bytes());
    assert_snapshot!("two_failed", first.transcript());
    let second = import(&stub.url, &arguments, many(5).as_bytes());
    assert_snapshot!("the_two_again", second.transcript());
    let keys = |name: &str| {
        let seen = stub.seen();
        let of_name = seen.iter().filter(|seen| seen.name == name);
        of_name
            .map(|seen| seen.idempotency_key.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(keys("secret-1").len(), 1);
    let (refused, failed) = (keys("secret-2"), keys("secret-4"));
    assert_eq!((refused.len(), failed.len()), (2, 2));
    assert_ne!(
        refused[0], refused[1],
        "a refusal is not to be repeated to us"
    );
    assert_eq!(
        failed[0], failed[1],
        "what may have been stored is to be recognised"
    );

    let changed = many(5).replacen("secret-1", "secret-x", 1);
    let third = import(&stub.url, &arguments, changed.as_bytes());
    assert_snapshot!("another_line", third.transcript());
    let elsewhere = run_command(command("http://127.0.0.1:1", &arguments), b"");
    assert_snapshot!("another_gateway", elsewhere.transcript());
    fs::write(&resume, "a secret\n").unwrap();
    let no_resume_file = import(&stub.url, &arguments, b"");
    assert_snapshot!("no_resume_file", no_resume_file.transcript());
    assert_eq!(fs::read(&resume).unwrap(), b"a secret\n");
}

#[test]
fn what_fails_for_all_stops_it() {
    let stub = Stub::start(|_, _| problem(403, "forbidden"));
    let run = import(
        &stub.url,
        &["--concurrency", "1", "-"],
        many(100).as_bytes(),
    );
    assert_eq!(run.code(), 2);
    assert_eq!(stub.seen().len(), 20);
    let transcript = run.transcript();
    assert!(
        transcript.contains("not all lines were tried: 20 failed in a row"),
        "{transcript}"
    );
    assert!(transcript.contains("0 stored, 20 failed"), "{transcript}");

    let stub = Stub::start(|_, _| problem(400, "unknown-agent"));
    let run = import(
        &stub.url,
        &["--concurrency", "1", "-"],
        many(100).as_bytes(),
    );
    assert_eq!((run.code(), stub.seen().len()), (2, 1));

    // What is a line's own fault does not.
    let stub = Stub::start(|_, _| problem(409, "secret-exists"));
    let run = import(&stub.url, &["-"], many(100).as_bytes());
    assert_eq!((run.code(), stub.seen().len()), (1, 100));
    assert!(
        run.transcript().contains("0 stored, 100 failed"),
        "{}",
        run.transcript()
    );
}

#[test]
fn lines_without_end_are_passed_over() {
    let stub = Stub::start(created);
    let long = format!(
        "{{\"name\":\"long\",\"value\":{{\"p\":\"{}\"}}}}\n",
        "x".repeat(40 << 20)
    );
    let lines = format!("{}{long}{}", many(1), many(2));
    let run = import(&stub.url, &["-"], lines.as_bytes());
    assert_snapshot!("too_long", run.transcript());
    assert_eq!(stub.seen().len(), 3);
}

#[test]
fn calls_run_at_the_same_time_and_not_more_than_asked_for() {
    let stub = Stub::start_slow(created, Duration::from_millis(200));
    let start = std::time::Instant::now();
    let run = import(
        &stub.url,
        &["--concurrency", "32", "-"],
        many(64).as_bytes(),
    );
    assert_eq!(run.code(), 0, "{}", run.transcript());
    // One after the other would take 12.8 seconds, and two rounds 0.4.
    assert!(
        start.elapsed() < Duration::from_secs(6),
        "{:?}",
        start.elapsed()
    );
    assert!(
        start.elapsed() >= Duration::from_millis(400),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn an_interrupt_lets_what_runs_finish() {
    let folder = tempfile::tempdir().unwrap();
    let resume = folder.path().join("resume");
    let file = folder.path().join("lines");
    fs::write(&file, many(1000)).unwrap();
    let stub = Stub::start_slow(created, Duration::from_millis(50));
    let arguments = [
        "--resume",
        &path(&resume),
        "--concurrency",
        "4",
        &path(&file),
    ];
    let mut child = command(&stub.url, &arguments)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while stub.seen().len() < 8 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let kill = format!("kill -INT {}", child.id());
    assert!(
        Command::new("sh")
            .args(["-c", &kill])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert_eq!(
        records(&resume),
        stub.seen().len(),
        "nothing that was sent is forgotten"
    );
}

#[test]
fn wrong_usage_is_told() {
    let stub = Stub::start(created);
    let tell = |snapshot: &str, arguments: &[&str]| {
        let mut command = command(&stub.url, arguments);
        command.current_dir(std::env::temp_dir());
        let transcript = run_command(command, b"").transcript();
        assert_snapshot!(snapshot, transcript);
    };
    tell("import_no_file", &[]);
    tell("import_missing_file", &["no-such-file.jsonl"]);
    tell("import_folder", &["/"]);
    tell("import_concurrency", &["--concurrency", "0", "-"]);
    tell("import_nothing", &["-"]);
}

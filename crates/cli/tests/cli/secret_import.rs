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
        r#"{"name":"taken","value":{}}"#,
        r#"{"name":"three","key":"p.q","value":{"p":"c4n4ry"}}"#,
        r#"{"name":"four"}"#,
        r#"{"name":"five","value":{},"c4n4ry":1}"#,
        r#"{"name":"six","value":{"c4n4ry"#,
        "c4n4ry",
        r#"{"name":"seven","value":{}}"#,
    ]
    .join("\n");
    let arguments = ["--concurrency", "1", "-"];
    let mut before = command(&dev.url(), &["-"]);
    before.env("SEALPOST_TOKEN", &dev.token);
    run_command(before, br#"{"name":"taken","value":{}}"#).text();
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
    assert_snapshot!("another_name", third.transcript());
    let elsewhere = run_command(command("http://127.0.0.1:1", &arguments), b"");
    assert_snapshot!("another_gateway", elsewhere.transcript());
    fs::write(&resume, "a secret\n").unwrap();
    let no_resume_file = import(&stub.url, &arguments, b"");
    assert_snapshot!("no_resume_file", no_resume_file.transcript());
    assert_eq!(fs::read(&resume).unwrap(), b"a secret\n");
}

#[test]
fn two_lines_of_one_name_are_refused_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    let project = "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f";
    let upper = project.to_uppercase();
    let lines = [
        r#"{"name":"one","value":{"p":1}}"#,
        "",
        r#"{"name":"two","value":{"p":"c4n4ry"}}"#,
        "malformed",
        r#"{"name":"\u006fne","key":"p","value":{"p":2}}"#,
        &format!(r#"{{"name":"two","project":"{project}","value":{{}}}}"#),
        r#"{"name":"One","value":{}}"#,
        &format!(r#"{{"name":"two","project":"{upper}","value":{{}}}}"#),
        r#"{"name":"one","value":{"p":3}}"#,
    ]
    .join("\r\n");
    fs::write(&file, &lines).unwrap();
    let stub = Stub::start(created);
    for _ in 0..5 {
        for run in [
            import(&stub.url, &["-"], lines.as_bytes()),
            import(&stub.url, &[&path(&file)], b""),
            import(&stub.url, &["--json", &path(&file)], b""),
        ] {
            assert_eq!(run.code(), 1);
            let transcript = run.transcript();
            for part in [
                "nothing was sent",
                "lines 1 and 5 have one name, `one`",
                "lines 1 and 9 have one name, `one`",
                "lines 6 and 8 have one name, `two`",
                "hint: ",
            ] {
                assert!(transcript.contains(part), "{part}: {transcript}");
            }
            assert_eq!(transcript.matches("have one name").count(), 3);
            assert!(!transcript.contains("c4n4ry"));
        }
    }
    assert!(stub.seen().is_empty());
    // The flag's project is that of lines without one.
    let lines = format!(
        "{{\"name\":\"db\",\"value\":{{}}}}\n{{\"name\":\"db\",\"project\":\"{project}\",\"value\":{{}}}}\n"
    );
    let same = import(&stub.url, &["--project", &upper, "-"], lines.as_bytes());
    assert_eq!((same.code(), stub.seen().len()), (1, 0));
    let different = import(&stub.url, &["-"], lines.as_bytes());
    assert_eq!((different.code(), stub.seen().len()), (0, 2));
}

/// What is kept of a pipe has a limit; behind it the second line of a name is not sent.
#[test]
fn a_long_pipe_stops_before_the_second_line_of_a_name_is_sent() {
    let stub = Stub::start(created);
    let padding = " ".repeat(200 * 1024);
    let long = |name: &str| format!("{{\"name\":\"{name}\",{padding}\"value\":{{}}}}\n");
    let mut lines: String = (1..=330).map(|n| long(&format!("secret-{n}"))).collect();
    assert!(lines.len() > 64 << 20);
    lines += &long("secret-7");
    lines += &long("secret-400");
    let run = import(&stub.url, &["--concurrency", "4", "-"], lines.as_bytes());
    let transcript = run.transcript();
    assert_eq!(run.code(), 1, "{transcript}");
    assert!(
        transcript.contains("lines 7 and 331 have one name, `secret-7`"),
        "{transcript}"
    );
    assert!(transcript.contains("330 stored"), "{transcript}");
    assert_eq!(stub.seen().len(), 330);
}

#[test]
fn a_value_corrected_between_two_runs_is_named_and_not_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let resume = path(&folder.path().join("resume"));
    let stub = Stub::start(created);
    let arguments = ["--resume", &resume, "-"];
    assert_eq!(import(&stub.url, &arguments, many(4).as_bytes()).code(), 0);
    let corrected = many(5)
        .replace("c4n4ry 2", "c4n4ry two")
        .replace("c4n4ry 4", "c4n4ry 44");
    for _ in 0..2 {
        let run = import(&stub.url, &arguments, corrected.as_bytes());
        let transcript = run.transcript();
        assert_eq!(run.code(), 1, "{transcript}");
        for part in [
            "line 2, `secret-2`: its value is not the one that an earlier run stored",
            "line 4, `secret-4`: its value is not the one that an earlier run stored",
            "put the old value back",
        ] {
            assert!(transcript.contains(part), "{part}: {transcript}");
        }
        assert!(!transcript.contains("c4n4ry"), "{transcript}");
        assert_eq!(transcript.matches("its value").count(), 2);
    }
    // Only the new line was sent, once.
    assert_eq!(stub.seen().len(), 5);
    assert_eq!(import(&stub.url, &arguments, many(5).as_bytes()).code(), 0);
}

/// Two bytes of a line break are not the end of a line, and nothing is not a success.
#[test]
fn input_in_utf_16_behind_blank_lines_and_input_without_lines_are_refused() {
    let stub = Stub::start(created);
    for first in ["", "\n", "\r\n", "\n\n"] {
        let text = format!("{first}{}", many(2));
        for (name, to) in [
            ("UTF-16LE", u16::to_le_bytes as fn(u16) -> [u8; 2]),
            ("UTF-16BE", u16::to_be_bytes),
        ] {
            let bytes: Vec<u8> = text.encode_utf16().flat_map(to).collect();
            let run = import(&stub.url, &["-"], &bytes);
            assert_eq!(run.code(), 1, "{first:?}: {}", run.transcript());
            assert!(
                run.transcript().contains(name),
                "{first:?}: {}",
                run.transcript()
            );
        }
    }
    for nothing in ["", "\n", "  \n\r\n"] {
        let run = import(&stub.url, &["-"], nothing.as_bytes());
        assert_eq!(run.code(), 1, "{}", run.transcript());
        assert!(
            run.transcript().contains("there are no lines"),
            "{}",
            run.transcript()
        );
    }
    assert!(stub.seen().is_empty());
}

/// The first run's answer is lost: what it sent may be there, and a corrected value finds the name taken.
#[test]
fn a_name_taken_by_a_run_without_an_answer_is_told_and_the_old_line_finds_out() {
    let folder = tempfile::tempdir().unwrap();
    let resume = path(&folder.path().join("resume"));
    let stub = Stub::start(|name, count| match count {
        1 => problem(504, "agent-timeout"),
        2 => problem(409, "secret-exists"),
        count => created(name, count),
    });
    let arguments = ["--resume", &resume, "--attempts", "1", "-"];
    let (old, new) = (many(1), many(1).replace("c4n4ry", "corrected"));
    assert_eq!(import(&stub.url, &arguments, old.as_bytes()).code(), 2);
    let taken = import(&stub.url, &arguments, new.as_bytes());
    assert_eq!(taken.code(), 1, "{}", taken.transcript());
    for part in [
        "line 1, `secret-1`",
        "may have stored it",
        "put the old line back",
    ] {
        assert!(taken.transcript().contains(part), "{}", taken.transcript());
    }
    assert_eq!(import(&stub.url, &arguments, old.as_bytes()).code(), 0);
    let keys: Vec<_> = stub
        .seen()
        .iter()
        .map(|seen| seen.idempotency_key.clone())
        .collect();
    assert!(keys[0] == keys[2] && keys[0] != keys[1], "{keys:?}");
}

/// What is no file, or is no journal, is refused before anything is sent, at once, and is not read without end.
#[test]
fn results_and_resume_must_be_regular_files() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = path(&folder.path().join("fifo"));
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let endless = folder.path().join("endless");
    let file = fs::File::create(&endless).unwrap();
    file.set_len(1 << 33).unwrap();
    let keyed = folder.path().join("keyed");
    let key = folder.path().join("keyed.key");
    assert!(Command::new("mkfifo").arg(&key).status().unwrap().success());
    let stub = Stub::start(created);
    for flag in ["--results", "--resume"] {
        for (file, why) in [
            ("/dev/null", "is a device, and must be a file"),
            ("/dev/zero", "is a device, and must be a file"),
            ("/dev/full", "is a device, and must be a file"),
            // The test reads it through a pipe.
            ("/dev/stdout", "is a named pipe, and must be a file"),
            (&fifo, "is a named pipe, and must be a file"),
            (&path(folder.path()), "a folder"),
            (&path(&endless), "holds something else"),
        ] {
            let run = import(&stub.url, &[flag, file, "-"], many(1).as_bytes());
            let transcript = run.transcript();
            assert!([1, 2].contains(&run.code()), "{flag} {file}: {transcript}");
            assert!(transcript.contains(why), "{flag} {file}: {transcript}");
        }
    }
    let run = import(
        &stub.url,
        &["--resume", &path(&keyed), "-"],
        many(1).as_bytes(),
    );
    assert!(
        run.transcript().contains("must be a file"),
        "{}",
        run.transcript()
    );
    assert!(stub.seen().is_empty());
}

/// What is stored is known by its name, and by what the value says.
#[test]
fn lines_that_were_inserted_moved_or_written_in_another_way_are_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let resume = path(&folder.path().join("resume"));
    let stub = Stub::start(created);
    let arguments = ["--resume", &resume, "-"];
    let lines = many(5);
    assert_eq!(import(&stub.url, &arguments, lines.as_bytes()).code(), 0);
    assert_eq!(stub.seen().len(), 5);
    let inserted = format!("\n{{\"name\":\"first\",\"value\":{{}}}}\n{lines}");
    let mut moved: Vec<_> = inserted.lines().collect();
    moved.reverse();
    let respaced = lines
        .replace(':', " : ")
        .replace(',', " , ")
        .replace('{', "{ ");
    assert_ne!(respaced, lines);
    for (input, sent) in [(inserted.clone(), 6), (moved.join("\n"), 6), (respaced, 6)] {
        let run = import(&stub.url, &arguments, input.as_bytes());
        assert_eq!(run.code(), 0, "{}", run.transcript());
        assert_eq!(stub.seen().len(), sent, "{}", run.transcript());
    }
}

#[test]
fn the_references_are_kept_in_a_file_of_results() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| path(&folder.path().join(name));
    let (resume, own) = (at("resume"), at("own.jsonl"));
    let stub = Stub::start(|name, count| match (name, count) {
        ("secret-2", 1) => problem(500, "internal"),
        (name, count) => created(name, count),
    });
    let names = |file: &str| -> Vec<(u64, String, String)> {
        let text = fs::read_to_string(file).unwrap();
        assert!(!text.contains("c4n4ry"));
        let mode = fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let lines = text.lines().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |member: &str| line[member].as_str().unwrap().to_owned();
            assert_eq!(text("name"), text("vaultSecretName"));
            (
                line["line"].as_u64().unwrap(),
                text("name"),
                text("resolver_ref"),
            )
        });
        let mut lines: Vec<_> = lines.collect();
        lines.sort();
        lines
    };
    let expected = |numbers: &[u64]| -> Vec<_> {
        let of = |n: &u64| (*n, format!("secret-{n}"), format!("secret:secret-{n}"));
        numbers.iter().map(of).collect()
    };
    // Beside the resume file, and a second run adds to it.
    let arguments = ["--resume", &resume, "-"];
    let first = import(&stub.url, &arguments, many(3).as_bytes());
    assert!(first.streams().0.is_empty());
    let beside = at("resume.results.jsonl");
    assert!(first.transcript().contains("their references are in"));
    assert_eq!(names(&beside), expected(&[1, 3]));
    assert_eq!(import(&stub.url, &arguments, many(3).as_bytes()).code(), 0);
    assert_eq!(names(&beside), expected(&[1, 2, 3]));
    // A crash between the result and its record: it is sent again, and is there once.
    let record = fs::read_to_string(&resume).unwrap();
    let cut = record.trim_end().rfind('\n').unwrap() + 1;
    fs::write(&resume, &record[..cut]).unwrap();
    assert_eq!(import(&stub.url, &arguments, many(3).as_bytes()).code(), 0);
    assert_eq!(names(&beside), expected(&[1, 2, 3]));
    // Where it is asked for; what earlier runs stored is not in it, which is told.
    let elsewhere = ["--resume", &resume, "--results", &own, "-"];
    let run = import(&stub.url, &elsewhere, many(4).as_bytes());
    assert!(
        run.transcript()
            .contains("does not have the references of what earlier runs stored")
    );
    assert_eq!(names(&own), expected(&[4]));
    // Without a resume file, and the project with it.
    let lone = at("lone.jsonl");
    let project = "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f";
    let arguments = ["--results", &lone, "--project", project, "-"];
    assert_eq!(import(&stub.url, &arguments, many(1).as_bytes()).code(), 0);
    assert!(fs::read_to_string(&lone).unwrap().contains(project));
    assert!(!folder.path().join("-").exists());
    // Another file is not touched.
    let other = at("other");
    fs::write(&other, many(1)).unwrap();
    let arguments = ["--results", &other, "-"];
    let sent = stub.seen().len();
    assert_eq!(import(&stub.url, &arguments, many(2).as_bytes()).code(), 1);
    assert_eq!(fs::read_to_string(&other).unwrap(), many(1));
    assert_eq!(stub.seen().len(), sent);
    // One file can't be both; nothing is sent, and none is made.
    let same = at("same");
    let dotted = format!("{}/./same", path(folder.path()));
    for results in [&same, &dotted] {
        let arguments = ["--resume", &same, "--results", results, "-"];
        let run = import(&stub.url, &arguments, many(2).as_bytes());
        assert_eq!(run.code(), 2, "{}", run.transcript());
        let transcript = run.transcript();
        assert!(
            transcript.contains("--resume and --results name one file"),
            "{transcript}"
        );
        assert!(!folder.path().join("same").exists());
    }
    assert_eq!(stub.seen().len(), sent);
    // With nowhere to keep them they are printed.
    let printed = import(&stub.url, &["--concurrency", "1", "-"], many(2).as_bytes());
    assert_eq!(
        printed.text(),
        "`secret-1`: secret:secret-1\n`secret-2`: secret:secret-2\n"
    );
}

#[test]
fn lines_are_read_however_they_were_saved() {
    let stub = Stub::start(created);
    let all = many(2);
    let (one, two) = all.split_once('\n').unwrap();
    let lines = format!("\u{feff}\r\n\r\n{one}\r\n\u{feff}{two}\r\n \r\n\u{feff}\n");
    let run = import(&stub.url, &["-"], lines.as_bytes());
    assert_eq!(
        (run.code(), stub.seen().len()),
        (0, 2),
        "{}",
        run.transcript()
    );
    for to in [u16::to_le_bytes, u16::to_be_bytes] {
        let bytes: Vec<u8> = many(2).encode_utf16().flat_map(to).collect();
        let run = import(&stub.url, &["-"], &bytes);
        assert_eq!(run.code(), 1);
        assert!(run.transcript().contains("UTF-16"), "{}", run.transcript());
    }
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    for text in ["t.o.k", "\u{feff}t.o.k\r\n", "\n\n t.o.k \n\n"] {
        fs::write(&token, text).unwrap();
        let before = stub.seen().len();
        let arguments = ["--token-file", &path(&token), "-"];
        assert_eq!(import(&stub.url, &arguments, many(1).as_bytes()).code(), 0);
        assert_eq!(stub.seen()[before].authorization, "Bearer t.o.k");
    }
    let utf16: Vec<u8> = "t.o.k".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(&token, utf16).unwrap();
    let run = import(
        &stub.url,
        &["--token-file", &path(&token), "-"],
        many(1).as_bytes(),
    );
    assert!(
        run.transcript().contains("UTF-16LE"),
        "{}",
        run.transcript()
    );
    assert_eq!(stub.seen().len(), 5);
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
    let all = many(3);
    let (one, others) = all.split_at(many(1).len());
    let lines = format!("{one}{long}{others}");
    let run = import(&stub.url, &["--concurrency", "1", "-"], lines.as_bytes());
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

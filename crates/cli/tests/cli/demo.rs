use std::fs;

use super::server::Dev;
use super::support::{path, run, run_command, sealpost, testdata};

/// Replaces what is different in each run and not replaced already.
fn steady(transcript: &str) -> String {
    let mut steady = String::new();
    for line in transcript.lines() {
        let line = match line.split_once("127.0.0.1:") {
            Some((before, after)) => format!(
                "{before}127.0.0.1:{}",
                after.trim_start_matches(|c: char| c.is_ascii_digit())
            ),
            None => line.to_owned(),
        };
        let line = match line.split_once("sealpost.v1.") {
            Some((before, after)) => {
                format!("{before}sealpost.v1.{}", &after[after.find('…').unwrap()..])
            }
            None => line,
        };
        // It calls itself as it was called.
        let line = line.replace(env!("CARGO_BIN_EXE_sealpost"), "sealpost");
        let words = line.split(' ').map(|word| match word.split_once('…') {
            Some((start, end)) if start.len() == 8 && end.trim_end_matches(',').len() == 8 => {
                "<digest>"
            }
            _ => word,
        });
        let line = words.collect::<Vec<_>>().join(" ");
        steady += &match line.strip_prefix("Done in ") {
            Some(rest) => format!(
                "Done in {}",
                rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
            ),
            None => line,
        };
        steady.push('\n');
    }
    steady
}

#[test]
fn shows_and_checks_every_step() {
    let shown = run(&["demo"], b"");
    assert!(shown.streams().0.iter().filter(|b| **b == b'\n').count() < 36);
    insta::assert_snapshot!(steady(&shown.transcript()));
}

#[test]
fn ends_with_the_next_three_commands_and_they_work() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = sealpost(&["demo"]);
    command.current_dir(folder.path());
    let text = run_command(command, b"").text();
    let (_, next) = text.split_once("\nNext").unwrap();
    let (_, next) = next.split_once('\n').unwrap();
    let (dev, others) = next.split_once('\n').unwrap();
    assert!(dev.trim().ends_with("sealpost dev"), "{next}");
    // In one terminal, on another port than the usual one.
    let dev = Dev::start(&folder.path().join("sealpost-data"));
    assert!(dev.url().starts_with("http://"));
    // In the other.
    let output = std::process::Command::new("sh")
        .args(["-ec", others])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "secret:after-demo#password\nP@ssw0rd123"
    );
}

#[test]
fn sends_the_requests_that_there_are_as_examples() {
    for name in [
        "oauth-client",
        "postgres-connection",
        "service-account",
        "warehouse-password",
    ] {
        let file = testdata(&format!("requests/{name}.json"));
        let shown = run(&["demo", &path(&file)], b"");
        assert_eq!(shown.code(), 0, "{}", shown.transcript());
    }
}

#[test]
fn refuses_with_all_violations() {
    let file = testdata("requests/refused/many-mistakes.json");
    insta::assert_snapshot!(run(&["demo", &path(&file)], b"").transcript());
    assert_eq!(run(&["demo", "/nonexistent.json"], b"").code(), 2);
}

#[test]
fn leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = sealpost(&["demo"]);
    command.env("TMPDIR", temporary.path());
    assert_eq!(run_command(command, b"").code(), 0);
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

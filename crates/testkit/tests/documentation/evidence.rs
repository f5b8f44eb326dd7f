//! docs/EVIDENCE.md: each claim has one command, and each command exists.

use std::os::unix::fs::PermissionsExt as _;

use crate::tree::{files, package, read, root};

const HEADING: &str = "| claim | command | minutes | needs | last line |";

#[test]
fn every_command_of_the_evidence_exists() {
    let commands = commands();
    assert!(commands.len() >= 15, "{commands:#?}");
    let review = review();
    assert!(review.len() >= 7, "{review:#?}");
    for command in commands.iter().chain(&review) {
        exists(command).unwrap_or_else(|why| panic!("docs/EVIDENCE.md: `{command}`: {why}"));
    }
}

#[test]
fn a_command_that_does_not_exist_is_noticed() {
    for wrong in [
        "testdata/nowhere/check.sh",
        "cargo test -p sealpost-nowhere",
        "cargo test -p sealpost-envelope --test nowhere",
        "cargo test -p sealpost-envelope --features nowhere --test residue",
        "cargo test -p sealpost-cli --test cli -- no_such_test_at_all",
        ".ci/run nowhere",
        "python3 README.md",
        "benches/side-channels.sh nothing-of-the-kind",
        "rm something",
    ] {
        assert!(exists(wrong).is_err(), "{wrong}");
    }
}

/// The commands of all tables of the page that have the heading.
fn commands() -> Vec<String> {
    let page = read("docs/EVIDENCE.md");
    let mut commands = Vec::new();
    let mut lines = page.lines();
    while lines.by_ref().any(|line| line == HEADING) {
        for row in lines
            .by_ref()
            .skip(1)
            .take_while(|row| row.starts_with('|'))
        {
            let cells: Vec<_> = row[1..row.len() - 1].split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 5, "{row}");
            let command = cells[1].strip_prefix('`').and_then(|c| c.strip_suffix('`'));
            let command = command.unwrap_or_else(|| panic!("one command in backticks: {row}"));
            assert!(
                cells[4].starts_with('`'),
                "the last line in backticks: {row}"
            );
            commands.push(command.to_owned());
        }
    }
    commands
}

/// The commands of "Review this in a day". The first is README's.
fn review() -> Vec<String> {
    let page = read("docs/EVIDENCE.md");
    let (_, section) = page.split_once("| hours | read | then run |").unwrap();
    let cells = section
        .lines()
        .filter_map(|row| row.trim_end_matches(" |").rsplit_once(" | "));
    cells
        .flat_map(|(_, cell)| cell.split('`').skip(1).step_by(2))
        .filter(|command| *command != "cargo run --release -- demo")
        .map(str::to_owned)
        .collect()
}

fn exists(command: &str) -> Result<(), String> {
    let words: Vec<_> = command.split(' ').collect();
    match words.as_slice() {
        ["cargo", "test" | "run", rest @ ..] => cargo_target(rest),
        ["python3", script, ..] if script.ends_with(".py") => file(script, false),
        [".ci/run", stages @ ..] => {
            let script = read(".ci/run");
            let missing = |stage: &&&str| !script.contains(&format!("\n{stage}() {{"));
            match stages.iter().find(missing) {
                Some(stage) => Err(format!("there is no stage {stage}")),
                None => Ok(()),
            }
        }
        [script, words @ ..] if script.contains('/') => {
            file(script, true)?;
            let text = read(script);
            match words.iter().find(|word| !text.contains(**word)) {
                Some(word) => Err(format!("{script} does not know {word}")),
                None => Ok(()),
            }
        }
        _ => Err("this test does not know such a command".to_owned()),
    }
}

fn file(path: &str, executable: bool) -> Result<(), String> {
    let metadata = root().join(path).metadata().map_err(|e| e.to_string())?;
    match !executable || metadata.permissions().mode() & 0o100 != 0 {
        true => Ok(()),
        false => Err("it is not executable".to_owned()),
    }
}

/// Package, features, target and test of a cargo command.
fn cargo_target(words: &[&str]) -> Result<(), String> {
    let all = |flag: &str| {
        let flags = words.windows(2).filter(|pair| pair[0] == flag);
        flags.map(|pair| pair[1]).collect::<Vec<_>>()
    };
    let after = |flag: &str| all(flag).first().copied();
    let names = all("-p");
    for name in names.iter().skip(1) {
        cargo_target(&["-p", name])?;
    }
    let name = names.first().ok_or("it names no package")?;
    let found = std::panic::catch_unwind(|| package(name));
    let found = found.map_err(|_| format!("there is no package {name}"))?;
    for feature in after("--features").into_iter().flat_map(|f| f.split(',')) {
        if found["features"].get(feature).is_none() {
            return Err(format!("there is no feature {feature}"));
        }
    }
    for kind in ["test", "example", "bin"] {
        for target in all(&format!("--{kind}")) {
            let mut targets = found["targets"].as_array().into_iter().flatten();
            if !targets.any(|t| t["kind"][0] == kind && t["name"] == target) {
                return Err(format!("there is no {kind} {target}"));
            }
        }
    }
    // Behind `--`, or as the last word: what the tests' names must contain.
    let Some(at) = words.iter().position(|word| *word == "--") else {
        return Ok(());
    };
    let folder = root().join(found["manifest_path"].as_str().ok_or("no manifest")?);
    let folder = folder.parent().ok_or("no folder")?;
    for filter in words[at + 1..]
        .iter()
        .filter(|word| !word.starts_with("--"))
    {
        let name = filter.rsplit("::").next().unwrap_or(filter);
        let named = |path: &std::path::PathBuf| {
            let text = std::fs::read_to_string(path).unwrap();
            text.lines()
                .filter_map(|line| line.split_once("fn "))
                .any(|(_, rest)| rest.starts_with(name))
        };
        if !files(folder, ".rs").iter().any(named) {
            return Err(format!("no test's name begins with {name}"));
        }
    }
    Ok(())
}

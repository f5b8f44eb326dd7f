//! docs/EVIDENCE.md: each claim has one command, and each command exists.

use std::os::unix::fs::PermissionsExt as _;

use crate::tree::{files, package, read, root};

const HEADING: &str = "| claim | command | minutes | needs | last line |";

#[test]
fn every_command_of_the_evidence_exists() {
    let commands = commands();
    assert!(commands.len() >= 15, "{commands:#?}");
    for command in &commands {
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
        "benches/side-channels.sh time",
        "python3 testdata/names/generate.py --judge",
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

fn exists(command: &str) -> Result<(), String> {
    let words: Vec<_> = command.split(' ').collect();
    match words.as_slice() {
        ["cargo", "test" | "run", rest @ ..] => cargo_target(rest),
        ["python3", script, arguments @ ..] if script.ends_with(".py") => {
            file(script, false)?;
            usage_has(script, arguments)
        }
        [".ci/run", stages @ ..] => {
            let script = read(".ci/run");
            let missing = |stage: &&&str| !script.contains(&format!("\n{stage}() {{"));
            match stages.iter().find(missing) {
                Some(stage) => Err(format!("there is no stage {stage}")),
                None => Ok(()),
            }
        }
        [script, arguments @ ..] if script.contains('/') => {
            file(script, true)?;
            usage_has(script, arguments)
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

/// Each argument is on a line of the script that shows how it is called.
fn usage_has(script: &str, arguments: &[&str]) -> Result<(), String> {
    let text = read(script);
    let name = script.rsplit('/').next().unwrap_or(script);
    for argument in arguments {
        let is_shown = text.lines().any(|line| {
            line.split_once(name).is_some_and(|(_, shown)| {
                let mut words = shown.split_whitespace();
                words.any(|word| word.trim_matches(['[', ']']) == *argument)
            })
        });
        if !is_shown {
            return Err(format!("{script} shows no call with {argument}"));
        }
    }
    Ok(())
}

/// Package, features, target and test of a cargo command.
fn cargo_target(words: &[&str]) -> Result<(), String> {
    let after = |flag: &str| {
        let at = words.iter().position(|word| *word == flag)?;
        words.get(at + 1).copied()
    };
    let name = after("-p").ok_or("it names no package")?;
    let found = std::panic::catch_unwind(|| package(name));
    let found = found.map_err(|_| format!("there is no package {name}"))?;
    for feature in after("--features").into_iter().flat_map(|f| f.split(',')) {
        if found["features"].get(feature).is_none() {
            return Err(format!("there is no feature {feature}"));
        }
    }
    for kind in ["test", "example", "bin"] {
        let Some(target) = after(&format!("--{kind}")) else {
            continue;
        };
        let mut targets = found["targets"].as_array().into_iter().flatten();
        if !targets.any(|t| t["kind"][0] == kind && t["name"] == target) {
            return Err(format!("there is no {kind} {target}"));
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

//! `sealpost vault`: what is damaged is named, what is intact is saved, and no byte of what there was is lost.

use std::fs;
use std::path::Path;

use super::gateway_server::{Gateway, Site};
use super::rehearsal::contents;
use super::support::{AGENT, Run, path, run};

const NAMES: [&str; 3] = ["alpha", "beta", "gamma"];

#[test]
fn check_of_a_good_vault_exits_with_0_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let site = site_with_secrets(folder.path());
    let before = contents(folder.path());
    for subject in [of_config(&site), of_state(&site)] {
        let text = vault("check", &subject, &[]).text();
        assert!(text.contains("3 intact, 0 damaged"), "{text}");
    }
    assert!(contents(folder.path()) == before, "it changed something");
}

#[test]
fn check_names_the_damaged_secret_after_a_flipped_byte_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let site = site_with_secrets(folder.path());
    flip_a_byte_of_alpha(folder.path());
    let before = contents(folder.path());
    for subject in [of_config(&site), of_state(&site)] {
        let run = vault("check", &subject, &[]);
        let seen = run.transcript();
        assert_eq!(run.code(), 1, "{seen}");
        let damaged: Vec<_> = seen
            .lines()
            .filter(|l| l.starts_with("damaged: "))
            .collect();
        assert_eq!(damaged, ["damaged: alpha"], "{seen}");
        assert!(seen.contains("2 intact, 1 damaged"), "{seen}");
        assert!(seen.contains("sealpost vault salvage"), "{seen}");
    }
    assert!(contents(folder.path()) == before, "it changed something");
}

#[test]
fn salvage_leaves_the_original_untouched_and_what_is_intact_resolves() {
    let folder = tempfile::tempdir().unwrap();
    let site = site_with_secrets(folder.path());
    let sound = folder.path().join("sound/vault");
    fs::create_dir(folder.path().join("sound")).unwrap();
    fs::create_dir(folder.path().join("saved")).unwrap();
    let before = contents(&folder.path().join("state"));
    vault("salvage", &of_config(&site), &["--to", &path(&sound)]).text();
    assert!(contents(&folder.path().join("state")) == before);
    for name in NAMES {
        assert_eq!(
            resolve(&folder.path().join("sound"), name).text(),
            value(name)
        );
    }

    flip_a_byte_of_alpha(folder.path());
    let before = contents(&folder.path().join("state"));
    let saved = folder.path().join("saved/vault");
    let run = vault("salvage", &of_config(&site), &["--to", &path(&saved)]);
    let seen = run.transcript();
    assert_eq!(run.code(), 1, "{seen}");
    assert!(seen.contains("damaged: alpha\n"), "{seen}");
    assert!(contents(&folder.path().join("state")) == before);
    for name in ["beta", "gamma"] {
        assert_eq!(
            resolve(&folder.path().join("saved"), name).text(),
            value(name)
        );
    }
    assert_ne!(resolve(&folder.path().join("saved"), "alpha").code(), 0);
    let text = vault(
        "check",
        &["--data".into(), path(&folder.path().join("saved"))],
        &[],
    )
    .text();
    assert!(text.contains("2 intact, 0 damaged"), "{text}");
    // It has a key of its own.
    let key = |folder: &Path| fs::read(folder.join("vault.key")).unwrap();
    assert_ne!(key(&saved), key(&folder.path().join("state/vault")));
}

#[test]
fn init_renames_and_deletes_nothing_and_a_start_works_after_it() {
    for keep_key in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let site = site_with_secrets(folder.path());
        let state = folder.path().join("state");
        let before = contents(&state);
        let more: &[&str] = if keep_key { &["--keep-key"] } else { &[] };
        let text = vault("init", &of_config(&site), more).text();

        let after = contents(&state);
        for file in ["vault/vault.redb", "vault/vault.key", "ledger.redb"] {
            let old = state.join(file);
            if keep_key && file == "vault/vault.key" {
                assert_eq!(after[&old], before[&old], "{text}");
                continue;
            }
            let prefix = format!("{}.old-", path(&old));
            let mut kept = after
                .iter()
                .filter(|(now, _)| path(now).starts_with(&prefix));
            let (new, content) = kept.next().unwrap();
            assert!(kept.next().is_none() && *content == before[&old], "{file}");
            assert!(text.contains(&path(new)), "{text}");
            assert_ne!(after.get(&old), Some(&before[&old]), "{file}");
        }
        let gateway = site.start(&[]);
        // Its name is free, in the vault and in the ledger.
        assert_eq!(gateway.create("alpha").status, 201);
        let site = stop(gateway);
        assert_eq!(
            resolve(&site.folder.join("state"), "alpha").text(),
            value("alpha")
        );
        assert_ne!(resolve(&site.folder.join("state"), "beta").code(), 0);
    }
}

#[test]
fn wrong_usage_is_told_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let site = site_with_secrets(folder.path());
    let config = path(&site.config());
    let state = path(&folder.path().join("state"));
    let there = path(&folder.path().join("state/vault"));
    let empty = path(&folder.path().join("nothing"));
    let wrong: &[(&[&str], &str)] = &[
        (&["check"], "--config"),
        (&["check", "--config", &config, "--data", &state], "--data"),
        (&["check", "--data", &state, "--agent", AGENT], "--agent"),
        (
            &["check", "--config", &config, "--agent", "lisbon-1"],
            AGENT,
        ),
        (&["check", "--data", &empty], "nothing"),
        (&["salvage", "--config", &config], "--to"),
        (
            &["salvage", "--config", &config, "--to", &there],
            "state/vault",
        ),
        (&["init"], "--config"),
        (&["init", "--data", &state], "--data"),
    ];
    let before = contents(folder.path());
    for (arguments, said) in wrong {
        let run = run(&[&["vault"], *arguments].concat(), b"");
        let seen = run.transcript();
        assert_eq!(run.code(), 2, "{arguments:?}: {seen}");
        assert!(seen.contains(said), "{arguments:?}: {seen}");
    }
    assert!(contents(folder.path()) == before, "it changed something");
}

#[test]
fn a_vault_that_a_gateway_has_open_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = site_with_secrets(folder.path()).start(&[]);
    let to = path(&folder.path().join("saved"));
    for (command, more) in [
        ("check", &[][..]),
        ("salvage", &["--to", &to]),
        ("init", &[]),
    ] {
        let run = vault(command, &of_config(gateway.site()), more);
        assert_eq!(run.code(), 2, "{command}: {}", run.transcript());
    }
    assert_eq!(gateway.create("delta").status, 201);
}

/// Makes a gateway that has stored [`NAMES`] and ended.
fn site_with_secrets(folder: &Path) -> Site {
    let gateway = Site::new(folder, "").start(&[]);
    for name in NAMES {
        assert_eq!(gateway.create(name).status, 201);
    }
    stop(gateway)
}

fn stop(mut gateway: Gateway) -> Site {
    gateway.signal("TERM");
    assert!(gateway.wait().success());
    gateway.kill()
}

/// Damages the record of the first name in every page that has a copy of it; the other records stay as they are.
fn flip_a_byte_of_alpha(folder: &Path) {
    let file = folder.join("state/vault/vault.redb");
    let mut bytes = fs::read(&file).unwrap();
    // The values of a page follow its names, in their order.
    let names = NAMES.concat().into_bytes();
    let is_page = |at: &usize| bytes[*at..].starts_with(&names);
    let page = (0..bytes.len()).find(is_page).unwrap();
    let record = page + names.len();
    let sample = bytes[record + 8..record + 40].to_vec();
    let copies: Vec<_> = (0..bytes.len())
        .filter(|at| bytes[*at..].starts_with(&sample))
        .collect();
    for at in copies {
        bytes[at] ^= 1;
    }
    fs::write(file, bytes).unwrap();
}

fn vault(command: &str, subject: &[String], more: &[&str]) -> Run {
    let subject: Vec<_> = subject.iter().map(String::as_str).collect();
    run(&[&["vault", command], &subject[..], more].concat(), b"")
}

fn of_config(site: &Site) -> [String; 2] {
    ["--config".into(), path(&site.config())]
}

/// The same vault: its folder is laid out as that of `sealpost dev`.
fn of_state(site: &Site) -> [String; 2] {
    ["--data".into(), path(&site.folder.join("state"))]
}

fn resolve(data: &Path, name: &str) -> Run {
    let reference = format!("secret:{name}#password");
    run(&["resolve", "--data", &path(data), &reference], b"")
}

/// Returns the value that a gateway under test was given.
fn value(name: &str) -> String {
    format!("P@ss {name}")
}

//! What does not start is found by `sealpost gateway --check`, which changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::gateway_server::Site;
use super::support::{Run, path, run_command};

/// Something that is wrong: what makes it so and which variables are set then, and what is said of it.
struct Wrong {
    what: &'static str,
    make: fn(&Path) -> Vec<(&'static str, String)>,
    said: &'static str,
}

#[test]
fn what_does_not_start_is_found_by_a_check_that_changes_nothing() {
    for Wrong { what, make, said } in WRONG {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::new(folder.path(), "");
        // It has a vault and a ledger.
        let mut earlier = site.start(&[]);
        earlier.signal("TERM");
        earlier.wait();
        let site = earlier.site();
        let environment = make(folder.path());
        let before = contents(folder.path());
        let checked = run(site, &["--check"], &environment);
        assert!(
            contents(folder.path()) == before,
            "{what}: it changed something"
        );
        let started = run(site, &[], &environment);
        let is_same = contents(folder.path()) == before;
        assert!(
            is_same || started.code() == 2,
            "{what}: it changed something and did not start"
        );
        for (run, code) in [(checked, [1, 1]), (started, [1, 2])] {
            let seen = run.transcript();
            assert!(code.contains(&run.code()), "{what}: {seen}");
            assert!(seen.contains(said), "{what}: {seen}");
        }
    }
}

#[test]
fn what_runs_passes_the_check_while_it_runs_and_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Site::new(folder.path(), "").start(&[]);
    assert_eq!(gateway.create("one").status, 201);
    let checked = run(gateway.site(), &["--check"], &[]);
    assert_eq!(checked.code(), 0, "{}", checked.transcript());
    // Vault and ledger were not closed: the start will repair them, and the check must not.
    gateway.signal("KILL");
    let mut gateway = gateway;
    gateway.wait();
    let before = contents(folder.path());
    let checked = run(gateway.site(), &["--check"], &[]);
    assert_eq!(checked.code(), 0, "{}", checked.transcript());
    assert!(contents(folder.path()) == before, "it changed something");
}

const WRONG: &[Wrong] = &[
    Wrong {
        what: "a ledger that is text",
        make: |folder| {
            ledger(
                folder,
                b"once upon a time, there was a file of another program\n",
            )
        },
        said: "is not a ledger that can be read",
    },
    Wrong {
        what: "a ledger of zeros",
        make: |folder| ledger(folder, &[0; 8192]),
        said: "is not a ledger that can be read",
    },
    Wrong {
        what: "a ledger of another version of the database",
        make: |folder| {
            ledger(
                folder,
                &[b"redb\x1a\x0a\xa9\x0d\x0a", &[0xff; 8183][..]].concat(),
            )
        },
        said: "is not a ledger that can be read",
    },
    Wrong {
        what: "a ledger that is a folder",
        make: |folder| {
            fs::remove_file(folder.join("state/ledger.redb")).unwrap();
            fs::create_dir(folder.join("state/ledger.redb")).unwrap();
            Vec::new()
        },
        said: "state/ledger.redb",
    },
    Wrong {
        what: "an empty database beside its key",
        make: |folder| vault(folder, Some(&[7; 32]), Some(b"")),
        said: "vault.redb",
    },
    Wrong {
        what: "a key without its database",
        make: |folder| vault(folder, Some(&[7; 32]), None),
        said: "vault.redb",
    },
    Wrong {
        what: "a database that is text",
        make: |folder| vault(folder, Some(&[7; 32]), Some(b"not a database")),
        said: "vault.redb",
    },
    Wrong {
        what: "a key that is too short",
        make: |folder| {
            fs::write(folder.join("state/vault/vault.key"), [7; 31]).unwrap();
            Vec::new()
        },
        said: "vault.key",
    },
    Wrong {
        what: "a ledger without its vault",
        make: |folder| {
            fs::remove_dir_all(folder.join("state/vault")).unwrap();
            Vec::new()
        },
        said: "there is no vault in",
    },
    Wrong {
        what: "a socket whose path is too long",
        make: |folder| {
            let long = folder.join("state").join("s".repeat(108));
            vec![("SEALPOST_GATEWAY__AGENTS__0__RESOLVE_SOCKET", path(&long))]
        },
        said: "resolve",
    },
    Wrong {
        what: "a socket where a file is",
        make: |folder| {
            fs::write(folder.join("state/resolve.sock"), "a file").unwrap();
            Vec::new()
        },
        said: "is not a socket",
    },
    Wrong {
        what: "an address of another host",
        make: |_| vec![("SEALPOST_GATEWAY__METRICS__LISTEN", "192.0.2.1:9464".into())],
        said: "192.0.2.1:9464",
    },
    Wrong {
        what: "one file for the trail and the ledger",
        make: |folder| {
            vec![(
                "SEALPOST_GATEWAY__AUDIT__FILE",
                path(&folder.join("state/ledger.redb")),
            )]
        },
        said: "agents[0].ledger: is that of audit.file, too",
    },
    Wrong {
        what: "the trail in the key of the vault",
        make: |folder| trail(&folder.join("state/vault/vault.key")),
        said: "audit.file: lies in the folder of agents[0].vault.path",
    },
    Wrong {
        what: "the trail in a hard link to the key of the vault",
        make: |folder| {
            let link = folder.join("hard link");
            fs::hard_link(folder.join("state/vault/vault.key"), &link).unwrap();
            trail(&link)
        },
        said: "audit.file: lies in the folder of agents[0].vault.path",
    },
    Wrong {
        what: "the trail in a symbolic link to the key set",
        make: |folder| {
            let link = folder.join("symbolic link");
            std::os::unix::fs::symlink("jwks.json", &link).unwrap();
            trail(&link)
        },
        said: "audit.file: is that of auth.jwks_file, too",
    },
    Wrong {
        what: "a variable RUST_LOG that can't be read",
        make: |_| vec![("RUST_LOG", "sealpost=loud".into())],
        said: "RUST_LOG",
    },
];

fn trail(file: &Path) -> Vec<(&'static str, String)> {
    vec![("SEALPOST_GATEWAY__AUDIT__FILE", path(file))]
}

fn ledger(folder: &Path, content: &[u8]) -> Vec<(&'static str, String)> {
    let path = folder.join("state/ledger.redb");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    Vec::new()
}

fn vault(
    folder: &Path,
    key: Option<&[u8]>,
    database: Option<&[u8]>,
) -> Vec<(&'static str, String)> {
    let vault = folder.join("state/vault");
    fs::remove_dir_all(&vault).unwrap();
    fs::create_dir(&vault).unwrap();
    fs::set_permissions(&vault, fs::Permissions::from_mode(0o700)).unwrap();
    for (name, content) in [("vault.key", key), ("vault.redb", database)] {
        if let Some(content) = content {
            fs::write(vault.join(name), content).unwrap();
            fs::set_permissions(vault.join(name), fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
    Vec::new()
}

fn run(site: &Site, more: &[&str], environment: &[(&str, String)]) -> Run {
    let mut command = site.command();
    command.args(more);
    command.envs(environment.iter().map(|(name, value)| (*name, value)));
    run_command(command, b"")
}

/// Every file with what is in it, and every folder.
pub(crate) fn contents(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            }
            let content = kind.is_file().then(|| fs::read(entry.path()).unwrap());
            found.insert(entry.path(), content);
        }
    }
    found
}

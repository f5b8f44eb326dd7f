//! A check finds what this user may not do, and what is sound starts: other users, read-only disks, damaged vaults, checks beside starts.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use super::gateway_server::Site;
use super::rehearsal::{assert_both_refuse, contents, used};
use super::support::{agent, path, run_command};

/// A user who owns nothing here.
const OTHER: u32 = 65534;

/// Whether tests can run a command as another user, or with a disk of its own: both need root.
fn is_root() -> bool {
    let can = Command::new("unshare").args(["-m", "true"]).output();
    can.is_ok_and(|done| done.status.success())
        && Command::new("setpriv").arg("--version").output().is_ok()
}

/// `command`, run through another program.
fn through(program: &str, arguments: &[&str], command: &Command) -> Command {
    let mut whole = Command::new(program);
    whole
        .args(arguments)
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => whole.env(name, value),
            None => whole.env_remove(name),
        };
    }
    whole
}

fn as_other(command: &Command) -> Command {
    let arguments = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
    through("setpriv", &arguments, command)
}

/// The site's command with this folder mounted read-only.
fn read_only(folder: &Path, command: &Command) -> Command {
    let script = format!(
        "mount --bind '{0}' '{0}' && mount -o remount,ro,bind '{0}' && exec \"$@\"",
        path(folder)
    );
    through("unshare", &["-m", "sh", "-c", &script, "sh"], command)
}

/// Gives a folder and everything in it to the other user.
fn give(folder: &Path) {
    for path in contents(folder).into_keys().chain([folder.to_owned()]) {
        chown(path, Some(OTHER), Some(OTHER)).unwrap();
    }
}

/// A site that was used, of the other user, with the agent's files in it.
fn of_other(folder: &Path) -> Site {
    let site = used(folder);
    for (from, to) in [
        (agent().identity(), "identity.pem"),
        (agent().certificate(), "agent.pem"),
    ] {
        fs::copy(&from, folder.join(to)).unwrap();
        let config = fs::read_to_string(site.config()).unwrap();
        fs::write(site.config(), config.replace(&from, to)).unwrap();
    }
    give(folder);
    site
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_this_user_may_not_do_is_found_by_the_check_and_by_the_start() {
    if !is_root() {
        return;
    }
    let locked = |path: &Path, bits| {
        chown(path, Some(0), Some(0)).unwrap();
        mode(path, bits);
    };
    type Make<'m> = &'m dyn Fn(&Path);
    let cases: [(&str, Make<'_>, &str); 12] = [
        (
            "a trail that this user can't write",
            &|at| locked(&at.join("audit.jsonl"), 0o644),
            "audit.file: ",
        ),
        (
            "a folder in which this user can't create the trail",
            &|at| {
                fs::remove_file(at.join("audit.jsonl")).unwrap();
                locked(at, 0o755);
            },
            "audit.file: cannot create files in the folder",
        ),
        (
            "a ledger that this user can't write",
            &|at| locked(&at.join("state/ledger.redb"), 0o644),
            "agents[0].ledger: ",
        ),
        (
            "a folder in which this user can't create the ledger and the socket",
            &|at| {
                fs::remove_file(at.join("state/ledger.redb")).unwrap();
                locked(&at.join("state"), 0o755);
            },
            "agents[0].ledger: cannot create files in the folder",
        ),
        (
            "a folder in which this user can't create the socket",
            &|at| locked(&at.join("state"), 0o755),
            "agents[0].resolve_socket: cannot create files in the folder",
        ),
        (
            "a folder in which this user can't create the vault",
            &|at| {
                fs::remove_dir_all(at.join("state/vault")).unwrap();
                fs::remove_file(at.join("state/ledger.redb")).unwrap();
                locked(&at.join("state"), 0o755);
            },
            "agents[0].vault.path: cannot create files in the folder",
        ),
        (
            "a folder of the vault in which this user can't create it",
            &|at| {
                fs::remove_file(at.join("state/ledger.redb")).unwrap();
                fs::remove_file(at.join("state/vault/vault.key")).unwrap();
                fs::remove_file(at.join("state/vault/vault.redb")).unwrap();
                locked(&at.join("state/vault"), 0o755);
            },
            "agents[0].vault: ",
        ),
        (
            "a database that this user can't write",
            &|at| locked(&at.join("state/vault/vault.redb"), 0o644),
            "vault.redb",
        ),
        (
            "a database that is read-only",
            &|at| mode(&at.join("state/vault/vault.redb"), 0o400),
            "vault.redb",
        ),
        (
            "a key that this user can't read",
            &|at| locked(&at.join("state/vault/vault.key"), 0o600),
            "vault.key",
        ),
        (
            "a folder that this user can't enter",
            &|at| locked(&at.join("state"), 0o700),
            "agents[0].ledger: ",
        ),
        (
            "an identity that this user can't read",
            &|at| locked(&at.join("identity.pem"), 0o600),
            "agents[0].identity: ",
        ),
    ];
    for (what, make, said) in cases {
        let folder = tempfile::tempdir().unwrap();
        let site = of_other(folder.path());
        make(folder.path());
        assert_both_refuse(what, said, folder.path(), || as_other(&site.command()));
    }
}

#[test]
fn a_disk_that_is_mounted_read_only_is_found_by_the_check_and_by_the_start() {
    if !is_root() {
        return;
    }
    for (what, below, said) in [
        (
            "the state",
            "state",
            "agents[0].resolve_socket: cannot create files in the folder",
        ),
        ("the vault", "state/vault", "agents[0].vault: "),
        (
            "a new vault",
            "new",
            "agents[0].vault.path: cannot create files in the folder",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let site = used(folder.path());
        let disk = folder.path().join(below);
        if !disk.exists() {
            fs::create_dir(&disk).unwrap();
        }
        assert_both_refuse(what, said, folder.path(), || {
            let mut command = site.command();
            if below == "new" {
                command.env(
                    "SEALPOST_GATEWAY__AGENTS__0__VAULT__PATH",
                    disk.join("vault"),
                );
                command.env(
                    "SEALPOST_GATEWAY__AGENTS__0__LEDGER",
                    folder.path().join("new.redb"),
                );
            }
            read_only(&disk, &command)
        });
    }
}

/// What is sound, as a name, what makes it, and whether it runs as the other user.
type Sound = (&'static str, fn(&Path) -> Vec<(&'static str, String)>, bool);

const SOUND: &[Sound] = &[
    ("as it was left", |_| Vec::new(), false),
    (
        "a new vault and a new ledger",
        |at| {
            fs::remove_dir_all(at.join("state")).unwrap();
            fs::create_dir(at.join("state")).unwrap();
            Vec::new()
        },
        false,
    ),
    (
        "links in folders of one's own",
        |at| {
            fs::rename(at.join("state"), at.join("disk")).unwrap();
            symlink("disk", at.join("state")).unwrap();
            Vec::new()
        },
        false,
    ),
    (
        "a folder in a sticky one",
        |at| {
            fs::create_dir(at.join("tmp")).unwrap();
            mode(&at.join("tmp"), 0o1777);
            fs::rename(at.join("state"), at.join("tmp/state")).unwrap();
            symlink("tmp/state", at.join("state")).unwrap();
            Vec::new()
        },
        false,
    ),
    (
        "a key set with a byte-order mark",
        |at| {
            let set = fs::read(at.join("jwks.json")).unwrap();
            fs::write(at.join("jwks.json"), [b"\xef\xbb\xbf", &set[..]].concat()).unwrap();
            Vec::new()
        },
        false,
    ),
    (
        "RUST_LOG with a comma at its end",
        |_| vec![("RUST_LOG", "info,".into())],
        false,
    ),
    (
        "RUST_LOG without anything",
        |_| vec![("RUST_LOG", " ".into())],
        false,
    ),
    ("another user's", |_| Vec::new(), true),
    (
        "a trail that was given to the user in a folder of root",
        |at| {
            fs::create_dir(at.join("logs")).unwrap();
            fs::write(at.join("logs/audit.jsonl"), "").unwrap();
            give(&at.join("logs"));
            chown(at.join("logs"), Some(0), Some(0)).unwrap();
            vec![(
                "SEALPOST_GATEWAY__AUDIT__FILE",
                path(&at.join("logs/audit.jsonl")),
            )]
        },
        true,
    ),
];

#[test]
fn what_passes_the_check_starts() {
    for (what, make, is_others) in SOUND {
        if *is_others && !is_root() {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let site = match is_others {
            true => of_other(folder.path()),
            false => used(folder.path()),
        };
        let environment = make(folder.path());
        let command = || {
            let mut command = site.command();
            command.envs(environment.iter().map(|(name, value)| (*name, value)));
            match is_others {
                true => as_other(&command),
                false => command,
            }
        };
        let mut check = command();
        check.arg("--check");
        let checked = run_command(check, b"");
        assert_eq!(checked.code(), 0, "{what}: {}", checked.transcript());
        let command = command();
        // It panics with the log if it does not listen.
        let mut gateway = site.start_command(command);
        gateway.signal("TERM");
        assert!(gateway.wait().success(), "{what}: {}", gateway.log());
    }
}

#[test]
fn a_vault_that_was_cut_starts_with_what_is_intact_and_the_check_says_so() {
    for cut in [1, 4096] {
        let folder = tempfile::tempdir().unwrap();
        let site = used(folder.path());
        let file = fs::File::options()
            .write(true)
            .open(folder.path().join("state/vault/vault.redb"))
            .unwrap();
        file.set_len(file.metadata().unwrap().len() - cut).unwrap();
        let mut command = site.command();
        command.arg("--check");
        let checked = run_command(command, b"");
        let seen = checked.transcript();
        assert_eq!(checked.code(), 1, "{cut}: {seen}");
        let lines: Vec<_> = seen
            .lines()
            .filter(|line| line.starts_with("agents[0].vault: "))
            .collect();
        assert_eq!(lines.len(), 1, "{cut}: {seen}");
        assert!(
            lines[0].contains("is damaged") && lines[0].ends_with("(it starts without)"),
            "{cut}: {seen}"
        );
        // It listens.
        let mut gateway = site.start(&[]);
        gateway.signal("TERM");
        assert!(gateway.wait().success(), "{cut}: {}", gateway.log());
    }
}

#[test]
fn no_check_keeps_a_start_from_the_vault() {
    let folder = tempfile::tempdir().unwrap();
    let mut site = used(folder.path());
    let ends = AtomicBool::new(false);
    let check = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealpost"));
        command.args([
            "gateway",
            "--check",
            "--config",
            &path(&folder.path().join("gateway.toml")),
        ]);
        run_command(command, b"")
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ends.load(Ordering::Relaxed) {
                    let checked = check();
                    assert_eq!(checked.code(), 0, "{}", checked.transcript());
                }
            });
        }
        for _ in 0..12 {
            let mut gateway = site.start(&[]);
            gateway.signal("TERM");
            assert!(gateway.wait().success(), "{}", gateway.log());
            site = gateway.kill();
        }
        ends.store(true, Ordering::Relaxed);
    });
}

//! What does not start is found by `sealpost gateway --check`, which changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::gateway_server::Site;
use super::support::{Run, agent, path, run_command};

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
        let site = used(folder.path());
        let environment = make(folder.path());
        assert_both_refuse(what, said, folder.path(), || {
            let mut command = site.command();
            command.envs(environment.iter().map(|(name, value)| (*name, value)));
            command
        });
    }
}

/// A site with a vault and a ledger.
pub(crate) fn used(folder: &Path) -> Site {
    let mut earlier = Site::new(folder, "").start(&[]);
    earlier.signal("TERM");
    earlier.wait();
    let site = earlier.kill();
    fs::remove_file(folder.join("log")).unwrap();
    site
}

/// Asserts that the check and the start of this command give the same whole reasons, and that neither changes anything.
pub(crate) fn assert_both_refuse(
    what: &str,
    said: &str,
    folder: &Path,
    command: impl Fn() -> Command,
) {
    let before = contents(folder);
    let checked = run_for_a_while(command(), &["--check"]);
    let started = run_for_a_while(command(), &[]);
    assert!(contents(folder) == before, "{what}: something was changed");
    let seen = format!("{what}: {}{}", checked.transcript(), started.transcript());
    assert_eq!([checked.code(), started.code()], [1, 1], "{seen}");
    let lines = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let found = lines(checked.streams().0);
    let found: Vec<_> = found
        .lines()
        .filter(|line| !line.ends_with("(notice)"))
        .collect();
    let reasons = lines(started.streams().1);
    let reasons: Vec<_> = reasons
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .collect();
    assert_eq!(found, reasons, "{seen}");
    assert!(found.iter().any(|line| line.contains(said)), "{seen}");
}

/// Runs a command that ends: one that waits for something is stopped, which is a failure.
fn run_for_a_while(command: Command, more: &[&str]) -> Run {
    let mut bounded = Command::new("timeout");
    bounded
        .arg("60")
        .arg(command.get_program())
        .args(command.get_args())
        .args(more);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bounded.env(name, value),
            None => bounded.env_remove(name),
        };
    }
    run_command(bounded, b"")
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
        what: "a ledger of more zeros than creating one leaves",
        make: |folder| ledger(folder, &[0; 19 * 4096]),
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
        what: "a database of one zero byte where key and ledger are in place",
        make: |folder| {
            fs::write(folder.join("state/vault/vault.redb"), [0]).unwrap();
            Vec::new()
        },
        said: "vault.redb is empty",
    },
    Wrong {
        what: "a database of zeros where key and ledger are in place",
        make: |folder| {
            fs::write(folder.join("state/vault/vault.redb"), [0; 18 * 4096]).unwrap();
            Vec::new()
        },
        said: "vault.redb is empty",
    },
    Wrong {
        what: "a database of one zero byte without its key where the ledger is in place",
        make: |folder| {
            fs::write(folder.join("state/vault/vault.redb"), [0]).unwrap();
            fs::remove_file(folder.join("state/vault/vault.key")).unwrap();
            Vec::new()
        },
        said: "vault.redb is empty",
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
            symlink("jwks.json", &link).unwrap();
            trail(&link)
        },
        said: "audit.file: is that of auth.jwks_file, too",
    },
    Wrong {
        what: "a variable RUST_LOG that can't be read",
        make: |_| vec![("RUST_LOG", "sealpost=loud".into())],
        said: "RUST_LOG",
    },
    Wrong {
        what: "a word in RUST_LOG that is no level",
        make: |_| vec![("RUST_LOG", "inof".into())],
        said: "RUST_LOG",
    },
    Wrong {
        what: "a ledger that is a named pipe",
        make: |folder| instead(&folder.join("state/ledger.redb"), pipe),
        said: "a named pipe",
    },
    Wrong {
        what: "a ledger that is a socket",
        make: |folder| instead(&folder.join("state/ledger.redb"), socket),
        said: "a socket",
    },
    Wrong {
        what: "a ledger that is a link that leads nowhere",
        make: |folder| instead(&folder.join("state/ledger.redb"), dangling),
        said: "leads nowhere",
    },
    Wrong {
        what: "a ledger that others may write",
        make: |folder| {
            mode(&folder.join("state/ledger.redb"), 0o666);
            Vec::new()
        },
        said: "agents[0].ledger",
    },
    Wrong {
        what: "the vault's database as the ledger",
        make: |folder| {
            let database = folder.join("state/vault/vault.redb");
            vec![("SEALPOST_GATEWAY__AGENTS__0__LEDGER", path(&database))]
        },
        said: "agents[0].ledger",
    },
    Wrong {
        what: "a copy of the vault's database as the ledger",
        make: |folder| {
            let database = fs::read(folder.join("state/vault/vault.redb")).unwrap();
            ledger(folder, &database)
        },
        said: "tables that no ledger has",
    },
    Wrong {
        what: "a key of the vault that is a named pipe",
        make: |folder| instead(&folder.join("state/vault/vault.key"), pipe),
        said: "vault.key",
    },
    Wrong {
        what: "a database of the vault that is a named pipe",
        make: |folder| instead(&folder.join("state/vault/vault.redb"), pipe),
        said: "a named pipe",
    },
    Wrong {
        what: "a database of the vault that others may write",
        make: |folder| {
            mode(&folder.join("state/vault/vault.redb"), 0o606);
            Vec::new()
        },
        said: "others may write to it",
    },
    Wrong {
        what: "a key of the vault that is a link that leads nowhere",
        make: |folder| instead(&folder.join("state/vault/vault.key"), dangling),
        said: "vault.key",
    },
    Wrong {
        what: "a new vault whose database is a link that leads nowhere",
        make: |folder| {
            fs::remove_file(folder.join("state/ledger.redb")).unwrap();
            fs::remove_file(folder.join("state/vault/vault.key")).unwrap();
            instead(&folder.join("state/vault/vault.redb"), dangling)
        },
        said: "leads nowhere",
    },
    Wrong {
        what: "a folder of the vault that is a link that leads nowhere",
        make: |folder| {
            fs::remove_file(folder.join("state/ledger.redb")).unwrap();
            fs::remove_dir_all(folder.join("state/vault")).unwrap();
            dangling(&folder.join("state/vault"));
            Vec::new()
        },
        said: "leads nowhere",
    },
    Wrong {
        what: "a vault that is new beside a ledger that is none",
        make: |folder| {
            fs::write(folder.join("state/text"), "a file of another program").unwrap();
            vec![
                (
                    "SEALPOST_GATEWAY__AGENTS__0__VAULT__PATH",
                    path(&folder.join("state/new")),
                ),
                (
                    "SEALPOST_GATEWAY__AGENTS__0__LEDGER",
                    path(&folder.join("state/text")),
                ),
            ]
        },
        said: "agents[0].ledger",
    },
    Wrong {
        what: "a database cut so far that nothing can be read",
        make: |folder| {
            let file = fs::File::options()
                .write(true)
                .open(folder.join("state/vault/vault.redb"));
            file.unwrap().set_len(600).unwrap();
            Vec::new()
        },
        said: "vault.redb",
    },
    Wrong {
        what: "a key of TLS that is a named pipe",
        make: |folder| {
            let mut set = pipe_for(folder, "SEALPOST_GATEWAY__TLS__KEY");
            set.push(("SEALPOST_GATEWAY__TLS__CERTIFICATE", agent().certificate()));
            set
        },
        said: "tls.key: ",
    },
    Wrong {
        what: "a certificate of TLS that is a named pipe",
        make: |folder| {
            let mut set = pipe_for(folder, "SEALPOST_GATEWAY__TLS__CERTIFICATE");
            set.push(("SEALPOST_GATEWAY__TLS__KEY", agent().identity()));
            set
        },
        said: "tls.certificate: ",
    },
    Wrong {
        what: "authorities of TLS that are a named pipe",
        make: |folder| {
            let mut set = pipe_for(folder, "SEALPOST_GATEWAY__TLS__CLIENT_CA");
            set.push(("SEALPOST_GATEWAY__TLS__CERTIFICATE", agent().certificate()));
            set.push(("SEALPOST_GATEWAY__TLS__KEY", agent().identity()));
            set
        },
        said: "tls.client_ca: ",
    },
    Wrong {
        what: "a key set that is a named pipe",
        make: |folder| pipe_for(folder, "SEALPOST_GATEWAY__AUTH__JWKS_FILE"),
        said: "auth.jwks_file: ",
    },
    Wrong {
        what: "a key set that is longer than a fetch takes",
        make: |folder| {
            let mut set = fs::read(folder.join("jwks.json")).unwrap();
            set.resize(300 * 1024, b' ');
            fs::write(folder.join("jwks.json"), set).unwrap();
            Vec::new()
        },
        said: "larger than",
    },
    Wrong {
        what: "an identity that is a named pipe",
        make: |folder| pipe_for(folder, "SEALPOST_GATEWAY__AGENTS__0__IDENTITY"),
        said: "agents[0].identity: ",
    },
    Wrong {
        what: "an old certificate that is a named pipe",
        make: |folder| pipe_for(folder, "SEALPOST_GATEWAY__AGENTS__0__OLD_CERTIFICATES"),
        said: "agents[0].old_certificates: ",
    },
    Wrong {
        what: "an authority of agents that is a named pipe",
        make: |folder| {
            let config = fs::read_to_string(folder.join("gateway.toml")).unwrap();
            let lines = config.lines().filter(|line| !line.starts_with("pin"));
            let config: String = lines.map(|line| format!("{line}\n")).collect();
            fs::write(folder.join("gateway.toml"), config).unwrap();
            pipe_for(folder, "SEALPOST_GATEWAY__AGENTS__0__CA")
        },
        said: "agents[0].ca: ",
    },
    Wrong {
        what: "a key for signatures that is a named pipe",
        make: |folder| pipe_for(folder, "SEALPOST_GATEWAY__SIGNING_KEY_FILE"),
        said: "signing_key_file: ",
    },
    Wrong {
        what: "an idempotency secret that is a named pipe",
        make: |folder| pipe_for(folder, "SEALPOST_GATEWAY__IDEMPOTENCY__SECRET_FILE"),
        said: "idempotency.secret_file: ",
    },
    Wrong {
        what: "an idempotency secret that is a device",
        make: |_| {
            vec![(
                "SEALPOST_GATEWAY__IDEMPOTENCY__SECRET_FILE",
                "/dev/zero".into(),
            )]
        },
        said: "a device",
    },
    Wrong {
        what: "a folder in a folder that others may write",
        make: |folder| of_state(&nested(folder, 0o777)),
        said: "agents[0].ledger: others may write to the folder",
    },
    Wrong {
        what: "a link in a folder that others may write",
        make: |folder| {
            let open = folder.join("open");
            fs::create_dir(&open).unwrap();
            symlink(folder.join("state"), open.join("link")).unwrap();
            mode(&open, 0o777);
            of_state(&open.join("link"))
        },
        said: "agents[0].vault.path: others may write to the folder",
    },
    Wrong {
        what: "a link into a folder that others may write",
        make: |folder| {
            let link = folder.join("link");
            symlink(nested(folder, 0o775), &link).unwrap();
            of_state(&link)
        },
        said: "agents[0].resolve_socket: others may write to the folder",
    },
    Wrong {
        what: "a trail in a sticky folder",
        make: |folder| {
            let sticky = folder.join("tmp");
            fs::create_dir(&sticky).unwrap();
            mode(&sticky, 0o1777);
            trail(&sticky.join("audit.jsonl"))
        },
        said: "audit.file: others may write to the folder",
    },
    Wrong {
        what: "a trail that is a link that leads nowhere",
        make: |folder| {
            dangling(&folder.join("link"));
            trail(&folder.join("link"))
        },
        said: "audit.file: ",
    },
    Wrong {
        what: "a trail in a folder that does not exist",
        make: |folder| trail(&folder.join("nothing/audit.jsonl")),
        said: "audit.file: the folder",
    },
    Wrong {
        what: "a socket in a folder that does not exist",
        make: |folder| {
            let socket = path(&folder.join("nothing/resolve.sock"));
            vec![("SEALPOST_GATEWAY__AGENTS__0__RESOLVE_SOCKET", socket)]
        },
        said: "agents[0].resolve_socket: the folder",
    },
    Wrong {
        what: "a vault in a folder that does not exist",
        make: |folder| {
            let vault = path(&folder.join("nothing/vault"));
            vec![("SEALPOST_GATEWAY__AGENTS__0__VAULT__PATH", vault)]
        },
        said: "agents[0].vault.path: the folder",
    },
    Wrong {
        what: "a vault that is a file",
        make: |folder| {
            fs::remove_dir_all(folder.join("state/vault")).unwrap();
            fs::write(folder.join("state/vault"), "a file").unwrap();
            Vec::new()
        },
        said: "agents[0].vault.path: is not a folder",
    },
];

fn trail(file: &Path) -> Vec<(&'static str, String)> {
    vec![("SEALPOST_GATEWAY__AUDIT__FILE", path(file))]
}

fn ledger(folder: &Path, content: &[u8]) -> Vec<(&'static str, String)> {
    let path = folder.join("state/ledger.redb");
    fs::write(&path, content).unwrap();
    mode(&path, 0o600);
    Vec::new()
}

/// Puts something in place of a file of the vault or the ledger.
fn instead(file: &Path, make: impl FnOnce(&Path)) -> Vec<(&'static str, String)> {
    fs::remove_file(file).unwrap();
    make(file);
    Vec::new()
}

fn pipe(path: &Path) {
    let made = Command::new("mkfifo")
        .args(["-m", "600"])
        .arg(path)
        .status();
    assert!(made.unwrap().success());
}

fn socket(path: &Path) {
    drop(UnixListener::bind(path).unwrap());
}

fn dangling(path: &Path) {
    symlink("not mounted/file", path).unwrap();
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A named pipe for the file that this variable names.
fn pipe_for(folder: &Path, variable: &'static str) -> Vec<(&'static str, String)> {
    let file = folder.join("pipe");
    pipe(&file);
    vec![(variable, path(&file))]
}

/// Moves the vault and the ledger into a folder in a folder of this mode.
fn nested(folder: &Path, open: u32) -> PathBuf {
    let outer = folder.join("outer");
    fs::create_dir(&outer).unwrap();
    fs::rename(folder.join("state"), outer.join("state")).unwrap();
    mode(&outer, open);
    outer.join("state")
}

fn of_state(state: &Path) -> Vec<(&'static str, String)> {
    vec![
        (
            "SEALPOST_GATEWAY__AGENTS__0__LEDGER",
            path(&state.join("ledger.redb")),
        ),
        (
            "SEALPOST_GATEWAY__AGENTS__0__VAULT__PATH",
            path(&state.join("vault")),
        ),
        (
            "SEALPOST_GATEWAY__AGENTS__0__RESOLVE_SOCKET",
            path(&state.join("resolve.sock")),
        ),
    ]
}

fn vault(
    folder: &Path,
    key: Option<&[u8]>,
    database: Option<&[u8]>,
) -> Vec<(&'static str, String)> {
    let vault = folder.join("state/vault");
    fs::remove_dir_all(&vault).unwrap();
    fs::create_dir(&vault).unwrap();
    mode(&vault, 0o700);
    for (name, content) in [("vault.key", key), ("vault.redb", database)] {
        if let Some(content) = content {
            fs::write(vault.join(name), content).unwrap();
            mode(&vault.join(name), 0o600);
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

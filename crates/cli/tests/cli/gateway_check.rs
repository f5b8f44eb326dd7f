//! `sealpost gateway --check` says everything that is wrong, and what is fine.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;

use super::gateway_server::Site;
use super::support::{AGENT, Run, agent, other_agent, path, run, run_command, sealpost};

fn check(config: &Path) -> Run {
    run(&["gateway", "--config", &path(config), "--check"], b"")
}

fn with_environment(config: &Path, environment: &[(&str, &str)]) -> Run {
    let mut command: Command = sealpost(&["gateway", "--config", &path(config), "--check"]);
    command.envs(environment.iter().copied());
    run_command(command, b"")
}

/// The transcript without what differs from run to run.
fn transcript(run: &Run, site: &Site) -> String {
    run.transcript()
        .replace(&site.port.to_string(), "<port>")
        .replace(&agent().fingerprint, "<pin>")
}

#[test]
fn what_is_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path(), "");
    assert_snapshot!(transcript(&check(&site.config()), &site));
    assert!(
        !folder.path().join("state/vault").exists(),
        "it made something"
    );
    assert!(
        !folder.path().join("audit.jsonl").exists(),
        "it made something"
    );
}

#[test]
fn everything_that_is_wrong_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gateway.toml");
    fs::write(folder.path().join("empty.json"), "{\"keys\":[]}").unwrap();
    fs::write(folder.path().join("secret.hex"), "abc").unwrap();
    let (ours, other) = (agent(), other_agent());
    let text = format!(
        r#"
listen = "0.0.0.0:8080"
base_path = "dpc"
colour = "blue"
signing_key_file = "nothing.pem"

[tls]
certificate = "nothing.pem"

[metrics]
listen = "127.0.0.1:8080"

[auth]
audience = ""
jwks_file = "empty.json"
algorithms = ["HS256"]
leeway = 60

[limits]
deadline = "1 fortnight"
connections = 0
drian = "1s"

[log]
format = "xml"
level = "inof"

[audit]
file = "audit.jsonl"
stdout = true

[idempotency]
secret_file = "secret.hex"

[[agents]]
id = "{AGENT}"
identity = "{identity}"
certificate = "{other_certificate}"
pin = "00"
accept = ["pgp"]
vault = {{ kind = "cloud", path = "nothing/vault" }}

[[agents]]
id = "{AGENT}"
identity = ["{identity}", "{identity}"]
certificate = "{certificate}"
vault = {{ kind = "embedded", path = "vault", max_value = 100000 }}

[[agents]]
id = "no id"
identity = "{certificate}"
certificate = "{identity}"
ca = "empty.json"
vault = {{ kind = "embedded", path = "./vault" }}

[[agents]]
id = "d"
identity = "{identity}"
certificate = "nothing.pem"
old_certificates = "nothing.pem"
vault = {{ kind = "embedded", path = "other" }}
"#,
        identity = ours.identity(),
        certificate = ours.certificate(),
        other_certificate = other.certificate(),
    );
    fs::write(&config, &text).unwrap();
    let found = check(&config);
    assert_snapshot!(found.transcript());
    // The same list keeps it from starting, but for what it would start without.
    let started = run(&["gateway", "--config", &path(&config)], b"");
    assert_eq!(started.code(), 1);
    let found = String::from_utf8_lossy(found.streams().0).into_owned();
    for line in found
        .lines()
        .filter(|line| !line.ends_with("(it starts without)"))
    {
        assert!(
            String::from_utf8_lossy(started.streams().1).contains(line),
            "{line}"
        );
    }
}

#[test]
fn what_is_no_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gateway.toml");
    assert_eq!(check(&config).code(), 2, "no file");
    fs::write(
        &config,
        "listen = \"127.0.0.1:1\"\n[auth\npassword = \"hunter2\"\n",
    )
    .unwrap();
    let broken = check(&config);
    assert_snapshot!("no_toml", broken.transcript());
    fs::write(&config, "").unwrap();
    assert_snapshot!("empty", check(&config).transcript());
}

#[test]
fn environment_variables_come_before_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path(), "listen_ = 1\n");
    let config = site.config();
    assert_eq!(check(&config).code(), 1);
    site.configure("");
    let good = with_environment(
        &config,
        &[
            ("SEALPOST_GATEWAY__LISTEN", "127.0.0.1:1234"),
            ("SEALPOST_GATEWAY__LIMITS__CONNECTIONS", "10"),
            ("SEALPOST_GATEWAY__AUTH__ALGORITHMS", "EdDSA, ES256"),
            ("SEALPOST_GATEWAY__AGENTS__0__ACCEPT", "native"),
        ],
    );
    assert_snapshot!("in_force", good.transcript());
    let wrong = with_environment(
        &config,
        &[
            ("SEALPOST_GATEWAY__LIMITS__CONNECTIONS", "many"),
            ("SEALPOST_GATEWAY__LIMITS__CONNECTION", "10"),
            ("SEALPOST_GATEWAY__AGENTS__7__ACCEPT", "native"),
            ("SEALPOST_GATEWAY__LISTEN__PORT", "1"),
        ],
    );
    assert_snapshot!("not_in_force", wrong.transcript());
}

#[test]
fn keys_that_others_can_read_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path(), "");
    let identity = folder.path().join("identity.pem");
    fs::copy(agent().identity(), &identity).unwrap();
    let name = path(&identity);
    let with_mode = |mode| {
        fs::set_permissions(&identity, fs::Permissions::from_mode(mode)).unwrap();
        with_environment(
            &site.config(),
            &[("SEALPOST_GATEWAY__AGENTS__0__IDENTITY", &name)],
        )
    };
    for mode in [0o600, 0o400, 0o640] {
        assert_eq!(with_mode(mode).code(), 0, "{mode:o}");
    }
    for mode in [0o644, 0o604, 0o660, 0o601] {
        let refused = with_mode(mode);
        assert_eq!(refused.code(), 1, "{mode:o}");
        assert!(refused.transcript().contains("chmod"), "{mode:o}");
    }
}

#[test]
fn a_folder_that_others_may_write_is_found_and_does_not_start() {
    for (variable, key) in [
        ("AGENTS__0__LEDGER", "ledger"),
        ("AGENTS__0__RESOLVE_SOCKET", "resolve_socket"),
        ("AUDIT__FILE", "audit.file"),
    ] {
        for mode in [0o777, 0o775, 0o702] {
            let folder = tempfile::tempdir().unwrap();
            let site = Site::new(folder.path(), "");
            let open = folder.path().join("open");
            fs::create_dir(&open).unwrap();
            fs::set_permissions(&open, fs::Permissions::from_mode(mode)).unwrap();
            let file = path(&open.join("file"));
            let variable = format!("SEALPOST_GATEWAY__{variable}");
            let checked = with_environment(&site.config(), &[(&variable, &file)]);
            let mut command = site.command();
            command.env(&variable, &file);
            for run in [checked, run_command(command, b"")] {
                let seen = run.transcript();
                assert_eq!(run.code(), 1, "{seen}");
                let finding = format!("{key}: others may write to the folder");
                assert!(seen.contains(&finding), "{seen}");
            }
            assert_eq!(fs::read_dir(&open).unwrap().count(), 0);
        }
    }
}

/// Every table has a key that is unknown, so that the check lists those that are known.
#[test]
fn the_manual_has_every_key() {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/OPERATIONS.md");
    let manual = fs::read_to_string(manual).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gateway.toml");
    let tables = [
        "tls",
        "auth",
        "limits",
        "metrics",
        "log",
        "audit",
        "idempotency",
    ];
    let mut text = "x = 1\n".to_owned();
    for table in tables {
        text += &format!("[{table}]\nx = 1\n");
    }
    text += "[[agents]]\nx = 1\nvault = { x = 1 }\n";
    fs::write(&config, text).unwrap();
    let found = check(&config).transcript();
    let lists: Vec<&str> = found
        .lines()
        .filter_map(|line| line.split_once(": there is no such key; the keys here are "))
        .map(|(_, keys)| keys)
        .collect();
    assert_eq!(lists.len(), tables.len() + 3, "{found}");
    for key in lists.iter().flat_map(|keys| keys.split(", ")) {
        let named = [
            format!("`{key}`"),
            format!("`[{key}]`"),
            format!("`[[{key}]]`"),
        ];
        let of_vault = format!("`vault.{key}`");
        let there = named
            .iter()
            .chain([&of_vault])
            .any(|name| manual.contains(name.as_str()));
        assert!(there || key == "vault", "docs/OPERATIONS.md lacks {key}");
    }
}

/// The example of `deploy/`, after the steps that it names.
#[test]
fn the_example_is_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/sealpost-gateway.toml");
    let config = folder.path().join("sealpost-gateway.toml");
    fs::copy(example, &config).unwrap();
    let site = Site::new(folder.path(), "");
    fs::create_dir(folder.path().join("berlin-1")).unwrap();
    for (from, to) in [
        (agent().identity(), "berlin-1/identity.pem"),
        (agent().certificate(), "berlin-1/agent.pem"),
    ] {
        fs::copy(from, folder.path().join(to)).unwrap();
    }
    let secret = folder.path().join("idempotency.hex");
    fs::write(&secret, "0123456789abcdef".repeat(4)).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let state = |name: &str| path(&folder.path().join("state").join(name));
    let checked = with_environment(
        &config,
        &[
            ("SEALPOST_GATEWAY__AGENTS__0__PIN", &agent().fingerprint),
            ("SEALPOST_GATEWAY__AGENTS__0__VAULT__PATH", &state("vault")),
            ("SEALPOST_GATEWAY__AGENTS__0__LEDGER", &state("ledger.redb")),
            ("SEALPOST_GATEWAY__AUDIT__FILE", &state("audit.jsonl")),
        ],
    );
    assert_eq!(checked.code(), 0, "{}", transcript(&checked, &site));
    // Nothing but what the steps give was changed: without the fingerprint it is refused.
    assert_eq!(check(&config).code(), 1);
}

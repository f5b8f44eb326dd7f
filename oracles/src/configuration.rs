//! The gateway's configuration: what is found in order keeps every rule, and what is not is said with its place, in a
//! line, without a secret.
//!
//! The input is variables of the environment, one a line without their prefix, and the file. All that can be named is in
//! one folder.

mod rules;

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs, io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Component, Path, PathBuf},
    sync::LazyLock,
};

use base64ct::{Base64, Encoding as _};
use sealpost_server::{Configuration, Finding, Weight};
use toml::{Table, Value};

use crate::{
    input::{self, join},
    keys::{self, CERTIFICATE, NOW, PRIVATE_KEY},
};

pub(crate) fn check(bytes: &[u8]) {
    // A fuzzer learns what it is compared with. What the input says itself may be said.
    let input = String::from_utf8_lossy(bytes);
    if SECRETS.iter().any(|secret| input.contains(secret)) {
        return;
    }
    let [variables, file] = input::parts(bytes);
    let Ok(variables) = str::from_utf8(variables) else {
        return;
    };
    let environment: Vec<(OsString, OsString)> = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (format!("{PREFIX}{name}").into(), value.into()))
        .collect();
    let table = str::from_utf8(file)
        .ok()
        .and_then(|text| text.parse::<Table>().ok());
    let named = table.iter().all(|table| table.iter().all(within));
    let set = variables.lines().all(|line| {
        let (name, value) = line.split_once('=').unwrap_or_default();
        // A value may be a list.
        name == "BASE_PATH" || value.split(',').all(|value| is_within(value.trim()))
    });
    if !named || !set {
        return;
    }

    LazyLock::force(&THERE);
    let read = || {
        let environment = environment.iter().cloned();
        Configuration::check(&FOLDER.join("gateway.toml"), file, environment, NOW)
    };
    let checked = match read() {
        Ok(checked) => checked,
        Err(error) => {
            assert!(table.is_none(), "{error}");
            assert!(error.hint().is_some(), "{error}");
            return unreadable(&error.to_string(), file);
        }
    };
    let (configuration, findings) = (checked.configuration, checked.findings);
    let table = table.expect("what was read is TOML");
    assert_eq!(
        read().map(|again| again.findings).ok().as_ref(),
        Some(&findings)
    );
    let wrong = findings.iter().any(|one| one.weight == Weight::Wrong);
    assert_eq!(configuration.is_some(), !wrong, "{findings:?}");
    said(&findings, &table, variables);
    assert_eq!(names(&FOLDER), *THERE, "something was made");
    if let Some(configuration) = configuration {
        silent(&format!("{configuration} {configuration:?}"));
        if environment.is_empty() {
            rules::kept(&table, &configuration);
        }
    }
}

/// Stays in the folder of test keys. Routes are no paths.
fn within((key, value): (&String, &Value)) -> bool {
    match value {
        Value::String(text) => key == "base_path" || is_within(text),
        Value::Array(values) => values.iter().all(|value| within((key, value))),
        Value::Table(table) => table.iter().all(within),
        _ => true,
    }
}

fn is_within(path: &str) -> bool {
    let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    Path::new(path).components().all(inside)
}

/// What is no TOML is refused with the line, and nothing of what stands there.
fn unreadable(said: &str, file: &[u8]) {
    silent(said);
    let Ok(text) = str::from_utf8(file) else {
        return assert!(said.contains("is not UTF-8"), "{said}");
    };
    let (_, line) = said.split_once(", line ").expect("it names the line");
    let (line, _) = line.split_once(": ").expect("it says why");
    let line: usize = line.parse().expect("it is a number");
    assert!(
        (1..=1 + text.matches('\n').count()).contains(&line),
        "{said}"
    );
    assert!(!said.contains(CANARY), "{said}");
}

/// Each finding has a place that is in the file, in the environment or missing from either, and says one thing in a line.
fn said(findings: &[Finding], table: &Table, variables: &str) {
    // Where a name or a path holds it, it may be shown.
    let shown = names_of(table).iter().any(|name| name.contains(CANARY))
        || variables.to_ascii_lowercase().contains(CANARY);
    for finding in findings {
        let Finding { place, what, .. } = finding;
        let line = finding.to_string();
        assert!(
            !what.is_empty() && !line.contains(char::is_control),
            "{line:?}"
        );
        let known = rules::RULES
            .iter()
            .filter_map(|(place, _)| place.split(['.', '[']).next());
        // Variables may name anything.
        let somewhere = (!variables.is_empty() && !place.is_empty())
            || known.into_iter().any(|root| place.starts_with(root))
            // Which control characters are escaped in.
            || table.keys().any(|key| place.starts_with(key) || key.contains(char::is_control));
        assert!(somewhere, "{line}");
        silent(&line);
        assert!(shown || !line.contains(CANARY), "{line}");
    }
}

/// The names of all keys, and all paths.
fn names_of(table: &Table) -> Vec<&str> {
    fn gather<'a>(key: &'a str, value: &'a Value, found: &mut Vec<&'a str>) {
        found.push(key);
        match value {
            Value::Table(table) => found.extend(names_of(table)),
            Value::Array(values) => values.iter().for_each(|value| gather(key, value, found)),
            Value::String(text) if rules::is_path(key) => found.push(text),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for (key, value) in table {
        gather(key, value, &mut found);
    }
    found
}

/// Nothing of what the private files hold is said.
fn silent(said: &str) {
    for secret in &*SECRETS {
        assert!(!said.contains(secret), "{said}");
    }
}

/// Every line of every private file.
static SECRETS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let private = FILES.iter().filter(|(_, mode, _)| *mode == PRIVATE);
    private
        .flat_map(|(_, _, bytes)| {
            let text = String::from_utf8(bytes()).expect("PEM and hexadecimal digits");
            let lines = text.lines().filter(|line| !line.starts_with("-----"));
            lines.map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
});

/// The folder that all paths lead to: made once, the same for every process, and nothing in it is secret.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join("sealpost-oracles");
    let made = || -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&folder)?;
        for (name, mode, bytes) in FILES {
            let path = folder.join(name);
            // Another process may be at it, too: what is there is there in full.
            let temporary = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
            fs::write(&temporary, bytes())?;
            fs::set_permissions(&temporary, fs::Permissions::from_mode(*mode))?;
            fs::rename(&temporary, &path)?;
        }
        Ok(())
    };
    made().expect("it can be written");
    folder
});

/// What is in it when it was made.
static THERE: LazyLock<BTreeSet<OsString>> = LazyLock::new(|| names(&FOLDER));

fn names(folder: &Path) -> BTreeSet<OsString> {
    let entries = fs::read_dir(folder).expect("it can be listed");
    let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
    names.collect::<io::Result<_>>().expect("it can be listed")
}

/// What is in the folder: name, mode and content.
type File = (&'static str, u32, fn() -> Vec<u8>);
const FILES: &[File] = &[
    ("a.key", PRIVATE, || PRIVATE_KEY.to_vec()),
    ("a.pem", PUBLIC, || CERTIFICATE.to_vec()),
    ("b.key", PRIVATE, || {
        include_bytes!("../../testdata/keys/agent-b2048.key.pem").to_vec()
    }),
    ("b.pem", PUBLIC, || {
        include_bytes!("../../testdata/keys/agent-b2048.pem").to_vec()
    }),
    ("ca.pem", PUBLIC, || {
        include_bytes!("../../testdata/certificates/ca-rsa.pem").to_vec()
    }),
    ("jwks.json", PUBLIC, || JWKS.to_vec()),
    ("open.key", 0o644, || PRIVATE_KEY.to_vec()),
    ("secret.hex", PRIVATE, || "5e".repeat(32).into()),
    ("signing.key", PRIVATE, || {
        let der = Base64::encode_string(&keys::pkcs8());
        format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n").into()
    }),
];
const PRIVATE: u32 = 0o600;
const PUBLIC: u32 = 0o644;
const JWKS: &[u8] =
    br#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// What a caller of the check must not be shown: the dictionary and the seeds put it where a secret could be by mistake.
const CANARY: &str = "hunter2";
const PREFIX: &str = "SEALPOST_GATEWAY__";

/// Configurations that are in order, ones that are not, and variables.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let pin = rules::fingerprint("a.pem");
    let in_order = SMALL.replace("PIN", &pin);
    let all = ALL.replace("PIN", &pin);
    let fetched = |url| {
        in_order.replace(
            "jwks_file = \"jwks.json\"",
            &format!("jwks_url = \"{url}\""),
        )
    };
    [
        ("small", "", in_order.as_str()),
        ("all", "", &all),
        ("variables", VARIABLES, &all),
        (
            "strange_variables",
            "__=x\nAGENTS__7__ID=x\nLISTEN__PORT=1\nX=hunter2",
            &in_order,
        ),
        // One thing is wrong: plain HTTP that others can reach.
        ("exposed", "", &in_order.replace("127.0.0.1", "0.0.0.0")),
        ("url", "", &fetched("http://127.0.0.1:1/jwks")),
        // And here: keys that others can change on their way.
        ("url_in_clear", "", &fetched("http://issuer.example/jwks")),
        ("wrong", "", WRONG),
        ("canary", "", CANARIES),
        (
            "no_toml",
            "",
            "listen = \"127.0.0.1:1\"\n[auth\npassword = \"hunter2\"\n",
        ),
        ("twice", "", "[log]\nlevel = 'hunter2'\nlevel = 'info'\n"),
        ("empty", "", ""),
    ]
    .map(|(name, variables, file)| (name.into(), join(&[variables.as_bytes(), file.as_bytes()])))
    .into()
}

const SMALL: &str = r#"listen = "127.0.0.1:8080"
auth = { issuer = "i", audience = "a", jwks_file = "jwks.json" }
[[agents]]
id = "a2048"
identity = "a.key"
certificate = "a.pem"
pin = "PIN"
vault = { kind = "embedded", path = "vault" }
"#;
const ALL: &str = r#"listen = "0.0.0.0:8443"
base_path = "/dpc"
signing_key_file = "signing.key"
[tls]
certificate = "b.pem"
key = "b.key"
client_ca = "ca.pem"
[auth]
issuer = "https://issuer.example"
audience = "sealpost"
jwks_file = "jwks.json"
jwks_max_age = "10m"
jwks_max_stale = "12h"
jwks_min_interval = "30s"
algorithms = ["ES256", "EdDSA"]
leeway = "1m 30s"
[limits]
handshake_timeout = "5s"
header_timeout = "500ms"
body_timeout = "10s"
write_timeout = "10s"
deadline = "30s"
drain = "10m"
connections = 1024
connections_per_address = 1_000_000
requests = 0x100
requests_per_agent = 1
rate_per_second = 0
rate_burst = 1
[metrics]
listen = "127.0.0.1:9090"
[log]
format = "json"
level = "info,sealpost_gateway=debug"
[audit]
file = "audit.jsonl"
[idempotency]
secret_file = "secret.hex"
[[agents]]
id = "a2048"
identity = ["a.key", "b.key"]
certificate = "a.pem"
old_certificates = ["b.pem"]
pin = "PIN"
accept = ["native", "jwe", "cms"]
ledger = "ledger.redb"
ledger_capacity = 1000
resolve_socket = "resolve.sock"
[agents.vault]
kind = "embedded"
path = "vault"
max_value = 65536
cache = 1048576
"#;
const VARIABLES: &str = "LISTEN=127.0.0.1:1\nLIMITS__REQUESTS=7\nAUTH__ALGORITHMS=RS256, PS256\n\
                         AGENTS__0__VAULT__PATH=other\nAUDIT__STDOUT=false\nLIMITS__DEADLINE=1s";
const WRONG: &str = r#"listen = "0.0.0.0:8080"
base_path = "dpc"
colour = "blue"
tls = { certificate = "nothing.pem" }
metrics = { listen = "127.0.0.1:8080" }
log = { format = "xml", level = "inof" }
audit = { file = "audit.jsonl", stdout = true }
idempotency = { secret_file = "a.pem" }
auth = { audience = "", jwks_file = "ca.pem", jwks_url = "http://issuer.example", algorithms = ["HS256"], leeway = 60 }
limits = { deadline = "1 fortnight", connections = 0, drian = "1s" }
[[agents]]
id = "no id"
identity = "open.key"
certificate = "b.pem"
ca = "ca.pem"
pin = "00"
accept = ["pgp"]
vault = { kind = "cloud", path = "nothing/vault" }
[[agents]]
id = "a2048"
identity = ["a.key", "a.key"]
certificate = "a.key"
vault = { kind = "embedded", path = "vault", max_value = 100000 }
"#;
const CANARIES: &str = r#"listen = "hunter2"
signing_key = "hunter2"
auth = { issuer = 1, audience = "hunter2", jwks_url = "hunter2", algorithms = ["hunter2"], leeway = "hunter2" }
log = { format = "hunter2", level = "hunter2" }
limits = { deadline = "hunter2", requests = "hunter2" }
metrics = "hunter2"
agents = ["hunter2", { id = "hunter2!", pin = "hunter2", accept = ["hunter2"], vault = { kind = "hunter2" } }]
"#;

#[cfg(test)]
#[allow(clippy::print_stdout)] // why one is not in order
mod tests {
    use super::*;

    #[test]
    fn seeds_go_deep() {
        let mut in_order = Vec::new();
        for (name, seed) in seeds() {
            let [_, file] = input::parts(&seed);
            let path = FOLDER.join("gateway.toml");
            match Configuration::check(&path, file, std::iter::empty(), NOW) {
                Ok(checked) if checked.configuration.is_some() => in_order.push(name),
                Ok(checked) => println!("{name}: {:#?}", checked.findings),
                Err(error) => println!("{name}: {error}"),
            }
        }
        assert_eq!(
            in_order,
            ["small", "all", "variables", "strange_variables", "url"]
        );
    }
}

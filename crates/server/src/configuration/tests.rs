use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use sealpost_envelope::{Certificate, pem};

use super::agents::{AgentConfiguration, OwnPart};
use super::claims::Claims;
use super::*;

const DAY: u64 = 24 * 60 * 60;
const NEW: &[u8] = include_bytes!("../../../../testdata/keys/agent-a2048.pem");
const JWKS: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// A folder with two identities of one agent, and a configuration whose agent has `more`.
fn site(more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/keys");
    for (from, to) in [
        ("agent-a2048.key.pem", "new.key"),
        ("agent-a2048.pem", "new.pem"),
        ("agent-b2048.key.pem", "old.key"),
        ("agent-b2048.pem", "old.pem"),
    ] {
        fs::copy(keys.join(from), at(to)).unwrap();
        fs::set_permissions(at(to), fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::write(at("jwks.json"), JWKS).unwrap();
    let pin = certificate().fingerprint();
    let text = format!(
        "listen = \"127.0.0.1:0\"\n\
         auth = {{ issuer = \"i\", audience = \"a\", jwks_file = \"jwks.json\" }}\n\
         [[agents]]\nid = \"a2048\"\ncertificate = \"new.pem\"\npin = \"{pin}\"\n\
         vault = {{ kind = \"embedded\", path = \"vault\" }}\n{more}\n"
    );
    fs::write(at("gateway.toml"), text).unwrap();
    folder
}

fn certificate() -> Certificate {
    Certificate::from_pem(NEW).unwrap()
}

fn read_at(folder: &Path, now: UnixTime) -> (Option<Configuration>, Vec<String>) {
    let config = folder.join("gateway.toml");
    let checked = Configuration::read(&config, std::iter::empty(), now).unwrap();
    let findings = checked.findings.iter().map(ToString::to_string);
    (checked.configuration, findings.collect())
}

#[test]
fn certificates_that_end_are_pointed_out_and_do_not_keep_it_from_starting() {
    let folder = site("identity = \"new.key\"");
    let end = certificate().not_after().as_secs();
    let left = |days| UnixTime::from_secs(end - days * DAY);
    for (days, found) in [(300, 0), (31, 0), (29, 1), (0, 1)] {
        let (plan, findings) = read_at(folder.path(), left(days));
        assert!(plan.is_some(), "{days}: {findings:?}");
        assert_eq!(findings.len(), found, "{days}: {findings:?}");
    }
    let (_, soon) = read_at(folder.path(), left(29));
    assert!(
        soon[0].ends_with("days; create a new one in time (notice)"),
        "{soon:?}"
    );
    let (_, over) = read_at(folder.path(), UnixTime::from_secs(end + DAY));
    assert!(over[0].ends_with("(it starts without)"), "{over:?}");
}

#[test]
fn old_keys_have_their_certificates() {
    let now = UnixTime::now();
    let old = "identity = [\"new.key\", \"old.key\"]\n\
               old_certificates = [\"old.pem\"]";
    let (plan, findings) = read_at(site(old).path(), now);
    let agents = plan.unwrap_or_else(|| panic!("{findings:?}")).agents;
    let AgentConfiguration {
        identity,
        old_identities,
        ..
    } = &agents[0].agent;
    assert_eq!(identity.certificates().len(), 1);
    assert_eq!(old_identities.len(), 1);
    assert_eq!(old_identities[0].certificates().len(), 1);

    let strange = "identity = \"new.key\"\nold_certificates = [\"old.pem\"]";
    let (plan, findings) = read_at(site(strange).path(), now);
    assert!(plan.is_none());
    assert!(
        findings[0].starts_with("agents[0].old_certificates: "),
        "{findings:?}"
    );
}

/// As docs/FORMATS.md lists it. The gateway gives it out in PEM.
#[test]
fn a_certificate_may_be_der() {
    let folder = site("identity = [\"new.key\", \"old.key\"]\nold_certificates = [\"old.pem\"]");
    for name in ["new.pem", "old.pem"] {
        let path = folder.path().join(name);
        let block = fs::read(&path).unwrap();
        let der = pem::blocks(&block).next().unwrap().decode().unwrap();
        fs::write(&path, &der).unwrap();
    }
    let (plan, findings) = read_at(folder.path(), UnixTime::now());
    let plan = plan.unwrap_or_else(|| panic!("{findings:?}"));
    assert_eq!(plan.agents[0].agent.identity.certificates().len(), 1);
}

#[test]
fn keys_that_no_file_gives_are_not_created_by_a_check() {
    let folder = site("identity = \"new.key\"");
    let (configuration, findings) = read_at(folder.path(), UnixTime::now());
    let configuration = configuration.unwrap_or_else(|| panic!("{findings:?}"));
    assert!(configuration.gateway.signing_key.is_none());
    assert!(!folder.path().join("vault").exists());
}

#[test]
fn the_keys_of_an_unknown_kind_of_vault_are_looked_at() {
    let folder = site("identity = \"new.key\"");
    let config = folder.path().join("gateway.toml");
    let text = fs::read_to_string(&config).unwrap();
    let text = text.replace(
        "\"embedded\", path = \"vault\"",
        "\"cloud\", path = \"nothing/vault\"",
    );
    fs::write(&config, text).unwrap();
    let (configuration, findings) = read_at(folder.path(), UnixTime::now());
    assert!(configuration.is_none());
    let places: Vec<_> = findings
        .iter()
        .map(|line| line.split_once(": ").unwrap().0)
        .collect();
    assert_eq!(places, ["agents[0].vault.kind", "agents[0].vault.path"]);
}

/// Returns what is wrong with a configuration whose vault has these keys, and whose agent these.
fn wrong_with(vault: &str, more: &str) -> Vec<String> {
    let folder = site(&format!("identity = \"new.key\"\n{more}"));
    let config = folder.path().join("gateway.toml");
    let text = fs::read_to_string(&config).unwrap();
    let text = text.replace("{ kind = \"embedded\", path = \"vault\" }", vault);
    assert!(text.contains(vault), "{text}");
    fs::write(&config, text).unwrap();
    read_at(folder.path(), UnixTime::now()).1
}

#[test]
fn a_kind_of_vault_that_was_not_built_in_is_said_to_need_its_feature() {
    let vaults: &[(&str, &str)] = &[
        #[cfg(not(feature = "vault-aws"))]
        ("aws", "region = \"eu-central-1\""),
        #[cfg(not(feature = "vault-kv2"))]
        ("kv2", "address = \"https://bao.example\""),
    ];
    for (kind, keys) in vaults {
        let wrong = wrong_with(&format!("{{ kind = \"{kind}\", {keys} }}"), "");
        let [wrong] = &wrong[..] else {
            panic!("{wrong:?}")
        };
        assert!(
            wrong.starts_with("agents[0].vault.kind: ")
                && wrong.contains(&format!("--features vault-{kind}")),
            "{wrong}"
        );
    }
}

#[test]
#[cfg(feature = "vault-aws")]
fn a_vault_in_aws_is_read() {
    let aws = |access| format!("{{ kind = \"aws\", region = \"eu-central-1\"{access} }}");
    let resolves = "resolve_socket = \"resolve.sock\"";
    assert_eq!(wrong_with(&aws(""), ""), [""; 0]);
    assert_eq!(
        wrong_with(&aws(", access = \"resolve\""), resolves),
        [""; 0]
    );
    let wrong = wrong_with(&aws(""), resolves);
    assert!(
        wrong.len() == 1 && wrong[0].starts_with("agents[0].resolve_socket: "),
        "{wrong:?}"
    );
    let wrong = wrong_with("{ kind = \"aws\", region = \"Frankfurt\", x = 1 }", "");
    assert_eq!(wrong.len(), 2, "{wrong:?}");
}

#[test]
#[cfg(feature = "vault-kv2")]
fn an_agent_that_resolves_needs_a_vault_that_may_be_read() {
    let kv2 = |access| {
        format!(
            "{{ kind = \"kv2\", address = \"https://bao.example\", auth = \"approle\", role_id = \"r\", secret_id_file = \"none\"{access} }}"
        )
    };
    let resolves = "resolve_socket = \"resolve.sock\"";
    // A file with credentials may come later; a policy is printed before.
    assert_eq!(wrong_with(&kv2(""), ""), [""; 0]);
    assert_eq!(
        wrong_with(&kv2(", access = \"resolve\""), resolves),
        [""; 0]
    );
    let wrong = wrong_with(&kv2(""), resolves);
    assert!(
        wrong.len() == 1 && wrong[0].starts_with("agents[0].resolve_socket: "),
        "{wrong:?}"
    );
}

/// A program that runs an agent and no gateway reads its own part, under its own variables.
struct AgentAlone {
    agent: AgentConfiguration,
    log: LogConfiguration,
}

impl Readable for AgentAlone {
    const VARIABLES: &'static str = "SEALPOST_AGENT__";

    fn read(root: &mut Section<'_>, _now: UnixTime) -> Option<Self> {
        let own = OwnPart::read(root, &mut Claims::default());
        let log = log::read(root);
        Some(Self {
            agent: own.agent?,
            log,
        })
    }
}

#[test]
fn an_agent_s_part_is_read_without_a_gateway_s() {
    let folder = site("");
    let file = b"id = \"a2048\"\nidentity = \"new.key\"\ncertificate = \"new.pem\"\n\
                 vault = { kind = \"embedded\", path = \"vault\" }\n";
    let variables = [
        ("SEALPOST_AGENT__LOG__LEVEL", "warn"),
        ("SEALPOST_GATEWAY__LISTEN", "127.0.0.1:1"),
    ];
    let check = |file: &[u8]| {
        let environment = variables.map(|(name, value)| (name.into(), value.into()));
        let path = folder.path().join("agent.toml");
        document::check::<AgentAlone>(&path, file, environment.into_iter(), UnixTime::now())
            .unwrap()
    };
    let checked = check(file);
    let found = checked
        .configuration
        .unwrap_or_else(|| panic!("{:?}", checked.findings));
    assert_eq!(found.agent.id.as_str(), "a2048");
    assert_eq!(found.log.level, "warn");
    // A key of the gateway's is unknown here.
    let wrong = check(&[b"listen = \"127.0.0.1:1\"\n".as_slice(), file].concat());
    assert!(wrong.configuration.is_none());
    assert_eq!(wrong.findings[0].place, "listen");
}

//! A configuration that was read and found in order: everything that is needed to start.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use sealpost_envelope::UnixTime;
use sealpost_gateway::{IdempotencySecret, Limits, Metrics};
use sealpost_protocol::SigningKey;
use toml::Table;
use zeroize::Zeroizing;

use super::agents::{self, AgentPlan};
use super::audit::{self, AuditPlan};
use super::auth::{self, AuthPlan};
use super::endpoint::{self, EndpointPlan};
use super::findings::{Finding, Findings, Weight};
use super::log::{self, LogPlan};
use super::section::{Section, Source};
use super::{files, limits, overrides};
use crate::error::Failure;
use crate::io;
use crate::render::quoted;

/// What is started.
#[derive(Debug)]
pub struct Plan {
    pub(crate) endpoint: EndpointPlan,
    pub(crate) auth: AuthPlan,
    /// How much and how long.
    pub limits: Limits,
    pub(crate) log: LogPlan,
    pub(crate) audit: AuditPlan,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) signing_key: SigningKey,
    /// Of this process alone without it.
    pub(crate) idempotency_secret: Option<IdempotencySecret>,
    pub(crate) agents: Vec<AgentPlan>,
}

/// In one line, for who checks.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let agents = match self.agents.len() {
            1 => "one agent".to_owned(),
            n => format!("{n} agents"),
        };
        let EndpointPlan { listen, tls, .. } = &self.endpoint;
        let scheme = if tls.is_some() { "https" } else { "http" };
        write!(
            f,
            "{agents}, {scheme}://{listen}{}",
            self.endpoint.base_path
        )
    }
}

/// Reads the file and [checks](check) it.
///
/// # Errors
///
/// If the file can't be read, or is no TOML.
pub(crate) fn read(
    path: &Path,
    environment: impl Iterator<Item = (OsString, OsString)>,
    now: UnixTime,
) -> Result<(Option<Plan>, Vec<Finding>), Failure> {
    let bytes = io::read_file(path, MAX_FILE)?;
    check(path, &bytes, environment, now)
}

/// Checks the gateway's configuration in the file at `path`, which holds `bytes`: puts the environment's settings in,
/// and looks at everything that is named. Nothing is changed, made or connected to.
///
/// The plan is there if nothing is [`Weight::Wrong`], and only then.
///
/// # Errors
///
/// If it is no TOML.
pub fn check(
    path: &Path,
    bytes: &[u8],
    environment: impl Iterator<Item = (OsString, OsString)>,
    now: UnixTime,
) -> Result<(Option<Plan>, Vec<Finding>), Failure> {
    let mut table = parse(path, bytes)?;
    let findings = Findings::default();
    let overridden = overrides::apply(environment, &mut table, &findings);
    let source = Source {
        folder: path.parent().unwrap_or_else(|| Path::new("")),
        overridden: &overridden,
        findings: &findings,
    };
    let plan = plan(Section::root(&source, table), now);
    let plan = plan.filter(|_| findings.worst() < Some(Weight::Wrong));
    Ok((plan, findings.into_all()))
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Table, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|_| {
        Failure::refused(format!("{} is not UTF-8", quoted(path))).hint("save it as UTF-8")
    })?;
    text.parse().map_err(|error: toml::de::Error| {
        // The library's own text repeats the line, which may hold anything.
        let line = error.span().map_or(0, |span| {
            1 + text[..span.start].bytes().filter(|b| *b == b'\n').count()
        });
        let message = error.message();
        Failure::refused(format!("{}, line {line}: {message}", quoted(path)))
            .hint("mend the TOML; docs/OPERATIONS.md has an example")
    })
}

fn plan(mut root: Section<'_>, now: UnixTime) -> Option<Plan> {
    let metrics = Arc::new(Metrics::new());
    let endpoint = endpoint::read(&mut root, &metrics, now);
    let auth = auth::read(&mut root);
    let limits = limits::read(&mut root);
    let log = log::read(&mut root);
    let audit = audit::read(&mut root);
    let signing_key = signing_key(&mut root);
    let idempotency_secret = idempotency_secret(&mut root);
    let agents = agents::read(&mut root, now);
    root.finish();
    Some(Plan {
        endpoint: endpoint?,
        auth: auth?,
        limits,
        log,
        audit,
        metrics,
        signing_key: signing_key?,
        idempotency_secret,
        agents: agents?,
    })
}

/// The gateway's key: that of a file, or one that lives as long as the process.
fn signing_key(root: &mut Section<'_>) -> Option<SigningKey> {
    let key = match root.path("signing_key_file") {
        Some(path) => {
            let place = root.at("signing_key_file");
            let pem = files::read_private(root.findings(), &place, &path)?;
            SigningKey::from_pkcs8_pem(&pem)
        }
        None => SigningKey::generate(),
    };
    key.map_err(|e| root.wrong("signing_key_file", e)).ok()
}

fn idempotency_secret(root: &mut Section<'_>) -> Option<IdempotencySecret> {
    let mut section = root.section("idempotency")?;
    section.require("secret_file", "give a file with 64 hexadecimal digits");
    let path = section.path("secret_file");
    section.finish();
    let text = files::read_private(section.findings(), &section.at("secret_file"), &path?)?;
    let secret = secret_from_hex(text.trim_ascii());
    if secret.is_none() {
        section.wrong(
            "secret_file",
            "must hold 64 hexadecimal digits and nothing else: openssl rand -hex 32",
        );
    }
    secret
}

fn secret_from_hex(digits: &[u8]) -> Option<IdempotencySecret> {
    let mut secret = Zeroizing::new([0; 32]);
    if digits.len() != 2 * secret.len() {
        return None;
    }
    for (byte, pair) in secret.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
        *byte = u8::try_from(high? << 4 | low?).ok()?;
    }
    Some(IdempotencySecret::from_bytes(&secret))
}

/// More than thousands of agents need.
const MAX_FILE: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use std::fs;

    use aws_lc_rs::rsa::KeySize;

    use super::*;
    use crate::keygen::AgentKey;
    use crate::render::hex;

    const DAY: u64 = 24 * 60 * 60;

    /// A folder with two identities of one agent, and a configuration whose agent has `more`.
    fn site(more: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let [pin, _] = ["new", "old"].map(|name| {
            let key = AgentKey::generate("a", KeySize::Rsa2048, 398).unwrap();
            fs::create_dir(folder.path().join(name)).unwrap();
            key.write(&folder.path().join(name)).unwrap();
            hex(&key.fingerprint)
        });
        let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        fs::write(folder.path().join("jwks.json"), jwks).unwrap();
        let text = format!(
            "listen = \"127.0.0.1:0\"\n\
             auth = {{ issuer = \"i\", audience = \"a\", jwks_file = \"jwks.json\" }}\n\
             [[agents]]\nid = \"a\"\ncertificate = \"new/agent.pem\"\npin = \"{pin}\"\n\
             vault = {{ kind = \"embedded\", path = \"vault\" }}\n{more}\n"
        );
        fs::write(folder.path().join("gateway.toml"), text).unwrap();
        folder
    }

    fn read_at(folder: &Path, now: UnixTime) -> (Option<Plan>, Vec<String>) {
        let config = folder.join("gateway.toml");
        let (plan, findings) = read(&config, std::iter::empty(), now).unwrap();
        (plan, findings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn certificates_that_end_are_pointed_out_and_do_not_keep_it_from_starting() {
        let folder = site("identity = \"new/identity.pem\"");
        let later = |days| UnixTime::from_secs(UnixTime::now().as_secs() + days * DAY);
        for (days, found) in [(0, 0), (360, 0), (370, 1), (399, 1)] {
            let (plan, findings) = read_at(folder.path(), later(days));
            assert!(plan.is_some(), "{days}: {findings:?}");
            assert_eq!(findings.len(), found, "{days}: {findings:?}");
        }
        let (_, soon) = read_at(folder.path(), later(370));
        assert!(
            soon[0].ends_with("days; make a new one in time (notice)"),
            "{soon:?}"
        );
        let (_, over) = read_at(folder.path(), later(399));
        assert!(over[0].ends_with("(it starts without)"), "{over:?}");
    }

    #[test]
    fn old_keys_have_their_certificates() {
        let now = UnixTime::now();
        let old = "identity = [\"new/identity.pem\", \"old/identity.pem\"]\n\
                   old_certificates = [\"old/agent.pem\"]";
        let (plan, findings) = read_at(site(old).path(), now);
        let agents = plan.unwrap_or_else(|| panic!("{findings:?}")).agents;
        let certificates: Vec<_> = agents[0]
            .identities
            .iter()
            .map(|i| i.certificates().len())
            .collect();
        assert_eq!(certificates, [1, 1]);

        let strange = "identity = \"new/identity.pem\"\nold_certificates = [\"old/agent.pem\"]";
        let (plan, findings) = read_at(site(strange).path(), now);
        assert!(plan.is_none());
        assert!(
            findings[0].starts_with("agents[0].old_certificates: "),
            "{findings:?}"
        );
    }
}
